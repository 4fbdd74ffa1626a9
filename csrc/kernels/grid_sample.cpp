// Sampling at the places that a grid names. The weights of a place are a product of those along each dimension.
#include "kernels/grid_sample.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"

namespace tt {
namespace {

constexpr int most_taps = 4;
constexpr int64_t elements_at_once = 4096;  // worth a thread's while; each is read several times

// A place along one dimension, in elements, and what moves it per unit of the grid.
template <class T>
struct Coordinate {
  T at, slope;
};

template <class T>
Coordinate<T> clipped(Coordinate<T> c, int64_t size) {
  if (!(c.at > 0)) return {0, 0};
  if (c.at >= T(size - 1)) return {T(size - 1), 0};
  return c;
}

// Mirrored at the first and last element, or at the borders half an element beyond them.
template <class T>
Coordinate<T> reflected(Coordinate<T> c, int64_t size, bool align_corners) {
  const T low = align_corners ? T(0) : T(-0.5), span = align_corners ? T(size - 1) : T(size);
  if (span == 0) return {0, 0};
  T distance = c.at - low, slope = c.slope;
  if (distance < 0) distance = -distance, slope = -slope;
  T rest = std::fmod(distance, span);
  bool backwards = std::fmod(std::floor(distance / span), T(2)) != 0;
  return backwards ? Coordinate<T>{span - rest + low, -slope} : Coordinate<T>{rest + low, slope};
}

template <class T>
Coordinate<T> inside(Coordinate<T> c, int64_t size, const GridSampleCall& call) {
  if (call.padding == GridPadding::reflection) c = reflected(c, size, call.align_corners);
  if (call.padding != GridPadding::zeros) c = clipped(c, size);
  return c;
}

template <class T>
struct LineTaps {
  int count = 0;
  int64_t index[most_taps];
  T weight[most_taps];
  void add(T place, T w, int64_t size) {
    if (!(place >= 0 && place < T(size))) return;
    index[count] = int64_t(place);
    weight[count++] = w;
  }
};

// Derivative number `order` of the weights of the four elements around t in [0, 1], cubic convolution with A = -3/4.
template <class T>
void cubic_weights(T t, int order, T (&w)[4]) {
  constexpr T a = T(-0.75);
  // |x| <= 1: (a + 2) x^3 - (a + 3) x^2 + 1;   1 < |x| < 2: a x^3 - 5a x^2 + 8a x - 4a
  const T near[4] = {1, 0, -(a + 3), a + 2}, far[4] = {-4 * a, 8 * a, -5 * a, a};
  auto value = [order](const T (&p)[4], T x) {
    T sum = 0;
    for (int k = 3; k >= order; k--) {
      T factor = p[k];
      for (int j = 0; j < order; j++) factor *= T(k - j);
      sum = sum * x + factor;
    }
    return sum;
  };
  const T mirrored = order % 2 ? T(-1) : T(1);  // for the elements after t, x falls as t rises
  w[0] = value(far, t + 1);
  w[1] = value(near, t);
  w[2] = mirrored * value(near, 1 - t);
  w[3] = mirrored * value(far, 2 - t);
}

template <class T>
LineTaps<T> taps_along(const GridSampleCall& call, T place, int64_t size, int order) {
  const bool align = call.align_corners;
  Coordinate<T> c = align ? Coordinate<T>{(place + 1) / 2 * T(size - 1), T(size - 1) / 2}
                          : Coordinate<T>{((place + 1) * T(size) - 1) / 2, T(size) / 2};
  LineTaps<T> taps;
  if (call.mode == GridMode::cubic) {
    T before = std::floor(c.at), w[4], scale = std::pow(c.slope, T(order));
    if (order > 3) return taps;
    cubic_weights(c.at - before, order, w);
    for (int k = 0; k < 4; k++) taps.add(inside(Coordinate<T>{before + T(k - 1), 1}, size, call).at, w[k] * scale, size);
    return taps;
  }
  c = inside(c, size, call);
  if (call.mode == GridMode::nearest) {
    if (order == 0) taps.add(std::nearbyint(c.at), 1, size);
    return taps;
  }
  if (order > 1) return taps;
  T before = std::floor(c.at), t = c.at - before;
  taps.add(before, order ? -c.slope : 1 - t, size);
  taps.add(before + 1, order ? c.slope : t, size);
  return taps;
}

template <class T>
struct Taps {
  int count = 0;
  int64_t offset[64];
  T weight[64];
};

template <class T>
Taps<T> taps_at(const GridSampleCall& call, const T* place, int derived) {
  LineTaps<T> line[3];
  for (int d = 0; d < 3; d++) {
    if (d < call.dims) line[d] = taps_along(call, place[d], call.in[2 - d], call.order[d] + (d == derived));
    else line[d].add(0, 1, 1);
  }
  Taps<T> taps;
  for (int i = 0; i < line[2].count; i++)
    for (int j = 0; j < line[1].count; j++)
      for (int k = 0; k < line[0].count; k++) {
        taps.offset[taps.count] = (line[2].index[i] * call.in[1] + line[1].index[j]) * call.in[2] + line[0].index[k];
        taps.weight[taps.count++] = line[2].weight[i] * line[1].weight[j] * line[0].weight[k];
      }
  return taps;
}

template <class T>
T sampled(const Taps<T>& taps, const T* plane) {
  T sum = 0;
  for (int t = 0; t < taps.count; t++) sum += taps.weight[t] * plane[taps.offset[t]];
  return sum;
}

template <class T>
struct Sampler {
  const GridSampleCall& call;
  int64_t in_size, out_size;

