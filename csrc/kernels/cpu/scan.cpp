// Running sums, products, extrema and log-sum-exps. Sums and products of floats run in double.
#include <algorithm>

#include "kernels/cpu/fold_rows.h"
#include "kernels/math_exponential.h"
#include "kernels/rows.h"

namespace tt::TT_ISA {
namespace {

using namespace reductions;

constexpr int64_t chunk = 1024;

template <class Op, class T>
struct Running {
  using S = Wide<T>;
  using Carry = S;
  static TT_INLINE Carry start() { return Op::template start<S>; }

  static TT_INLINE void row(T* y, const T* x, int64_t n, Carry& carry) {
    typedef T Narrow __attribute__((vector_size(lanes<S> * sizeof(T))));
    int64_t i = 0;
    for (; i + lanes<S> <= n; i += lanes<S>) {
      Narrow elements;
      __builtin_memcpy(&elements, x + i, sizeof elements);
      Vector<S> sums = prefix_lanes<Op, S>(__builtin_convertvector(elements, Vector<S>));
      elements = __builtin_convertvector(Op::combine(broadcast(carry), sums), Narrow);
      __builtin_memcpy(y + i, &elements, sizeof elements);
      carry = Op::combine(carry, sums[lanes<S> - 1]);
    }
    for (; i < n; i++) {
      carry = Op::combine(carry, S(x[i]));
      y[i] = T(carry);
    }
  }
};

// s is the running maximum, or 0 where that is infinite; S[i] = S[i-1] exp(s[i-1] - s[i]) + exp(x[i] - s[i])
// and the result s[i] + log S[i].
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

template <class Op, class T>
void fold_columns(const RowBlock& block) {
  Reader<T> read(block.dtype);
  alignas(64) Wide<T> sum[column_limit];
  alignas(64) T buffer[column_limit];
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

// Of equal values the last position counts, and every NaN takes over. For scalars and vectors.
template <class Extremum, class V>
TT_INLINE auto takes_over(V x, V best) {
  if constexpr (std::is_same_v<Extremum, Maximum>) return (x >= best) | (x != x);
  else return (x <= best) | (x != x);
}

// An element takes over just when it equals the running extremum, itself included, or is a NaN; the position
// is the largest of those that took over. -1: none did in this chunk.
template <class Extremum, class T>
TT_INLINE void extremum_chunk(T* y, Position<T>* place, const T* x, int64_t n, T best) {
  using P = Position<T>;
  P last = -1;
  by_vectors<T>(n, [&](int64_t i, auto count) {
    Vector<T> element = within(load(x + i, count), Extremum::template start<T>, count),
              running = broadcast(best);
    Vector<P> places = broadcast(last);
    if (first_set(takes_over<Extremum>(element, running)) < lanes<T>) {
      running = Extremum::combine(running, prefix_lanes<Extremum, T>(element));
      auto takes = takes_over<Extremum>(element, running);
      Vector<P> own = takes ? lane_numbers<T>() + P(i) : broadcast(P(-1));
      places = Maximum::combine(places, prefix_lanes<Maximum, P>(own));
      best = running[lanes<T> - 1];
      last = places[lanes<T> - 1];
    }
    store(y + i, running, count);
    store(place + i, places, count);
  });
}

template <class Extremum, class T>
void extremum_rows(const RowBlock& block) {
  Reader<T> read(block.dtype);
  alignas(64) T buffer[chunk];
  alignas(64) Position<T> place[chunk];
  for (int64_t j = 0; j < block.count; j++) {
    T best = Extremum::template start<T>;
    int64_t before = 0;
    for (int64_t first = 0; first < block.n; first += chunk) {
      int64_t length = std::min(chunk, block.n - first), at = j * block.pitch + first * block.stride;
      const T* x = read(block.in + at * read.size, block.stride, length, buffer);
      extremum_chunk<Extremum>(buffer, place, x, length, best);
      stores<T>[int(block.dtype)](buffer, length, block.out + at* read.size, block.stride);
      int64_t* index = block.index + at;
      auto position = [&](int64_t i) { return place[i] < 0 ? before : first + place[i]; };
      if (block.stride == 1)
        for (int64_t i = 0; i < length; i++) index[i] = position(i);
      else
        for (int64_t i = 0; i < length; i++) index[i * block.stride] = position(i);
      best = buffer[length - 1];
      before = index[(length - 1) * block.stride];
    }
  }
}

template <class Extremum, class T>
void extremum_columns(const RowBlock& block) {
  Reader<T> read(block.dtype);
  alignas(64) T best[column_limit], buffer[column_limit];
  alignas(64) int64_t place[column_limit] = {};
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
