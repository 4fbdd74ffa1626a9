// Cross entropy of scores, forward and backward, always with the maximum of a place's scores taken out.
#include <algorithm>

#include "core/scratch.h"
#include "kernels/cpu/exp_lanes.h"
#include "kernels/cpu/fold_rows.h"
#include "kernels/loss.h"

namespace tt::TT_ISA {
namespace {

using reductions::Fold;

template <class T>
struct Places {  // the call, in its type
  const T *input, *probabilities, *factor, *spread, *grad;
  const int64_t* target;
  T *loss, *log_sums, *out;
  int64_t classes, pitch, ignored;
  bool summed;
  T scale;

  TT_INLINE explicit Places(const ClassLossCall& call)
      : input(static_cast<const T*>(call.input)),
        probabilities(static_cast<const T*>(call.probabilities)),
        factor(static_cast<const T*>(call.factor)),
        spread(static_cast<const T*>(call.spread)),
        grad(static_cast<const T*>(call.grad)),
        target(call.target),
        loss(static_cast<T*>(call.loss)),
        log_sums(static_cast<T*>(call.log_sums)),
        out(static_cast<T*>(call.out)),
        classes(call.classes),
        pitch(call.inner),
        ignored(call.ignored),
        summed(call.summed),
        scale(T(call.scale)) {}

