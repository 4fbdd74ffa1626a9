#include "engine/backward.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "core/profile.h"
#include "ops/ops.h"

namespace tt {
namespace {

void (*interrupt_check)();

// ---------------------------------------------------------------- gradients on their way

// Brings a gradient to the sizes and type of the value it belongs to: the one place that undoes broadcasting.
Tensor fit(Tensor g, const OutputInfo& info, const char* from) {
  if (g.sizes() != info.sizes) {
    check(expandable(info.sizes, g.sizes()) || expandable(g.sizes(), info.sizes), "backward: ", from,
          " returned an invalid gradient - got ", g.sizes(), " but expected shape compatible with ",
          info.sizes);
    g = expandable(info.sizes, g.sizes()) ? sum_to(g, info.sizes) : expand(g, info.sizes);
  }
  if (g.dtype() != info.dtype) g = to_dtype(g, info.dtype);
  if (!(g.device() == info.device)) g = to_device(g, info.device);
  return g;
}

Tensor summed(const Tensor& a, const Tensor& b, bool recording) {
  // Nobody else sees a sum under way: it may grow in place.
  bool own = !recording && a.unique() && a.storage()->references == 1 && a.is_contiguous();
  return own ? add(a, b, 1, Out{&a, true}) : add(a, b);
}

struct Pending {
  Ref<Node> node;
  Gradients gradients;  // one per output of the node
};

// The nodes that have received gradients, youngest on top. A node is younger than everything it depends on,
// so when it comes up all its gradients have arrived.
class Queue {
 public:
  void add(const Edge& edge, Tensor g, const char* from, bool recording) {
    Node* node = edge.node.get();
    auto [entry, fresh] = waiting_.try_emplace(node);
    Pending& pending = entry->second;
    if (fresh) {
      pending.node = edge.node;
      pending.gradients.resize(node->outputs.size());
      heap_.push_back(node);
      std::push_heap(heap_.begin(), heap_.end(), older);
    }
    Tensor& slot = pending.gradients[int(edge.output)];
    g = fit(std::move(g), node->outputs[int(edge.output)], from);
    slot = slot.defined() ? summed(slot, g, recording) : std::move(g);
  }
  bool empty() const { return heap_.empty(); }
  Pending pop() {
    std::pop_heap(heap_.begin(), heap_.end(), older);
    Node* node = heap_.back();
    heap_.pop_back();
    auto entry = waiting_.find(node);
    Pending pending = std::move(entry->second);
    waiting_.erase(entry);
    return pending;
  }

 private:
  static bool older(const Node* a, const Node* b) { return a->sequence < b->sequence; }
  std::unordered_map<Node*, Pending> waiting_;
  std::vector<Node*> heap_;
};

// ---------------------------------------------------------------- hooks

Tensor run_hooks(const std::shared_ptr<HookList>& list, Tensor g) {
  if (!list) return g;
  auto hooks = list->hooks;  // a hook may remove itself
  for (auto& [id, hook] : hooks) {
    Tensor changed = hook(g);
    if (changed.defined()) g = changed;
  }
  return g;
}

// Whether nobody else can see a gradient, so that it may be taken over as it is.
bool is_ours(const Tensor& g, const Shape& strides) {
  return g.unique() && g.storage()->references == 1 && g.strides() == strides;
}

void add_to_grad(const Tensor& variable, const Tensor& g, bool recording) {
  Tensor& grad = autograd_of(variable).grad;
  if (grad.defined() && recording) grad = add(grad, g);
  else if (grad.defined()) add(grad, g, 1, Out{&grad, true});
  else if (recording || is_ours(g, variable.strides())) grad = g;
  else {
    grad = empty_like(variable, g.dtype());
    copy_values(grad, g);
  }
}

// The profiler's event of the derivative itself.
void describe(EventScope& event, const Node& node, const Tensor* gradients, int count) {
  event.details().sequence = node.sequence;
  for (int i = 0; profile_options().shapes && i < count; i++) {
    const Tensor& g = gradients[i];
    event.details().inputs.push_back(g.defined() ? EventInput{true, g.dtype(), g.sizes()} : EventInput{});
  }
}

// A leaf's hooks see the gradient before it is added, the others after.
void accumulate(const AccumulateGrad& node, Tensor g, bool recording) {
  EventScope event(EventKind::Node, node.name);
  if (event) [[unlikely]]
    describe(event, node, &g, 1);
  const Tensor& variable = node.variable;
  Autograd& state = autograd_of(variable);
  if (state.hooks) {
    Ref<Node> kept(const_cast<AccumulateGrad*>(&node));
    g = run_hooks(state.hooks, g);
  }
  add_to_grad(variable, std::move(g), recording);
  auto hooks = state.post_accumulate_hooks;
  for (auto& [id, hook] : hooks) hook(variable);
}

void run_output_hooks(Node& node, Gradients& gradients) {
  NodeExtras& extras = *node.extras;
  for (int i = 0; i < gradients.size(); i++) {
    if (!gradients[i].defined()) continue;
    auto hooks = extras.tensor_hooks.find(uint32_t(i));
    if (hooks != extras.tensor_hooks.end()) gradients[i] = run_hooks(hooks->second, gradients[i]);
    auto retained = extras.retained.find(uint32_t(i));
    if (retained != extras.retained.end()) {
      Tensor y{Ref<Body>(retained->second)};
      add_to_grad(y, gradients[i], true);
    }
  }
  auto pre_hooks = extras.pre_hooks;
  for (auto& [id, hook] : pre_hooks) hook(gradients);
}

// ---------------------------------------------------------------- one run

// Nodes are asked for these gradients only, until the end of the scope: a rule may run backward itself.
struct WantedNodes {
  const std::unordered_set<Node*>* outer = wanted_nodes;
  explicit WantedNodes(const std::unordered_set<Node*>* nodes) { wanted_nodes = nodes; }
  ~WantedNodes() { wanted_nodes = outer; }
};

class Run {
 public:
  explicit Run(const BackwardOptions& options) : options_(options), recording_(options.create_graph) {}

