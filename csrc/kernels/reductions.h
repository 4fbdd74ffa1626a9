// The reductions and scans, as formulas: where a fold starts, what an element contributes and how two partial
// results combine. `T` is a scalar for any compiler, or a GCC vector of scalars on the CPU: comparisons of
// vectors give masks, so that the same text serves both.
#pragma once
#include <cstdint>

#include "core/half.h"

namespace tt {

// any, all and count_nonzero look at the elements as they are stored (NaN counts as true) and ignore
// `compute`. moments gives the sum of squared distances from the mean, and the mean as a second result.
#define TT_REDUCTIONS(X) \
  X(sum)                 \
  X(prod)                \
  X(max)                 \
  X(min)                 \
  X(any) X(all) X(sum_of_squares) X(sum_of_abs) X(max_abs) X(min_abs) X(count_nonzero) X(nansum) X(moments)

#define TT_SCANS(X) X(cumsum) X(cumprod) X(cummax) X(cummin) X(logcumsumexp)

#define TT_ENUMERATE(name) name,
enum class Reduction : uint8_t { TT_REDUCTIONS(TT_ENUMERATE) };
enum class Scan : uint8_t { TT_SCANS(TT_ENUMERATE) };
#undef TT_ENUMERATE

#define TT_COUNT(name) +1
constexpr int reduction_count = 0 TT_REDUCTIONS(TT_COUNT), scan_count = 0 TT_SCANS(TT_COUNT);
#undef TT_COUNT

namespace reductions {

template <class T>
struct Limits;
template <>
struct Limits<int32_t> {
  static constexpr int32_t lowest = -0x7fffffff - 1, highest = 0x7fffffff;
};
template <>
struct Limits<int64_t> {
  static constexpr int64_t lowest = -0x7fffffffffffffff - 1, highest = 0x7fffffffffffffff;
};
template <>
struct Limits<float> {
  static constexpr float lowest = -__builtin_huge_valf(), highest = __builtin_huge_valf();
};
template <>
struct Limits<double> {
  static constexpr double lowest = -__builtin_huge_val(), highest = __builtin_huge_val();
};

// What an element contributes.
struct Identity {
  template <class T>
  static TT_INLINE T map(T x) {
    return x;
  }
};
struct Square {
  template <class T>
  static TT_INLINE T map(T x) {
    return x * x;
  }
};
struct Absolute {
  template <class T>
  static TT_INLINE T map(T x) {
    return x < 0 ? -x : x + 0;
  }  // + 0 turns -0.0 into 0.0
};
struct NanToZero {
  template <class T>
  static TT_INLINE T map(T x) {
    return x != x ? T{} : x;
  }
};

// Integers wrap.
template <class T>
struct WrappedOf {
  using type = T;
};
template <>
struct WrappedOf<int32_t> {
  using type = uint32_t;
};
template <>
struct WrappedOf<int64_t> {
  using type = uint64_t;
};
template <class T>
using Wrapped = typename WrappedOf<T>::type;

// How partial results fold. A NaN beats every number in both maximum and minimum.
struct Add {
  template <class S>
  static constexpr S start = S(0);
  template <class T>
  static TT_INLINE T combine(T a, T b) {
    return T(Wrapped<T>(a) + Wrapped<T>(b));
  }
};
struct Multiply {
  template <class S>
  static constexpr S start = S(1);
  template <class T>
  static TT_INLINE T combine(T a, T b) {
    return T(Wrapped<T>(a) * Wrapped<T>(b));
  }
};
struct Maximum {
  template <class S>
  static constexpr S start = Limits<S>::lowest;
  template <class T>
  static TT_INLINE T combine(T a, T b) {
    return (a > b) | (a != a) ? a : b;
  }
  template <class T>
  static TT_INLINE T combine_numbers(T a, T b) {
    return a > b ? a : b;
  }
};
struct Minimum {
  template <class S>
  static constexpr S start = Limits<S>::highest;
  template <class T>
  static TT_INLINE T combine(T a, T b) {
    return (a < b) | (a != a) ? a : b;
  }
  template <class T>
  static TT_INLINE T combine_numbers(T a, T b) {
    return a < b ? a : b;
  }
};

// Fold<op>: the two above for a reduction. any, all and count_nonzero fold elements that were loaded as 0
// or 1.
template <Reduction op>
struct Fold;
template <>
struct Fold<Reduction::sum> : Identity, Add {};
template <>
struct Fold<Reduction::prod> : Identity, Multiply {};
template <>
struct Fold<Reduction::max> : Identity, Maximum {};
template <>
struct Fold<Reduction::min> : Identity, Minimum {};
template <>
struct Fold<Reduction::any> : Identity, Maximum {};
template <>
struct Fold<Reduction::all> : Identity, Minimum {};
template <>
struct Fold<Reduction::sum_of_squares> : Square, Add {};
template <>
struct Fold<Reduction::sum_of_abs> : Absolute, Add {};
template <>
struct Fold<Reduction::max_abs> : Absolute, Maximum {};
template <>
struct Fold<Reduction::min_abs> : Absolute, Minimum {};
template <>
struct Fold<Reduction::count_nonzero> : Identity, Add {};
template <>
struct Fold<Reduction::nansum> : NanToZero, Add {};

// An extremum with its position: of equal values, and of several NaNs, the first one is meant.
template <class S>
struct Placed {
  S value;
  int64_t position;
};

template <class Extremum, class S>
TT_INLINE Placed<S> combine_placed(Placed<S> a, Placed<S> b) {
  bool same = a.value == b.value || (a.value != a.value && b.value != b.value);
  if (same) return a.position < b.position ? a : b;
  bool a_wins = Extremum::combine(a.value, b.value) == a.value || a.value != a.value;
  return a_wins ? a : b;
}

// Mean and sum of squared distances from it, over `count` elements.
template <class S>
struct Moments {
  S mean, squares, count;
};

// The moments of a union: mean = mean_a + delta * n_b / n, squares = squares_a + squares_b + delta^2 * n_a *
// n_b / n.
template <class S>
TT_INLINE Moments<S> combine_moments(Moments<S> a, Moments<S> b) {
  S count = a.count + b.count;
  if (count == 0) return a;
  S delta = b.mean - a.mean;
  S share = b.count / count;
  return {a.mean + delta * share, a.squares + b.squares + delta * delta * a.count * share, count};
}

}  // namespace reductions
}  // namespace tt
