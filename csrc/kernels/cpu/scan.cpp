// Running sums, products, extrema and log-sum-exps. Sums and products of floats run in double.
#include <algorithm>

#include "kernels/cpu/fold_rows.h"
#include "kernels/math_exponential.h"
#include "kernels/rows.h"

namespace tt::TT_ISA {
namespace {

using namespace reductions;

constexpr int64_t chunk = 1024;

// v[k] becomes v[0] + ... + v[k]: lanes are moved up by 1, 2, 4, ... and added.
template <class Op, class S>
TT_INLINE Vector<S> prefix(Vector<S> v) {
  using Index = Vector<int64_t>;
  const Vector<S> start = broadcast(Op::template start<S>);
  constexpr int width = lanes<S>;
  auto add_moved = [&](auto distance) {
    Index from;
    for (int k = 0; k < width; k++) from[k] = k < distance.value ? k : width + k - distance.value;
    v = Op::combine(v, __builtin_shuffle(start, v, from));
  };
  add_moved(std::integral_constant<int, 1>{});
  if constexpr (width > 2) add_moved(std::integral_constant<int, 2>{});
  if constexpr (width > 4) add_moved(std::integral_constant<int, 4>{});
  return v;
}

template <class Op, class T>
struct Running {
  using Carry = Wide<T>;
  static TT_INLINE Carry start() { return Op::template start<Carry>; }

  static TT_INLINE void row(T* y, const T* x, int64_t n, Carry& carry) {
    using S = Carry;
    constexpr int width = lanes<S>;
    int64_t i = 0;
    for (; i + width <= n; i += width) {
      alignas(64) S lane[width];
      for (int k = 0; k < width; k++) lane[k] = S(x[i + k]);
      Vector<S> sums = prefix<Op, S>(load_vector(lane));
      store_vector(lane, Op::combine(broadcast(carry), sums));
      for (int k = 0; k < width; k++) y[i + k] = T(lane[k]);
      carry = Op::combine(carry, sums[width - 1]);
    }
    for (; i < n; i++) {
      carry = Op::combine(carry, S(x[i]));
      y[i] = T(carry);
    }
  }
};

// s is the running maximum, or 0 where that is infinite; S[i] = S[i-1] exp(s[i-1] - s[i]) + exp(x[i] - s[i]) and
// the result s[i] + log S[i].
template <class T>
struct RunningLogSumExp {
  struct Carry {
    T maximum, shift;
    double sum;
  };
  static TT_INLINE Carry start() { return {Maximum::start<T>, 0, 0}; }

