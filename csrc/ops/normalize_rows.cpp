// Normalisation over the last dimensions, and what all normalisations share.
#include <limits>

#include "kernels/normalize_call.h"
#include "ops/network.h"
#include "ops/normalize_parts.h"
#include "ops/ops.h"
#include "ops/reduction.h"

namespace tt {

// ---------------------------------------------------------------- shared

Tensor working_parameter(const MaybeTensor& parameter, DType work) {
  return parameter ? contiguous(to_dtype(*parameter, work)) : Tensor();
}

void check_norm_input(const char* op, const Tensor& x) {
  if (!x.is_floating()) fail(ErrorKind::NotImplemented, op, ": not implemented for ", name_of(x.dtype()));
}

void check_norm_dtype(const char* op, const Tensor& x, const MaybeTensor& parameter) {
  if (!parameter) return;
  DType type = parameter->dtype();
  check(type == x.dtype() || (is_half(x.dtype()) && type == DType::Float32), op,
        ": mixed dtype: all inputs must share the same datatype, got ", name_of(x.dtype()), " and ",
        name_of(type));
}

Gradients composed_gradients(const Tensor& g, const Tensor& x, const Tensor& weight, const NormFrame& f,
                             Wanted wanted) {
  Tensor folded = reshape(x, f.sizes), d = f.centered ? sub(folded, mean(folded, f.dims, true)) : folded;
  Tensor scale = rsqrt(plus(mean(square(d), f.dims, true), f.eps)), normal = mul(d, scale);
  Gradients out(3);
  if (wanted[0]) {
    Tensor v = reshape(weight.defined() ? mul(g, reshape(weight, f.parameter)) : g, f.sizes);
    Tensor inner = sub(v, mul(normal, mean(mul(v, normal), f.dims, true)));
    if (f.centered) inner = sub(inner, mean(v, f.dims, true));
    out[0] = reshape(mul(inner, scale), x.sizes());
  }
  if (wanted[1]) out[1] = reshape(sum_to(mul(g, reshape(normal, x.sizes())), f.parameter), f.held);
  if (wanted[2]) out[2] = reshape(sum_to(g, f.parameter), f.held);
  return out;
}

// ---------------------------------------------------------------- layer norm and its kin

namespace {

struct RowForm {
  const char* name;
  Shape row;  // the sizes of a row
  bool centered;
  double eps;
};

RowNormCall row_call(const Tensor& x, const Tensor& weight, const RowForm& form) {
  int64_t n = product(form.row);
  RowNormCall call{x.dtype(), form.centered, x.count() / n, n};
  call.eps = form.eps;
  call.input = x.bytes();
  call.weight = bytes_of(weight);
  return call;
}

Gradients row_backward(const Gradients& gradients, Wanted wanted, const Tensor& x, const Tensor& weight,
                       const Tensor& mean, const Tensor& scale, const RowForm& form) {
  if (any_needs_grad(inputs(gradients[0], x, weight))) {
    NormFrame frame{x.sizes(), {}, form.row, form.row, form.centered, form.eps};
    for (int i = x.rank() - form.row.size(); i < x.rank(); i++) frame.dims.push_back(i);
    return composed_gradients(gradients[0], x, weight, frame, wanted);
  }
  Tensor g = contiguous(gradients[0]);
  Gradients out(3);
  if (wanted[0]) out[0] = empty(x.sizes(), x.dtype(), x.device());
  for (int i = 1; i < 3; i++)
    if (wanted[i]) out[i] = zeros(form.row, x.dtype(), x.device());
  if (x.count() == 0) return out;
  RowNormCall call = row_call(x, weight, form);
  call.mean = bytes_of(mean);
  call.scale = scale.bytes();
  call.grad = g.bytes();
  call.grad_input = bytes_of(out[0]);
  call.grad_weight = bytes_of(out[1]);
  call.grad_bias = bytes_of(out[2]);
  network_kernel(form.name, x.device(), &NetworkKernels::row_norm)(call);
  return out;
}

void check_row(const char* op, const Tensor& x, const Shape& row, const MaybeTensor& weight,
               const MaybeTensor& bias) {
  check(row.size() >= 1, op,
        ": Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
        "element, but got normalized_shape = ",
        row);
  for (const MaybeTensor* parameter : {&weight, &bias}) {
    check(!*parameter || (*parameter)->sizes() == row, op,
          ": Expected weight and bias to be of same shape as "
          "normalized_shape, but got shape ",
          *parameter ? (*parameter)->sizes() : Shape{}, " and normalized_shape = ", row);
  }
  int skipped = x.rank() - row.size();
  check(skipped >= 0 && Shape(x.sizes().data() + std::max(skipped, 0), std::min(row.size(), x.rank())) == row,
        op, ": Given normalized_shape=", row,
        ", expected input with these last sizes, but got input of size ", x.sizes());
  check_norm_input(op, x);
}

Tensor by_rows(const RowForm& form, const char* node, const Tensor& input, const MaybeTensor& weight,
               const MaybeTensor& bias) {
  auto kernel = network_kernel(form.name, input.device(), &NetworkKernels::row_norm);
  DType work = working_type(input.dtype());
  Tensor x = contiguous(to_dtype(input, work)), w = working_parameter(weight, work),
         b = working_parameter(bias, work);
  Tensor y = empty(x.sizes(), work, x.device()), mean, scale;
  if (x.count()) {
    RowNormCall call = row_call(x, w, form);
    if (form.centered) mean = empty({call.rows}, work, x.device());
    scale = empty({call.rows}, work, x.device());
    call.bias = bytes_of(b);
    call.mean = bytes_of(mean);
    call.scale = scale.bytes();
    call.out = y.bytes();
    kernel(call);
  }
  y = record_joint(node, y, inputs(x, w, b), save(x, w, mean, scale, form), row_backward);
  return to_dtype(y, input.dtype());
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const MaybeTensor& weight,
                  const MaybeTensor& bias, double eps) {
  const char* op = "layer_norm";
  check_row(op, x, normalized_shape, weight, bias);
  check_norm_dtype(op, x, weight);
  check_norm_dtype(op, x, bias);
  return by_rows({op, normalized_shape, true, eps}, "NativeLayerNormBackward0", x, weight, bias);
}

static double epsilon_of(DType type) {
  switch (type) {
    case DType::Float16:
      return 0x1p-10;
    case DType::BFloat16:
      return 0x1p-7;
    case DType::Float64:
      return std::numeric_limits<double>::epsilon();
    default:
      return std::numeric_limits<float>::epsilon();
  }
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const MaybeTensor& weight,
                std::optional<double> eps) {
  const char* op = "rms_norm";
  check_row(op, x, normalized_shape, weight, {});
  if (weight && weight->dtype() != x.dtype()) {
    DType type = promote(x.dtype(), weight->dtype());
    RowForm form{op, normalized_shape, false, eps.value_or(epsilon_of(x.dtype()))};
    return to_dtype(by_rows(form, "FusedRmsNormBackward0", to_dtype(x, type), to_dtype(*weight, type), {}),
                    x.dtype());
  }
  return by_rows({op, normalized_shape, false, eps.value_or(epsilon_of(x.dtype()))}, "FusedRmsNormBackward0",
                 x, weight, {});
}

// x / max(the p-norm along dims, eps)
Tensor normalize(const Tensor& x, double p, const Shape& dims, double eps) {
  Tensor length = vector_norm(x, p, dims, true);
  return div(x, clamp_min(length, wrapped_number(eps)));
}

}  // namespace tt