  std::vector<Tensor> walk(const std::vector<Tensor>& roots, const std::vector<Tensor>& gradients) {
    if (options_.inputs) find_inputs(roots);
    WantedNodes wanted(options_.inputs ? &needed_ : nullptr);
    for (size_t i = 0; i < roots.size(); i++) {
      Edge edge = gradient_edge(roots[i]);
      queue_.add(edge, gradients[i], "the given gradient", recording_);
    }
    for (int64_t count = 0; !queue_.empty(); count++) {
      if (count % 64 == 63 && interrupt_check) interrupt_check();
      visit(queue_.pop());
    }
    return collect();
  }

 private:
  struct Capture {
    size_t input;
    uint32_t output;
  };

  void find_inputs(const std::vector<Tensor>& roots) {
    const auto& inputs = *options_.inputs;
    uint64_t oldest = UINT64_MAX;
    for (size_t i = 0; i < inputs.size(); i++) {
      check(needs_grad(inputs[i]),
            "backward: One of the differentiated Tensors does not require grad (input ", i, ")");
      Edge edge = gradient_edge(inputs[i]);
      kept_.push_back(edge.node);
      captures_.emplace(edge.node.get(), Capture{i, edge.output});
      oldest = std::min(oldest, edge.node->sequence);
    }
    captured_.resize(inputs.size());
    mark_paths(roots, oldest);
  }

  // Which nodes lead to an input: a depth-first walk without recursion. Nothing older than the oldest input
  // can.
  void mark_paths(const std::vector<Tensor>& roots, uint64_t oldest) {
    std::vector<std::pair<Node*, int>> stack;
    std::unordered_set<Node*> seen;
    auto enter = [&](Node* node) {
      if (!seen.insert(node).second) return;
      if (captures_.count(node)) needed_.insert(node);
      stack.emplace_back(node, 0);
    };
    for (const Tensor& root : roots) {
      enter(gradient_edge(root).node.get());
      while (!stack.empty()) {
        auto& [node, next] = stack.back();
        if (next < node->edges.size()) {
          Node* below = node->edges[next++].node.get();
          if (below && below->sequence >= oldest) enter(below);
          continue;
        }
        bool leads = std::any_of(node->edges.begin(), node->edges.end(),
                                 [&](const Edge& edge) { return needed_.count(edge.node.get()); });
        if (leads) needed_.insert(node);
        stack.pop_back();
      }
    }
  }

  bool leads_on(Node* node) const { return !options_.inputs || needed_.count(node); }

  void visit(Pending pending) {
    Node& node = *pending.node;
    EventScope event(EventKind::Visit, node.name);
    if (event) [[unlikely]]
      describe(event, node, nullptr, 0);
    auto* leaf = dynamic_cast<AccumulateGrad*>(&node);
    if (node.extras && !leaf) run_output_hooks(node, pending.gradients);
    capture(node, pending.gradients);
    if (leaf) {
      if (!options_.inputs || (options_.accumulate && captures_.count(&node)))
        accumulate(*leaf, std::move(pending.gradients[0]), recording_);
      return;
    }
    bool goes_on = std::any_of(node.edges.begin(), node.edges.end(),
                               [&](const Edge& edge) { return edge.node && leads_on(edge.node.get()); });
    if (!goes_on) return;
    spread(node, apply(node, pending.gradients));
    if (!options_.retain_graph) node.forget();
  }

