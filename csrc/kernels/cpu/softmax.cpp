// Softmax and its logarithm, forward and backward, always with the row's maximum taken out.
#include <algorithm>

#include "core/scratch.h"
#include "kernels/cpu/fold_rows.h"
#include "kernels/math_exponential.h"
#include "kernels/rows.h"

namespace tt::TT_ISA {
namespace {

using reductions::Fold;

template <class T>
TT_INLINE T maximum_of(const T* x, int64_t n) {
  return T(fold_array<Fold<Reduction::max>>(x, n));
}
template <class T>
TT_INLINE double sum_of(const T* x, int64_t n) {
  return fold_array<Fold<Reduction::sum>>(x, n);
}

// y = exp(x - shift), chunk by chunk so that adding up finds it in the cache; the sum of it.
template <class T>
TT_INLINE double exp_row(T* y, const T* x, int64_t n, T shift) {
  double sum = 0;
  for (int64_t first = 0; first < n; first += row_chunk) {
    int64_t end = std::min(n, first + row_chunk);
#pragma GCC ivdep
    for (int64_t i = first; i < end; i++) y[i] = math::exp(x[i] - shift);
    sum += sum_of(y + first, end - first);
  }
  return sum;
}

template <class T>
TT_INLINE double sum_of_exp(const T* x, int64_t n, T shift) {
  alignas(64) T e[row_chunk];
  double sum = 0;
  for (int64_t first = 0; first < n; first += row_chunk) {
    int64_t length = std::min(row_chunk, n - first);
    sum += exp_row(e, x + first, length, shift);
  }
  return sum;
}

struct Softmax {
  template <class T>
  static TT_INLINE void row(T* y, const T* x, const T*, int64_t n) {
    T scale = T(1 / exp_row(y, x, n, maximum_of(x, n)));
    for (int64_t i = 0; i < n; i++) y[i] *= scale;
  }
};

struct LogSoftmax {
  template <class T>
  static TT_INLINE void row(T* y, const T* x, const T*, int64_t n) {
    T shift = maximum_of(x, n), log_sum = T(math::log(sum_of_exp(x, n, shift)));
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) y[i] = x[i] - shift - log_sum;
  }
};

// sum of a[i] * b[i]
template <class T>
TT_INLINE double dot(const T* a, const T* b, int64_t n) {
  alignas(64) T product[row_chunk];
  double sum = 0;
  for (int64_t first = 0; first < n; first += row_chunk) {
    int64_t length = std::min(row_chunk, n - first);
    for (int64_t i = 0; i < length; i++) product[i] = a[first + i] * b[first + i];
    sum += sum_of(product, length);
  }
  return sum;
}

// dx = y (g - sum of g y)
struct SoftmaxBackward {
  template <class T>
  static TT_INLINE void row(T* dx, const T* y, const T* g, int64_t n) {
    T total = T(dot(g, y, n));
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) dx[i] = y[i] * (g[i] - total);
  }
};

// dx = g - exp(y) sum of g
struct LogSoftmaxBackward {
  template <class T>
  static TT_INLINE void row(T* dx, const T* y, const T* g, int64_t n) {
    T total = T(sum_of(g, n));
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) dx[i] = g[i] - math::exp(y[i]) * total;
  }
};

template <class Op, class T>
void each_row(const RowBlock& block) {
  Reader<T> read(block.dtype);
  bool direct = read.direct(block.stride);
  Scratch scratch(direct ? 0 : 2 * block.n * int64_t(sizeof(T)));
  T* work = scratch.as<T>();
  for (int64_t j = 0; j < block.count; j++) {
    int64_t offset = j * block.pitch * read.size;
    const T* x = read(block.in + offset, block.stride, block.n, work);
    const T* g = block.grad ? read(block.grad + offset, block.stride, block.n, work + block.n) : nullptr;
    T* y = direct ? reinterpret_cast<T*>(block.out + offset) : work;
    Op::row(y, x, g, block.n);
    if (!direct) stores<T>[int(block.dtype)](y, block.n, block.out + offset, block.stride);
  }
}

constexpr int64_t column_tile = 256;

// A block whose rows lie side by side, as a matrix with rows of `width` values: the tensors' own memory, or a copy.
template <class T>
struct Matrix {
  T* data;
  int64_t pitch;
  TT_INLINE T* operator[](int64_t i) const { return data + i * pitch; }
};

template <class T>
TT_INLINE Matrix<T> matrix_of(const Reader<T>& read, const RowBlock& block, const char* in, T* copy) {
  if (read.direct(1)) return {const_cast<T*>(reinterpret_cast<const T*>(in)), block.stride};
  for (int64_t i = 0; i < block.n; i++)
    read.load(in + i * block.stride * read.size, 1, block.count, copy + i * block.count);
  return {copy, block.count};
}

template <class T>
TT_INLINE void column_maximum(T* shift, Matrix<T> x, int64_t n, int64_t width) {
  std::copy_n(x[0], width, shift);
  for (int64_t i = 1; i < n; i++) {
    const T* row = x[i];
#pragma GCC ivdep
    for (int64_t j = 0; j < width; j++) shift[j] = (shift[j] > row[j]) | (shift[j] != shift[j]) ? shift[j] : row[j];
  }
}

