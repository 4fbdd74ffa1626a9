#include "graph/node.h"

#include "graph/record.h"

namespace tt {
namespace {

std::atomic<uint64_t> next_sequence{1};
ViewReplay view_replay;
CopySlices copy_slices;
std::string (*traceback_source)();

// Dropping a long chain node by node must not recurse: what is released meanwhile waits in a list.
thread_local std::vector<Node*>* waiting = nullptr;

}  // namespace

void release(Node* node) {
  if (waiting) return waiting->push_back(node);
  std::vector<Node*> list;
  waiting = &list;
  delete node;
  while (!list.empty()) {
    Node* next = list.back();
    list.pop_back();
    delete next;
  }
  waiting = nullptr;
}

void set_view_replay(ViewReplay replay) { view_replay = replay; }
void set_copy_slices(CopySlices function) { copy_slices = function; }
void set_traceback_source(std::string (*source)()) { traceback_source = source; }

void Node::renumber() { sequence = next_sequence.fetch_add(1, std::memory_order_relaxed); }

uint64_t newest_sequence() { return next_sequence.load(std::memory_order_relaxed) - 1; }

Node::Node(const char* name) : name(name) {
  renumber();
  if (autograd_mode.anomaly && traceback_source) more().traceback = traceback_source();
}

Node::~Node() = default;

uint32_t Node::add_output(const Tensor& y) {
  outputs.push_back({y.sizes(), y.dtype(), y.device()});
  return uint32_t(outputs.size() - 1);
}

AccumulateGrad::AccumulateGrad(const Tensor& variable) : Node("AccumulateGrad"), variable(variable) {
  add_output(variable);
}

AccumulateGrad::~AccumulateGrad() { autograd_of(variable).accumulator = nullptr; }

Gradients AccumulateGrad::apply(Gradients&) { return {}; }

Autograd& autograd_of(const Tensor& x) {
  if (!x.body()->autograd) x.body()->autograd = new Autograd;
  return *static_cast<Autograd*>(x.body()->autograd);
}

// A view that was made before its base took part in autograd, or whose base has changed since, is settled on
// demand.
static void settle_view(const Tensor& x) {
  Body& body = *x.body();
  if (!body.base || body.view_kind == ViewKind::NoGrad || !body.base->requires_grad) return;
  Autograd* state = autograd_if_any(x);
  if (state && state->producer.node && state->view_version == x.version()) return;
  check(body.view_kind != ViewKind::MultiOutput || !state || !state->producer.node, "an output of ",
        state && state->producer.node ? state->producer.node->name : "",
        " is a view and its base or another view of its "
        "base has been modified inplace. This view is the output of a function that returns multiple views. "
        "Such functions "
        "do not allow the output views to be modified inplace.");
  Tensor base{Ref<Body>(body.base)};
  Ref<Node> node = view_replay(base, x);
  set_producer(x, node, node->add_output(x));
}

bool needs_grad(const Tensor& x) {
  const Body& body = *x.body();
  return body.requires_grad || (body.base && body.view_kind != ViewKind::NoGrad && body.base->requires_grad);
}

bool is_leaf(const Tensor& x) { return !needs_grad(x) || !producer_of(x); }

Ref<Node> producer_of(const Tensor& x) {
  settle_view(x);
  Autograd* state = autograd_if_any(x);
  return state ? state->producer.node : Ref<Node>();
}

Edge gradient_edge(const Tensor& x) {
  if (!needs_grad(x)) return {};
  if (producer_of(x)) return autograd_if_any(x)->producer;
  Autograd& state = autograd_of(x);
  if (state.accumulator) return {Ref<Node>(state.accumulator), 0};
  state.accumulator = new AccumulateGrad(x);
  return {Ref<Node>::adopt(state.accumulator), 0};
}

// The node knows the bodies whose gradients it keeps without owning them.
static void forget_retained(Autograd& state) {
  if (state.retains_grad && state.producer.node)
    state.producer.node->more().retained.erase(state.producer.output);
}

Autograd::~Autograd() { forget_retained(*this); }

void retain_gradient(const Tensor& y) {
  Autograd& state = autograd_of(y);
  state.retains_grad = true;
  state.producer.node->more().retained[state.producer.output] = y.body();
}

void set_producer(const Tensor& y, const Ref<Node>& node, uint32_t output) {
  Autograd& state = autograd_of(y);
  forget_retained(state);
  state.producer = {node, output};
  if (state.retains_grad) retain_gradient(y);
  state.view_version = y.version();
  y.body()->requires_grad = true;
}

void rebase_history(const Tensor& y, const Ref<Node>& node) {
  if (!y.body()->base) return set_producer(y, node, node->add_output(y));
  Tensor base{Ref<Body>(y.body()->base)};
  node->add_output(y);
  Ref<Node> around = copy_slices(base, y, node);
  set_producer(base, around, around->add_output(base));
  y.body()->requires_grad = true;
  if (Autograd* state = autograd_if_any(y)) state->producer = {};
  settle_view(y);
}

void fail_forgotten(const Node& node) {
  fail(ErrorKind::Runtime,
       "backward: Trying to backward through the graph a second time (or directly access saved "
       "tensors after they have already been freed). What ",
       node.name,
       " saved was freed by the first backward; "
       "specify retain_graph=True there if you need to backward a second time.");
}

SavedTensor::SavedTensor(const Tensor& x, const Tensor& output, uint32_t output_number) {
  if (!x.defined()) return;
  check(!x.body()->inference,
        "Inference tensors cannot be saved for backward. To work around you can make a clone to get "
        "a normal tensor and use it in autograd.");
  version_ = x.version();
  if (!saving_hooks.empty()) {
    pack(x, output, output_number);
    return;
  }
  if (x.is(output)) {
    value_ = tensor_over(x.storage(), x.sizes(), x.strides(), x.offset(), x.dtype());
    output_ = int32_t(output_number);
  } else {
    value_ = x;
  }
}

// What a hook made of the value is kept in its stead, with the value's place in the graph. The hook is given
// the very tensor, by which it may know a parameter, or an output without its producer, which would own
// itself.
void SavedTensor::pack(const Tensor& x, const Tensor& output, uint32_t output_number) {
  packed_ = std::make_shared<Packed>();
  packed_->hooks = saving_hooks.back();
  if (x.is(output)) output_ = int32_t(output_number);
  else packed_->edge = gradient_edge(x);
  GradGuard off(false);
  bool own = output_ >= 0;
  packed_->content =
      packed_->hooks->pack(own ? tensor_over(x.storage(), x.sizes(), x.strides(), x.offset(), x.dtype()) : x);
}

Tensor SavedTensor::unpack_hooked(const Ref<Node>& node) const {
  Tensor value;
  {
    GradGuard off(false);
    value = packed_->hooks->unpack(packed_->content);
  }
  Tensor y = tensor_over(value.storage(), value.sizes(), value.strides(), value.offset(), value.dtype());
  if (output_ >= 0) set_producer(y, node, uint32_t(output_));
  else if (packed_->edge.node) set_producer(y, packed_->edge.node, packed_->edge.output);
  return y;
}

Tensor SavedTensor::unpack(const Ref<Node>& node) const {
  if (dropped_) fail_forgotten(*node);
  if (packed_) return unpack_hooked(node);
  if (!value_.defined()) return {};
  check(value_.version() == version_,
        "backward: one of the variables needed for gradient computation has been "
        "modified by an inplace operation: a ",
        name_of(value_.dtype()), " tensor of shape ", value_.sizes(), " saved by ", node->name,
        " at version ", version_, " was changed by ",
        value_.storage()->last_writer ? value_.storage()->last_writer : "an in-place operation",
        " and is at version ", value_.version());
  if (output_ < 0) return value_;
  Tensor y = tensor_over(value_.storage(), value_.sizes(), value_.strides(), value_.offset(), value_.dtype());
  set_producer(y, node, uint32_t(output_));
  return y;
}

}  // namespace tt
