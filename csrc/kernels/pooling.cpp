#include "kernels/pooling.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>

#include "core/error.h"
#include "core/parallel.h"
#include "core/scratch.h"

namespace tt {
namespace {

constexpr int64_t elements_at_once = 16384;  // worth a thread's while

int64_t grain_of(int64_t elements) {
  return std::max<int64_t>(1, elements_at_once / std::max<int64_t>(elements, 1));
}

float number_of(Half x) { return to_float(x); }
float number_of(BFloat16 x) { return to_float(x); }
template <class T>
T number_of(T x) {
  return x;
}
template <class T>
using Number = decltype(number_of(T()));

template <class T>
T stored_as(Number<T> x) {
  if constexpr (std::is_same_v<T, Half>) return to_half(x);
  else if constexpr (std::is_same_v<T, BFloat16>) return to_bfloat16(x);
  else return x;
}

template <class T>
constexpr Number<T> lowest() {
  if constexpr (std::is_floating_point_v<Number<T>>) return -std::numeric_limits<Number<T>>::infinity();
  else return std::numeric_limits<Number<T>>::lowest();
}

// ---------------------------------------------------------------- windows named by tables

template <class T>
struct Region {
  const MaxRegionsCall& call;
  const T* plane;
  int64_t start[3], count[3];

  void choose(int d, int64_t p, int64_t o) {
    start[d] = call.start[d][p * call.table_pitch[d] + o];
    count[d] = call.count[d][p * call.table_pitch[d] + o];
  }
  void largest(int64_t at) const {
    Number<T> best = lowest<T>();
    int64_t place = (start[0] * call.in[1] + start[1]) * call.in[2] + start[2];
    for (int64_t i = 0; i < count[0]; i++)
      for (int64_t j = 0; j < count[1]; j++) {
        int64_t row = (start[0] + i * call.step[0]) * call.in[1] + start[1] + j * call.step[1];
        for (int64_t k = 0; k < count[2]; k++) {
          int64_t here = row * call.in[2] + start[2] + k * call.step[2];
          Number<T> value = number_of(plane[here]);
          if (!(value > best) && value == value) continue;
          best = value;
          place = here;
        }
      }
    static_cast<T*>(call.result)[at] = stored_as<T>(best);
    if (call.index) call.index[at] = place;
  }
};

template <class T>
void max_of_plane(const MaxRegionsCall& call, int64_t p) {
  Region<T> region{call, static_cast<const T*>(call.data) + p * call.in[0] * call.in[1] * call.in[2], {}, {}};
  int64_t at = p * call.out[0] * call.out[1] * call.out[2];
  for (int64_t i = 0; i < call.out[0]; i++) {
    region.choose(0, p, i);
    for (int64_t j = 0; j < call.out[1]; j++) {
      region.choose(1, p, j);
      for (int64_t k = 0; k < call.out[2]; k++) {
        region.choose(2, p, k);
        region.largest(at++);
      }
    }
  }
}

// ---------------------------------------------------------------- elements named by their place

// Offsets into the plane of each result's window, and of each position within a window.
struct Places {
  const PoolWindow& w;
  int64_t offset[most_positions];

