// record(): gives a result its derivative, where the op stands.
//
//   return record("MulBackward0", y, inputs(a, b), save(a, b),
//                 [](const Tensor& g, const Tensor& a, const Tensor& b) { return mul(g, b); },   // for a
//                 [](const Tensor& g, const Tensor& a, const Tensor& b) { return mul(g, a); });  // for b
//
// A rule is a captureless lambda per input: it receives the gradient of the result and what was saved, in
// order. Rules are written in differentiable ops, so that derivatives of any order come for free, and may
// return a gradient of the broadcast shape: the engine sums it down. Where gradients share their work one
// joint rule returns them all (record_joint), and is told which are wanted. Several results: record_many.
#pragma once
#include <array>
#include <tuple>
#include <type_traits>

#include "graph/node.h"

namespace tt {

template <class... T>
auto inputs(const T&... tensors) {
  return std::array<const Tensor*, sizeof...(T)>{&tensors...};
}

template <class... T>
std::tuple<const T&...> save(const T&... values) {
  return {values...};
}

// Which inputs of a joint rule need a gradient.
class Wanted {
 public:
  explicit Wanted(const Node& node) : node_(node) {}
  bool operator[](int input) const { return node_.wants(input); }

 private:
  const Node& node_;
};

template <class T>
struct Stored {  // plain values are kept as they are
  T value;
  Stored(const T& value, const Tensor*, int) : value(value) {}
  const T& unpack(const Ref<Node>&) const { return value; }
  void drop() {}
};

template <>
struct Stored<Tensor> {
  SavedTensor value;
  Stored(const Tensor& x, const Tensor* results, int count) {
    int output = 0;
    while (output < count && !x.is(results[output])) output++;
    value = output < count ? SavedTensor(x, results[output], output) : SavedTensor(x, {}, 0);
  }
  Tensor unpack(const Ref<Node>& node) const { return value.unpack(node); }
  void drop() { value.drop(); }
};

template <>
struct Stored<std::vector<Tensor>> {
  std::vector<Stored<Tensor>> values;
  Stored(const std::vector<Tensor>& list, const Tensor* results, int count) {
    for (const Tensor& x : list) values.emplace_back(x, results, count);
  }
  std::vector<Tensor> unpack(const Ref<Node>& node) const {
    std::vector<Tensor> list;
    for (const auto& value : values) list.push_back(value.unpack(node));
    return list;
  }
  void drop() {
    for (auto& value : values) value.drop();
  }
};

template <class... S>
class RecordedNode : public Node {
 public:
  RecordedNode(const char* name, const std::tuple<const S&...>& saved, const Tensor* results, int count)
      : Node(name),
        saved_(std::apply(
            [&](const S&... s) { return std::tuple<Stored<S>...>(Stored<S>(s, results, count)...); },
            saved)) {}

  void forget() override {
    std::apply([](auto&... s) { (s.drop(), ...); }, saved_);
    forgotten_ = true;
  }
  bool is_forgotten() const override { return forgotten_ && sizeof...(S) > 0; }

 protected:
  template <class F>
  auto with_saved(F&& body) {
    Ref<Node> self(this);
    check_not_forgotten();
    return std::apply([&](auto&... s) { return body(s.unpack(self)...); }, saved_);
  }

