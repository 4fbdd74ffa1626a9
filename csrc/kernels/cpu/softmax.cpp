// Softmax and its logarithm, forward and backward, always with the row's maximum taken out.
#include <algorithm>

#include "core/scratch.h"
#include "kernels/cpu/exp_lanes.h"
#include "kernels/cpu/fold_rows.h"
#include "kernels/rows.h"

namespace tt::TT_ISA {
namespace {

using reductions::Fold;

template <class T>
TT_INLINE T maximum_of(const T* x, int64_t n) {
  return T(fold_array<Fold<Reduction::max>>(x, n));
}
template <class T, class Get>
TT_INLINE T sum_of(int64_t n, Get&& get) {
  return T(fold_each<reductions::Add, T>(n, get));
}

// A row goes through two folds, whose results are a and b, and a last loop. Each step runs for several rows
// before the next one begins, as the processor overlaps independent rows and cannot overlap steps.
struct Softmax {
  template <class T>
  static TT_INLINE T first(const T* x, const T*, int64_t n) {
    return maximum_of(x, n);
  }
  template <class T>
  static TT_INLINE T second(T* y, const T* x, int64_t n, T a) {
    return sum_of<T>(n, [&](int64_t i, auto count) {
      Vector<T> e = exp_lanes<T>(load(x + i, count) - a);
      store(y + i, e, count);
      return e;
    });
  }
  template <class T>
  static TT_INLINE T settle(T sum) {
    return 1 / sum;
  }
  template <class T>
  static TT_INLINE void last(T* y, const T*, const T*, int64_t n, T, T b) {
    by_vectors<T>(n, [&](int64_t i, auto count) { store(y + i, load(y + i, count) * b, count); });
  }
};

struct LogSoftmax {
  template <class T>
  static TT_INLINE T first(const T* x, const T*, int64_t n) {
    return maximum_of(x, n);
  }
  template <class T>
  static TT_INLINE T second(T*, const T* x, int64_t n, T a) {
    return sum_of<T>(n, [&](int64_t i, auto count) { return exp_lanes<T>(load(x + i, count) - a); });
  }
  template <class T>
  static TT_INLINE T settle(T sum) {
    return math::log(sum);
  }
  template <class T>
  static TT_INLINE void last(T* y, const T* x, const T*, int64_t n, T a, T b) {
    by_vectors<T>(n, [&](int64_t i, auto count) { store(y + i, load(x + i, count) - a - b, count); });
  }
};

struct OneFold {
  template <class T>
  static TT_INLINE T second(T*, const T*, int64_t, T) {
    return 0;
  }
  template <class T>
  static TT_INLINE T settle(T b) {
    return b;
  }
};

// dx = y (g - a), a = sum of g y
struct SoftmaxBackward : OneFold {
  template <class T>
  static TT_INLINE T first(const T* y, const T* g, int64_t n) {
    return sum_of<T>(n, [&](int64_t i, auto count) { return load(y + i, count) * load(g + i, count); });
  }
  template <class T>
  static TT_INLINE void last(T* dx, const T* y, const T* g, int64_t n, T a, T) {
    by_vectors<T>(n, [&](int64_t i, auto count) {
      store(dx + i, load(y + i, count) * (load(g + i, count) - a), count);
    });
  }
};

// dx = g - a exp(y), a = sum of g
struct LogSoftmaxBackward : OneFold {
  template <class T>
  static TT_INLINE T first(const T*, const T* g, int64_t n) {
    return sum_of<T>(n, [&](int64_t i, auto count) { return load(g + i, count); });
  }
  template <class T>
  static TT_INLINE void last(T* dx, const T* y, const T* g, int64_t n, T a, T) {
    by_vectors<T>(n, [&](int64_t i, auto count) {
      store(dx + i, load(g + i, count) - exp_lanes<T>(load(y + i, count)) * a, count);
    });
  }
};

constexpr int64_t batch_limit = 16, batch_elements = 2048;

template <class Op, class T>
TT_INLINE void run_batch(T* const* y, const T* const* x, const T* const* g, int64_t n, int64_t rows) {
  T a[batch_limit], b[batch_limit] = {};
  for (int64_t j = 0; j < rows; j++) a[j] = Op::first(x[j], g[j], n);
  for (int64_t j = 0; j < rows; j++) b[j] = Op::second(y[j], x[j], n, a[j]);
  for (int64_t j = 0; j < batch_limit; j++) b[j] = Op::settle(b[j]);
  for (int64_t j = 0; j < rows; j++) Op::last(y[j], x[j], g[j], n, a[j], b[j]);
}

template <class Op, class T>
void each_row(const RowBlock& block) {
  Reader<T> read(block.dtype);
  bool direct = read.direct(block.stride);
  int64_t n = block.n, batch = std::clamp<int64_t>(batch_elements / n, 1, std::min(batch_limit, block.count));
  Scratch scratch(direct ? 0 : 2 * batch * n * int64_t(sizeof(T)));
  const T *x[batch_limit], *g[batch_limit] = {};
  T* y[batch_limit];
  for (int64_t first = 0; first < block.count; first += batch) {
    int64_t rows = std::min(batch, block.count - first);
    for (int64_t j = 0; j < rows; j++) {
      int64_t offset = (first + j) * block.pitch * read.size;
      T* work = scratch.as<T>() + 2 * j * n;
      x[j] = read(block.in + offset, block.stride, n, work);
      if (block.grad) g[j] = read(block.grad + offset, block.stride, n, work + n);
      y[j] = direct ? reinterpret_cast<T*>(block.out + offset) : work;
    }
    run_batch<Op>(y, x, g, n, rows);
    for (int64_t j = 0; j < rows && !direct; j++)
      stores<T>[int(block.dtype)](y[j], n, block.out + (first + j)* block.pitch* read.size, block.stride);
  }
}

// A block whose rows lie side by side, as a matrix with rows of `width` values: the tensors' own memory, or a
// copy.
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
    for (int64_t j = 0; j < width; j++)
      shift[j] = (shift[j] > row[j]) | (shift[j] != shift[j]) ? shift[j] : row[j];
  }
}

