// Sampling at the places that a grid names, a block of places at a time: first the taps of all of them, whose
// weights are a product of those along each dimension, then channel by channel what they read.
#include <algorithm>
#include <cmath>

#include "kernels/cpu/lanes.h"
#include "kernels/grid_sample.h"

namespace tt::TT_ISA {
namespace {

constexpr int block = 64, most_along = 4, most_taps = 16;

// One tap of every place in the block; a negative place is outside of the image.
template <class T>
struct TapRow {
  alignas(64) Position<T> at[block];
  alignas(64) T weight[block];
};

// Where the places of a block lie along a dimension, in elements, and how far a unit of the grid moves them.
template <class T>
struct Line {
  int64_t size;
  alignas(64) T place[block];
  alignas(64) T slope[block];
};

// Places beyond the ends stay at the ends, whatever the grid; so does NaN, at the first.
template <class T>
TT_INLINE void clip(Line<T>& line) {
  const T end = T(line.size - 1);
  for (int p = 0; p < block; p++) {
    const bool below = !(line.place[p] > 0), above = line.place[p] >= end;
    line.slope[p] = below || above ? T(0) : line.slope[p];
    line.place[p] = below ? T(0) : above ? end : line.place[p];
  }
}

// Mirrored at the first and last element, or at the borders half an element beyond them.
template <class T>
TT_INLINE void reflect(Line<T>& line, bool align_corners) {
  const T low = align_corners ? T(0) : T(-0.5), span = align_corners ? T(line.size - 1) : T(line.size);
  for (int p = 0; p < block; p++) {
    T distance = line.place[p] - low, slope = distance < 0 ? -line.slope[p] : line.slope[p];
    distance = std::abs(distance);
    T turns = span > 0 ? std::floor(distance / span) : T(0), rest = span > 0 ? distance - turns * span : T(0);
    const bool backwards = turns - 2 * std::floor(turns / 2) != 0;
    line.place[p] = low + (backwards ? span - rest : rest);
    line.slope[p] = backwards ? -slope : slope;
  }
}

template <class T>
TT_INLINE void bring_inside(Line<T>& line, const GridSampleCall& call) {
  if (call.padding == GridPadding::reflection) reflect(line, call.align_corners);
  if (call.padding != GridPadding::zeros) clip(line);
}

template <class T>
TT_INLINE void read_line(Line<T>& line, const GridSampleCall& call, const T* grid, int d, int n) {
  const T size = T(line.size), slope = (call.align_corners ? size - 1 : size) / 2;
  for (int p = 0; p < block; p++) {
    T x = p < n ? grid[p * call.dims + d] : T(0);
    line.place[p] = call.align_corners ? (x + 1) / 2 * (size - 1) : ((x + 1) * size - 1) / 2;
    line.slope[p] = slope;
  }
}

template <class T>
TT_INLINE Position<T> place_inside(T place, int64_t size) {
  const bool inside = place >= 0 && place < T(size);
  return inside ? Position<T>(inside ? place : T(0)) : Position<T>(-1);
}

// Derivative number `order` of the weights of the four elements around t in [0, 1], cubic convolution with A
// = -3/4.
template <class T>
TT_INLINE T cubic_weight(T t, int k, int order) {
  constexpr T a = T(-0.75);
  // |x| <= 1: (a + 2) x^3 - (a + 3) x^2 + 1;   1 < |x| < 2: a x^3 - 5a x^2 + 8a x - 4a
  constexpr T near[4] = {1, 0, -(a + 3), a + 2}, far[4] = {-4 * a, 8 * a, -5 * a, a};
  const T* power = k == 1 || k == 2 ? near : far;
  const T x = k == 0 ? t + 1 : k == 1 ? t : k == 2 ? 1 - t : 2 - t;
  T sum = 0;
  for (int i = 3; i >= order; i--) {
    T factor = power[i];
    for (int j = 0; j < order; j++) factor *= T(i - j);
    sum = sum * x + factor;
  }
  return k >= 2 && order % 2 ? -sum : sum;  // for the elements after t, x falls as t rises
}

template <class T>
TT_INLINE int cubic_taps(const Line<T>& line, const GridSampleCall& call, int order, TapRow<T>* taps) {
  if (order > 3) return 0;
  for (int k = 0; k < 4; k++) {
    Line<T> moved{line.size, {}, {}};
    for (int p = 0; p < block; p++) moved.place[p] = std::floor(line.place[p]) + T(k - 1);
    bring_inside(moved, call);
    for (int p = 0; p < block; p++) {
      T weight = cubic_weight(line.place[p] - std::floor(line.place[p]), k, order);
      for (int j = 0; j < order; j++) weight *= line.slope[p];
      taps[k].at[p] = place_inside(moved.place[p], line.size);
      taps[k].weight[p] = weight;
    }
  }
  return 4;
}

// The taps along dimension d, counted from the last, with weights derived `order` times. Returns how many
// there are.
template <class T>
TT_INLINE int taps_along(const GridSampleCall& call, const T* grid, int d, int n, int order,
                         TapRow<T>* taps) {
  Line<T> line{call.in[2 - d], {}, {}};
  read_line(line, call, grid, d, n);
  if (call.mode == GridMode::cubic) return cubic_taps(line, call, order, taps);
  bring_inside(line, call);
  if (call.mode == GridMode::nearest) {
    if (order) return 0;
    for (int p = 0; p < block; p++) {
      taps[0].at[p] = place_inside(std::nearbyint(line.place[p]), line.size);
      taps[0].weight[p] = 1;
    }
    return 1;
  }
  if (order > 1) return 0;
  for (int p = 0; p < block; p++) {
    const T before = std::floor(line.place[p]), part = line.place[p] - before;
    taps[0].at[p] = place_inside(before, line.size);
    taps[1].at[p] = place_inside(before + 1, line.size);
    taps[0].weight[p] = order ? -line.slope[p] : 1 - part;
    taps[1].weight[p] = order ? line.slope[p] : part;
  }
  return 2;
}

// All taps of n places, those along one dimension multiplied by those along the next.
template <class T>
int block_taps(const GridSampleCall& call, const T* grid, int n, int derived, TapRow<T>* taps) {
  int count = taps_along(call, grid, 0, n, call.order[0] + (derived == 0), taps);
  int64_t pitch = call.in[2];
  for (int d = 1; d < call.dims; d++, pitch *= call.in[3 - d]) {
    TapRow<T> along[most_along];
    const int more = taps_along(call, grid, d, n, call.order[d] + (derived == d), along);
    for (int k = more - 1; k >= 0; k--)
      for (int t = 0; t < count; t++)
        for (int p = 0; p < block; p++) {
          const bool inside = taps[t].at[p] >= 0 && along[k].at[p] >= 0;
          taps[k * count + t].at[p] =
              inside ? Position<T>(along[k].at[p] * pitch + taps[t].at[p]) : Position<T>(-1);
          taps[k * count + t].weight[p] = along[k].weight[p] * taps[t].weight[p];
        }
    count *= more;
  }
  return count;
}

template <class T>
TT_INLINE void read_taps(const TapRow<T>* taps, int count, const T* __restrict plane, T* __restrict sums) {
  for (int p = 0; p < block; p++) sums[p] = 0;
  for (int t = 0; t < count; t++) {
    const TapRow<T>& row = taps[t];
    alignas(64) Position<T> from[block];
    for (int p = 0; p < block; p++) from[p] = row.at[p] < 0 ? 0 : row.at[p];
#pragma GCC ivdep
    for (int p = 0; p < block; p++) {
      const T value = plane[from[p]] * row.weight[p];
      sums[p] += row.at[p] < 0 ? T(0) : value;
    }
  }
}

template <class T>
struct Places {
  const GridSampleCall& call;
  int64_t n, in_size, out_size;

