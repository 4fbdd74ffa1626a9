// The fold of a contiguous array, for the kernels that need one.
#pragma once
#include "kernels/cpu/elements.h"
#include "kernels/reductions.h"

namespace tt::TT_ISA {
namespace {

template <class T>
using Wide = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;

constexpr int64_t row_chunk = 2048;  // elements that are folded in their own type

// Several vectors that fold independently. Extrema of floats compare as if there were no NaN; that there was
// one shows in the largest magnitude, taken as an integer.
template <class Op, class T, int count>
struct Partial {
  static constexpr bool extremum =
      std::is_base_of_v<reductions::Maximum, Op> || std::is_base_of_v<reductions::Minimum, Op>;
  static constexpr bool watch =
      extremum && std::is_floating_point_v<T> && (sizeof(T) == 4 || vector_bytes == 64);
  using Bits = Vector<Position<T>>;

  Vector<T> value[count];
  Bits magnitude = {};

  TT_INLINE Partial() {
    for (int k = 0; k < count; k++) value[k] = broadcast(Op::template start<T>);
  }
  TT_INLINE void add(int k, Vector<T> x) {
    if constexpr (watch) {
      Bits bits = Bits(x) & (Position<T>(-1) ^ (Position<T>(1) << (8 * sizeof(T) - 1)));
      magnitude = magnitude > bits ? magnitude : bits;
      value[k] = Op::combine_numbers(value[k], x);
    } else {
      value[k] = Op::combine(value[k], x);
    }
  }
  TT_INLINE Vector<T> total() {
    for (int half = count / 2; half; half /= 2)
      for (int k = 0; k < half; k++) {
        if constexpr (watch) value[k] = Op::combine_numbers(value[k], value[k + half]);
        else value[k] = Op::combine(value[k], value[k + half]);
      }
    if constexpr (watch) {
      const Bits infinity = Bits(broadcast(reductions::Limits<T>::highest));
      value[0] = magnitude > infinity ? broadcast(T(__builtin_nan(""))) : value[0];
    }
    return value[0];
  }
};

// Folds get(i, Full) and at the end get(i, count), vectors of elements from i on.
template <class Op, class T, class Get>
TT_INLINE Vector<T> fold_vectors(int64_t n, Get&& get) {
  constexpr int step = lanes<T>;
  if (n < step) return within(get(0, n), Op::template start<T>, n);
  Partial<Op, T, 4> partial;
  int64_t i = 0;
  for (; i + 4 * step <= n; i += 4 * step)
    for (int k = 0; k < 4; k++) partial.add(k, get(i + k * step, Full{}));
  for (; i + step <= n; i += step) partial.add(0, get(i, Full{}));
  if (i < n) partial.add(1, within(get(i, n - i), Op::template start<T>, n - i));
  return partial.total();
}

// Across the lanes by a tree, and from chunk to chunk in 64 bits.
template <class Op, class T, class Get>
TT_INLINE Wide<T> fold_each(int64_t n, Get&& get) {
  Wide<T> total = Op::template start<Wide<T>>;
  for (int64_t first = 0; first < n; first += row_chunk) {
    auto from_first = [&](int64_t i, auto count) { return get(first + i, count); };
    Vector<T> chunk = fold_vectors<Op, T>(n - first < row_chunk ? n - first : row_chunk, from_first);
    total = Op::combine(total, Wide<T>(fold_lanes<Op, T>(chunk)));
  }
  return total;
}

// Memory delivers more when it is read in several places at once.
constexpr int stripes = 8;
constexpr int64_t shortest_stripe = 1024, longest_stripe = 4096, stripe_chunk = 256;

template <class Op, class T>
TT_INLINE Vector<T> fold_stripes(const T* x, int64_t n, int64_t pitch) {
  Partial<Op, T, stripes> partial;
  for (int64_t i = 0; i < n; i += lanes<T>)
    for (int k = 0; k < stripes; k++) partial.add(k, Op::map(load_vector(x + k * pitch + i)));
  return partial.total();
}

template <class Op, class T>
TT_INLINE Wide<T> fold_array(const T* x, int64_t n) {
  Wide<T> total = Op::template start<Wide<T>>;
  int64_t i = 0;
  while (n - i >= stripes * shortest_stripe) {
    int64_t pitch =
        (n - i) / stripes < longest_stripe ? (n - i) / stripes / stripe_chunk * stripe_chunk : longest_stripe;
    for (int64_t k = 0; k < pitch; k += stripe_chunk) {
      Vector<T> chunk = fold_stripes<Op>(x + i + k, stripe_chunk, pitch);
      total = Op::combine(total, Wide<T>(fold_lanes<Op, T>(chunk)));
    }
    i += stripes * pitch;
  }
  auto mapped = [&](int64_t k, auto count) { return Op::map(load(x + i + k, count)); };
  return Op::combine(total, fold_each<Op, T>(n - i, mapped));
}

}  // namespace
}  // namespace tt::TT_ISA
