// Normalisation along rows, forward and backward.
#include <algorithm>
#include <cmath>

#include "core/scratch.h"
#include "kernels/cpu/fold_rows.h"
#include "kernels/normalize.h"

namespace tt::TT_ISA {
namespace {

template <class T>
struct Rows {  // the call, in its type
  const T *x, *weight, *bias, *grad;
  T *mean, *scale, *y, *dx;
  int64_t n, period;
  bool centered;

  TT_INLINE explicit Rows(const RowNormCall& call)
      : x(static_cast<const T*>(call.input)),
        weight(static_cast<const T*>(call.weight)),
        bias(static_cast<const T*>(call.bias)),
        grad(static_cast<const T*>(call.grad)),
        mean(static_cast<T*>(call.mean)),
        scale(static_cast<T*>(call.scale)),
        y(static_cast<T*>(call.out)),
        dx(static_cast<T*>(call.grad_input)),
        n(call.n),
        period(call.period),
        centered(call.centered) {}
};

template <class T, class Get>
TT_INLINE double sum_of(int64_t n, Get&& get) {
  return fold_each<reductions::Add, T>(n, get);
}

template <class T>
TT_INLINE void forward_row(const Rows<T>& r, int64_t row, double eps) {
  const T *x = r.x + row * r.n, *w = r.weight, *b = r.bias;
  T* y = r.y + row * r.n;
  int64_t n = r.n, offset = row % r.period * n;
  T mean = r.centered ? T(sum_of<T>(n, [&](int64_t i, auto count) { return load(x + i, count); }) / double(n))
                      : T(0);
  double squares = sum_of<T>(n, [&](int64_t i, auto count) {
    Vector<T> d = load(x + i, count) - mean;
    return d * d;
  });
  T scale = T(1 / std::sqrt(squares / double(n) + eps));
  if (r.mean) r.mean[row] = mean;
  r.scale[row] = scale;
  by_vectors<T>(n, [&](int64_t i, auto count) {
    Vector<T> v = (load(x + i, count) - mean) * scale;
    if (w) v = v * load(w + offset + i, count);
    if (b) v = v + load(b + offset + i, count);
    store(y + i, v, count);
  });
}

template <class T>
void forward(const RowNormCall& call, int64_t begin, int64_t end) {
  Rows<T> rows(call);
  for (int64_t row = begin; row < end; row++) forward_row(rows, row, call.eps);
}

// With v = g weight and u = (x - mean) scale: dx = scale (v - the mean of v - u times the mean of v u)
template <class T>
TT_INLINE void backward_row(const Rows<T>& r, int64_t row) {
  const T *x = r.x + row * r.n, *g = r.grad + row * r.n, *w = r.weight;
  T mean = r.centered ? r.mean[row] : T(0), scale = r.scale[row], *dx = r.dx + row * r.n;
  int64_t n = r.n, offset = row % r.period * n;
  auto value = [&](int64_t i, auto count) {
    Vector<T> v = load(g + i, count);
    return w ? v * load(w + offset + i, count) : v;
  };
  auto normal = [&](int64_t i, auto count) { return (load(x + i, count) - mean) * scale; };
  T sum = r.centered ? T(sum_of<T>(n, value) / double(n)) : T(0);
  T product =
      T(sum_of<T>(n, [&](int64_t i, auto count) { return value(i, count) * normal(i, count); }) / double(n));
  by_vectors<T>(n, [&](int64_t i, auto count) {
    store(dx + i, (value(i, count) - sum - normal(i, count) * product) * scale, count);
  });
}

constexpr int64_t rows_at_once = 64;  // summed in the type of the elements, then in double

// Rows from begin on, every period-th: their part of the gradients of weight and bias.
template <class T>
TT_INLINE void add_parameter_sums(const Rows<T>& r, int64_t begin, int64_t end, double* weight_sums,
                                  double* bias_sums) {
  int64_t n = r.n;
  Scratch scratch(2 * n * int64_t(sizeof(T)));
  T* __restrict products = scratch.as<T>(), * __restrict sums = products + n;
  for (int64_t first = begin; first < end; first += rows_at_once * r.period) {
    std::fill_n(products, 2 * n, T(0));
    for (int64_t row = first; row < std::min(end, first + rows_at_once * r.period); row += r.period) {
      const T *x = r.x + row * n, *g = r.grad + row * n;
      T mean = r.centered ? r.mean[row] : T(0), scale = r.scale[row];
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) {
        products[i] += g[i] * ((x[i] - mean) * scale);
        sums[i] += g[i];
      }
    }
    for (int64_t i = 0; weight_sums && i < n; i++) weight_sums[i] += double(products[i]);
    for (int64_t i = 0; bias_sums && i < n; i++) bias_sums[i] += double(sums[i]);
  }
}

template <class T>
void backward(const RowNormCall& call, int64_t begin, int64_t end, double* weight_sums, double* bias_sums) {
  Rows<T> rows(call);
  for (int64_t row = begin; rows.dx && row < end; row++) backward_row(rows, row);
  if (!weight_sums && !bias_sums) return;
  for (int64_t row = begin; row < std::min(end, begin + rows.period); row++) {
    int64_t offset = row % rows.period * rows.n;
    add_parameter_sums(rows, row, end, weight_sums ? weight_sums + offset : nullptr,
                       bias_sums ? bias_sums + offset : nullptr);
  }
}

template <class T>
constexpr RowNormKernels kernels_of = {forward<T>, backward<T>};

}  // namespace

constinit const RowNormTable row_norm_table = {{kernels_of<float>, kernels_of<double>}};

}  // namespace tt::TT_ISA