  Gradients apply(Node& node, Gradients& gradients) {
    GradGuard mode(recording_);
    EventScope event(EventKind::Node, node.name);
    if (event) [[unlikely]]
      describe(event, node, gradients.begin(), gradients.size());
    try {
      Gradients before;
      if (node.extras && !node.extras->hooks.empty()) before = gradients;
      Gradients out = node.apply(gradients);
      if (node.extras) {
        auto hooks = node.extras->hooks;
        for (auto& [id, hook] : hooks) hook(before, out);
      }
      if (autograd_mode.anomaly && autograd_mode.anomaly_checks_nan) check_nan(node, out);
      return out;
    } catch (Error& error) {
      if (node.extras && !node.extras->traceback.empty())
        error.message +=
            "\n\nThe forward call of " + std::string(node.name) + " stood here:\n" + node.extras->traceback;
      throw;
    }
  }

  static void check_nan(const Node& node, const Gradients& gradients) {
    for (int i = 0; i < gradients.size(); i++)
      check(!gradients[i].defined() || !gradients[i].is_floating() || !any_nan(gradients[i]), "Function '",
            node.name, "' returned nan values in its ", i, "th output.");
  }

  void spread(Node& node, Gradients gradients) {
    check(gradients.size() <= node.edges.size() || node.edges.empty(), "backward: ", node.name, " returned ",
          gradients.size(), " gradients for ", node.edges.size(), " inputs");
    for (int i = 0; i < gradients.size(); i++) {
      const Edge& edge = node.edges[i];
      if (!edge.node || !gradients[i].defined() || !leads_on(edge.node.get())) continue;
      queue_.add(edge, std::move(gradients[i]), node.name, recording_);
    }
  }

  void capture(Node& node, const Gradients& gradients) {
    if (!options_.inputs) return;
    auto [first, last] = captures_.equal_range(&node);
    for (; first != last; ++first) {
      Tensor g = gradients[int(first->second.output)];
      if (!g.defined()) continue;
      bool leaf = dynamic_cast<AccumulateGrad*>(&node) != nullptr;
      if (options_.accumulate && leaf) continue;
      const Tensor& input = (*options_.inputs)[first->second.input];
      if (leaf) g = run_hooks(autograd_of(input).hooks, g);
      if (options_.accumulate) add_to_grad(input, g, true);
      captured_[first->second.input] = g;
    }
  }

  std::vector<Tensor> collect() {
    if (!options_.inputs || options_.accumulate) return {};
    for (const Tensor& g : captured_)
      check(g.defined() || options_.allow_unused,
            "grad: One of the differentiated Tensors appears to not have been used "
            "in the graph. Set allow_unused=True if this is the desired behavior.");
    return std::move(captured_);
  }

  const BackwardOptions& options_;
  bool recording_;
  Queue queue_;
  std::unordered_multimap<Node*, Capture> captures_;
  std::unordered_set<Node*> needed_;
  std::vector<Ref<Node>> kept_;
  std::vector<Tensor> captured_;
};

Tensor start_gradient(const Tensor& root, const Tensor& given) {
  if (!given.defined()) {
    check(root.count() == 1,
          "backward: grad can be implicitly created only for scalar outputs, but the output has shape ",
          root.sizes(),
          ". Reduce it first, as in y.sum().backward(), or pass the gradient of the result with respect to "
          "it: y.backward(torch.ones_like(y))");
    check(root.is_floating(),
          "backward: grad can be implicitly created only for real scalar outputs but got ",
          name_of(root.dtype()));
    return ones_like(root);
  }
  check(given.sizes() == root.sizes(), "backward: Mismatch in shape: the gradient has a shape of ",
        given.sizes(), " and the output has a shape of ", root.sizes());
  return given;
}

}  // namespace

void set_interrupt_check(void (*check)()) { interrupt_check = check; }

std::vector<Tensor> run_backward(const std::vector<Tensor>& roots, const std::vector<Tensor>& gradients,
                                 const BackwardOptions& options) {
  if (options.inputs) check(!options.inputs->empty(), "backward: the list of inputs must not be empty");
  std::vector<Tensor> start;
  for (size_t i = 0; i < roots.size(); i++) {
    check(needs_grad(roots[i]), "backward: element ", i,
          " of tensors does not require grad and does not have a grad_fn");
    start.push_back(start_gradient(roots[i], gradients[i]));
  }
  return Run(options).walk(roots, start);
}

}  // namespace tt
