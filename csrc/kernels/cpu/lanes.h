// Vectors of this build's width. Arithmetic and comparison are the compiler's own; what it cannot say is
// here.
#pragma once
#include <cstdint>
#include <type_traits>
#include <utility>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "core/dtype.h"

namespace tt::TT_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

template <class T>
constexpr int lanes = vector_bytes / int(sizeof(T));

template <class T, int count = lanes<T>>
struct VectorOf {
  typedef T type __attribute__((vector_size(count * sizeof(T))));
};
template <class T, int count = lanes<T>>
using Vector = typename VectorOf<T, count>::type;

// The integer as wide as T: comparisons of Vector<T> give Vector<Position<T>>, with -1 for true.
template <class T>
using Position = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;

template <class T>
TT_INLINE Vector<T> load_vector(const T* x) {
  Vector<T> v;
  __builtin_memcpy(&v, x, sizeof v);
  return v;
}
template <class T>
TT_INLINE void store_vector(T* x, Vector<T> v) {
  __builtin_memcpy(x, &v, sizeof v);
}
template <class T>
TT_INLINE Vector<T> broadcast(T x) {
  return x - Vector<T>{};
}
// Shuffles need their lane numbers as constants, hence the packs.
template <int... k>
struct Lanes {};
template <class T, T... k>
Lanes<int(k)...> lanes_of(std::integer_sequence<T, k...>);
template <class T>
using AllLanes = decltype(lanes_of(std::make_integer_sequence<int, lanes<T>>{}));

template <class T, int... k>
TT_INLINE Vector<Position<T>> numbered(Lanes<k...>) {
  return Vector<Position<T>>{k...};
}
template <class T>
TT_INLINE Vector<Position<T>> lane_numbers() {
  return numbered<T>(AllLanes<T>{});
}

// The first n elements, at most as many as there are lanes, and 0 in the rest; nothing beyond them is
// touched.
template <class T>
TT_INLINE Vector<T> load_some(const T* x, int64_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) return Vector<T>(_mm512_maskz_loadu_epi32(__mmask16((1u << n) - 1), x));
  else return Vector<T>(_mm512_maskz_loadu_epi64(__mmask8((1u << n) - 1), x));
#elif defined(__AVX2__)
  auto mask = __m256i(lane_numbers<T>() < broadcast(Position<T>(n)));
  if constexpr (sizeof(T) == 4)
    return Vector<T>(_mm256_maskload_epi32(reinterpret_cast<const int*>(x), mask));
  else return Vector<T>(_mm256_maskload_epi64(reinterpret_cast<const long long*>(x), mask));
#else
  Vector<T> v = {};
  for (int k = 0; k < lanes<T>; k++)
    if (k < n) v[k] = x[k];
  return v;
#endif
}

template <class T>
TT_INLINE void store_some(T* x, Vector<T> v, int64_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) _mm512_mask_storeu_epi32(x, __mmask16((1u << n) - 1), __m512i(v));
  else _mm512_mask_storeu_epi64(x, __mmask8((1u << n) - 1), __m512i(v));
#elif defined(__AVX2__)
  auto mask = __m256i(lane_numbers<T>() < broadcast(Position<T>(n)));
  if constexpr (sizeof(T) == 4) _mm256_maskstore_epi32(reinterpret_cast<int*>(x), mask, __m256i(v));
  else _mm256_maskstore_epi64(reinterpret_cast<long long*>(x), mask, __m256i(v));
#else
  for (int k = 0; k < lanes<T>; k++)
    if (k < n) x[k] = v[k];
#endif
}

// Loops over vectors call their body with Full for whole vectors, and with the number of elements for the
// last one.
struct Full {};
template <class T>
TT_INLINE Vector<T> load(const T* x, Full) {
  return load_vector(x);
}
template <class T>
TT_INLINE Vector<T> load(const T* x, int64_t n) {
  return load_some(x, n);
}
template <class T>
TT_INLINE void store(T* x, Vector<T> v, Full) {
  store_vector(x, v);
}
template <class T>
TT_INLINE void store(T* x, Vector<T> v, int64_t n) {
  store_some(x, v, n);
}
// v in the lanes that count, `other` in the rest
template <class T>
TT_INLINE Vector<T> within(Vector<T> v, T, Full) {
  return v;
}
template <class T>
TT_INLINE Vector<T> within(Vector<T> v, T other, int64_t n) {
  return lane_numbers<T>() < broadcast(Position<T>(n)) ? v : broadcast(other);
}

template <class T, class Body>
TT_INLINE void by_vectors(int64_t n, Body&& body) {
  int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) body(i, Full{});
  if (i < n) body(i, n - i);
}

// The number of the first lane whose mask is set, or a number not below that of the lanes.
template <class Mask>
TT_INLINE int first_set(Mask mask) {
  [[maybe_unused]] constexpr bool four_bytes = sizeof(mask[0]) == 4;
  unsigned bits = 0;
#if defined(__AVX512F__)
  bits = four_bytes ? unsigned(_mm512_movepi32_mask(__m512i(mask)))
                    : unsigned(_mm512_movepi64_mask(__m512i(mask)));
#elif defined(__AVX2__)
  bits = unsigned(four_bytes ? _mm256_movemask_ps(__m256(mask)) : _mm256_movemask_pd(__m256d(mask)));
#elif defined(__x86_64__)
  bits = unsigned(four_bytes ? _mm_movemask_ps(__m128(mask)) : _mm_movemask_pd(__m128d(mask)));
#else
  for (int k = 0; k < int(sizeof mask / sizeof(mask[0])); k++) bits |= unsigned(mask[k] & 1) << k;
#endif
  return bits ? __builtin_ctz(bits) : 32;
}

template <int distance, class V, int... k>
TT_INLINE V swap_lanes(V v, Lanes<k...>) {
  return __builtin_shufflevector(v, v, (k ^ distance)...);
}

template <class Op, class T, int half = lanes<T> / 2>
TT_INLINE T fold_lanes(Vector<T> v) {
  if constexpr (half == 0) return v[0];
  else return fold_lanes<Op, T, half / 2>(Op::combine(v, swap_lanes<half>(v, AllLanes<T>{})));
}

template <int distance, class V, int... k>
TT_INLINE V move_lanes_up(V v, V fill, Lanes<k...>) {
  constexpr int count = sizeof...(k);
  return __builtin_shufflevector(fill, v, (k < distance ? k : count + k - distance)...);
}

// Lane k becomes the fold of lanes 0 to k.
template <class Op, class T, int distance = 1>
TT_INLINE Vector<T> prefix_lanes(Vector<T> v) {
  if constexpr (distance == lanes<T>) return v;
  else {
    Vector<T> moved = move_lanes_up<distance>(v, broadcast(Op::template start<T>), AllLanes<T>{});
    return prefix_lanes<Op, T, 2 * distance>(Op::combine(moved, v));
  }
}

}  // namespace
}  // namespace tt::TT_ISA
