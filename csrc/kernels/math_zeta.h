// Higher derivatives of log gamma, and Bessel's I1: rare, scalar, in double.
#pragma once
#include "kernels/math_gamma.h"

namespace tt::math {

// sum over k >= 0 of (q + k)^-s for q >= 10 + s / 2: the integral, half the first term, Bernoulli's
// corrections.
TT_INLINE double zeta_tail(double s, double q) {
  constexpr double bernoulli[] = {1. / 12,           -1. / 720,     1. / 30240,
                                  -1. / 1209600,     1. / 47900160, -691. / 1307674368000.0,
                                  1. / 74724249600.0};
  double power = std::pow(q, -s), sum = power * (q / (s - 1) + 0.5), factor = power * s / q;
  for (int j = 0; j < 7; j++) {
    sum += bernoulli[j] * factor;
    factor *= (s + 2 * j + 1) * (s + 2 * j + 2) / (q * q);
  }
  return sum;
}
// Hurwitz's zeta for an integer s > 1 and any q. Far below zero the terms are summed from both ends.
TT_INLINE double hurwitz_zeta(double s, double q) {
  if (q == Real<double>::infinity) return 0;
  if (q <= 0 && q == std::floor(q)) return Real<double>::infinity;
  if (!(q > -1e15)) return Real<double>::nan;
  double far = 10 + s / 2, sum = 0;
  if (q < -far - 1) {
    double nearest = -q - std::floor(-q - far);  // the smallest |q + k| >= far with q + k < 0
    sum = (std::fmod(s, 2) == 0 ? 1 : -1) * (zeta_tail(s, nearest) - zeta_tail(s, 1 - q));
    q = 1 - nearest;
  }
  for (; q < far; q += 1) sum += std::pow(q, -s);
  return sum + zeta_tail(s, q);
}

// psi^(n)(x) = (-1)^(n + 1) n! zeta(n + 1, x)
template <class T>
TT_INLINE T polygamma(T n, T x) {
  if (n == T(0)) return digamma(x);
  if (n == T(1)) return trigamma(x);
  double sign = std::fmod(double(n), 2) == 0 ? -1 : 1;
  return T(sign * std::tgamma(double(n) + 1) * hurwitz_zeta(double(n) + 1, double(x)));
}

template <class T>
TT_INLINE T i1(T y) {
  double x = std::fabs(double(y)), result;
  if (x > 30) {  // e^x / sqrt(2 pi x) (1 - 3 / 8x - 15 / 2 (8x)^2 - ...)
    double series = 1, factor = 1;
    for (int k = 1; k < 20; k++) {
      factor *= -(4 - (2. * k - 1) * (2. * k - 1)) / (8. * k * x);
      series += factor;
    }
    result = std::exp(x / 2) * series / std::sqrt(6.28318530717958647693 * x) * std::exp(x / 2);
  } else {
    double term = x / 2;
    result = term;
    for (int k = 1; k < 100; k++) {
      term *= x * x / (4. * k * (k + 1));
      result += term;
    }
  }
  return T(std::copysign(result, double(y)));
}

}  // namespace tt::math
