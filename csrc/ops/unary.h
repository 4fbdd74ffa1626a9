// Functions of one tensor, element by element.
#pragma once
#include "ops/internal.h"

namespace tt {

// ---- sign and size
Tensor neg(const Tensor& x, Out out = {});
Tensor abs(const Tensor& x, Out out = {});
Tensor sign(const Tensor& x, Out out = {});
Tensor sgn(const Tensor& x, Out out = {});
Tensor positive(const Tensor& x);
Tensor signbit(const Tensor& x, Out out = {});

// ---- powers and logarithms
Tensor reciprocal(const Tensor& x, Out out = {});
Tensor sqrt(const Tensor& x, Out out = {});
Tensor rsqrt(const Tensor& x, Out out = {});
Tensor exp(const Tensor& x, Out out = {});
Tensor exp2(const Tensor& x, Out out = {});
Tensor expm1(const Tensor& x, Out out = {});
Tensor log(const Tensor& x, Out out = {});
Tensor log2(const Tensor& x, Out out = {});
Tensor log10(const Tensor& x, Out out = {});
Tensor log1p(const Tensor& x, Out out = {});

// ---- circular and hyperbolic
Tensor sin(const Tensor& x, Out out = {});
Tensor cos(const Tensor& x, Out out = {});
Tensor tan(const Tensor& x, Out out = {});
Tensor asin(const Tensor& x, Out out = {});
Tensor acos(const Tensor& x, Out out = {});
Tensor atan(const Tensor& x, Out out = {});
Tensor sinh(const Tensor& x, Out out = {});
Tensor cosh(const Tensor& x, Out out = {});
Tensor tanh(const Tensor& x, Out out = {});
Tensor asinh(const Tensor& x, Out out = {});
Tensor acosh(const Tensor& x, Out out = {});
Tensor atanh(const Tensor& x, Out out = {});
Tensor sinc(const Tensor& x, Out out = {});
Tensor deg2rad(const Tensor& x, Out out = {});
Tensor rad2deg(const Tensor& x, Out out = {});

// ---- rounding
Tensor floor(const Tensor& x, Out out = {});
Tensor ceil(const Tensor& x, Out out = {});
Tensor trunc(const Tensor& x, Out out = {});
Tensor round(const Tensor& x, Out out = {});
Tensor round_decimals(const Tensor& x, int64_t decimals);
Tensor frac(const Tensor& x, Out out = {});

// ---- special functions
Tensor erf(const Tensor& x, Out out = {});
Tensor erfc(const Tensor& x, Out out = {});
Tensor erfinv(const Tensor& x, Out out = {});
Tensor lgamma(const Tensor& x, Out out = {});
Tensor digamma(const Tensor& x, Out out = {});
Tensor polygamma(int64_t n, const Tensor& x, Out out = {});
Tensor mvlgamma(const Tensor& x, int64_t p);
Tensor i0(const Tensor& x, Out out = {});
Tensor i1(const Tensor& x, Out out = {});
Tensor logit(const Tensor& x, std::optional<double> eps = {});

// ---- what kind of number
Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);
Tensor isposinf(const Tensor& x, Out out = {});
Tensor isneginf(const Tensor& x, Out out = {});
Tensor isreal(const Tensor& x);
Tensor nan_to_num(const Tensor& x, std::optional<double> nan = {}, std::optional<double> posinf = {},
                  std::optional<double> neginf = {});

// ---- complex numbers, as seen from the real line
Tensor angle(const Tensor& x);
Tensor real(const Tensor& x);
Tensor imag(const Tensor& x);
Tensor same(const Tensor& x);  // conj, resolve_conj and their like

}  // namespace tt
