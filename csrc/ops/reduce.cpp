#include "ops/reduce.h"

#include "ops/ops.h"

namespace tt {
namespace {

// The dimensions that a reduction runs over, as a mask, and the sizes it leaves.
struct Reduced {
  Shape dims, kept_sizes, sizes;  // kept_sizes: with 1 where reduced
};

Reduced reduced(const char* op, const Tensor& x, const Dims& dims, bool keepdim) {
  Reduced r;
  if (dims && !dims->empty()) r.dims = wrap_dims(op, *dims, x.rank());
  else for (int i = 0; i < x.rank(); i++) r.dims.push_back(i);
  for (int i = 0; i < x.rank(); i++) {
    bool goes = r.dims.contains(i);
    r.kept_sizes.push_back(goes ? 1 : x.sizes()[i]);
    if (!goes || keepdim) r.sizes.push_back(goes ? 1 : x.sizes()[i]);
  }
  return r;
}

// Runs a reduction of x into y, which has the sizes r.sizes or r.kept_sizes and is contiguous.
void run(Reduction op, DType compute, const Tensor& y, const Tensor& x, const Reduced& r, int64_t* index = nullptr,
         void* mean = nullptr) {
  Shape strides = contiguous_strides(r.kept_sizes);
  for (int64_t dim : r.dims)
    if (x.rank()) strides[int(dim)] = 0;
  ReduceCall call{op, compute, x.rank(), x.sizes().data(), operand_of(y, strides), operand_of(x, x.strides()), index, mean};
  kernels_of(x.device()).reduce(call);
}

// Spreads what a reduction left over the sizes that it started from.
Tensor unreduced(const Tensor& y, const Shape& dims, const Shape& sizes, bool keepdim) {
  Tensor kept = y;
  if (!keepdim && !sizes.empty()) {
    Shape order = dims;
    std::sort(order.begin(), order.end());
    for (int64_t dim : order) kept = unsqueeze(kept, dim);
  }
  return expand(kept, sizes);
}

DType accumulated(DType type) { return is_floating(type) ? type : DType::Int64; }
DType compute_type(DType type) { return is_half(type) ? DType::Float32 : type; }

Tensor sum_values(const Tensor& x, const Reduced& r, DType dtype) {
  Tensor y = empty(r.sizes, dtype, x.device());
  if (x.count() == 0) return zero_(y);
  run(Reduction::sum, compute_type(dtype), y, x, r);
  return y;
}

}  // namespace

Tensor sum(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype, Out out) {
  Reduced r = reduced("sum", x, dims, keepdim);
  Tensor y = sum_values(x, r, dtype.value_or(accumulated(x.dtype())));
  Shape sizes = x.sizes();
  if (is_floating(y.dtype()))
    y = record("SumBackward1", y, inputs(x), save(r.dims, sizes, keepdim),
               [](const Tensor& g, const Shape& dims, const Shape& sizes, const bool& keepdim) {
                 return unreduced(g, dims, sizes, keepdim);
               });
  return deliver("sum", y, out);
}

Tensor mean(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype, Out out) {
  DType type = dtype.value_or(x.dtype());
  check(is_floating(type), "mean: could not infer output dtype. Input dtype must be either a floating point or complex "
        "dtype. Got: ", legacy_name_of(type));
  Reduced r = reduced("mean", x, dims, keepdim);
  int64_t count = 1;
  for (int64_t dim : r.dims) count *= x.rank() ? x.sizes()[int(dim)] : 1;
  Tensor y;
  {
    GradGuard off(false);
    y = sum_values(x, r, type);
    Tensor number = wrapped_number(double(count));
    binary(Elementwise::div, y, number, Out{&y, true});
  }
  Shape sizes = x.sizes();
  y = record("MeanBackward1", y, inputs(x), save(r.dims, sizes, keepdim, count),
             [](const Tensor& g, const Shape& dims, const Shape& sizes, const bool& keepdim, const int64_t& count) {
               return div(unreduced(g, dims, sizes, keepdim), wrapped_number(double(count)));
             });
  return deliver("mean", y, out);
}

Tensor any(const Tensor& x, const Dims& dims, bool keepdim, Out out) {
  Reduced r = reduced("any", x, dims, keepdim);
  Tensor y = empty(r.sizes, x.dtype() == DType::UInt8 ? DType::UInt8 : DType::Bool, x.device());
  if (x.count() == 0) zero_(y);
  else run(Reduction::any, DType::Bool, y, x, r);
  return deliver("any", y, out);
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

}  // namespace tt
