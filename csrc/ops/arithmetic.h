// Sums, products, quotients, powers and remainders.
#pragma once
#include "ops/internal.h"

namespace tt {

Tensor add(const Tensor& a, const Tensor& b, const Scalar& alpha = 1, Out out = {});
Tensor sub(const Tensor& a, const Tensor& b, const Scalar& alpha = 1, Out out = {});
Tensor rsub(const Tensor& a, const Tensor& b, const Scalar& alpha = 1);  // b - alpha * a
Tensor mul(const Tensor& a, const Tensor& b, Out out = {});
Tensor div(const Tensor& a, const Tensor& b, Out out = {});
Tensor divide(const Tensor& a, const Tensor& b, const std::optional<std::string>& rounding_mode,
              Out out = {});
Tensor floor_divide(const Tensor& a, const Tensor& b, Out out = {});
Tensor remainder(const Tensor& a, const Tensor& b, Out out = {});
Tensor fmod(const Tensor& a, const Tensor& b, Out out = {});
Tensor pow(const Tensor& a, const Tensor& b, Out out = {});
Tensor float_power(const Tensor& a, const Tensor& b, Out out = {});
Tensor float_power_(const Tensor& self, const Tensor& exponent);
Tensor square(const Tensor& x, Out out = {});

// With a number: what rules are mostly made of.
inline Tensor times(const Tensor& x, const Scalar& factor) { return mul(x, wrapped_number(factor)); }
inline Tensor plus(const Tensor& x, const Scalar& term) { return add(x, wrapped_number(term)); }
inline Tensor power(const Tensor& x, const Scalar& exponent) { return pow(x, wrapped_number(exponent)); }

bool any_zero(const Tensor& x);
bool any_nan(const Tensor& x);

// ---- for the ops of this family
// The tensor, where a derivative will read it; else nothing, so that its memory is free and it may be
// changed.
inline const Tensor& kept_if(bool needed, const Tensor& x) {
  static const Tensor nothing;
  return needed ? x : nothing;
}
// The gradient where a formula left 1, zero where it left 0 (whatever the gradient there).
inline Tensor gate(const Tensor& g, const Tensor& open) { return binary(Elementwise::relu_grad, g, open); }
// Refuses integers, which the op would otherwise promote.
void check_floating(const char* op, const Tensor& x);
// Refuses a number that lies beyond every value of an integer type.
void check_bound(const char* op, DType type, const Scalar& bound);
// Gives the result of an op that PyTorch does not differentiate a node that says so in backward.
Tensor without_derivative(const char* op, const Tensor& y, const Tensor& a, const Tensor& b);
[[noreturn]] void fail_dtype(const char* op, DType type);

}  // namespace tt
