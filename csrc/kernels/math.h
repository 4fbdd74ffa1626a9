// Scalar mathematics for the formulas: branch-free, so that a loop over it vectorises, and the same text for
// every instruction set and for nvcc. Polynomials are minimax fits; the errors told are in units in the last
// place.
#pragma once
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "core/half.h"

namespace tt::math {

template <class T>
constexpr bool floating = std::is_floating_point_v<T>;

template <class T>
struct Real;
template <>
struct Real<float> {
  using Bits = uint32_t;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float smallest_normal = 0x1p-126f, infinity = __builtin_huge_valf(),
                         nan = __builtin_nanf("");
  static constexpr float shifter = 0x1.8p23f;  // adding it rounds to an integer, left in the low bits
};
template <>
struct Real<double> {
  using Bits = uint64_t;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double smallest_normal = 0x1p-1022, infinity = __builtin_huge_val(),
                          nan = __builtin_nan("");
  static constexpr double shifter = 0x1.8p52;
};
template <class T>
using Bits = typename Real<T>::Bits;

TT_INLINE uint32_t to_bits(float x) { return float_bits(x); }
TT_INLINE uint64_t to_bits(double x) {
  uint64_t bits;
  __builtin_memcpy(&bits, &x, 8);
  return bits;
}
TT_INLINE float from_bits(uint32_t bits) { return float_from_bits(bits); }
TT_INLINE double from_bits(uint64_t bits) {
  double x;
  __builtin_memcpy(&x, &bits, 8);
  return x;
}

// c0 + c1 x + c2 x^2 + ...
template <class T>
TT_INLINE T polynomial(T, double c) {
  return T(c);
}
template <class T, class... More>
TT_INLINE T polynomial(T x, double c, More... more) {
  return polynomial(x, more...) * x + T(c);
}

template <class T>
TT_INLINE T abs(T x) {
  return std::fabs(x);
}
template <class T>
TT_INLINE T sqrt(T x) {
  return std::sqrt(x);
}
template <class T>
TT_INLINE T floor(T x) {
  return std::floor(x);
}
template <class T>
TT_INLINE T ceil(T x) {
  return std::ceil(x);
}
template <class T>
TT_INLINE T trunc(T x) {
  return std::trunc(x);
}
template <class T>
TT_INLINE T round(T x) {  // half to even
  return std::rint(x);
}
template <class T>
TT_INLINE T copysign(T x, T sign) {
  return std::copysign(x, sign);
}
template <class T>
TT_INLINE bool signbit(T x) {
  if constexpr (floating<T>) return to_bits(x) >> (8 * sizeof(T) - 1) != 0;
  else return x < T(0);
}
// x with its low half of the mantissa cleared: products of two such are exact.
template <class T>
TT_INLINE T upper_half(T x) {
  return from_bits(to_bits(x) & ~((Bits<T>(1) << (Real<T>::mantissa / 2 + 1)) - 1));
}
template <class T>
TT_INLINE T nextafter(T a, T b) {
  constexpr Bits<T> sign = Bits<T>(1) << (8 * sizeof(T) - 1);
  Bits<T> bits = to_bits(a), next = a == T(0)               ? ((to_bits(b) & sign) | 1)
                                    : (a < b) == (a > T(0)) ? bits + 1
                                                            : bits - 1;
  return a != a || b != b ? a + b : a == b ? b : from_bits(next);
}

// a - q b, exactly (q an integer of few enough bits that the result is representable).
#if defined(__FMA__) || defined(__CUDA_ARCH__) || defined(__aarch64__)
template <class T>
TT_INLINE T residue(T a, T q, T b) {
  return std::fma(-q, b, a);
}
#else
TT_INLINE float residue(float a, float q, float b) { return float(double(a) - double(q) * double(b)); }
TT_INLINE double residue(double a, double q, double b) {
  double q1 = upper_half(q), b1 = upper_half(b), q2 = q - q1, b2 = b - b1;
  return (((a - q1 * b1) - q1 * b2) - q2 * b1) - q2 * b2;
}
#endif

// Integers: arithmetic wraps, INT_MIN / -1 included, and a divisor of 0 gives some number.
template <class T>
using Wrap = std::conditional_t<floating<T> || std::is_same_v<T, bool>, T,
                                std::conditional_t<sizeof(T) < 8, uint32_t, uint64_t>>;

template <class T>
TT_INLINE T negate(T x) {
  if constexpr (floating<T>) return -x;
  else return T(Wrap<T>(0) - Wrap<T>(x));
}
template <class T>
TT_INLINE T magnitude(T x) {
  if constexpr (floating<T>) return abs(x);
  else return x < T(0) ? negate(x) : x;
}
template <class T>
TT_INLINE T integer_quotient(T a, T b) {
  // Vectors have no integer division. The nearest float with twice the bits never reaches the next integer.
  using Wide = std::conditional_t<sizeof(T) < 4, float, double>;
  bool negated = std::is_signed_v<T> && b == T(-1);
  T divisor = b == T(0) || negated ? T(1) : b, quotient;
  if constexpr (sizeof(T) < 8) quotient = T(int32_t(Wide(a) / Wide(divisor)));
  else quotient = a / divisor;
  return negated ? negate(quotient) : quotient;
}
template <class T>
TT_INLINE T integer_rest(T a, T b) {
  return T(Wrap<T>(a) - Wrap<T>(integer_quotient(a, b)) * Wrap<T>(b));
}
template <class T>
TT_INLINE T integer_power(T base, T exponent) {
  if (exponent < T(0)) return base == T(1) ? T(1) : base == T(-1) ? T(exponent % 2 ? -1 : 1) : T(0);
  Wrap<T> square = Wrap<T>(base), result = 1;
  for (auto left = std::make_unsigned_t<T>(exponent); left; left >>= 1) {
    if (left & 1) result *= square;
    square *= square;
  }
  return T(result);
}
template <class T>
TT_INLINE T gcd(T a, T b) {
  using Unsigned = std::make_unsigned_t<T>;
  Unsigned x = Unsigned(magnitude(a)), y = Unsigned(magnitude(b));
  while (y) {
    Unsigned rest = x % y;
    x = y;
    y = rest;
  }
  return T(x);
}
template <class T>
TT_INLINE T lcm(T a, T b) {
  using Wide = std::conditional_t<sizeof(T) < 4, int32_t, T>;  // narrow results wrap only at the end
  T divisor = gcd(a, b);
  if (divisor == T(0)) return T(0);
  return T(magnitude(Wide(Wrap<T>(integer_quotient(a, divisor)) * Wrap<T>(b))));
}

template <class T>
TT_INLINE T trunc_divide(T a, T b) {
  if constexpr (floating<T>) return trunc(a / b);
  else return integer_quotient(a, b);
}
// Whether a / b has more bits than a float holds. With `all_inputs` unset the functions below hold where it
// has not.
template <class T>
TT_INLINE bool quotient_is_huge(T a, T b) {
  bool huge = abs(a) >= abs(b) * T(Bits<T>(1) << (Real<T>::mantissa - 2));
  return huge & (abs(a) < Real<T>::infinity) & (b != T(0));
}
template <bool all_inputs, class T>
TT_INLINE T fmod(T a, T b) {
  if constexpr (!floating<T>) {
    return integer_rest(a, b);
  } else {
    if (all_inputs && quotient_is_huge(a, b)) return std::fmod(a, b);
    T quotient = trunc(a / b), rest = copysign(T(1), a) * residue(a, quotient, b);
    // A quotient that was rounded up to an integer leaves a rest of the wrong sign.
    rest = copysign(rest < T(0) ? rest + abs(b) : rest, a);
    return quotient == T(0) ? a : rest;
  }
}
template <bool all_inputs, class T>
TT_INLINE T remainder(T a, T b) {
  T rest = fmod<all_inputs>(a, b);
  return (rest != T(0)) & ((rest < T(0)) != (b < T(0))) ? T(rest + b) : rest;
}
template <bool all_inputs, class T>
TT_INLINE T floor_divide(T a, T b) {
  T rest = fmod<all_inputs>(a, b);
  bool below = (rest != T(0)) & ((rest < T(0)) != (b < T(0)));
  if constexpr (!floating<T>) {
    return T(integer_quotient(a, b) - T(below));
  } else {
    T exact = (a - rest) / b - (below ? T(1) : T(0)), whole = floor(exact), quotient = a / b;
    whole = exact - whole > T(0.5) ? whole + T(1) : whole;
    whole = exact == T(0) ? copysign(T(0), quotient) : whole;
    return b == T(0) ? quotient : whole;
  }
}

}  // namespace tt::math