 private:
  void check_not_forgotten() const;
  std::tuple<Stored<S>...> saved_;
  bool forgotten_ = false;
};

[[noreturn]] void fail_forgotten(const Node& node);

template <class... S>
void RecordedNode<S...>::check_not_forgotten() const {
  if (is_forgotten()) [[unlikely]]
    fail_forgotten(*this);
}

template <int N, class... S>
class RuleNode final : public RecordedNode<S...> {
 public:
  using Rule = Tensor (*)(const Tensor&, const S&...);
  std::array<Rule, N> rules;
  RuleNode(const char* name, const std::tuple<const S&...>& saved, const Tensor& y, std::array<Rule, N> rules)
      : RecordedNode<S...>(name, saved, &y, 1), rules(rules) {}
  Gradients apply(Gradients& gradients) override {
    return this->with_saved([&](const S&... s) {
      Gradients out(N);
      for (int i = 0; i < N; i++)
        if (this->wants(i) && rules[i]) out[i] = rules[i](gradients[0], s...);
      return out;
    });
  }
};

template <class... S>
class JointNode final : public RecordedNode<S...> {
 public:
  using Rule = Gradients (*)(const Gradients&, Wanted, const S&...);
  Rule rule;
  JointNode(const char* name, const std::tuple<const S&...>& saved, const Tensor* results, int count,
            Rule rule)
      : RecordedNode<S...>(name, saved, results, count), rule(rule) {}
  Gradients apply(Gradients& gradients) override {
    return this->with_saved([&](const S&... s) { return rule(gradients, Wanted(*this), s...); });
  }
};

template <size_t N>
bool any_needs_grad(const std::array<const Tensor*, N>& inputs) {
  if (!grad_enabled()) return false;
  for (const Tensor* x : inputs)
    if (x->defined() && needs_grad(*x)) return true;
  return false;
}
inline bool any_needs_grad(const std::vector<Tensor>& inputs) {
  if (!grad_enabled()) return false;
  for (const Tensor& x : inputs)
    if (x.defined() && needs_grad(x)) return true;
  return false;
}

// Only floating results can carry a gradient.
inline Edge edge_of(const Tensor& x) { return x.defined() ? gradient_edge(x) : Edge{}; }

template <size_t N>
void connect(Node& node, const std::array<const Tensor*, N>& inputs) {
  node.edges.resize(int(N));
  for (size_t i = 0; i < N; i++) node.edges[int(i)] = edge_of(*inputs[i]);
  node.renumber();
}
inline void connect(Node& node, const std::vector<Tensor>& inputs) {
  node.edges.resize(int(inputs.size()));
  for (size_t i = 0; i < inputs.size(); i++) node.edges[int(i)] = edge_of(inputs[i]);
  node.renumber();
}

// A fresh result gets its first history here; one that already has a place in a graph, or looks into a base,
// was changed in place and passes its new history on.
inline void adopt_history(const Tensor& y, const Ref<Node>& node) {
  if (y.body()->base || y.body()->autograd) return rebase_history(y, node);
  set_producer(y, node, node->add_output(y));
}

template <size_t N, class... S, class... Rules>
Tensor record(const char* name, const Tensor& y, const std::array<const Tensor*, N>& inputs,
              const std::tuple<const S&...>& saved, Rules... rules) {
  static_assert(sizeof...(Rules) == N, "one rule per input");
  if (!any_needs_grad(inputs)) return y;
  using NodeType = RuleNode<int(N), S...>;
  auto* node = new NodeType(name, saved, y, {static_cast<typename NodeType::Rule>(rules)...});
  Ref<Node> owner = Ref<Node>::adopt(node);
  connect(*node, inputs);
  adopt_history(y, owner);
  return y;
}

// A view starts with its own producer even though it looks into a base.
template <class... S, class Rule>
Tensor record_view(const char* name, const Tensor& y, const Tensor& x, const std::tuple<const S&...>& saved,
                   Rule rule) {
  if (!any_needs_grad(inputs(x))) return y;
  using NodeType = RuleNode<1, S...>;
  auto* node = new NodeType(name, saved, y, {static_cast<typename NodeType::Rule>(rule)});
  Ref<Node> owner = Ref<Node>::adopt(node);
  connect(*node, inputs(x));
  set_producer(y, owner, node->add_output(y));
  return y;
}

// One rule for all inputs; `inputs` is an array or a vector of tensors.
template <class Inputs, class... S, class Rule>
Tensor record_joint(const char* name, const Tensor& y, const Inputs& inputs,
                    const std::tuple<const S&...>& saved, Rule rule) {
  if (!any_needs_grad(inputs)) return y;
  auto* node = new JointNode<S...>(name, saved, &y, 1, rule);
  Ref<Node> owner = Ref<Node>::adopt(node);
  connect(*node, inputs);
  adopt_history(y, owner);
  return y;
}

// Several results; the rule sees one gradient per result, undefined where none arrived. Results that are not
// floating (indices) get no history.
template <class Inputs, class... S, class Rule>
void record_many(const char* name, const std::vector<Tensor>& results, const Inputs& inputs,
                 const std::tuple<const S&...>& saved, Rule rule) {
  if (!any_needs_grad(inputs)) return;
  auto* node = new JointNode<S...>(name, saved, results.data(), int(results.size()), rule);
  Ref<Node> owner = Ref<Node>::adopt(node);
  connect(*node, inputs);
  for (const Tensor& y : results) {
    uint32_t output = node->add_output(y);
    if (y.is_floating()) set_producer(y, owner, output);
  }
}

}  // namespace tt
