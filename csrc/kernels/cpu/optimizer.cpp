// Loops over the update rules.
#include "kernels/optimizer.h"

#include <algorithm>

#include "kernels/cpu/elements.h"
#include "kernels/optimizer_formulas.h"

namespace tt::TT_ISA {
namespace {

constexpr int64_t chunk = 512;

template <class Rule, class T, class... State>
TT_INLINE void each_element(const Rule& rule, int64_t n, T* p, const T* g, State*... state) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) {
    auto update = [&](T value, auto... kept) __attribute__((always_inline)) {
      rule(value, g[i], kept...);
      p[i] = value;
      ((state[i] = kept), ...);
    };
    update(p[i], state[i]...);
  }
}

template <template <class> class Rule, class T, int... k>
void update_range(const UpdateTensor& tensor, int64_t first, int64_t count) {
  auto at = [&](const char* data) { return reinterpret_cast<T*>(const_cast<char*>(data)) + first; };
  each_element(Rule<T>(tensor.numbers), count, at(tensor.param), at(tensor.grad), at(tensor.state[k])...);
}

// Through buffers of floats, one after the other for the parameter, the gradient and the kept tensors.
void update_halves(UpdateLoop loop, int states, const UpdateTensor& tensor, int64_t first, int64_t count) {
  alignas(64) float buffers[max_update_states + 2][chunk];
  UpdateTensor part = tensor;
  part.param = reinterpret_cast<char*>(buffers[0]);
  part.grad = reinterpret_cast<char*>(buffers[1]);
  for (int k = 0; k < states; k++) part.state[k] = reinterpret_cast<char*>(buffers[k + 2]);
  auto load = loads<float>[int(tensor.dtype)];
  auto store = stores<float>[int(tensor.dtype)];
  for (int64_t done = 0; done < count; done += chunk) {
    int64_t n = std::min(chunk, count - done), at = (first + done) * size_of(tensor.dtype);
    load(tensor.param + at, 1, n, buffers[0]);
    load(tensor.grad + at, 1, n, buffers[1]);
    for (int k = 0; k < states; k++) load(tensor.state[k] + at, 1, n, buffers[k + 2]);
    loop(part, 0, n);
    store(buffers[0], n, tensor.param + at, 1);
    for (int k = 0; k < states; k++) store(buffers[k + 2], n, tensor.state[k] + at, 1);
  }
}

template <template <class> class Rule, int... k>
constexpr UpdateLoops loops_of(std::integer_sequence<int, k...>) {
  return {update_range<Rule, float, k...>, update_range<Rule, double, k...>, sizeof...(k)};
}

}  // namespace

#define TT_LOOPS(name, Functor, states) loops_of<update::Functor>(std::make_integer_sequence<int, states>{}),
constinit const UpdateTable update_table = {{TT_UPDATE_RULES(TT_LOOPS)}, update_halves};
#undef TT_LOOPS

}  // namespace tt::TT_ISA
