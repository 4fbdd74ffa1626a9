// The autograd graph: nodes, what they save, and the state that hangs on a tensor. No arithmetic here.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/small.h"
#include "core/tensor.h"
#include "graph/mode.h"

namespace tt {

class Node;
void release(Node* node);

struct Edge {  // the input of a node: output number `output` of another one
  Ref<Node> node;
  uint32_t output = 0;
};

using Gradients = Small<Tensor, 3>;  // an undefined tensor stands for zero

struct OutputInfo {
  Shape sizes;
  DType dtype = DType::Float32;
  Device device;
};

using GradientHook = std::function<Tensor(const Tensor&)>;  // an undefined result keeps the gradient
struct HookList {
  std::map<int64_t, GradientHook> hooks;
  int64_t next = 0;
};

// What few nodes carry.
struct NodeExtras {
  std::map<uint32_t, std::shared_ptr<HookList>> tensor_hooks;  // by output
  std::map<uint32_t, Body*> retained;  // outputs that keep their gradient (weak: the body clears its entry)
  std::map<int64_t, std::function<void(const Gradients& outputs, Gradients& inputs)>> hooks;
  std::map<int64_t, std::function<void(Gradients& outputs)>> pre_hooks;
  int64_t next_hook = 0;
  std::string traceback;  // where the forward call stood, in anomaly mode
};

// While the gradients of some tensors only are asked for: the nodes that lead to them. Null: all are wanted.
[[gnu::visibility("default")]] inline thread_local const std::unordered_set<Node*>* wanted_nodes = nullptr;

class Node {
 public:
  std::atomic<uint32_t> references{1};
  const char* const name;
  uint64_t sequence;     // a node is younger than all that it depends on
  Small<Edge, 2> edges;  // one per input; an empty edge needs no gradient
  Small<OutputInfo, 1> outputs;
  std::unique_ptr<NodeExtras> extras;
  void* python = nullptr;

  explicit Node(const char* name);
  virtual ~Node();
  Node(const Node&) = delete;

  // Gradients of the outputs in, of the inputs out, one per edge. Entries without an edge are not looked at.
  virtual Gradients apply(Gradients& gradients) = 0;
  virtual void forget() {}  // drops what was saved
  virtual bool is_forgotten() const { return false; }

  bool wants(int input) const {
    Node* node = edges[input].node.get();
    return node && (!wanted_nodes || wanted_nodes->count(node));
  }
  void renumber();  // once the edges are there: what they lead to may have been made on the way
  NodeExtras& more() {
    if (!extras) extras = std::make_unique<NodeExtras>();
    return *extras;
  }
  uint32_t add_output(const Tensor& y);
};

uint64_t newest_sequence();  // of all nodes so far

// Collects the gradient of a leaf.
class AccumulateGrad : public Node {
 public:
  Tensor variable;
  explicit AccumulateGrad(const Tensor& variable);
  ~AccumulateGrad() override;
  Gradients apply(Gradients&) override;  // the engine accumulates; this is never called
};

struct Autograd : AutogradState {
  Tensor grad;
  Edge producer;                          // empty for a leaf
  AccumulateGrad* accumulator = nullptr;  // weak: the node owns the tensor
  uint32_t view_version = 0;              // of the storage, when a view's producer was last settled
  bool retains_grad = false;
  std::shared_ptr<HookList> hooks;  // of a leaf; a non-leaf's are with its producer
  std::map<int64_t, std::function<void(const Tensor&)>> post_accumulate_hooks;
  int64_t next_post_hook = 0;
  ~Autograd() override;
};

Autograd& autograd_of(const Tensor& x);  // made when missing
inline Autograd* autograd_if_any(const Tensor& x) { return static_cast<Autograd*>(x.body()->autograd); }

bool needs_grad(const Tensor& x);  // a view needs what its base needs
bool is_leaf(const Tensor& x);
Edge gradient_edge(const Tensor& x);     // where the gradient of x goes; empty when none is needed
Ref<Node> producer_of(const Tensor& x);  // grad_fn: null for a leaf
void set_producer(const Tensor& y, const Ref<Node>& node, uint32_t output);
void retain_gradient(const Tensor& y);  // a non-leaf, from now on, keeps its gradient

// A view whose base was changed in place gets a producer that reads the base anew; as_strided lives in ops.
using ViewReplay = Ref<Node> (*)(const Tensor& base, const Tensor& view);
void set_view_replay(ViewReplay replay);

// Gives y, which was just changed in place, the history `node`; a view passes it on to its base.
using CopySlices = Ref<Node> (*)(const Tensor& base, const Tensor& view, const Ref<Node>& node);
void set_copy_slices(CopySlices copy_slices);
void rebase_history(const Tensor& y, const Ref<Node>& node);

void set_traceback_source(std::string (*source)());  // Python's stack as text, for anomaly mode

// Turns values, when they are saved, into something else, and back when they are needed.
struct SavingHooks {
  std::function<std::shared_ptr<void>(const Tensor&)> pack;
  std::function<Tensor(const std::shared_ptr<void>&)> unpack;
};
[[gnu::visibility("default")]] inline thread_local std::vector<std::shared_ptr<SavingHooks>>
    saving_hooks;  // the innermost counts

// A tensor kept for backward. It notices when the value was changed in place, and when it was dropped.
class SavedTensor {
 public:
  SavedTensor() = default;
  SavedTensor(const Tensor& x, const Tensor& output, uint32_t output_number);
  Tensor unpack(const Ref<Node>& node) const;
  void drop() {
    value_ = {};
    packed_ = nullptr;
    dropped_ = true;
  }
  bool dropped() const { return dropped_; }

 private:
  struct Packed {
    std::shared_ptr<SavingHooks> hooks;
    std::shared_ptr<void> content;
    Edge edge;
  };
  void pack(const Tensor& x, const Tensor& output, uint32_t output_number);
  Tensor unpack_hooked(const Ref<Node>& node) const;
  Tensor value_;
  std::shared_ptr<Packed> packed_;
  uint32_t version_ = 0;
  int32_t output_ = -1;  // the node's own output: kept without its history, which would be a cycle
  bool dropped_ = false;
};

}  // namespace tt
