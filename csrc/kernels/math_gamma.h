// Functions of which float has the same text as double: rare enough that the width does not matter.
#pragma once
#include "kernels/math_special.h"

namespace tt::math {

// The inverse of erf over its argument, from w = -log(1 - x^2), to 26 bits
TT_INLINE double erfinv_factor(double w) {
  double s = sqrt(w) - 3.0;
  double centre = polynomial(w - 2.5, 1.50140935928, 0.246640286149, -0.00417738679014, -0.00125274188036,
                             2.18344447752e-4, -4.96334422543e-6, -3.46270691622e-6, 4.66169604951e-7,
                             2.32328160738e-8, -8.790968687e-9);
  double tail =
      polynomial(s, 2.83297680271, 1.00167494691, 0.00944519255295, -0.00763695530409, 0.00568780742062,
                 -0.00359898824358, 0.00148285682993, -5.37631353705e-5, -3.07749240067e-4, 1.13640440963e-4);
  return w < 5.0 ? centre : tail;
}
TT_INLINE float erfinv(float y) {
  double x = y;
  float result = float(x * erfinv_factor(-log((1.0 - x) * (1.0 + x))));
  return abs(y) == 1.0f ? y * Real<float>::infinity : result;
}
// For double a cruder start that holds further out, and one step of Halley's iteration.
TT_INLINE double erfinv(double x) {
  double size = abs(x), w = -log((1.0 - size) * (1.0 + size));
  double tail = polynomial(sqrt(w) - 4.0, 3.83978197898, 1.00950390977, 0.00128535201935, -9.1447012518e-4,
                           2.71581949308e-4, -5.72236684827e-5, 8.13487605086e-5, -6.70799721445e-5,
                           1.94597483912e-5, -1.60504238407e-6);
  double r = size * (w < 5.0 ? erfinv_factor(w) : tail);
  double error = size < 0.5 ? erf(r) - size : (1.0 - size) - erfc(r);
  double step = error * 0.88622692545275801365 * exp(r * r);  // error / erf'(r)
  double result = size < 1e-150 ? size * 0.88622692545275801365 : r - step / (1.0 + r * step);
  return copysign(size == 1.0 ? Real<double>::infinity : result, x);
}

// For x < 1/2 the gamma functions are reflected to 1 - x; small arguments are then carried up by the
// recurrence, in `carry` steps, to where Stirling's series holds.
struct GammaArgument {
  bool reflected, carried;
  double w, z;  // z = w or w + carry
};
template <class T>
constexpr int gamma_carry = sizeof(T) == 4 ? 8 : 12;
TT_INLINE GammaArgument gamma_argument(double x, int carry) {
  bool reflected = x < 0.5;
  double w = reflected ? 1.0 - x : x;
  return {reflected, w < carry, w, w < carry ? w + carry : w};
}

TT_INLINE double lgamma(double x) { return std::lgamma(x); }
TT_INLINE float lgamma(float y) {
  double x = y;
  auto [reflected, carried, w, z] = gamma_argument(x, gamma_carry<float>);
  double product = w;
  for (int i = 1; i < gamma_carry<float>; i++) product *= w + i;
  product = carried ? product : 1.0;
  double v = 1.0 / z;
  double series =
      polynomial(v * v, 1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360) * v;
  double stirling = (z - 0.5) * log(z) - z + (0.91893853320467274178 + series);
  double factor = log(reflected ? product * pi / abs(sin_pi(x)) : product);
  double result = reflected ? factor - stirling : stirling - factor;
  return float(abs(x) == Real<double>::infinity ? Real<double>::infinity : result);
}
template <class T>
TT_INLINE T digamma(T y) {
  double x = y;
  auto [reflected, carried, w, z] = gamma_argument(x, gamma_carry<T>);
  double product = w, slope = 1.0;  // slope / product = 1 / w + 1 / (w + 1) + ...
  for (int i = 1; i < gamma_carry<T>; i++) {
    slope = slope * (w + i) + product;
    product *= w + i;
  }
  double v = 1.0 / z;
  double series =
      polynomial(v * v, 1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12);
  double result = log(z) - (0.5 * v + series * (v * v)) - (carried ? slope / product : 0.0);
  double fraction = x - round(x), turn = reflected ? pi * cos_pi(fraction) / sin_pi(fraction) : 0.0;
  bool pole = (x < 0.0) & (fraction == 0.0);
  result = x == Real<double>::infinity ? x : result - turn;
  return T(x == 0.0 ? copysign(Real<double>::infinity, -x) : pole ? Real<double>::nan : result);
}
template <class T>
TT_INLINE T trigamma(T y) {
  double x = y;
  auto [reflected, carried, w, z] = gamma_argument(x, gamma_carry<T>);
  double sum = 0.0;
  for (int i = 0; i < gamma_carry<T>; i++) sum += 1.0 / ((w + i) * (w + i));
  double v = 1.0 / z;
  double series =
      polynomial(v * v, 1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6);
  double result = v + 0.5 * v * v + series * (v * v * v) + (carried ? sum : 0.0);
  double s = sin_pi(x);
  return T(reflected ? pi * pi / (s * s) - result : result);
}

// Bessel's I0: the power series up to 15, e^a / sqrt(a) times a series in 15 / a from there on.
TT_INLINE double bessel_far(double a, double series) {
  double half = exp(0.5 * a);
  return half * series / sqrt(a) * half;
}
template <class T>
TT_INLINE T i0(T y) {
  double a = abs(double(y)), u = 15.0 / a;
  double near = polynomial(
      0.25 * a * a, 0.999999999999999954, 1.00000000000000156, 0.24999999999999212, 0.0277777777777921994,
      0.00173611111109815141, 6.94444444511261145e-5, 1.92901234350594423e-6, 3.93675993662340342e-8,
      6.1511865984191675e-10, 7.59406652084929074e-12, 7.59399184221213624e-14, 6.27649316563992559e-16,
      4.35645831156830346e-18, 2.58581921993012364e-20, 1.29714616683196309e-22, 6.22577214328268602e-25,
      1.72212307323133324e-27, 1.38057845999747227e-29, -1.61874504967985106e-32, 2.22424583509918113e-34);
  double far = polynomial(u, 0.39894228040143269, 0.00332451900334192441, 1.2466946280139166e-4,
                          8.65759785906927843e-6, 8.83837691723617806e-7, 1.19045452085078401e-7,
                          2.11644004937745903e-8, 9.60747092909136139e-10, 6.64834460426433472e-9,
                          -6.80498596177715944e-9, 5.69069283058567009e-9, -2.59387153865175326e-9,
                          5.66137754108247692e-10);
  return T(a < 15.0 ? near : bessel_far(a, far));
}
template <class T>
TT_INLINE T hypot(T a, T b) {
  T x = abs(a), y = abs(b), result;
  if constexpr (sizeof(T) == 4) {
    result = T(sqrt(double(a) * double(a) + double(b) * double(b)));
  } else {
    T larger = x > y ? x : y, ratio = (x > y ? y : x) / larger;
    result = larger == T(0) ? x + y : larger * sqrt(T(1) + ratio * ratio);
  }
  return (x == Real<T>::infinity) | (y == Real<T>::infinity) ? Real<T>::infinity : result;
}

}  // namespace tt::math