  static TT_INLINE void row(T* y, const T* x, int64_t n, Carry& carry) {
    alignas(64) T shift[chunk + 1], decay[chunk], term[chunk];
    for (; n > 0; n -= chunk, x += chunk, y += chunk) {
      int64_t length = std::min(n, chunk);
      shift[0] = carry.shift;
      for (int64_t i = 0; i < length; i++) {
        carry.maximum = Maximum::combine(carry.maximum, x[i]);
        shift[i + 1] = math::abs(carry.maximum) == Maximum::start<T> * -1 ? T(0) : carry.maximum;
      }
      carry.shift = shift[length];
      for (int64_t i = 0; i < length; i++) {
        T fall = shift[i] - shift[i + 1];
        decay[i] = math::exp(fall > 0 ? T(0) : fall);
      }
      for (int64_t i = 0; i < length; i++) term[i] = math::exp(x[i] - shift[i + 1]);
      for (int64_t i = 0; i < length; i++) term[i] = T(carry.sum = carry.sum * decay[i] + term[i]);
      for (int64_t i = 0; i < length; i++) y[i] = shift[i + 1] + math::log(term[i]);
    }
  }
};

template <class Run, class T>
void scan_rows(const RowBlock& block) {
  Reader<T> read(block.dtype);
  bool direct = read.direct(block.stride);
  int64_t step = direct ? block.n : chunk;
  alignas(64) T buffer[chunk], result[chunk];
  for (int64_t j = 0; j < block.count; j++) {
    auto carry = Run::start();
    for (int64_t i = 0; i < block.n; i += step) {
      int64_t length = std::min(step, block.n - i), offset = (j * block.pitch + i * block.stride) * read.size;
      const T* x = read(block.in + offset, block.stride, length, buffer);
      Run::row(direct ? reinterpret_cast<T*>(block.out + offset) : result, x, length, carry);
      if (!direct) stores<T>[int(block.dtype)](result, length, block.out + offset, block.stride);
    }
  }
}

constexpr int64_t column_tile = 256;

template <class Op, class T>
void fold_columns(const RowBlock& block) {
  Reader<T> read(block.dtype);
  alignas(64) Wide<T> sum[column_tile];
  alignas(64) T buffer[column_tile];
  std::fill_n(sum, block.count, Op::template start<Wide<T>>);
  for (int64_t i = 0; i < block.n; i++) {
    int64_t offset = i * block.stride * read.size;
    const T* x = read(block.in + offset, 1, block.count, buffer);
    T* y = read.native ? reinterpret_cast<T*>(block.out + offset) : buffer;
#pragma GCC ivdep
    for (int64_t j = 0; j < block.count; j++) y[j] = T(sum[j] = Op::combine(sum[j], Wide<T>(x[j])));
    if (!read.native) stores<T>[int(block.dtype)](y, block.count, block.out + offset, 1);
  }
}

// Of equal values the last position counts, and every NaN takes over.
template <class Extremum, class T>
TT_INLINE bool takes_over(T x, T best) {
  if constexpr (std::is_same_v<Extremum, Maximum>) return (x >= best) | (x != x);
  else return (x <= best) | (x != x);
}

template <class Extremum, class T>
void extremum_rows(const RowBlock& block) {
  Reader<T> read(block.dtype);
  alignas(64) T buffer[chunk];
  for (int64_t j = 0; j < block.count; j++) {
    T best{};
    int64_t place = 0;
    for (int64_t first = 0; first < block.n; first += chunk) {
      int64_t length = std::min(chunk, block.n - first), at = j * block.pitch + first * block.stride;
      const T* x = read(block.in + at * read.size, block.stride, length, buffer);
      int64_t* index = block.index + at;
      if (first == 0) best = x[0];
      for (int64_t i = 0; i < length; i++) {
        bool takes = takes_over<Extremum>(x[i], best);
        best = takes ? x[i] : best;
        place = takes ? first + i : place;
        buffer[i] = best;
        index[i * block.stride] = place;
      }
      stores<T>[int(block.dtype)](buffer, length, block.out + at * read.size, block.stride);
    }
  }
}

template <class Extremum, class T>
void extremum_columns(const RowBlock& block) {
  Reader<T> read(block.dtype);
  alignas(64) T best[column_tile], buffer[column_tile];
  alignas(64) int64_t place[column_tile] = {};
  for (int64_t i = 0; i < block.n; i++) {
    int64_t offset = i * block.stride * read.size;
    const T* x = read(block.in + offset, 1, block.count, buffer);
    if (i == 0) std::copy_n(x, block.count, best);
    int64_t* index = block.index + i * block.stride;
#pragma GCC ivdep
    for (int64_t j = 0; j < block.count; j++) {
      bool takes = takes_over<Extremum>(x[j], best[j]);
      best[j] = takes ? x[j] : best[j];
      place[j] = takes ? i : place[j];
      index[j] = place[j];
    }
    stores<T>[int(block.dtype)](best, block.count, block.out + offset, 1);
  }
}

template <class Op, class T>
constexpr RowKernels running = {scan_rows<Running<Op, T>, T>, fold_columns<Op, T>};
template <class Extremum, class T>
constexpr RowKernels extremum = {extremum_rows<Extremum, T>, extremum_columns<Extremum, T>};
template <class T>
constexpr RowKernels log_sum_exp = {scan_rows<RunningLogSumExp<T>, T>, scan_rows<RunningLogSumExp<T>, T>};

}  // namespace

#define TT_ALL(kernels, Op) \
  {kernels<Op, int32_t>, kernels<Op, int64_t>, kernels<Op, float>, kernels<Op, double>}
constinit const ScanTable scan_table = {{TT_ALL(running, Add),
                                         TT_ALL(running, Multiply),
                                         TT_ALL(extremum, Maximum),
                                         TT_ALL(extremum, Minimum),
                                         {{}, {}, log_sum_exp<float>, log_sum_exp<double>}}};
#undef TT_ALL

}  // namespace tt::TT_ISA
