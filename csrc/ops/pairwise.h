// Functions of two and three tensors beyond the four operations.
#pragma once
#include "ops/internal.h"

namespace tt {

Tensor atan2(const Tensor& a, const Tensor& b, Out out = {});
Tensor hypot(const Tensor& a, const Tensor& b, Out out = {});
Tensor copysign(const Tensor& a, const Tensor& b, Out out = {});
Tensor nextafter(const Tensor& a, const Tensor& b, Out out = {});
Tensor heaviside(const Tensor& x, const Tensor& values, Out out = {});
Tensor logaddexp(const Tensor& a, const Tensor& b, Out out = {});
Tensor logaddexp2(const Tensor& a, const Tensor& b, Out out = {});
Tensor xlogy(const Tensor& a, const Tensor& b, Out out = {});
Tensor ldexp(const Tensor& x, const Tensor& exponent);
Tensor gcd(const Tensor& a, const Tensor& b, Out out = {});
Tensor lcm(const Tensor& a, const Tensor& b, Out out = {});

Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight, Out out = {});
Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, const Scalar& value = 1, Out out = {});
Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, const Scalar& value = 1, Out out = {});

}  // namespace tt
