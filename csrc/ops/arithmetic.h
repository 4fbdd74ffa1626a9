#pragma once
#include "ops/internal.h"

namespace tt {

Tensor neg(const Tensor& x, Out out = {});
Tensor abs(const Tensor& x, Out out = {});
Tensor exp(const Tensor& x, Out out = {});
Tensor log(const Tensor& x, Out out = {});
Tensor add(const Tensor& a, const Tensor& b, const Scalar& alpha = 1, Out out = {});
Tensor sub(const Tensor& a, const Tensor& b, const Scalar& alpha = 1, Out out = {});
Tensor mul(const Tensor& a, const Tensor& b, Out out = {});
Tensor div(const Tensor& a, const Tensor& b, Out out = {});

Tensor pow(const Tensor& a, const Tensor& b, Out out = {});
Tensor floor_divide(const Tensor& a, const Tensor& b, Out out = {});
Tensor remainder(const Tensor& a, const Tensor& b, Out out = {});

// ---- bits
Tensor bitwise_not(const Tensor& x, Out out = {});
Tensor bitwise_and(const Tensor& a, const Tensor& b, Out out = {});
Tensor bitwise_or(const Tensor& a, const Tensor& b, Out out = {});
Tensor bitwise_xor(const Tensor& a, const Tensor& b, Out out = {});
Tensor shift_left(const Tensor& a, const Tensor& b, Out out = {});
Tensor shift_right(const Tensor& a, const Tensor& b, Out out = {});

// ---- comparison: bool results, no gradient
Tensor eq(const Tensor& a, const Tensor& b, Out out = {});
Tensor ne(const Tensor& a, const Tensor& b, Out out = {});
Tensor lt(const Tensor& a, const Tensor& b, Out out = {});
Tensor le(const Tensor& a, const Tensor& b, Out out = {});
Tensor gt(const Tensor& a, const Tensor& b, Out out = {});
Tensor ge(const Tensor& a, const Tensor& b, Out out = {});

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b, Out out = {});

bool any_zero(const Tensor& x);
bool any_nan(const Tensor& x);

}  // namespace tt
