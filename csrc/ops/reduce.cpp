#include "ops/reduce.h"

#include "ops/reduction.h"

namespace tt {
namespace {

// Sums and products of x in `dtype`, the identity where nothing is reduced.
Tensor accumulate(Reduction op, const Tensor& x, const Reduced& r, DType dtype, const Scalar& identity) {
  if (x.count() == 0) return full(r.sizes, identity, dtype, x.device());
  Tensor y = empty(r.sizes, dtype, x.device());
  reduce_into(op, working_type(dtype), y, x, r);
  return y;
}

Tensor truth(Reduction op, const char* name, bool identity, const Tensor& x, const Dims& dims, bool keepdim,
             Out out) {
  DType dtype = x.dtype() == DType::UInt8 ? DType::UInt8 : DType::Bool;
  if (dims && dims->empty()) return deliver(name, to_dtype(ne(x, wrapped_number(0)), dtype), out);
  return deliver(name, accumulate(op, x, reduced(name, x, dims, keepdim), dtype, identity), out);
}

Tensor unreduced_mean(const Tensor& g, const Shape& dims, const Shape& sizes, bool keepdim, int64_t count) {
  return unreduced(div(g, wrapped_number(double(count))), dims, sizes, keepdim);
}

// Without the products of the other elements a zero would divide by itself.
Tensor products_of_others(const Tensor& x, int64_t dim) {
  int64_t n = x.size(dim);
  Tensor one = ones_like(narrow(x, dim, 0, 1));
  auto products_before = [&](const Tensor& x) {
    return cumprod(cat({one, narrow(x, dim, 0, n - 1)}, dim), dim);
  };
  return mul(products_before(x), flip(products_before(flip(x, {dim})), {dim}));
}

Tensor prod_gradient(const Tensor& g, const Tensor& x, const Tensor& y, const Shape& dims, bool keepdim) {
  if (x.count() == 0) return zeros_like(x);
  Tensor spread = unreduced(g, dims, x.sizes(), keepdim);
  if (!any_zero(x)) return div(mul(spread, unreduced(y, dims, x.sizes(), keepdim)), x);
  if (dims.size() == 1 && x.rank()) return mul(spread, products_of_others(x, dims[0]));
  return mul(spread, reshape(products_of_others(reshape(x, {-1}), 0), x.sizes()));
}

}  // namespace

Tensor sum(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype, Out out) {
  Reduced r = reduced("sum", x, dims, keepdim);
  DType type = accumulated(x.dtype(), dtype, out);
  Tensor y = accumulate(type == DType::Bool ? Reduction::any : Reduction::sum, x, r, type, 0);
  if (!is_floating(type) || !any_needs_grad(inputs(x))) return deliver("sum", y, out);
  Shape sizes = x.sizes();
  if (r.whole)
    y = record("SumBackward0", y, inputs(x), save(sizes),
               [](const Tensor& g, const Shape& sizes) { return expand(g, sizes); });
  else
    y = record("SumBackward1", y, inputs(x), save(r.dims, sizes, keepdim),
               [](const Tensor& g, const Shape& dims, const Shape& sizes, const bool& keepdim) {
                 return unreduced(g, dims, sizes, keepdim);
               });
  return deliver("sum", y, out);
}

Tensor nansum(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype, Out out) {
  DType type = accumulated(x.dtype(), dtype, out);
  if (!x.is_floating()) return sum(x, dims, keepdim, type, out);
  if (!is_floating(type)) return sum(where(ne(x, x), wrapped_number(0), x), dims, keepdim, type, out);
  Reduced r = reduced("nansum", x, dims, keepdim);
  Tensor y = accumulate(Reduction::nansum, x, r, type, 0);
  y = record("NansumBackward0", y, inputs(x), save(x, r.dims, keepdim),
             [](const Tensor& g, const Tensor& x, const Shape& dims, const bool& keepdim) {
               return where(ne(x, x), wrapped_number(0), unreduced(g, dims, x.sizes(), keepdim));
             });
  return deliver("nansum", y, out);
}

static DType mean_type(const char* op, const Tensor& x, std::optional<DType> dtype) {
  DType type = dtype.value_or(x.dtype());
  check(is_floating(type), op, ": could not infer output dtype. ", dtype ? "Optional" : "Input",
        " dtype must be either a floating point or complex dtype. Got: ", legacy_name_of(type));
  return type;
}

Tensor mean(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype, Out out) {
  DType type = mean_type("mean", x, dtype);
  Reduced r = reduced("mean", x, dims, keepdim);
  Tensor y =
      accumulate(Reduction::sum, x, r, working_type(type), 0);  // a half would overflow before the division
  Tensor number = wrapped_number(double(r.count));
  binary(Elementwise::div, y, number, Out{&y, true});
  if (type != y.dtype()) {
    GradGuard off(false);
    y = to_dtype(y, type);
  }
  Shape sizes = x.sizes();
  y = record(r.whole ? "MeanBackward0" : "MeanBackward1", y, inputs(x), save(r.dims, sizes, keepdim, r.count),
             [](const Tensor& g, const Shape& dims, const Shape& sizes, const bool& keepdim,
                const int64_t& count) { return unreduced_mean(g, dims, sizes, keepdim, count); });
  return deliver("mean", y, out);
}

Tensor nanmean(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype, Out out) {
  check(x.is_floating(), "nanmean: expected input to have floating point or complex dtype but got ",
        legacy_name_of(x.dtype()));
  DType type = mean_type("nanmean", x, dtype);
  Tensor total = nansum(x, dims, keepdim, working_type(type));
  Tensor y = div(total, sum(eq(detach(x), detach(x)), dims, keepdim));
  return deliver("nanmean", to_dtype(y, type), out);
}

Tensor prod(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype, Out out) {
  Reduced r = reduced("prod", x, dims, keepdim);
  DType type = accumulated(x.dtype(), dtype, out);
  Tensor cast = x.is_floating() && x.dtype() != type ? to_dtype(x, type) : x;
  Tensor y = accumulate(type == DType::Bool ? Reduction::all : Reduction::prod, cast, r, type, 1);
  if (!is_floating(type)) return deliver("prod", y, out);
  y = record(r.whole ? "ProdBackward0" : "ProdBackward1", y, inputs(cast), save(cast, y, r.dims, keepdim),
             [](const Tensor& g, const Tensor& x, const Tensor& y, const Shape& dims, const bool& keepdim) {
               return prod_gradient(g, x, y, dims, keepdim);
             });
  return deliver("prod", y, out);
}

Tensor sum_to(const Tensor& x, const Shape& sizes) {
  if (x.sizes() == sizes) return x;
  Shape dims;
  int shift = x.rank() - sizes.size();
  for (int i = 0; i < x.rank(); i++)
    if (i < shift || (sizes[i - shift] == 1 && x.sizes()[i] != 1)) dims.push_back(i);
  Tensor y = dims.empty() ? x : sum(x, dims, true);
  return reshape(y, sizes);
}

Tensor any(const Tensor& x, const Dims& dims, bool keepdim, Out out) {
  return truth(Reduction::any, "any", false, x, dims, keepdim, out);
}

Tensor all(const Tensor& x, const Dims& dims, bool keepdim, Out out) {
  return truth(Reduction::all, "all", true, x, dims, keepdim, out);
}

Tensor count_nonzero(const Tensor& x, const Dims& dims) {
  return accumulate(Reduction::count_nonzero, x, reduced("count_nonzero", x, dims, false), DType::Int64, 0);
}

}  // namespace tt
