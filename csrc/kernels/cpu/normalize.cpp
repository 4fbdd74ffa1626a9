// Moments of runs and columns of memory, and the passes that a normalisation makes over them. Sums run in the
// type of the elements for a stretch that fits the first-level cache, and go on in double.
#include <algorithm>

#include "kernels/cpu/fold_rows.h"
#include "kernels/normalize.h"

namespace tt::TT_ISA {
namespace {

constexpr int64_t stretch = 2048;  // elements of a channel

// The same elements, with runs that touch made one.
TT_INLINE Segments joined(const Segments& s, int64_t channels) {
  if (channels > 1 || s.count == 1 || s.pitch != s.length) return s;
  return {1, 0, s.count * s.length};
}

// body(offset, segments) for parts with at most about a stretch of each channel
template <class Body>
TT_INLINE void by_stretches(const Segments& given, int64_t channels, Body&& body) {
  Segments s = joined(given, channels);
  if (s.length >= stretch && channels == 1) {
    for (int64_t k = 0; k < s.count; k++)
      for (int64_t i = 0; i < s.length; i += stretch)
        body(k * s.pitch + i, Segments{1, 0, std::min(stretch, s.length - i)});
    return;
  }
  int64_t together = std::max<int64_t>(1, stretch / std::max<int64_t>(1, s.length));
  for (int64_t k = 0; k < s.count; k += together)
    body(k * s.pitch, Segments{std::min(together, s.count - k), s.pitch, s.length});
}

// body(start, channel) for all runs, in the order in which they lie in memory
template <class Body>
TT_INLINE void each_run(const Segments& s, int64_t channels, Body&& body) {
  for (int64_t k = 0; k < s.count; k++)
    for (int64_t c = 0; c < channels; c++) body(k * s.pitch + c * s.length, c);
}

template <class T>
struct Sum {  // four vectors that are added to independently
  Vector<T> part[4];
  TT_INLINE double total() const {
    return double(fold_lanes<reductions::Add, T>((part[0] + part[1]) + (part[2] + part[3])));
  }
};

// Runs add(sums) where sums live in registers, unless the run is so short that bringing them there costs
// more.
template <class T, class S, class Add>
TT_INLINE void add_run(S& held, int64_t length, Add&& add) {
  if (length < 4 * lanes<T>) return add(held);
  S sums = held;
  add(sums);
  held = sums;
}

// body(i, which of four, Full or count) for the vectors of a run
template <class T, class Body>
TT_INLINE void each_vector(int64_t start, int64_t length, Body&& body) {
  constexpr int step = lanes<T>;
  int64_t i = 0;
  for (; i + 4 * step <= length; i += 4 * step)
    for (int j = 0; j < 4; j++) body(start + i + j * step, j, Full{});
  for (; i + step <= length; i += step) body(start + i, 0, Full{});
  if (i < length) body(start + i, 1, length - i);
}

template <class T>
void moments(const void* data, const Segments& segments, int64_t channels, Moments* found) {
  const T* x = static_cast<const T*>(data);
  Sum<T> sums[channel_tile_limit], squares[channel_tile_limit];
  double own[channel_tile_limit], count = 0;
  std::fill_n(found, channels, Moments{0, 0});
  by_stretches(segments, channels, [&](int64_t offset, const Segments& part) {
    double size = double(part.elements()), both = count + size;
    std::fill_n(sums, channels, Sum<T>{});
    std::fill_n(squares, channels, Sum<T>{});
    each_run(part, channels, [&](int64_t start, int64_t c) {
      add_run<T>(sums[c], part.length, [&](Sum<T>& sum) {
        each_vector<T>(offset + start, part.length,
                       [&](int64_t i, int j, auto n) { sum.part[j] += load(x + i, n); });
      });
    });
    for (int64_t c = 0; c < channels; c++) own[c] = sums[c].total() / size;
    each_run(part, channels, [&](int64_t start, int64_t c) {
      T center = T(own[c]);
      add_run<T>(squares[c], part.length, [&](Sum<T>& square) {
        each_vector<T>(offset + start, part.length, [&](int64_t i, int j, auto n) {
          Vector<T> d = load(x + i, n) - center;
          square.part[j] += within<T>(d * d, 0, n);
        });
      });
    });
    for (int64_t c = 0; c < channels; c++) {
      double lost = own[c] - double(T(own[c])),
             distance = own[c] - found[c].mean;  // squares were around T(own)
      found[c].mean += distance * (size / both);
      found[c].squares +=
          squares[c].total() - size * lost * lost + distance * distance * (count * size / both);
    }
    count = both;
  });
}

template <class T>
void transform(const void* from, void* to, const Segments& segments, int64_t channels, const Line* lines) {
  const T* x = static_cast<const T*>(from);
  T* y = static_cast<T*>(to);
  Segments s = joined(segments, channels);
  each_run(s, channels, [&](int64_t start, int64_t c) {
    T m = T(lines[c].mean), a = T(lines[c].scale), b = T(lines[c].shift);
    each_vector<T>(start, s.length,
                   [&](int64_t i, int, auto n) { store(y + i, (load(x + i, n) - m) * a + b, n); });
  });
}

template <class T>
struct SumPair {
  Sum<T> grad, product;
};

template <class T>
void sums(const void* grads, const void* inputs, const Segments& segments, int64_t channels,
          const double* mean, GradientSums* found) {
  const T *g = static_cast<const T*>(grads), *x = static_cast<const T*>(inputs);
  SumPair<T> pairs[channel_tile_limit];
  std::fill_n(found, channels, GradientSums{0, 0});
  by_stretches(segments, channels, [&](int64_t offset, const Segments& part) {
    std::fill_n(pairs, channels, SumPair<T>{});
    each_run(part, channels, [&](int64_t start, int64_t c) {
      T m = T(mean[c]);
      add_run<T>(pairs[c], part.length, [&](SumPair<T>& sum) {
        each_vector<T>(offset + start, part.length, [&](int64_t i, int j, auto n) {
          Vector<T> v = load(g + i, n);
          sum.grad.part[j] += v;
          sum.product.part[j] += v * within<T>(load(x + i, n) - m, 0, n);
        });
      });
    });
    for (int64_t c = 0; c < channels; c++) {
      found[c].grad += pairs[c].grad.total();
      found[c].product += pairs[c].product.total();
    }
  });
}

template <class T>
void gradient(const void* grads, const void* inputs, void* out, const Segments& segments, int64_t channels,
              const GradientLine* lines) {
  const T *g = static_cast<const T*>(grads), *x = static_cast<const T*>(inputs);
  T* dx = static_cast<T*>(out);
  Segments s = joined(segments, channels);
  each_run(s, channels, [&](int64_t start, int64_t c) {
    T a = T(lines[c].scale), b = T(lines[c].slope), m = T(lines[c].mean), d = T(lines[c].shift);
    each_vector<T>(start, s.length, [&](int64_t i, int, auto n) {
      store(dx + i, load(g + i, n) * a + ((load(x + i, n) - m) * b + d), n);
    });
  });
}

// ---------------------------------------------------------------- columns

constexpr int64_t rows_at_once = 64;

// for (i in rows) for (j in columns) body(i * pitch + j, j), with the inner loop vectorised
template <class Body>
TT_INLINE void each_element(const Columns& c, int64_t begin, int64_t end, Body&& body) {
  for (int64_t i = begin; i < end; i++) {
    int64_t row = i * c.pitch;
#pragma GCC ivdep
    for (int64_t j = 0; j < c.width; j++) body(row + j, j);
  }
}

template <class T>
struct Narrowed {  // numbers of the columns, in the type of the elements
  alignas(64) T value[column_norm_limit];
  TT_INLINE Narrowed(const double* x, int64_t n) {
    for (int64_t j = 0; j < n; j++) value[j] = T(x[j]);
  }
};

template <class T>
void column_moments(const void* data, const Columns& c, double* mean, double* squares) {
  const T* x = static_cast<const T*>(data);
  alignas(64) T sum[column_norm_limit], center[column_norm_limit], square[column_norm_limit];
  std::fill_n(mean, c.width, 0.0);
  std::fill_n(squares, c.width, 0.0);
  for (int64_t first = 0; first < c.rows; first += rows_at_once) {
    int64_t end = std::min(c.rows, first + rows_at_once);
    double size = double(end - first), count = double(first), both = double(end);
    std::fill_n(sum, c.width, T(0));
    std::fill_n(square, c.width, T(0));
    each_element(c, first, end, [&](int64_t i, int64_t j) { sum[j] += x[i]; });
    for (int64_t j = 0; j < c.width; j++) center[j] = T(double(sum[j]) / size);
    each_element(c, first, end,
                 [&](int64_t i, int64_t j) { square[j] += (x[i] - center[j]) * (x[i] - center[j]); });
    for (int64_t j = 0; j < c.width; j++) {
      double own = double(sum[j]) / size, lost = own - double(center[j]), distance = own - mean[j];
      squares[j] += double(square[j]) - size * lost * lost + distance * distance * (count * size / both);
      mean[j] += distance * (size / both);
    }
  }
}

template <class T>
void column_transform(const void* from, void* to, const Columns& c, const double* mean, const double* scale,
                      const double* shift) {
  const T* x = static_cast<const T*>(from);
  T* y = static_cast<T*>(to);
  Narrowed<T> m(mean, c.width), a(scale, c.width), b(shift, c.width);
  each_element(c, 0, c.rows,
               [&](int64_t i, int64_t j) { y[i] = (x[i] - m.value[j]) * a.value[j] + b.value[j]; });
}

template <class T>
void column_sums(const void* grads, const void* inputs, const Columns& c, const double* mean, double* grad,
                 double* product) {
  const T *g = static_cast<const T*>(grads), *x = static_cast<const T*>(inputs);
  Narrowed<T> m(mean, c.width);
  alignas(64) T sum[column_norm_limit], products[column_norm_limit];
  std::fill_n(grad, c.width, 0.0);
  std::fill_n(product, c.width, 0.0);
  for (int64_t first = 0; first < c.rows; first += rows_at_once) {
    std::fill_n(sum, c.width, T(0));
    std::fill_n(products, c.width, T(0));
    each_element(c, first, std::min(c.rows, first + rows_at_once), [&](int64_t i, int64_t j) {
      sum[j] += g[i];
      products[j] += g[i] * (x[i] - m.value[j]);
    });
    for (int64_t j = 0; j < c.width; j++) {
      grad[j] += double(sum[j]);
      product[j] += double(products[j]);
    }
  }
}

template <class T>
void column_gradient(const void* grads, const void* inputs, void* out, const Columns& c, const double* scale,
                     const double* slope, const double* mean, const double* shift) {
  const T *g = static_cast<const T*>(grads), *x = static_cast<const T*>(inputs);
  T* dx = static_cast<T*>(out);
  Narrowed<T> a(scale, c.width), b(slope, c.width), m(mean, c.width), d(shift, c.width);
  each_element(c, 0, c.rows, [&](int64_t i, int64_t j) {
    dx[i] = g[i] * a.value[j] + ((x[i] - m.value[j]) * b.value[j] + d.value[j]);
  });
}

template <class T>
constexpr SegmentNormKernels segment_kernels = {moments<T>, transform<T>, sums<T>, gradient<T>};
template <class T>
constexpr ColumnNormKernels column_kernels = {column_moments<T>, column_transform<T>, column_sums<T>,
                                              column_gradient<T>};

}  // namespace

constinit const NormalizeTable normalize_table = {{segment_kernels<float>, segment_kernels<double>},
                                                  {column_kernels<float>, column_kernels<double>}};

}  // namespace tt::TT_ISA
