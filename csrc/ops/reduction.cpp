#include "ops/reduction.h"

namespace tt {

Reduced reduced(const char* op, const Tensor& x, const Dims& dims, bool keepdim) {
  Reduced r{.whole = !dims || dims->empty(), .count = 1};
  const Shape& sizes = x.sizes();
  int rank = sizes.size();
  if (!r.whole) r.dims = wrap_dims(op, *dims, rank);
  else
    for (int i = 0; i < rank; i++) r.dims.push_back(i);
  for (int i = 0; i < rank; i++) {
    bool goes = r.whole || r.dims.contains(i);
    if (goes) r.count *= sizes[i];
    r.kept_sizes.push_back(goes ? 1 : sizes[i]);
    if (!goes || keepdim) r.sizes.push_back(goes ? 1 : sizes[i]);
  }
  return r;
}

Reduced reduced_nonempty(const char* op, const Tensor& x, const Dims& dims, bool keepdim, ErrorKind whole) {
  Reduced r = reduced(op, x, dims, keepdim);
  if (x.count()) [[likely]]
    return r;
  if (r.whole)
    fail(whole, op, ": Expected reduction dim to be specified for input.numel() == 0, an empty input has no ",
         op, ", got shape ", x.sizes());
  for (int64_t dim : r.dims)
    check_index(x.sizes()[int(dim)] > 0, op, ": Expected reduction dim ", dim,
                " to have non-zero size, got shape ", x.sizes());
  return r;
}

void reduce_into(Reduction op, DType compute, const Tensor& y, const Tensor& x, const Reduced& r,
                 const Tensor& index, const Tensor& mean) {
  Shape strides = contiguous_strides(r.kept_sizes);
  for (int64_t dim : r.dims)
    if (x.rank()) strides[int(dim)] = 0;
  Operand out{nullptr, strides.data(), x.dtype()};
  if (y.defined()) out = operand_of(y, strides);
  ReduceCall call{op, compute, x.rank(), x.sizes().data(), out, operand_of(x, x.strides())};
  if (index.defined()) call.index = index.data<int64_t>();
  if (mean.defined()) call.mean = mean.bytes();
  auto kernel = kernels_of(x.device()).reduce;
  check(kernel, "reduce: not implemented on ", x.device());
  kernel(call);
}

Tensor with_kept_dims(const Tensor& y, const Shape& dims, const Shape& sizes, bool keepdim) {
  if (keepdim || sizes.empty()) return y;
  Shape kept = sizes;
  for (int64_t dim : dims) kept[int(dim)] = 1;
  return reshape(y, kept);
}

Tensor unreduced(const Tensor& y, const Shape& dims, const Shape& sizes, bool keepdim) {
  return expand(with_kept_dims(y, dims, sizes, keepdim), sizes);
}

Tensor resized(const Tensor& y, const Shape& sizes) {
  return tensor_over(y.storage(), sizes, contiguous_strides(sizes), y.offset(), y.dtype());
}

void record_selection(const char* node, const Tensor& y, const Tensor& index, const Tensor& x, int64_t dim,
                      bool keepdim) {
  if (!x.is_floating() || !any_needs_grad(inputs(x))) return;
  Shape sizes = x.sizes();
  record(
      node, y, inputs(x), save(index, dim, sizes, keepdim),
      [](const Tensor& g, const Tensor& index, const int64_t& dim, const Shape& sizes, const bool& keepdim) {
        if (sizes.empty()) return g;
        Tensor zeros = tt::zeros(sizes, g.dtype(), g.device());
        if (keepdim) return scatter_add(zeros, dim, index, g);
        return scatter_add(zeros, dim, unsqueeze(index, dim), unsqueeze(g, dim));
      });
}

DType accumulated(DType type, std::optional<DType> wanted, Out out) {
  if (wanted) return *wanted;
  if (out) return out.target->dtype();
  return is_floating(type) ? type : DType::Int64;
}

}  // namespace tt
