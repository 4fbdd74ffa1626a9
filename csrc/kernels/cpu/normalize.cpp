// Moments of runs and columns of memory, and the passes that a normalisation makes over them. Sums run in the type of
// the elements for a stretch that fits the first-level cache, and go on in double.
#include <algorithm>

#include "kernels/cpu/fold_rows.h"
#include "kernels/normalize.h"

namespace tt::TT_ISA {
namespace {

constexpr int64_t stretch = 2048;  // elements

// The same elements, with runs that touch made one.
TT_INLINE Segments joined(const Segments& s) {
  if (s.count == 1 || s.pitch != s.length) return s;
  return {1, 0, s.count * s.length};
}

// body(offset, segments) for parts of at most about a stretch
template <class Body>
TT_INLINE void by_stretches(const Segments& given, Body&& body) {
  Segments s = joined(given);
  if (s.length >= stretch) {
    for (int64_t k = 0; k < s.count; k++)
      for (int64_t i = 0; i < s.length; i += stretch)
        body(k * s.pitch + i, Segments{1, 0, std::min(stretch, s.length - i)});
    return;
  }
  int64_t together = std::max<int64_t>(1, stretch / std::max<int64_t>(1, s.length));
  for (int64_t k = 0; k < s.count; k += together)
    body(k * s.pitch, Segments{std::min(together, s.count - k), s.pitch, s.length});
}

// body(offset, accumulator number, Full or count) for all vectors
template <class T, class Body>
TT_INLINE void each_vector(const Segments& s, Body&& body) {
  constexpr int step = lanes<T>;
  for (int64_t k = 0; k < s.count; k++) {
    int64_t start = k * s.pitch, i = 0;
    for (; i + 4 * step <= s.length; i += 4 * step)
      for (int j = 0; j < 4; j++) body(start + i + j * step, j, Full{});
    for (; i + step <= s.length; i += step) body(start + i, 0, Full{});
    if (i < s.length) body(start + i, 1, s.length - i);
  }
}

template <class T>
TT_INLINE double total(const Vector<T> (&parts)[4]) {
  return double(fold_lanes<reductions::Add, T>((parts[0] + parts[1]) + (parts[2] + parts[3])));
}

template <class T>
Moments moments(const void* data, const Segments& segments) {
  const T* x = static_cast<const T*>(data);
  double count = 0, mean = 0, squares = 0;
  by_stretches(segments, [&](int64_t offset, const Segments& part) {
    Vector<T> sum[4] = {}, square[4] = {};
    each_vector<T>(part, [&](int64_t i, int j, auto n) { sum[j] += load(x + offset + i, n); });
    double size = double(part.elements()), own = total<T>(sum) / size;
    T center = T(own);
    each_vector<T>(part, [&](int64_t i, int j, auto n) {
      Vector<T> d = load(x + offset + i, n) - center;
      square[j] += within<T>(d * d, 0, n);
    });
    // The squares were taken around the rounded center.
    double around = total<T>(square) - size * (own - double(center)) * (own - double(center));
    double distance = own - mean, both = count + size;
    mean += distance * (size / both);
    squares += around + distance * distance * (count * size / both);
    count = both;
  });
  return {mean, squares};
}

template <class T>
void transform(const void* from, void* to, const Segments& segments, double mean, double scale, double shift) {
  const T *x = static_cast<const T*>(from), m = T(mean), a = T(scale), b = T(shift);
  T* y = static_cast<T*>(to);
  each_vector<T>(joined(segments), [&](int64_t i, int, auto n) { store(y + i, (load(x + i, n) - m) * a + b, n); });
}

template <class T>
GradientSums sums(const void* grads, const void* inputs, const Segments& segments, double mean) {
  const T *g = static_cast<const T*>(grads), *x = static_cast<const T*>(inputs), m = T(mean);
  GradientSums result = {0, 0};
  by_stretches(segments, [&](int64_t offset, const Segments& part) {
    Vector<T> grad[4] = {}, product[4] = {};
    each_vector<T>(part, [&](int64_t i, int j, auto n) {
      Vector<T> v = load(g + offset + i, n);
      grad[j] += v;
      product[j] += v * within<T>(load(x + offset + i, n) - m, 0, n);
    });
    result.grad += total<T>(grad);
    result.product += total<T>(product);
  });
  return result;
}

template <class T>
void gradient(const void* grads, const void* inputs, void* out, const Segments& segments, double scale, double slope,
              double mean, double shift) {
  const T *g = static_cast<const T*>(grads), *x = static_cast<const T*>(inputs);
  const T a = T(scale), b = T(slope), m = T(mean), c = T(shift);
  T* dx = static_cast<T*>(out);
  each_vector<T>(joined(segments), [&](int64_t i, int, auto n) {
    store(dx + i, load(g + i, n) * a + ((load(x + i, n) - m) * b + c), n);
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
    each_element(c, first, end, [&](int64_t i, int64_t j) { square[j] += (x[i] - center[j]) * (x[i] - center[j]); });
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
