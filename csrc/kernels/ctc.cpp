// The forward-backward algorithm, in logarithms. A target of length n stands for the 2 n + 1 states
// blank, t[0], blank, t[1], ..., blank.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "core/scratch.h"
#include "kernels/sequence_call.h"

namespace tt {
namespace {

template <class T>
constexpr T nothing = -std::numeric_limits<T>::infinity();

template <class T>
T log_sum(T a, T b, T c = nothing<T>) {
  T most = std::max({a, b, c});
  if (most == nothing<T>) return most;
  return most + std::log(std::exp(a - most) + std::exp(b - most) + std::exp(c - most));
}

template <class T>
struct Sample {  // one of the batch
  const CtcCall& call;
  int64_t index, steps, states;
  const int64_t* target;

  Sample(const CtcCall& call, int64_t index)
      : call(call),
        index(index),
        steps(call.input_lengths[index]),
        states(2 * call.target_lengths[index] + 1),
        target(call.targets + call.target_offsets[index]) {}

  int64_t label(int64_t state) const { return state % 2 ? target[state / 2] : call.blank; }
  // Whether a state may follow the one two before: no blank is needed between different labels.
  bool skips(int64_t state) const {
    return state >= 2 && state % 2 && target[state / 2] != target[state / 2 - 1];
  }
  int64_t place(int64_t step) const { return (step * call.batch + index) * call.classes; }
  const T* log_probs(int64_t step) const { return static_cast<const T*>(call.log_probs) + place(step); }
  T* alpha(int64_t step) const {
    return static_cast<T*>(call.alpha) + (index * call.steps + step) * (2 * call.longest + 1);
  }
};

template <class T>
void forward(const Sample<T>& s) {
  T* loss = static_cast<T*>(s.call.loss) + s.index;
  if (s.steps == 0) {
    *loss = s.states == 1 ? T(0) : -nothing<T>;
    return;
  }
  T* first = s.alpha(0);
  for (int64_t i = 0; i < s.states; i++) first[i] = i < 2 ? s.log_probs(0)[s.label(i)] : nothing<T>;
  for (int64_t t = 1; t < s.steps; t++) {
    const T *before = s.alpha(t - 1), *p = s.log_probs(t);
    T* now = s.alpha(t);
    for (int64_t i = 0; i < s.states; i++)
      now[i] = p[s.label(i)] +
               log_sum(before[i], i ? before[i - 1] : nothing<T>, s.skips(i) ? before[i - 2] : nothing<T>);
  }
  const T* last = s.alpha(s.steps - 1);
  *loss = -log_sum(last[s.states - 1], s.states > 1 ? last[s.states - 2] : nothing<T>);
}

// The derivative, for log probabilities that are a log_softmax: p - the share of the paths that pass here.
template <class T>
void backward(const Sample<T>& s) {
  const CtcCall& call = s.call;
  T loss = static_cast<const T*>(call.loss)[s.index], grad = static_cast<const T*>(call.grad)[s.index];
  T* out = static_cast<T*>(call.out);
  for (int64_t t = 0; t < call.steps; t++) std::fill_n(out + s.place(t), call.classes, T(0));
  if (call.zero_infinity && loss == -nothing<T>) return;
  Scratch scratch((2 * s.states + call.classes) * int64_t(sizeof(T)));
  T *after = scratch.as<T>(), *beta = after + s.states, *paths = beta + s.states;
  for (int64_t t = s.steps - 1; t >= 0; t--) {
    const T *p = s.log_probs(t), *alpha = s.alpha(t);
    std::fill_n(paths, call.classes, nothing<T>);
    for (int64_t i = s.states - 1; i >= 0; i--) {
      bool skipped = i + 2 < s.states && s.skips(i + 2);
      T come = t == s.steps - 1 ? (i + 2 >= s.states ? T(0) : nothing<T>)
                                : log_sum(after[i], i + 1 < s.states ? after[i + 1] : nothing<T>,
                                          skipped ? after[i + 2] : nothing<T>);
      int64_t label = s.label(i);
      beta[i] = come + p[label];
      paths[label] = log_sum(paths[label], alpha[i] + beta[i]);
    }
    T* d = out + s.place(t);
    for (int64_t c = 0; c < call.classes; c++)
      d[c] = (std::exp(p[c]) - std::exp(paths[c] + loss - p[c])) * grad;
    std::swap(after, beta);
  }
}

template <class T>
void run(const CtcCall& call) {
  parallel_for(0, call.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++)
      call.grad ? backward(Sample<T>(call, i)) : forward(Sample<T>(call, i));
  });
}

}  // namespace

void cpu_ctc(const CtcCall& call) { call.dtype == DType::Float64 ? run<double>(call) : run<float>(call); }

}  // namespace tt
