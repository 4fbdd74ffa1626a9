// Softmax and its logarithm along one dimension.
#include "ops/ops.h"

namespace tt {

using RowKernel = void (*Kernels::*)(const RowCall&);

// Runs a kernel on x seen as [outer, n, inner] along `dim`; `grad` only in backward.
static Tensor along(const char* op, RowKernel kernel, const Tensor& input, int dim, const Tensor& grad = {}) {
  auto run = kernels_of(input.device()).*kernel;
  check(run, op, ": not implemented on ", input.device());
  GradGuard off(false);
  Tensor x = contiguous(input), g = grad.defined() ? contiguous(grad) : Tensor(),
         y = empty(x.sizes(), x.dtype(), x.device());
  if (x.count() == 0) return y;
  RowCall call{x.dtype(), 1, 1, 1};
  for (int i = 0; i < x.rank(); i++) (i < dim ? call.outer : i == dim ? call.n : call.inner) *= x.sizes()[i];
  call.in = x.bytes();
  call.out = y.bytes();
  call.grad = g.defined() ? g.bytes() : nullptr;
  run(call);
  return y;
}

// The operand, in the type asked for, and the dimension counted from the front.
static Tensor prepared(const char* op, const Tensor& x, int64_t& dim, std::optional<DType> dtype) {
  dim = wrap_dim(op, dim, x.rank());
  Tensor converted = dtype ? to_dtype(x, *dtype) : x;
  check_floating(op, converted);
  return converted;
}

static Tensor summed(const Tensor& x, int64_t dim) {
  if (x.rank() == 0) return x;
  return sum(x, Shape{dim}, true);
}

// y (g - the sum of g y)
static Tensor softmax_backward(const Tensor& g, const Tensor& y, const int64_t& dim) {
  if (!any_needs_grad(inputs(g, y))) return along("softmax", &Kernels::softmax_backward, y, int(dim), g);
  Tensor product = mul(g, y);
  return sub(product, mul(y, summed(product, dim)));
}

Tensor softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  Tensor converted = prepared("softmax", x, dim, dtype),
         y = along("softmax", &Kernels::softmax, converted, int(dim));
  return record("SoftmaxBackward0", y, inputs(converted), save(y, dim), softmax_backward);
}

// g - e^y times the sum of g
static Tensor log_softmax_backward(const Tensor& g, const Tensor& y, const int64_t& dim) {
  if (!any_needs_grad(inputs(g, y)))
    return along("log_softmax", &Kernels::log_softmax_backward, y, int(dim), g);
  return sub(g, mul(exp(y), summed(g, dim)));
}

Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  Tensor converted = prepared("log_softmax", x, dim, dtype);
  Tensor y = along("log_softmax", &Kernels::log_softmax, converted, int(dim));
  return record("LogSoftmaxBackward0", y, inputs(converted), save(y, dim), log_softmax_backward);
}

Tensor softmin(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return softmax(neg(x), dim, dtype);
}

}  // namespace tt