// total[j] = sum of term(i)(j) over i: for a few rows in T, then in double.
template <class T, class Term>
TT_INLINE void column_sums(T* total, int64_t n, int64_t width, Term&& term) {
  constexpr int64_t rows_per_flush = 64;
  alignas(64) double sum[column_limit];
  if (n > rows_per_flush) std::fill_n(sum, width, 0.0);
  for (int64_t first = 0; first < n; first += rows_per_flush) {
    std::fill_n(total, width, T(0));
    for (int64_t i = first; i < std::min(n, first + rows_per_flush); i++) {
      auto term_at = term(i);
#pragma GCC ivdep
      for (int64_t j = 0; j < width; j++) total[j] += term_at(j);
    }
    if (n <= rows_per_flush) return;
    for (int64_t j = 0; j < width; j++) sum[j] += total[j];
  }
  for (int64_t j = 0; j < width; j++) total[j] = T(sum[j]);
}

// put(i)(j) for all elements
template <class Put>
TT_INLINE void each_element(int64_t n, int64_t width, Put&& put) {
  for (int64_t i = 0; i < n; i++) {
    auto put_at = put(i);
#pragma GCC ivdep
    for (int64_t j = 0; j < width; j++) put_at(j);
  }
}

struct SoftmaxColumns {
  template <class T>
  static TT_INLINE void run(Matrix<T> y, Matrix<T> x, Matrix<T>, int64_t n, int64_t width) {
    alignas(64) T shift[column_limit], scale[column_limit];
    column_maximum(shift, x, n, width);
    column_sums(scale, n, width, [&](int64_t i) {
      return
          [&, out = y[i], in = x[i]](int64_t j) { return out[j] = math::exp_of_negative(in[j] - shift[j]); };
    });
    for (int64_t j = 0; j < width; j++) scale[j] = 1 / scale[j];
    each_element(n, width, [&](int64_t i) { return [&, out = y[i]](int64_t j) { out[j] *= scale[j]; }; });
  }
};

struct LogSoftmaxColumns {
  template <class T>
  static TT_INLINE void run(Matrix<T> y, Matrix<T> x, Matrix<T>, int64_t n, int64_t width) {
    alignas(64) T shift[column_limit], sum[column_limit];
    column_maximum(shift, x, n, width);
    column_sums(sum, n, width, [&](int64_t i) {
      return [&, in = x[i]](int64_t j) { return math::exp_of_negative(in[j] - shift[j]); };
    });
    for (int64_t j = 0; j < width; j++) sum[j] = math::log(sum[j]);
    each_element(n, width, [&](int64_t i) {
      return [&, out = y[i], in = x[i]](int64_t j) { out[j] = in[j] - shift[j] - sum[j]; };
    });
  }
};

struct SoftmaxBackwardColumns {
  template <class T>
  static TT_INLINE void run(Matrix<T> dx, Matrix<T> y, Matrix<T> g, int64_t n, int64_t width) {
    alignas(64) T total[column_limit];
    column_sums(total, n, width, [&](int64_t i) {
      return [value = y[i], grad = g[i]](int64_t j) { return value[j] * grad[j]; };
    });
    each_element(n, width, [&](int64_t i) {
      return [&, out = dx[i], value = y[i], grad = g[i]](int64_t j) {
        out[j] = value[j] * (grad[j] - total[j]);
      };
    });
  }
};

struct LogSoftmaxBackwardColumns {
  template <class T>
  static TT_INLINE void run(Matrix<T> dx, Matrix<T> y, Matrix<T> g, int64_t n, int64_t width) {
    alignas(64) T total[column_limit];
    column_sums(total, n, width, [&](int64_t i) { return [grad = g[i]](int64_t j) { return grad[j]; }; });
    each_element(n, width, [&](int64_t i) {
      return [&, out = dx[i], value = y[i], grad = g[i]](int64_t j) {
        out[j] = grad[j] - math::exp_of_negative(value[j]) * total[j];
      };
    });
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
    stores<T>[int(block.dtype)](y[i], block.count, block.out + i* block.stride* read.size, 1);
}

}  // namespace

#define TT_ROW_KERNELS(Op)                                    \
  {                                                           \
    {each_row<Op, float>, all_columns<Op##Columns, float>}, { \
      each_row<Op, double>, all_columns<Op##Columns, double>  \
    }                                                         \
  }
constinit const SoftmaxTable softmax_table = {TT_ROW_KERNELS(Softmax), TT_ROW_KERNELS(LogSoftmax),
                                              TT_ROW_KERNELS(SoftmaxBackward),
                                              TT_ROW_KERNELS(LogSoftmaxBackward)};
#undef TT_ROW_KERNELS

}  // namespace tt::TT_ISA