  const T* place(int64_t n, int64_t o) const { return static_cast<const T*>(call.grid) + (n * out_size + o) * call.dims; }
  T* image(int64_t n, int64_t c) const { return static_cast<T*>(call.image) + (n * call.channels + c) * in_size; }
  T* result(int64_t n, int64_t c) const { return static_cast<T*>(call.result) + (n * call.channels + c) * out_size; }

  void sample(int64_t n, int64_t o) const {
    Taps<T> taps = taps_at(call, place(n, o), -1);
    for (int64_t c = 0; c < call.channels; c++) result(n, c)[o] = sampled(taps, image(n, c));
  }
  void spread(int64_t n, int64_t o) const {
    Taps<T> taps = taps_at(call, place(n, o), -1);
    for (int64_t c = 0; c < call.channels; c++) {
      T g = result(n, c)[o], *plane = image(n, c);
      for (int t = 0; t < taps.count; t++) plane[taps.offset[t]] += taps.weight[t] * g;
    }
  }
  void gradient(int64_t n, int64_t o) const {
    for (int d = 0; d < call.dims; d++) {
      Taps<T> taps = taps_at(call, place(n, o), d);
      T sum = 0;
      for (int64_t c = 0; c < call.channels; c++) sum += result(n, c)[o] * sampled(taps, image(n, c));
      static_cast<T*>(call.places)[(n * out_size + o) * call.dims + d] = sum;
    }
  }

  void run() const {
    if (call.task == GridTask::spread)
      return parallel_for(0, call.batch, 1, [&](int64_t first, int64_t last) {
        for (int64_t n = first; n < last; n++) {
          std::fill_n(image(n, 0), call.channels * in_size, T(0));
          for (int64_t o = 0; o < out_size; o++) spread(n, o);
        }
      });
    int64_t grain = std::max<int64_t>(1, elements_at_once / std::max<int64_t>(call.channels, 1));
    parallel_for(0, call.batch * out_size, grain, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; i++) {
        if (call.task == GridTask::sample) sample(i / out_size, i % out_size);
        else gradient(i / out_size, i % out_size);
      }
    });
  }
};

template <class T>
void run(const GridSampleCall& call) {
  Sampler<T>{call, call.in[0] * call.in[1] * call.in[2], call.out[0] * call.out[1] * call.out[2]}.run();
}

}  // namespace

void cpu_grid_sample(const GridSampleCall& call) {
  if (call.dtype == DType::Float64) run<double>(call);
  else run<float>(call);
}

}  // namespace tt