struct SoftmaxColumns {
  template <class T>
  static TT_INLINE void run(Matrix<T> y, Matrix<T> x, Matrix<T>, int64_t n, int64_t width) {
    alignas(64) T shift[column_tile], scale[column_tile];
    alignas(64) double sum[column_tile] = {};
    column_maximum(shift, x, n, width);
    for (int64_t i = 0; i < n; i++) {
      T *out = y[i], *in = x[i];
#pragma GCC ivdep
      for (int64_t j = 0; j < width; j++) out[j] = math::exp(in[j] - shift[j]);
#pragma GCC ivdep
      for (int64_t j = 0; j < width; j++) sum[j] += out[j];
    }
    for (int64_t j = 0; j < width; j++) scale[j] = T(1 / sum[j]);
    for (int64_t i = 0; i < n; i++) {
      T* out = y[i];
#pragma GCC ivdep
      for (int64_t j = 0; j < width; j++) out[j] *= scale[j];
    }
  }
};

struct LogSoftmaxColumns {
  template <class T>
  static TT_INLINE void run(Matrix<T> y, Matrix<T> x, Matrix<T>, int64_t n, int64_t width) {
    alignas(64) T shift[column_tile], log_sum[column_tile], e[column_tile];
    alignas(64) double sum[column_tile] = {};
    column_maximum(shift, x, n, width);
    for (int64_t i = 0; i < n; i++) {
      const T* in = x[i];
      for (int64_t j = 0; j < width; j++) e[j] = math::exp(in[j] - shift[j]);
      for (int64_t j = 0; j < width; j++) sum[j] += e[j];
    }
    for (int64_t j = 0; j < width; j++) log_sum[j] = T(math::log(sum[j]));
    for (int64_t i = 0; i < n; i++) {
      T *out = y[i], *in = x[i];
#pragma GCC ivdep
      for (int64_t j = 0; j < width; j++) out[j] = in[j] - shift[j] - log_sum[j];
    }
  }
};

struct SoftmaxBackwardColumns {
  template <class T>
  static TT_INLINE void run(Matrix<T> dx, Matrix<T> y, Matrix<T> g, int64_t n, int64_t width) {
    alignas(64) double sum[column_tile] = {};
    alignas(64) T total[column_tile];
    for (int64_t i = 0; i < n; i++) {
      const T *value = y[i], *grad = g[i];
      for (int64_t j = 0; j < width; j++) sum[j] += value[j] * grad[j];
    }
    for (int64_t j = 0; j < width; j++) total[j] = T(sum[j]);
    for (int64_t i = 0; i < n; i++) {
      T *out = dx[i], *value = y[i], *grad = g[i];
#pragma GCC ivdep
      for (int64_t j = 0; j < width; j++) out[j] = value[j] * (grad[j] - total[j]);
    }
  }
};

struct LogSoftmaxBackwardColumns {
  template <class T>
  static TT_INLINE void run(Matrix<T> dx, Matrix<T> y, Matrix<T> g, int64_t n, int64_t width) {
    alignas(64) double sum[column_tile] = {};
    alignas(64) T total[column_tile];
    for (int64_t i = 0; i < n; i++) {
      const T* grad = g[i];
      for (int64_t j = 0; j < width; j++) sum[j] += grad[j];
    }
    for (int64_t j = 0; j < width; j++) total[j] = T(sum[j]);
    for (int64_t i = 0; i < n; i++) {
      T *out = dx[i], *value = y[i], *grad = g[i];
#pragma GCC ivdep
      for (int64_t j = 0; j < width; j++) out[j] = grad[j] - math::exp(value[j]) * total[j];
    }
  }
};

template <class Op, class T>
void all_columns(const RowBlock& block) {
  Reader<T> read(block.dtype);
  bool direct = read.direct(1);
  Scratch scratch(direct ? 0 : 2 * block.n * block.count * int64_t(sizeof(T)));
  T* work = scratch.as<T>();
  Matrix<T> x = matrix_of(read, block, block.in, work), g = {};
  if (block.grad) g = matrix_of(read, block, block.grad, work + block.n * block.count);
  Matrix<T> y = direct ? Matrix<T>{reinterpret_cast<T*>(block.out), block.stride} : x;
  Op::run(y, x, g, block.n, block.count);
  if (direct) return;
  for (int64_t i = 0; i < block.n; i++)
    stores<T>[int(block.dtype)](y[i], block.count, block.out + i * block.stride * read.size, 1);
}

}  // namespace

#define TT_ROW_KERNELS(Op) \
  {{each_row<Op, float>, all_columns<Op##Columns, float>}, {each_row<Op, double>, all_columns<Op##Columns, double>}}
constinit const SoftmaxTable softmax_table = {TT_ROW_KERNELS(Softmax), TT_ROW_KERNELS(LogSoftmax),
                                              TT_ROW_KERNELS(SoftmaxBackward), TT_ROW_KERNELS(LogSoftmaxBackward)};
#undef TT_ROW_KERNELS

}  // namespace tt::TT_ISA