  TT_INLINE T factor_of(int64_t c) const { return factor ? factor[c] : T(1); }
  TT_INLINE T grad_at(int64_t place) const { return scale * grad[summed ? 0 : place]; }
};

// q of the classes from i on, where the target gives probabilities
template <class T, class Count>
TT_INLINE Vector<T> shares(const Places<T>& p, const T* probability, int64_t i, Count count) {
  Vector<T> q = load(probability + i, count);
  if (p.factor) q = q * load(p.factor + i, count);
  return p.spread ? q + load(p.spread + i, count) : q;
}

// The sum of q (log of the sum of exponentials - x) for one place
template <class T>
TT_INLINE T row_loss(const Places<T>& p, int64_t row, const T* x, T maximum, T log_sum) {
  auto distance = [&](int64_t i, auto count) { return log_sum - (load(x + i, count) - maximum); };
  if (p.probabilities) {
    const T* probability = p.probabilities + row * p.classes;
    return T(fold_each<reductions::Add, T>(p.classes, [&](int64_t i, auto count) {
      return shares(p, probability, i, count) * distance(i, count);
    }));
  }
  int64_t target = p.target[row];
  if (target == p.ignored) return 0;
  T loss = p.factor_of(target) * (log_sum - (x[target] - maximum));
  if (!p.spread) return loss;
  return loss + T(fold_each<reductions::Add, T>(p.classes, [&](int64_t i, auto count) {
           return load(p.spread + i, count) * distance(i, count);
         }));
}

constexpr int64_t batch = 16;  // rows whose steps overlap

template <class T>
void rows(const ClassLossCall& call, int64_t places) {
  Places<T> p(call);
  int64_t n = p.classes;
  for (int64_t first = 0; first < places; first += batch) {
    int64_t count = std::min(batch, places - first);
    T maximum[batch], sum[batch] = {};
    for (int64_t j = 0; j < count; j++)
      maximum[j] = T(fold_array<Fold<Reduction::max>>(p.input + (first + j) * n, n));
    for (int64_t j = 0; j < count; j++) {
      const T* x = p.input + (first + j) * n;
      sum[j] = T(fold_each<reductions::Add, T>(
          n, [&](int64_t i, auto length) { return exp_lanes<T>(load(x + i, length) - maximum[j]); }));
    }
    for (int64_t j = 0; j < batch; j++) sum[j] = math::log(sum[j]);
    for (int64_t j = 0; j < count; j++) {
      p.loss[first + j] = row_loss(p, first + j, p.input + (first + j) * n, maximum[j], sum[j]);
      p.log_sums[first + j] = maximum[j] + sum[j];
    }
  }
}

// grad * (the sum of q times p - q)
template <class T>
TT_INLINE void row_backward(const Places<T>& p, int64_t row, T spread_sum) {
  int64_t n = p.classes, target = p.target ? p.target[row] : 0;
  const T *x = p.input + row * n, *probability = p.probabilities + row * n;
  T *out = p.out + row * n, grad = p.grad_at(row), log_sum = p.log_sums[row];
  if (p.target && target == p.ignored) {
    std::fill_n(out, n, T(0));
    return;
  }
  T mass = p.target ? p.factor_of(target) + spread_sum
                    : T(fold_each<reductions::Add, T>(
                          n, [&](int64_t i, auto count) { return shares(p, probability, i, count); }));
  T scale = grad * mass;
  auto softmax = [&](int64_t i, auto count) { return scale * exp_lanes<T>(load(x + i, count) - log_sum); };
  if (p.probabilities)
    return by_vectors<T>(n, [&](int64_t i, auto count) {
      store(out + i, softmax(i, count) - grad * shares(p, probability, i, count), count);
    });
  if (p.spread)
    by_vectors<T>(n, [&](int64_t i, auto count) {
      store(out + i, softmax(i, count) - grad * load(p.spread + i, count), count);
    });
  else by_vectors<T>(n, [&](int64_t i, auto count) { store(out + i, softmax(i, count), count); });
  out[target] -= grad * p.factor_of(target);
}

template <class T>
TT_INLINE T spread_sum_of(const Places<T>& p) {
  return p.spread ? T(fold_array<Fold<Reduction::sum>>(p.spread, p.classes)) : T(0);
}

template <class T>
void rows_backward(const ClassLossCall& call, int64_t places) {
  Places<T> p(call);
  T spread_sum = spread_sum_of(p);
  for (int64_t row = 0; row < places; row++) row_backward(p, row, spread_sum);
}

// Scores are copied on the first of several passes: classes lie a large power of two apart, often, and would
// push each other out of the cache.
template <class T>
void columns(const ClassLossCall& call, int64_t places) {
  Places<T> p(call);
  Scratch scratch((3 + p.classes) * places * int64_t(sizeof(T)));
  T *maximum = scratch.as<T>(), *sum = maximum + places, *spread_loss = sum + places,
    *scores = spread_loss + places;
  std::copy_n(p.input, places, maximum);
  std::copy_n(p.input, places, scores);
  for (int64_t c = 1; c < p.classes; c++) {
    const T* __restrict x = p.input + c * p.pitch;
    T* __restrict copy = scores + c * places;
#pragma GCC ivdep
    for (int64_t j = 0; j < places; j++) {
      copy[j] = x[j];
      maximum[j] = (maximum[j] > x[j]) | (maximum[j] != maximum[j]) ? maximum[j] : x[j];
    }
  }
  std::fill_n(sum, places, T(0));
  std::fill_n(spread_loss, places, T(0));
  for (int64_t c = 0; c < p.classes; c++) {
    const T* __restrict x = scores + c * places;
#pragma GCC ivdep
    for (int64_t j = 0; j < places; j++) sum[j] += math::exp_of_negative(x[j] - maximum[j]);
  }
#pragma GCC ivdep
  for (int64_t j = 0; j < places; j++) sum[j] = math::log(sum[j]);
  for (int64_t c = 0; p.spread && c < p.classes; c++) {
    const T* __restrict x = scores + c * places;
    T share = p.spread[c];
#pragma GCC ivdep
    for (int64_t j = 0; j < places; j++) spread_loss[j] += share * (sum[j] - (x[j] - maximum[j]));
  }
  for (int64_t j = 0; j < places; j++) {
    int64_t target = p.target[j];
    bool counts = target != p.ignored;
    T distance = counts ? sum[j] - (scores[target * places + j] - maximum[j]) : T(0);
    p.loss[j] = counts ? p.factor_of(target) * distance + spread_loss[j] : T(0);
    p.log_sums[j] = maximum[j] + sum[j];
  }
}

template <class T>
void columns_backward(const ClassLossCall& call, int64_t places) {
  Places<T> p(call);
  Scratch scratch(2 * places * int64_t(sizeof(T)));
  T *grad = scratch.as<T>(), *scale = grad + places, spread_sum = spread_sum_of(p);
  for (int64_t j = 0; j < places; j++) {
    bool counts = p.target[j] != p.ignored;
    grad[j] = counts ? p.grad_at(j) : T(0);
    scale[j] = counts ? grad[j] * (p.factor_of(p.target[j]) + spread_sum) : T(0);
  }
  for (int64_t c = 0; c < p.classes; c++) {
    const T* __restrict x = p.input + c * p.pitch;
    T share = p.spread ? p.spread[c] : T(0);
    T* __restrict out = p.out + c * p.pitch;
#pragma GCC ivdep
    for (int64_t j = 0; j < places; j++) {
      T value = scale[j] * math::exp_of_negative(x[j] - p.log_sums[j]) - grad[j] * share;
      out[j] = p.target[j] == p.ignored ? T(0) : value;
    }
  }
  for (int64_t j = 0; j < places; j++)
    if (p.target[j] != p.ignored) p.out[p.target[j] * p.pitch + j] -= grad[j] * p.factor_of(p.target[j]);
}

template <class T>
double sum(const void* x, int64_t n) {
  return double(fold_array<Fold<Reduction::sum>>(static_cast<const T*>(x), n));
}

template <class T>
constexpr ClassLossKernels kernels_of = {rows<T>, columns<T>, rows_backward<T>, columns_backward<T>, sum<T>};

}  // namespace

constinit const ClassLossTable class_loss_table = {{kernels_of<float>, kernels_of<double>}};

}  // namespace tt::TT_ISA