  Places(const GridSampleCall& call, int64_t n)
      : call(call),
        n(n),
        in_size(call.in[0] * call.in[1] * call.in[2]),
        out_size(call.out[0] * call.out[1] * call.out[2]) {}
  const T* grid(int64_t o) const { return static_cast<const T*>(call.grid) + (n * out_size + o) * call.dims; }
  T* image(int64_t c) const { return static_cast<T*>(call.image) + (n * call.channels + c) * in_size; }
  T* result(int64_t c, int64_t o) const {
    return static_cast<T*>(call.result) + (n * call.channels + c) * out_size + o;
  }
};

template <class T>
void sample(const GridSampleCall& call, int64_t n, int64_t first, int64_t last) {
  const Places<T> places(call, n);
  TapRow<T> taps[most_taps];
  alignas(64) T sums[block];
  for (int64_t o = first; o < last; o += block) {
    const int m = int(std::min<int64_t>(block, last - o)),
              count = block_taps(call, places.grid(o), m, -1, taps);
    for (int64_t c = 0; c < call.channels; c++) {
      read_taps(taps, count, places.image(c), sums);
      std::copy_n(sums, m, places.result(c, o));
    }
  }
}

template <class T>
void spread(const GridSampleCall& call, int64_t n, int64_t first, int64_t last) {
  const Places<T> places(call, n);
  TapRow<T> taps[most_taps];
  for (int64_t o = first; o < last; o += block) {
    const int m = int(std::min<int64_t>(block, last - o)),
              count = block_taps(call, places.grid(o), m, -1, taps);
    for (int64_t c = 0; c < call.channels; c++) {
      const T* g = places.result(c, o);
      T* plane = places.image(c);
      for (int p = 0; p < m; p++)
        for (int t = 0; t < count; t++)
          if (taps[t].at[p] >= 0) plane[taps[t].at[p]] += taps[t].weight[p] * g[p];
    }
  }
}

template <class T>
void gradient(const GridSampleCall& call, int64_t n, int64_t first, int64_t last) {
  const Places<T> places(call, n);
  TapRow<T> taps[most_taps];
  alignas(64) T sums[block], total[block];
  for (int64_t o = first; o < last; o += block)
    for (int d = 0; d < call.dims; d++) {
      const int m = int(std::min<int64_t>(block, last - o)),
                count = block_taps(call, places.grid(o), m, d, taps);
      std::fill_n(total, block, T(0));
      for (int64_t c = 0; c < call.channels; c++) {
        read_taps(taps, count, places.image(c), sums);
        const T* g = places.result(c, o);
        for (int p = 0; p < m; p++) total[p] += sums[p] * g[p];
      }
      T* out = static_cast<T*>(call.places) + (n * places.out_size + o) * call.dims + d;
      for (int p = 0; p < m; p++) out[p * call.dims] = total[p];
    }
}

}  // namespace

constinit const GridSampleTable grid_sample_table = {
    {sample<float>, sample<double>}, {spread<float>, spread<double>}, {gradient<float>, gradient<double>}};

}  // namespace tt::TT_ISA
