// Exponentials and logarithms.
#pragma once
#include "kernels/math.h"

namespace tt::math {

// x = k ln 2 + r with |r| <= ln 2 / 2. `shifted` holds k in its low bits.
template <class T>
struct ExpReduction {
  T k, shifted, r;
};
template <class T>
TT_INLINE ExpReduction<T> reduce_exp(T x) {
  constexpr T high = sizeof(T) == 4 ? T(0.693359375) : T(0x1.62e42feep-1);  // k * high is exact
  constexpr T low = sizeof(T) == 4 ? T(-2.12194440054690583e-4) : T(1.90821492927058770e-10);
  T shifted = x * T(1.44269504088896340736) + Real<T>::shifter, k = shifted - Real<T>::shifter;
  return {k, shifted, (x - k * high) - k * low};
}
// 2^(k + offset), from k as reduce_exp leaves it, while that is a normal number.
template <class T>
TT_INLINE T power_of_two(T shifted, int offset = 0) {
  return from_bits((to_bits(shifted) + Bits<T>(Real<T>::bias + offset)) << Real<T>::mantissa);
}
// e^r - 1
template <class T>
TT_INLINE T expm1_near_zero(T r) {
  if constexpr (sizeof(T) == 4)
    return polynomial(r, 0.5000000066, 0.1666653801, 0.04166626639, 0.00836724703, 0.001394760569) * (r * r) +
           r;
  else
    return polynomial(r, 0.500000000000000612, 0.16666666666666688, 0.0416666666665659951,
                      0.00833333333331304777, 0.001388888893502745, 1.98412699068111816e-4,
                      2.48015011142693752e-5, 2.75572242631787885e-6, 2.76277008893179599e-7,
                      2.5115723126063382e-8) *
               (r * r) +
           r;
}
// p 2^k where x says how that ends: below `tiny` the result is subnormal and rounds once more, below `low` it
// is 0.
template <class T>
TT_INLINE T scaled_down(T p, T shifted, T x, T tiny, T low) {
  constexpr int lift = 3 * Real<T>::mantissa;
  constexpr T step = T(1) / T(Bits<T>(1) << Real<T>::mantissa);
  T doubled = p + p, normal = doubled * power_of_two(shifted, -1);
  T subnormal = doubled * power_of_two(shifted, lift - 1) * (step * step * step);
  T result = x < tiny ? subnormal : normal;
  return x < low ? T(0) : result;
}
template <class T>
constexpr T exp_high = sizeof(T) == 4 ? T(88.7228317) : T(709.782712893383973);
template <class T>
constexpr T exp_tiny = sizeof(T) == 4 ? T(-86) : T(-707);
template <class T>
constexpr T exp_low = sizeof(T) == 4 ? T(-105) : T(-746);

// e^(x + tail) for x <= 0 and a tail that is small against 1.
template <class T>
TT_INLINE T exp_of_negative(T x, T tail = T(0)) {
  auto [k, shifted, r] = reduce_exp(x);
  return scaled_down(T(1) + expm1_near_zero(r + tail), shifted, x, exp_tiny<T>, exp_low<T>);
}
template <class T>
TT_INLINE T exp(T x) {
  T result = exp_of_negative(x);
  return x > exp_high<T> ? Real<T>::infinity : result;
}
template <class T>
TT_INLINE T exp2(T x) {
  constexpr T high = T(Real<T>::bias + 1), tiny = T(3 - Real<T>::bias), low = tiny - T(Real<T>::mantissa + 4);
  T shifted = x + Real<T>::shifter, r = x - (shifted - Real<T>::shifter), p;
  if constexpr (sizeof(T) == 4)
    p = polynomial(r, 0.6931472066, 0.2402265135, 0.05550327127, 0.009618002805, 0.001340053647,
                   1.547661438e-4);
  else
    p = polynomial(r, 0.693147180559945308, 0.240226506959101345, 0.0555041086648217462,
                   0.00961812910759276868, 0.00133335581463780339, 1.54035304588565406e-4,
                   1.52527338684429687e-5, 1.32154344013402194e-6, 1.01780461075189569e-7,
                   7.07393584908915106e-9, 4.45743777310894958e-10);
  T result = scaled_down(T(1) + r * p, shifted, x, tiny, low);
  return x >= high ? Real<T>::infinity : result;
}
template <class T>
TT_INLINE T expm1(T x) {
  constexpr T saturated = sizeof(T) == 4 ? T(-18) : T(-40);
  auto [k, shifted, r] = reduce_exp(x);
  T half_power = power_of_two(shifted, -1);
  T result = T(2) * (half_power * expm1_near_zero(r) + (half_power - T(0.5)));
  result = abs(x) < T(1e-18) ? x : result;
  result = x < saturated ? T(-1) : result;
  return x > exp_high<T> ? Real<T>::infinity : result;
}

// x = 2^exponent m with m in [sqrt(1/2), sqrt(2)), for positive finite x.
template <class T>
struct LogReduction {
  T exponent, m;
};
template <class T>
TT_INLINE LogReduction<T> reduce_log(T x) {
  constexpr Bits<T> one = Bits<T>(Real<T>::bias) << Real<T>::mantissa,
                    fraction = (Bits<T>(1) << Real<T>::mantissa) - 1;
  constexpr Bits<T> root_half = sizeof(T) == 4 ? Bits<T>(0x3f3504f3) : Bits<T>(0x3fe6a09e667f3bcd);
  constexpr T integers = T(Bits<T>(1) << Real<T>::mantissa);  // its low bits count units
  constexpr Bits<T> integer_bits = Bits<T>(Real<T>::bias + Real<T>::mantissa) << Real<T>::mantissa;
  bool subnormal = x < Real<T>::smallest_normal;
  Bits<T> bits = to_bits(x * (subnormal ? integers : T(1))) + (one - root_half);
  T biased = from_bits((bits >> Real<T>::mantissa) | integer_bits) - (integers + T(Real<T>::bias));
  T lifted = biased - T(Real<T>::mantissa);
  return {subnormal ? lifted : biased, from_bits((bits & fraction) + root_half)};
}
// log(1 + f) - f, for 1 + f in [sqrt(1/2), sqrt(2))
template <class T>
TT_INLINE T log1p_tail(T f) {
  T half_square = T(0.5) * f * f;
  if constexpr (sizeof(T) == 4) {
    T p = polynomial(f, 0.3333331044, -0.2499998659, 0.2000222648, -0.1666925092, 0.1421866044, -0.1238434806,
                     0.1187296112, -0.117898098, 0.06915404985);
    return f * (f * f) * p - half_square;
  } else {
    T s = f / (T(2) + f), z = s * s;
    T p = polynomial(z, 0.666666666666673442, 0.399999999994146553, 0.285714287423915546,
                     0.222221985728444381, 0.18183564342034671, 0.153140501666603988, 0.147959534839857473);
    return s * (half_square + z * p) - half_square;
  }
}
// What every logarithm is outside the positive finite numbers.
template <class T>
TT_INLINE T log_or_special(T x, T result) {
  result = x > T(0) ? result : x == T(0) ? -Real<T>::infinity : Real<T>::nan;
  return x == Real<T>::infinity ? x : result;
}
template <class T>
constexpr T ln2_high = sizeof(T) == 4 ? T(0.693359375) : T(0x1.62e42feep-1);
template <class T>
constexpr T ln2_low = sizeof(T) == 4 ? T(-2.12194440054690583e-4) : T(1.90821492927058770e-10);

template <class T>
TT_INLINE T log(T x) {
  auto [e, m] = reduce_log(x);
  T f = m - T(1);
  return log_or_special(x, e * ln2_high<T> + (f + (log1p_tail(f) + e * ln2_low<T>)));
}
// log2 in double to 36 bits, for the float functions that need a few bits more than float has.
TT_INLINE double log2_of_float(float x) {
  auto [e, m] = reduce_log(x);
  double f = double(m) - 1.0, s = f / (2.0 + f);
  double p = polynomial(s * s, 2.8853900817901, 0.96179667328435, 0.57708359445214, 0.41167221829442,
                        0.3407383551051);
  return double(e) + s * p;
}
// log(m) in two parts, of which products of the first with a 25-bit constant are exact.
struct SplitLog {
  double exponent, high, low;
};
TT_INLINE SplitLog split_log(double x) {
  auto [e, m] = reduce_log(x);
  double f = m - 1.0, tail = log1p_tail(f), high = upper_half(f + tail);
  return {e, high, (f - high) + tail};
}
TT_INLINE float log2(float x) { return log_or_special(x, float(log2_of_float(x))); }
TT_INLINE double log2(double x) {
  constexpr double scale_high = 0x1.715476p+0, scale_low = 0x1.4ae0bf85ddf44p-26;  // 1 / ln 2
  auto [e, high, low] = split_log(x);
  return log_or_special(x, e + (high * scale_high + (low * (scale_high + scale_low) + high * scale_low)));
}
TT_INLINE float log10(float x) { return log_or_special(x, float(log2_of_float(x) * 0.30102999566398119521)); }
TT_INLINE double log10(double x) {
  constexpr double scale_high = 0x1.bcb7b1p-2, scale_low = 0x1.49b9438ca9aaep-28;  // 1 / ln 10
  constexpr double two_high = 0x1.34413509f6p-2, two_low = 0x1.9fef311f12b36p-42;  // log10 2
  auto [e, high, low] = split_log(x);
  double small = e * two_low + (low * (scale_high + scale_low) + high * scale_low);
  return log_or_special(x, e * two_high + (high * scale_high + small));
}
template <class T>
TT_INLINE T log1p(T x) {
  T sum = T(1) + x, lost = x > T(1) ? T(1) - (sum - x) : x - (sum - T(1));  // sum + lost = 1 + x
  auto [e, m] = reduce_log(sum);
  T f = m - T(1), correction = lost / sum;
  T result = e * ln2_high<T> + (f + (log1p_tail(f) + (e * ln2_low<T> + correction)));
  return abs(x) < T(1e-18) ? x : log_or_special(sum, result);
}

}  // namespace tt::math