  explicit Places(const PoolWindow& window) : w(window) {
    for (int64_t z = 0; z < w.volume(); z++) {
      int64_t k = z % w.kernel[2], j = z / w.kernel[2] % w.kernel[1], i = z / w.kernel[2] / w.kernel[1];
      offset[z] = (i * w.dilation[0] * w.in[1] + j * w.dilation[1]) * w.in[2] + k * w.dilation[2];
    }
  }
  // body(number of the result in its plane, place in the plane)
  template <class Body>
  void each(const uint8_t* position, Body&& body) const {
    int64_t at = 0;
    for (int64_t i = 0; i < w.out[0]; i++)
      for (int64_t j = 0; j < w.out[1]; j++) {
        int64_t row = (i * w.stride[0] - w.padding[0]) * w.in[1] + j * w.stride[1] - w.padding[1];
        int64_t base = row * w.in[2] - w.padding[2];
        for (int64_t k = 0; k < w.out[2]; k++, at++) body(at, base + k * w.stride[2] + offset[position[at]]);
      }
  }
};

template <class Body>
void each_place(const PickCall& call, const Places* places, int64_t p, Body&& body) {
  if (places) return places->each(call.position + p * call.out_size, body);
  const int64_t* index = call.index + p * call.out_size;
  for (int64_t i = 0; i < call.out_size; i++) body(i, index[i]);
}

template <class T>
void pick_plane(const PickCall& call, const Places* places, int64_t p) {
  T *dense = static_cast<T*>(call.dense) + p * call.out_size,
    *plane = static_cast<T*>(call.plane) + p * call.in_size;
  if (call.mode == PickMode::get)
    return each_place(call, places, p, [&](int64_t i, int64_t place) { dense[i] = plane[place]; });
  if (call.mode == PickMode::set || std::is_same_v<T, Number<T>>)
    std::memset(plane, 0, call.in_size * sizeof(T));
  if (call.mode == PickMode::set)
    return each_place(call, places, p, [&](int64_t i, int64_t place) { plane[place] = dense[i]; });
  if constexpr (std::is_same_v<T, Number<T>>) {
    each_place(call, places, p, [&](int64_t i, int64_t place) { plane[place] += dense[i]; });
  } else {  // halves are summed as floats
    Scratch memory(call.in_size * int64_t(sizeof(float)));
    float* sums = memory.as<float>();
    std::fill_n(sums, call.in_size, 0.f);
    each_place(call, places, p, [&](int64_t i, int64_t place) { sums[place] += number_of(dense[i]); });
    for (int64_t i = 0; i < call.in_size; i++) plane[i] = stored_as<T>(sums[i]);
  }
}

template <class Body>
void with_floating(DType dtype, Body&& body) {
  switch (dtype) {
    case DType::Float16:
      return body(Half{});
    case DType::BFloat16:
      return body(BFloat16{});
    case DType::Float32:
      return body(float{});
    default:
      return body(double{});
  }
}

}  // namespace

void cpu_max_pool(const MaxPoolCall& call) {
  MaxPoolPlanes run = max_pool_table().forward[call.dtype == DType::Float64];
  parallel_for(0, call.planes, grain_of(call.window->in_size()),
               [&](int64_t first, int64_t last) { run(call, first, last); });
}

void cpu_max_regions(const MaxRegionsCall& call) {
  visit(call.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    int64_t grain = grain_of(call.in[0] * call.in[1] * call.in[2]);
    parallel_for(0, call.planes, grain, [&](int64_t first, int64_t last) {
      for (int64_t p = first; p < last; p++) max_of_plane<T>(call, p);
    });
  });
}

void cpu_pick(const PickCall& call) {
  const int64_t grain = grain_of(call.in_size);
  const bool wide = call.dtype == DType::Float32 || call.dtype == DType::Float64;
  if (call.mode == PickMode::add && call.position && wide && is_pairs(*call.window)) {
    PickPlanes run = max_pool_table().scatter_pairs[call.dtype == DType::Float64];
    return parallel_for(0, call.planes, grain, [&](int64_t first, int64_t last) { run(call, first, last); });
  }
  std::optional<Places> places;
  if (call.position) places.emplace(*call.window);
  with_floating(call.dtype, [&](auto example) {
    parallel_for(0, call.planes, grain, [&](int64_t first, int64_t last) {
      for (int64_t p = first; p < last; p++)
        pick_plane<decltype(example)>(call, places ? &*places : nullptr, p);
    });
  });
}

void cpu_pool_places(const PoolPlacesCall& call) {
  const Places places(*call.window);
  const int64_t count = call.window->out_size();
  parallel_for(0, call.planes, grain_of(count), [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; p++)
      places.each(call.position + p * count,
                  [&](int64_t i, int64_t place) { call.index[p * count + i] = place; });
  });
}

}  // namespace tt
