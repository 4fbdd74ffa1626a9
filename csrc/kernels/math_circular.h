// Circular functions and their inverses.
#pragma once
#include "kernels/math.h"

namespace tt::math {

// x = k pi/2 + r + tail with |r| <= pi/4. Only for |x| below the bound; beyond it the C library takes over.
template <class T>
constexpr T circular_bound = sizeof(T) == 4 ? T(65536) : T(1e6);
template <class T>
TT_INLINE bool angle_is_huge(T x) {
  return abs(x) > circular_bound<T>;
}
template <class T>
struct Angle {
  T r, tail;
  Bits<T> quadrant;
};
constexpr double half_pi_1 = 0x1.921fb544p+0;  // 33 bits each, so that products with k are exact
constexpr double half_pi_2 = 0x1.0b4611a6p-34, half_pi_3 = 0x1.3198a2e037073p-69;

struct WideAngle {
  double r;
  uint32_t quadrant;
};
TT_INLINE WideAngle reduce_wide(float x) {
  float shifted = x * 0.63661977236758134308f + Real<float>::shifter;
  double k = shifted - Real<float>::shifter;
  return {(double(x) - k * half_pi_1) - k * (half_pi_2 + half_pi_3), to_bits(shifted)};
}
TT_INLINE Angle<float> reduce_angle(float x) {
  auto [r, quadrant] = reduce_wide(x);
  return {float(r), 0.0f, quadrant};
}
TT_INLINE Angle<double> reduce_angle(double x) {
  double shifted = x * 0.63661977236758134308 + Real<double>::shifter, k = shifted - Real<double>::shifter;
  double a = x - k * half_pi_1, b = k * half_pi_2;
  double s = a - b, back = s - a, error = (a - (s - back)) - (b + back);
  double low = error - k * half_pi_3, r = s + low;
  return {r, (s - r) + low, to_bits(shifted)};
}

template <class T>
TT_INLINE T sin_near_zero(T r, T tail) {
  T z = r * r;
  if constexpr (sizeof(T) == 4)
    return polynomial(z, -0.1666665304, 0.00833205661, -1.950072694e-4) * (z * r) + r;
  T p = polynomial(z, 0.00833333333333331913, -1.984126984125094e-4, 2.75573192120569813e-6,
                   -2.50521043585940039e-8, 1.60582965952996151e-10, -7.57524996371198183e-13);
  T cube = z * r;
  return r - ((z * (T(0.5) * tail - cube * p) - tail) - cube * T(-0.166666666666666666));
}
template <class T>
TT_INLINE T cos_near_zero(T r, T tail) {
  T z = r * r, half = T(0.5) * z, rounded = T(1) - half;
  if constexpr (sizeof(T) == 4)
    return polynomial(z, 0.04166664366, -0.001388720737, 2.441986163e-5) * (z * z) + rounded;
  T p = polynomial(z, 0.0416666666666666666, -0.0013888888888888869, 2.48015873015670414e-5,
                   -2.75573192134841967e-7, 2.08767539451795474e-9, -1.14702460832989272e-11,
                   4.73600772464599849e-14);
  return rounded + (((T(1) - rounded) - half) + (z * z * p - r * tail));
}
template <class T>
TT_INLINE T flip_sign(T x, Bits<T> condition) {  // by the lowest bit
  return from_bits(to_bits(x) ^ (condition << (8 * sizeof(T) - 1)));
}

// With `all_inputs` unset these hold where angle_is_huge does not.
template <bool all_inputs, class T>
TT_INLINE T sin(T x) {
  if (all_inputs && angle_is_huge(x)) return std::sin(x);
  auto [r, tail, quadrant] = reduce_angle(x);
  T s = sin_near_zero(r, tail), c = cos_near_zero(r, tail);
  T result = flip_sign((quadrant & 1) != 0 ? c : s, quadrant >> 1);
  return x == T(0) ? x : result;
}
template <bool all_inputs, class T>
TT_INLINE T cos(T x) {
  if (all_inputs && angle_is_huge(x)) return std::cos(x);
  auto [r, tail, quadrant] = reduce_angle(x);
  T s = sin_near_zero(r, tail), c = cos_near_zero(r, tail);
  return flip_sign((quadrant & 1) != 0 ? s : c, (quadrant + 1) >> 1);
}
TT_INLINE float tangent(float x) {
  auto [r, quadrant] = reduce_wide(x);
  double z = r * r, s = polynomial(z, -0.1666665304, 0.00833205661, -1.950072694e-4) * (z * r) + r;
  double c = polynomial(z, 0.04166664366, -0.001388720737, 2.441986163e-5) * (z * z) + (1.0 - 0.5 * z);
  bool odd = (quadrant & 1) != 0;
  return float((odd ? -c : s) / (odd ? s : c));
}
TT_INLINE double tangent(double x) {
  auto [r, tail, quadrant] = reduce_angle(x);
  double s = sin_near_zero(r, tail), c = cos_near_zero(r, tail);
  bool odd = (quadrant & 1) != 0;
  return (odd ? -c : s) / (odd ? s : c);
}
template <bool all_inputs, class T>
TT_INLINE T tan(T x) {
  if (all_inputs && angle_is_huge(x)) return std::tan(x);
  T result = tangent(x);
  return x == T(0) ? x : result;
}
constexpr double pi = 3.14159265358979323846, half_pi = 1.57079632679489661923,
                 quarter_pi = 0.78539816339744830962;
// sin(pi x) and cos(pi x), exact in their reduction for every x
template <class T>
TT_INLINE T sin_pi(T x) {
  T k = round(x), r = (x - k) * T(pi), half = T(0.5) * k;
  T outer = cos_near_zero(T(half_pi) - abs(r), T(0));
  T result = abs(r) > T(quarter_pi) ? copysign(outer, r) : sin_near_zero(r, T(0));
  return half != trunc(half) ? -result : result;
}
template <class T>
TT_INLINE T cos_pi(T x) {
  T k = round(x), r = abs(x - k) * T(pi), half = T(0.5) * k;
  T result = r > T(quarter_pi) ? sin_near_zero(T(half_pi) - r, T(0)) : cos_near_zero(r, T(0));
  return half != trunc(half) ? -result : result;
}

template <class T>
constexpr T half_pi_rest = sizeof(T) == 4 ? T(-4.37113900018624283e-8) : T(6.12323399573676603587e-17);

// atan(t) for 0 <= t <= 1
template <class T>
TT_INLINE T atan_tail(T t) {
  T z = t * t;
  if constexpr (sizeof(T) == 4)
    return polynomial(z, -0.3333332743, 0.1999969257, -0.142801303, 0.1106024195, -0.08818839431,
                      0.0675955357, -0.04494620514, 0.0227601522, -0.007422555827, 0.001134863256) *
           (z * t);
  return polynomial(z, -0.333333333333330927, 0.199999999999554504, -0.142857142828028919,
                    0.111111110136665278, -0.0909090711948657104, 0.0769228118907343759,
                    -0.0666641501423327871, 0.0588059264578008238, -0.0525380593579162376,
                    0.0472329460335661097, -0.0422172093756618762, 0.0366935873706504763,
                    -0.0299856595664628515, 0.0220852535846021957, -0.0139950799555177261,
                    0.00726342290101616546, -0.00291937589081651064, 8.43496905191918391e-4,
                    -1.54799801351621623e-4, 1.34895639516333233e-5) *
         (z * t);
}
template <class T>
TT_INLINE T atan(T x) {
  T size = abs(x);
  bool steep = size > T(1);
  T t = steep ? T(1) / size : size, tail = atan_tail(t);
  T result = steep ? T(half_pi) - (t + (tail - half_pi_rest<T>)) : t + tail;
  return copysign(result, x);
}
template <class T>
TT_INLINE T atan2(T y, T x) {
  T a = abs(x), b = abs(y);
  bool steep = b > a;
  T larger = steep ? b : a, smaller = steep ? a : b;
  T t = smaller == larger ? T(larger != T(0)) : smaller / larger;  // 0 / 0 and inf / inf
  T result = t + atan_tail(t);
  result = steep ? T(half_pi) - (result - half_pi_rest<T>) : result;
  result = signbit(x) ? T(pi) - (result - T(2) * half_pi_rest<T>) : result;
  return x != x || y != y ? x + y : copysign(result, y);
}

// (asin(x) - x) as a function of x and x^2 <= 1/4
template <class T>
TT_INLINE T asin_tail(T x, T z) {
  if constexpr (sizeof(T) == 4)
    return polynomial(z, 0.1666665987, 0.07500510907, 0.04451572127, 0.03181760823, 0.01440260729,
                      0.03756520954) *
           (z * x);
  return polynomial(z, 0.166666666666667624, 0.0749999999997026829, 0.0446428571751155483,
                    0.0303819426838463493, 0.0223722156543016493, 0.0173516001935403739,
                    0.0139809602909649366, 0.0113977850684391489, 0.0107864802559636094,
                    0.00368321893171748829, 0.0217630854432910814, -0.0210767292043551425,
                    0.0326765508911896679) *
         (z * x);
}
template <class T>
TT_INLINE T asin(T x) {
  T size = abs(x);
  bool outer = size > T(0.5);
  T z = outer ? T(0.5) - T(0.5) * size : x * x, t = outer ? sqrt(z) : size, tail = asin_tail(t, z);
  T result = outer ? T(2) * ((T(quarter_pi) - t) - (tail - T(0.5) * half_pi_rest<T>)) : t + tail;
  return copysign(result, x);
}
template <class T>
TT_INLINE T acos(T x) {
  T size = abs(x);
  bool outer = size > T(0.5);
  T z = outer ? T(0.5) - T(0.5) * size : x * x, t = outer ? sqrt(z) : x, tail = asin_tail(t, z);
  T near_one = T(2) * (t + tail);
  T far = T(pi) - (near_one - T(2) * half_pi_rest<T>);
  return !outer ? T(half_pi) - (t + (tail - half_pi_rest<T>)) : x > T(0) ? near_one : far;
}

}  // namespace tt::math
