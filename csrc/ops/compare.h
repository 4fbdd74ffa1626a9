// Comparison, logic, bits and choice.
#pragma once
#include "ops/internal.h"

namespace tt {

// ---- comparison: bool results, no gradient
Tensor eq(const Tensor& a, const Tensor& b, Out out = {});
Tensor ne(const Tensor& a, const Tensor& b, Out out = {});
Tensor lt(const Tensor& a, const Tensor& b, Out out = {});
Tensor le(const Tensor& a, const Tensor& b, Out out = {});
Tensor gt(const Tensor& a, const Tensor& b, Out out = {});
Tensor ge(const Tensor& a, const Tensor& b, Out out = {});
Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan);
bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan);
bool equal(const Tensor& a, const Tensor& b);

// ---- logic
Tensor logical_not(const Tensor& x, Out out = {});
Tensor logical_and(const Tensor& a, const Tensor& b, Out out = {});
Tensor logical_or(const Tensor& a, const Tensor& b, Out out = {});
Tensor logical_xor(const Tensor& a, const Tensor& b, Out out = {});

// ---- bits
Tensor bitwise_not(const Tensor& x, Out out = {});
Tensor bitwise_and(const Tensor& a, const Tensor& b, Out out = {});
Tensor bitwise_or(const Tensor& a, const Tensor& b, Out out = {});
Tensor bitwise_xor(const Tensor& a, const Tensor& b, Out out = {});
Tensor shift_left(const Tensor& a, const Tensor& b, Out out = {});
Tensor shift_right(const Tensor& a, const Tensor& b, Out out = {});

// ---- choice
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b, Out out = {});
Tensor maximum(const Tensor& a, const Tensor& b, Out out = {});
Tensor minimum(const Tensor& a, const Tensor& b, Out out = {});
Tensor fmax(const Tensor& a, const Tensor& b, Out out = {});
Tensor fmin(const Tensor& a, const Tensor& b, Out out = {});
// Either bound may be absent, not both. A bound of Python's is a wrapped number.
Tensor clamp(const Tensor& x, const std::optional<Tensor>& min, const std::optional<Tensor>& max,
             Out out = {});
Tensor clamp_min(const Tensor& x, const Tensor& min, Out out = {});
Tensor clamp_max(const Tensor& x, const Tensor& max, Out out = {});

}  // namespace tt
