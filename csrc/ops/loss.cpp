// Losses of an input and a target, element by element: one kernel call forward and one backward.
#include "ops/loss.h"

#include "kernels/loss_call.h"
#include "ops/network.h"
#include "ops/ops.h"
#include "ops/reduction.h"

namespace tt {
namespace {

struct PairForm {
  PairLoss op;
  const char* name;
  const char* node;
  LossReduction reduction;
  double parameter = 0;
};

double scale_of(const PairForm& form, int64_t count) {
  return form.reduction == LossReduction::mean ? 1.0 / double(count) : 1.0;
}

// Forward without `grad`. The operands lie in memory in the same order.
Tensor run_pair(const PairForm& form, const Tensor& x, const Tensor& t, const Tensor& weight,
                const Tensor& positive, const Tensor& grad = {}) {
  auto kernel = network_kernel(form.name, x.device(), &NetworkKernels::pair_loss);
  bool summed = form.reduction != LossReduction::none, whole = summed && !grad.defined();
  Tensor g = grad.defined() && !summed ? laid_out_like(grad, x) : grad;
  Tensor y = whole ? empty({}, x.dtype(), x.device()) : result_like(x);
  PairLossCall call{form.op, x.dtype(), x.count(), x.bytes(), t.bytes()};
  if (weight.defined()) call.weight = weight.bytes();
  if (positive.defined()) call.positive = positive.bytes();
  call.parameter = form.parameter;
  call.scale = scale_of(form, x.count());
  call.summed = summed;
  if (grad.defined()) call.grad = g.bytes();
  call.out = y.bytes();
  kernel(call);
  check(call.valid, form.name, ": all elements of input should be between 0 and 1");
  return y;
}

Tensor one_minus(const Tensor& x) { return sub(wrapped_number(1), x); }
Tensor bounded_log(const Tensor& x) { return clamp_min(log(x), wrapped_number(-100.0)); }

// The derivative by x, in differentiable ops.
Tensor slope(const PairForm& form, const Tensor& x, const Tensor& t, const Tensor& positive) {
  switch (form.op) {
    case PairLoss::mse:
      return times(sub(x, t), 2);
    case PairLoss::l1:
      return sign(sub(x, t));
    case PairLoss::smooth_l1: {
      Tensor inner = times(sub(x, t), 1 / form.parameter);
      return clamp(inner, wrapped_number(-1.0), wrapped_number(1.0));
    }
    case PairLoss::huber:
      return clamp(sub(x, t), wrapped_number(-form.parameter), wrapped_number(form.parameter));
    case PairLoss::bce:
      return div(sub(x, t), clamp_min(mul(x, one_minus(x)), wrapped_number(1e-12)));
    case PairLoss::bce_with_logits: {
      if (!positive.defined()) return sub(sigmoid(x), t);
      Tensor weighted = mul(positive, t);
      return sub(mul(add(weighted, one_minus(t)), sigmoid(x)), weighted);
    }
    case PairLoss::kl_div:
      return neg(t);
    case PairLoss::kl_div_log:
      return neg(exp(t));
    case PairLoss::soft_margin:
    case PairLoss::count:
      break;
  }
  return neg(mul(t, sigmoid(neg(mul(t, x)))));
}

// The derivative by the target, in differentiable ops.
Tensor target_slope(const PairForm& form, const Tensor& x, const Tensor& t, const Tensor& positive) {
  switch (form.op) {
    case PairLoss::bce:
      return sub(bounded_log(one_minus(x)), bounded_log(x));
    case PairLoss::bce_with_logits:
      if (!positive.defined()) return neg(x);
      return sub(mul(plus(positive, -1), softplus(neg(x))), x);
    case PairLoss::kl_div:
      return sub(plus(log(t), 1), x);
    case PairLoss::kl_div_log:
      return mul(exp(t), plus(sub(t, x), 1));
    case PairLoss::soft_margin:
      return neg(mul(x, sigmoid(neg(mul(t, x)))));
    default:
      return neg(slope(form, x, t, positive));
  }
}

Gradients pair_backward(const Gradients& gradients, Wanted wanted, const Tensor& x, const Tensor& t,
                        const Tensor& weight, const Tensor& positive, const PairForm& form) {
  const Tensor& g = gradients[0];
  Gradients out(2);
  bool fused = !any_needs_grad(inputs(g, x, t));
  if (wanted[0] && fused) out[0] = run_pair(form, x, t, weight, positive, g);
  if (fused && !wanted[1]) return out;
  Tensor factor = form.reduction == LossReduction::mean ? times(g, scale_of(form, x.count())) : g;
  if (weight.defined()) factor = mul(factor, weight);
  if (wanted[0] && !fused) out[0] = mul(factor, slope(form, x, t, positive));
  if (wanted[1]) out[1] = mul(factor, target_slope(form, x, t, positive));
  return out;
}

// An operand in the type and shape of the loss; recorded.
Tensor spread_over(const Tensor& x, const Shape& sizes, DType type) {
  Tensor y = x.dtype() == type ? x : to_dtype(x, type);
  return y.sizes() == sizes ? y : expand(y, sizes);
}

void check_constant(const char* op, const char* what, const Tensor& x) {
  if (grad_enabled() && needs_grad(x))
    fail(ErrorKind::NotImplemented, op, ": the derivative for '", what, "' is not implemented");
}

Tensor prepared_weight(const char* op, const char* what, const MaybeTensor& weight, const Tensor& x) {
  if (!weight) return {};
  check_constant(op, what, *weight);
  check(expandable(weight->sizes(), x.sizes()), op, ": ", what, " of shape ", weight->sizes(),
        " does not broadcast to the shape of the input ", x.sizes());
  GradGuard off(false);
  return laid_out_like(spread_over(*weight, x.sizes(), x.dtype()), x);
}

// Promotes, broadcasts, and brings both operands into one order of memory.
Tensor pair_loss(const PairForm& form, const Tensor& input, const Tensor& target,
                 const MaybeTensor& weight = {}, const MaybeTensor& pos_weight = {}) {
  DType type = result_type({&input, &target});
  if (!is_floating(type)) fail(ErrorKind::NotImplemented, form.name, ": not implemented for ", name_of(type));
  common_device(form.name, {&input, &target});
  DType work = working_type(type);
  bool same = input.sizes() == target.sizes();
  Shape sizes = same ? input.sizes() : broadcast(form.name, input.sizes(), target.sizes());
  Tensor x = spread_over(input, sizes, work), t = spread_over(target, sizes, work);
  bool aligned = x.strides() == t.strides() || (x.is_contiguous() && t.is_contiguous());
  if (!is_dense(x) || (!aligned && needs_grad(t))) {
    x = contiguous(x);
    t = contiguous(t);
  } else if (!aligned) {
    t = laid_out_like(t, x);
  }
  Tensor w = prepared_weight(form.name, "weight", weight, x);
  Tensor positive = prepared_weight(form.name, "pos_weight", pos_weight, x);
  Tensor y = record_joint(form.node, run_pair(form, x, t, w, positive), inputs(x, t),
                          save(x, t, w, positive, form), pair_backward);
  return work == type ? y : to_dtype(y, type);
}

// Weighted losses, composed; the mean is the weighted one where `normalized` says.
Tensor weighted_loss(PairForm form, const Tensor& x, const Tensor& target, const Tensor& weight,
                     bool normalized) {
  check_value(weight.sizes() == x.sizes(), form.name, ": Weights and input must have the same size, got ",
              weight.sizes(), " and ", x.sizes());
  LossReduction reduction = std::exchange(form.reduction, LossReduction::none);
  Tensor losses = mul(pair_loss(form, x, target), weight);
  bool quotient = normalized && reduction == LossReduction::mean;
  return quotient ? div(sum(losses), sum(weight)) : reduced_loss(losses, reduction);
}

}  // namespace

Tensor reduced_loss(const Tensor& losses, LossReduction reduction) {
  if (reduction == LossReduction::none) return losses;
  return reduction == LossReduction::mean ? mean(losses) : sum(losses);
}

Tensor mse_loss(const Tensor& x, const Tensor& target, LossReduction reduction, const MaybeTensor& weight) {
  PairForm form{PairLoss::mse, "mse_loss", "MseLossBackward0", reduction};
  return weight ? weighted_loss(form, x, target, *weight, true) : pair_loss(form, x, target);
}

Tensor l1_loss(const Tensor& x, const Tensor& target, LossReduction reduction, const MaybeTensor& weight) {
  bool whole = reduction == LossReduction::none;
  const char* node = whole                              ? "AbsBackward0"
                     : reduction == LossReduction::mean ? "MeanBackward0"
                                                        : "SumBackward0";
  PairForm form{PairLoss::l1, "l1_loss", node, reduction};
  return weight ? weighted_loss(form, x, target, *weight, true) : pair_loss(form, x, target);
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, LossReduction reduction, double beta) {
  check(beta >= 0, "smooth_l1_loss: does not support negative values for beta, got ", beta);
  if (beta == 0) return l1_loss(x, target, reduction);
  return pair_loss({PairLoss::smooth_l1, "smooth_l1_loss", "SmoothL1LossBackward0", reduction, beta}, x,
                   target);
}

Tensor huber_loss(const Tensor& x, const Tensor& target, LossReduction reduction, double delta,
                  const MaybeTensor& weight) {
  check(delta > 0, "huber_loss: does not support non-positive values for delta, got ", delta);
  PairForm form{PairLoss::huber, "huber_loss", "HuberLossBackward0", reduction, delta};
  return weight ? weighted_loss(form, x, target, *weight, false) : pair_loss(form, x, target);
}

Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const MaybeTensor& weight,
                            LossReduction reduction) {
  const char* op = "binary_cross_entropy";
  check_value(x.sizes() == target.sizes(), op, ": Using a target size ", target.sizes(),
              " that is different to the input size ", x.sizes(),
              " is deprecated. Please ensure they have the same size.");
  check(x.dtype() == target.dtype(), op, ": Found dtype ", legacy_name_of(target.dtype()), " but expected ",
        legacy_name_of(x.dtype()));
  return pair_loss({PairLoss::bce, op, "BinaryCrossEntropyBackward0", reduction}, x, target, weight);
}

Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target, const MaybeTensor& weight,
                                        const MaybeTensor& pos_weight, LossReduction reduction) {
  const char* op = "binary_cross_entropy_with_logits";
  check_value(x.sizes() == target.sizes(), op, ": Target size ", target.sizes(),
              " must be the same as input size ", x.sizes());
  PairForm form{PairLoss::bce_with_logits, op, "BinaryCrossEntropyWithLogitsBackward0", reduction};
  return pair_loss(form, x, target, weight, pos_weight);
}

Tensor kl_div(const Tensor& x, const Tensor& target, LossReduction reduction, bool log_target) {
  check(x.is_floating() && target.is_floating(), "kl_div: Integral inputs not supported, got ",
        name_of(x.dtype()), " and ", name_of(target.dtype()));
  bool whole = reduction == LossReduction::none;
  const char* node = reduction == LossReduction::mean ? "MeanBackward0"
                     : whole                          ? "SubBackward0"
                                                      : "SumBackward0";
  return pair_loss({log_target ? PairLoss::kl_div_log : PairLoss::kl_div, "kl_div", node, reduction}, x,
                   target);
}

Tensor soft_margin_loss(const Tensor& x, const Tensor& target, LossReduction reduction) {
  return pair_loss({PairLoss::soft_margin, "soft_margin_loss", "SoftMarginLossBackward0", reduction}, x,
                   target);
}

}  // namespace tt
