// Two vectors as the even and the odd elements of a row, and back.
#pragma once
#include <algorithm>

#include "kernels/cpu/lanes.h"

namespace tt::TT_ISA {
namespace {

template <class V, int... k>
TT_INLINE V even_lanes(V a, V b, Lanes<k...>) {
  return __builtin_shufflevector(a, b, (2 * k)...);
}
template <class V, int... k>
TT_INLINE V odd_lanes(V a, V b, Lanes<k...>) {
  return __builtin_shufflevector(a, b, (2 * k + 1)...);
}
template <int half, class V, int... k>
TT_INLINE V interleaved(V a, V b, Lanes<k...>) {
  constexpr int count = sizeof...(k);
  return __builtin_shufflevector(a, b, ((k + half * count) / 2 + (k % 2) * count)...);
}

// 2n elements as two vectors
template <class T>
struct Pair {
  Vector<T> first, second;
  TT_INLINE Pair(const T* x, Full) : first(load_vector(x)), second(load_vector(x + lanes<T>)) {}
  TT_INLINE Pair(const T* x, int64_t n) {
    first = 2 * n >= lanes<T> ? load_vector(x) : load_some(x, 2 * n);
    second = 2 * n > lanes<T> ? load_some(x + lanes<T>, 2 * n - lanes<T>) : Vector<T>{};
  }
  TT_INLINE Vector<T> evens() const { return even_lanes(first, second, AllLanes<T>{}); }
  TT_INLINE Vector<T> odds() const { return odd_lanes(first, second, AllLanes<T>{}); }
};

template <class T>
TT_INLINE void store_pairs(T* x, Vector<T> evens, Vector<T> odds, Full) {
  store_vector(x, interleaved<0>(evens, odds, AllLanes<T>{}));
  store_vector(x + lanes<T>, interleaved<1>(evens, odds, AllLanes<T>{}));
}
template <class T>
TT_INLINE void store_pairs(T* x, Vector<T> evens, Vector<T> odds, int64_t n) {
  Vector<T> low = interleaved<0>(evens, odds, AllLanes<T>{});
  if (2 * n < lanes<T>) return store_some(x, low, 2 * n);
  store_vector(x, low);
  if (2 * n > lanes<T>)
    store_some(x + lanes<T>, interleaved<1>(evens, odds, AllLanes<T>{}), 2 * n - lanes<T>);
}

}  // namespace
}  // namespace tt::TT_ISA
