#include <cmath>

#include "ops/reduction.h"

namespace tt {
namespace {

// The norm in the working type. Other orders than the named ones need the powers in memory.
Tensor norm_values(const Tensor& x, double p, const Reduced& r) {
  DType type = working_type(x.dtype());
  Tensor y = empty(r.sizes, type, x.device());
  if (y.count() == 0) return y;
  if (x.count() == 0) return zero_(y);
  auto reduce = [&](Reduction op, const Tensor& x) { reduce_into(op, type, y, x, r); };
  if (p == 0) reduce(Reduction::count_nonzero, x);
  else if (p == 1) reduce(Reduction::sum_of_abs, x);
  else if (p == 2) reduce(Reduction::sum_of_squares, x);
  else if (std::isinf(p)) reduce(p > 0 ? Reduction::max_abs : Reduction::min_abs, x);
  else reduce(Reduction::sum, power(abs(to_dtype(x, type)), p));
  if (p == 2) return unary(Elementwise::sqrt, y, Out{&y, true});
  bool is_sum_of_powers = p != 0 && p != 1 && !std::isinf(p);
  return is_sum_of_powers ? power(y, 1 / p) : y;
}

// `value`, but `other` where `mask` says; the masked values have no part in derivatives.
Tensor masked(const Tensor& mask, double other, const Tensor& value) {
  return where(mask, wrapped_number(other), value);
}

// The gradient of y = (sum |x|^p)^(1/p): sign(x) |x|^(p-1) / y^(p-1), and the subgradient 0 at 0.
Tensor power_gradient(const Tensor& g, const Tensor& x, const Tensor& y, double p) {
  Tensor at_zero = eq(detach(y), wrapped_number(0)), safe = masked(at_zero, 1, y);
  if (p == 2) return mul(x, masked(at_zero, 0, div(g, safe)));
  Tensor none = eq(detach(x), wrapped_number(0)), size = masked(none, 1, abs(x));
  return mul(mul(sign(x), power(size, p - 1)), masked(at_zero, 0, div(g, power(safe, p - 1))));
}

Tensor norm_gradient(const Tensor& g_reduced, const Tensor& x, const Tensor& y_reduced, double p,
                     const Shape& dims, bool keepdim) {
  Tensor g = with_kept_dims(g_reduced, dims, x.sizes(), keepdim);
  Tensor y = with_kept_dims(y_reduced, dims, x.sizes(), keepdim);
  if (p == 0) return zeros_like(x);
  if (p == 1) return mul(g, sign(x));
  if (!std::isinf(p)) return power_gradient(g, x, y, p);
  Tensor ties = eq(abs(detach(x)), detach(y));
  return mul(sign(x), share_among_ties(g, ties, dims, true));
}

void check_norm(const Tensor& x, double p, const Reduced& r, std::optional<DType> dtype) {
  check(x.is_floating(), "norm: expected a floating point or complex tensor as input, got ",
        legacy_name_of(x.dtype()));
  check(!dtype || is_floating(*dtype), "norm: dtype should be floating point or complex, but got ",
        legacy_name_of(dtype.value_or(x.dtype())));
  check(!dtype || promote(x.dtype(), *dtype) == *dtype, "norm: the dtype of the input (",
        legacy_name_of(x.dtype()), ") should be convertible without narrowing to the specified dtype (",
        legacy_name_of(dtype.value_or(x.dtype())), ")");
  bool has_identity = p >= 0 && !std::isinf(p);
  check(has_identity || r.count > 0, "norm: cannot compute the ", p, " norm of an empty tensor of shape ",
        x.sizes(), " because the operation does not have an identity");
}

}  // namespace

Tensor vector_norm(const Tensor& input, double p, const Dims& dims, bool keepdim,
                   std::optional<DType> dtype) {
  Reduced r = reduced("norm", input, dims, keepdim);
  check_norm(input, p, r, dtype);
  Tensor x = dtype ? to_dtype(input, *dtype) : input, y;
  {
    GradGuard off(false);
    y = to_dtype(norm_values(x, p, r), x.dtype());
  }
  return record("LinalgVectorNormBackward0", y, inputs(x), save(x, y, p, r.dims, keepdim),
                [](const Tensor& g, const Tensor& x, const Tensor& y, const double& p, const Shape& dims,
                   const bool& keepdim) { return norm_gradient(g, x, y, p, dims, keepdim); });
}

Tensor dist(const Tensor& a, const Tensor& b, double p) {
  check(is_floating(result_type({&a, &b})),
        "dist: input dtype should be either floating point or complex, got ", legacy_name_of(a.dtype()),
        " and ", legacy_name_of(b.dtype()));
  return vector_norm(sub(a, b), p);
}

// Slices along dim whose norm is greater than maxnorm are scaled down to it.
Tensor renorm(const Tensor& x, double p, int64_t dim, double maxnorm) {
  check(p > 0, "renorm: non-positive-norm not supported, got p = ", p);
  check(maxnorm >= 0, "renorm: expected maxnorm to be >= 0 but got ", maxnorm);
  check(x.rank() > 1, "renorm: input needs at least 2 dimensions, got ", x.rank(), " dimensions");
  check(x.is_floating(), "renorm: expected a floating point or complex tensor as input, got ",
        legacy_name_of(x.dtype()));
  int kept = wrap_dim("renorm", dim, x.rank());
  Shape dims;
  for (int i = 0; i < x.rank(); i++)
    if (i != kept) dims.push_back(i);
  std::optional<DType> type;
  if (is_half(x.dtype())) type = DType::Float32;
  Tensor norms = vector_norm(x, p, dims, true, type);
  Tensor long_ones = gt(detach(norms), wrapped_number(maxnorm));
  Tensor factor = div(wrapped_number(maxnorm), plus(norms, 1e-7));
  return mul(x, to_dtype(where(long_ones, factor, wrapped_number(1.0)), x.dtype()));
}

}  // namespace tt
