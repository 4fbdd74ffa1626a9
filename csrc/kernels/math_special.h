// Hyperbolic functions, the error function and its kin.
#pragma once
#include "kernels/math_circular.h"
#include "kernels/math_exponential.h"

namespace tt::math {

// e^x / 2 for x >= 0, finite wherever sinh and cosh are.
template <class T>
TT_INLINE T half_exp(T x) {
  constexpr T highest = sizeof(T) == 4 ? T(89.6) : T(710.6);
  auto [k, shifted, r] = reduce_exp(x);
  T result = (T(4) + T(4) * expm1_near_zero(r)) * power_of_two(shifted, -3);
  return x > highest ? Real<T>::infinity : result;
}
template <class T>
TT_INLINE T sinh(T x) {
  T size = abs(x), z = x * x, near, half = half_exp(size);
  if constexpr (sizeof(T) == 4)
    near = polynomial(z, 0.1666666649, 0.008333350599, 1.98360661e-4, 2.817440438e-6) * (z * x) + x;
  else
    near = polynomial(z, 0.166666666666666674, 0.00833333333333313881, 1.98412698414376796e-4,
                      2.7557319155337657e-6, 2.5052123398409476e-8, 1.60572403531850872e-10,
                      7.75931184230287305e-13) *
               (z * x) +
           x;
  return size < T(1) ? near : copysign(half - T(0.25) / half, x);
}
template <class T>
TT_INLINE T cosh(T x) {
  T half = half_exp(abs(x));
  return half + T(0.25) / half;
}
template <class T>
TT_INLINE T tanh(T x) {  // e^2x - 1 over e^2x + 1
  constexpr T saturated = sizeof(T) == 4 ? T(9.2) : T(19.5);
  T size = abs(x);
  auto [k, shifted, r] = reduce_exp(T(2) * size);
  T power = power_of_two(shifted), t = power * expm1_near_zero(r) + (power - T(1));
  T result = t / (t + T(2));
  return copysign(size > saturated ? T(1) : result, x);
}
template <class T>
TT_INLINE T asinh(T x) {
  constexpr T large = sizeof(T) == 4 ? T(0x1p12f) : T(0x1p27);  // where x^2 + 1 rounds to x^2
  T size = abs(x);
  bool far = size > large;
  T square = size * size;
  T argument = far ? size - T(1) : size + square / (T(1) + sqrt(square + T(1)));
  T result = log1p(argument) + (far ? T(0.69314718055994530942) : T(0));
  return copysign(result, x);
}
template <class T>
TT_INLINE T acosh(T x) {
  constexpr T large = sizeof(T) == 4 ? T(0x1p12f) : T(0x1p27);
  bool far = x > large;
  T t = x - T(1);
  T result = log1p(far ? t : t + sqrt(T(2) * t + t * t)) + (far ? T(0.69314718055994530942) : T(0));
  return x < T(1) ? Real<T>::nan : result;
}
template <class T>
TT_INLINE T atanh(T x) {
  T size = abs(x);
  return copysign(T(0.5) * log1p(T(2) * size / (T(1) - size)), x);
}

template <class T>
TT_INLINE T sigmoid(T x) {
  T e = exp_of_negative(-abs(x));
  return (x < T(0) ? e : T(1)) / (T(1) + e);
}
// The sigmoid with its derivative, neither of which is a difference.
template <class T>
struct Sigmoid {
  T value, slope;
};
template <class T>
TT_INLINE Sigmoid<T> sigmoid_with_slope(T x) {
  T e = exp_of_negative(-abs(x)), larger = T(1) / (T(1) + e), smaller = e * larger;
  return {x < T(0) ? smaller : larger, smaller * larger};
}

// e^(-scale a^2) for finite a, with the square to twice the precision; scale is a power of two
template <class T>
TT_INLINE T exp_of_square(T a, T scale) {
  T square = a * a;
  return exp_of_negative(-scale * square, scale * residue(square, a, a));
}
// e^(a^2) erfc(a) (a + centre), with a rational argument: for float from a = 0.46 up, for double from 0
template <class T>
constexpr T erfc_centre = sizeof(T) == 4 ? T(2.5) : T(3);
template <class T>
TT_INLINE T erfc_factor(T a) {
  T s = (a - erfc_centre<T>) / (a + erfc_centre<T>);
  if constexpr (sizeof(T) == 4)
    return polynomial(s, 1.054031816, -0.8046519006, 0.4539145744, -0.1712495543, 0.02835340921,
                      0.008379407339, -0.004769115905, -3.937979167e-4, 5.796478662e-4);
  else
    return polynomial(
        s, 1.07400690708833971, -0.883394453169883556, 0.590228357104099443, -0.310467261900573852,
        0.119527761287435297, -0.0268272346243119782, -0.00121241663059961518, 0.00303406199908871015,
        -5.48309651505860277e-4, -2.76777829764369688e-4, 1.07561211002792374e-4, 3.03980697754108056e-5,
        -1.74694037778631636e-5, -4.74883142861487183e-6, 2.76228458502287042e-6, 9.97704771536150609e-7,
        -4.02720760352012723e-7, -2.31091996875420242e-7, 4.07043248672501142e-8, 4.74359508150978541e-8,
        1.89866188539221926e-9, -5.99413900593941936e-9, -1.4043170835758198e-9);
}
template <class T>
TT_INLINE T erfc_tail(T a) {
  T tail = exp_of_square(a, T(1)) * erfc_factor(a) / (a + erfc_centre<T>);
  return a > T(40) ? T(0) : tail;
}
// erf(x) / x - 1 as a function of x^2 <= 1/4
template <class T>
TT_INLINE T erf_near_zero(T z) {
  if constexpr (sizeof(T) == 4)
    return polynomial(z, 0.1283791656, -0.3761260934, 0.1128283806, -0.02675815639, 0.00471992883);
  else
    return polynomial(z, 0.12837916709551257, -0.37612638903183476, 0.112837916709255614,
                      -0.0268661706329545796, 0.005223977374069024, -8.54829784307258699e-4,
                      1.20533393503914424e-4, -1.48459532791195894e-5, 1.47269055798545312e-6);
}
template <class T>
TT_INLINE T erf(T x) {
  T size = abs(x), near = x + x * erf_near_zero(x * x);
  return size < T(0.5) ? near : copysign(T(1) - erfc_tail(size), x);
}
template <class T>
TT_INLINE T erfc(T x) {
  T size = abs(x), near = T(1) - (x + x * erf_near_zero(x * x)), tail = erfc_tail(size);
  T far = x < T(0) ? T(2) - tail : tail;
  return size < T(0.5) ? near : far;
}
// P(X < -a) e^(a^2 / 2) (a + 3) for the normal distribution, as a function of s = (a - 3) / (a + 3)
TT_INLINE float normal_tail_factor(float s) {
  return polynomial(s, 0.7290836712, -0.5093322115, 0.2300192275, -0.04725753545, -0.01047935528,
                    0.006931110985, 0.001077806568, -9.138612289e-4, -2.737904414e-4);
}
// P(X < x), from e^(-x^2 / 2)
template <class T>
TT_INLINE T normal_cdf(T x, T exponential) {
  T size = abs(x), tail;
  if constexpr (sizeof(T) == 4) {
    T reciprocal = T(1) / (size + T(3));
    tail = normal_tail_factor((size - T(3)) * reciprocal) * (exponential * reciprocal);
  } else {
    T a = size * T(0.70710678118654752440);
    tail = T(0.5) * exponential * erfc_factor(a) / (a + erfc_centre<T>);
  }
  tail = size > T(40) ? T(0) : tail;
  return x < T(0) ? tail : T(1) - tail;
}
// x P(X < x) = max(x, 0) - |x| P(X < -|x|)
TT_INLINE float gelu(float x) {
  float size = abs(x), square = size * size;
  float shifted = square * -0.72134752044448170368f + Real<float>::shifter;  // e^(-x^2 / 2) = 2^(k + r)
  float r = square * -0.72134752044448170368f - (shifted - Real<float>::shifter);
  float p = polynomial(r, 1.0, 0.6931472153, 0.2402223126, 0.05550307526, 0.009672091551, 0.001340755619);
  float ratio = size / (size + 3.0f);
  float part = normal_tail_factor(2.0f * ratio - 1.0f) * (ratio * (p * power_of_two(shifted)));
  part = size > 13.0f ? 0.0f : part;
  return (x < 0.0f ? 0.0f : x) - part;
}
TT_INLINE double gelu(double x) { return x * normal_cdf(x, exp_of_square(abs(x), 0.5)); }

}  // namespace tt::math
