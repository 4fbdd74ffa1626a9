// Losses of scores for classes: cross entropy in one kernel call forward and one backward.
#include "kernels/loss_call.h"
#include "ops/loss.h"
#include "ops/network.h"
#include "ops/ops.h"
#include "ops/reduction.h"

namespace tt {
namespace {

struct ClassForm {
  const char* name;
  bool logarithms;
  LossReduction reduction;
  int64_t ignored;
  double smoothing = 0;
};

ClassLossCall call_of(const ClassForm& form, const Tensor& x, const Tensor& target, const Tensor& factor,
                      const Tensor& spread) {
  int64_t classes = x.sizes()[x.rank() > 1 ? 1 : 0], outer = x.rank() > 1 ? x.sizes()[0] : 1, inner = 1;
  for (int i = 2; i < x.rank(); i++) inner *= x.sizes()[i];
  ClassLossCall call{form.logarithms, x.dtype(), outer, classes, inner, x.bytes()};
  if (target.dtype() == DType::Int64) call.target = target.data<int64_t>();
  else call.probabilities = target.bytes();
  call.ignored = form.ignored;
  if (factor.defined()) call.factor = factor.bytes();
  if (spread.defined()) call.spread = spread.bytes();
  return call;
}

Shape place_sizes(const Tensor& x) {
  Shape sizes = x.sizes();
  sizes.erase(x.rank() > 1 ? 1 : 0);
  return sizes;
}

// What divides the sum of the losses into their mean: the weights of the targets.
double mean_divisor(const ClassForm& form, const Tensor& x, const Tensor& target, const Tensor& weight) {
  if (target.dtype() != DType::Int64) return double(product(place_sizes(x)));
  const int64_t* t = target.data<int64_t>();
  double total = 0;
  visit(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_floating_point_v<T>) {
      const T* w = weight.defined() ? weight.data<T>() : nullptr;
      for (int64_t i = 0; i < target.count(); i++)
        if (t[i] != form.ignored) total += w ? double(w[t[i]]) : 1.0;
    }
  });
  return total;
}

void check_targets(const ClassForm& form, const Tensor& target, int64_t classes) {
  if (target.dtype() != DType::Int64) return;
  const int64_t* t = target.data<int64_t>();
  for (int64_t i = 0; i < target.count(); i++)
    check_index((t[i] >= 0 && t[i] < classes) || t[i] == form.ignored, form.name, ": Target ", t[i],
                " is out of bounds, there are ", classes, " classes");
}

// The derivative of each place's own loss, by a kernel; `grad` for each place or, with `summed`, one number.
Tensor class_slope(const ClassForm& form, const Tensor& x, const Tensor& target, const Tensor& factor,
                   const Tensor& spread, const Tensor& log_sums, const Tensor& grad, double scale,
                   bool summed) {
  Tensor g = contiguous(grad), y = empty(x.sizes(), x.dtype(), x.device());
  ClassLossCall call = call_of(form, x, target, factor, spread);
  if (log_sums.defined()) call.log_sums = log_sums.bytes();
  call.grad = g.bytes();
  call.summed = summed;
  call.scale = scale;
  call.out = y.bytes();
  network_kernel(form.name, x.device(), &NetworkKernels::class_loss)(call);
  return y;
}

// The sum of q of each place, with a dimension for the classes
Tensor class_mass(const ClassForm& form, const Tensor& x, const Tensor& target, const Tensor& factor,
                  const Tensor& spread) {
  int class_dim = x.rank() > 1 ? 1 : 0;
  if (target.dtype() != DType::Int64) {
    Tensor q = factor.defined() ? mul(target, factor) : target;
    if (spread.defined()) q = add(q, spread);
    return sum(q, Shape{class_dim}, true);
  }
  Tensor kept = ne(target, wrapped_number(form.ignored)), mass = to_dtype(kept, x.dtype());
  if (factor.defined()) {
    Tensor known = where(kept, target, wrapped_number(0));
    mass = mul(mass, reshape(index_select(factor, 0, reshape(known, {-1})), target.sizes()));
  }
  if (spread.defined()) mass = add(mass, mul(to_dtype(kept, x.dtype()), sum(spread)));
  return unsqueeze(mass, class_dim);
}

Tensor class_backward(const Tensor& g, const Tensor& x, const Tensor& target, const Tensor& factor,
                      const Tensor& spread, const Tensor& log_sums, const ClassForm& form,
                      const double& divisor) {
  bool summed = form.reduction != LossReduction::none;
  if (!any_needs_grad(inputs(g, x)))
    return class_slope(form, x, target, factor, spread, log_sums, g, 1 / divisor, summed);
  int class_dim = x.rank() > 1 ? 1 : 0;
  Tensor slope, mass;
  {
    GradGuard off(false);
    Tensor one = number_like(x, 1.0);
    slope = class_slope(form, x, target, factor, spread, log_sums, one, 1 / divisor, true);
    if (!form.logarithms && divisor != 0)
      mass = times(class_mass(form, x, target, factor, spread), 1 / divisor);
  }
  if (mass.defined()) {  // slope = mass * softmax - q, of which only the softmax depends on x
    Tensor p = softmax(x, class_dim);
    slope = add(slope, mul(mass, sub(p, detach(p))));
  }
  return mul(slope, summed ? g : unsqueeze(g, class_dim));
}

// Class indices as int64; probabilities in the type of the scores.
Tensor prepared_target(const ClassForm& form, const Tensor& x, const Tensor& target) {
  GradGuard off(false);
  if (target.is_floating()) return contiguous(to_dtype(target, x.dtype()));
  return contiguous(target.dtype() == DType::Int64 ? target : to_dtype(target, DType::Int64));
}

Tensor prepared_weight(const ClassForm& form, const MaybeTensor& weight, const Tensor& x, DType type) {
  if (!weight) return {};
  int64_t classes = x.sizes()[x.rank() > 1 ? 1 : 0];
  check(weight->rank() == 1 && weight->sizes()[0] == classes, form.name,
        ": weight tensor should be defined either for all ", classes,
        " classes or no classes but got weight tensor of shape: ", weight->sizes());
  check(weight->dtype() == type, form.name, ": expected a weight of dtype ", name_of(type), " but found ",
        name_of(weight->dtype()));
  if (grad_enabled() && needs_grad(*weight))
    fail(ErrorKind::NotImplemented, form.name, ": the derivative for 'weight' is not implemented");
  GradGuard off(false);
  return contiguous(to_dtype(*weight, x.dtype()));
}

// q = factor * target + spread: smoothing moves a part of the mass to all classes alike.
struct Shares {
  Tensor factor, spread;
};
Shares shares_of(const ClassForm& form, const Tensor& x, const Tensor& weight) {
  if (form.smoothing == 0) return {weight, {}};
  GradGuard off(false);
  int64_t classes = x.sizes()[x.rank() > 1 ? 1 : 0];
  Tensor w = weight.defined() ? weight : full({classes}, 1.0, x.dtype(), x.device());
  return {times(w, 1 - form.smoothing), times(w, form.smoothing / double(classes))};
}

const char* node_of(const ClassForm& form, const Tensor& x, const Tensor& target) {
  if (target.is_floating()) return form.reduction == LossReduction::mean ? "DivBackward1" : "NegBackward0";
  if (form.smoothing != 0) return "AddBackward0";
  return x.rank() > 2 ? "NllLoss2DBackward0" : "NllLossBackward0";
}

Tensor class_loss(const ClassForm& form, const Tensor& input, const Tensor& target_,
                  const MaybeTensor& weight_) {
  DType type = input.dtype();
  Tensor x = contiguous(is_half(type) ? to_dtype(input, DType::Float32) : input);
  Tensor target = prepared_target(form, x, target_), weight = prepared_weight(form, weight_, x, type);
  int64_t classes = x.sizes()[x.rank() > 1 ? 1 : 0];
  auto kernel = network_kernel(form.name, x.device(), &NetworkKernels::class_loss);
  check_targets(form, target, classes);
  auto [factor, spread] = shares_of(form, x, weight);
  Tensor losses = empty(place_sizes(x), x.dtype(), x.device()), log_sums;
  if (!form.logarithms) log_sums = empty(losses.sizes(), x.dtype(), x.device());
  ClassLossCall call = call_of(form, x, target, factor, spread);
  call.loss = losses.bytes();
  if (log_sums.defined()) call.log_sums = log_sums.bytes();
  kernel(call);
  bool averaged = form.reduction == LossReduction::mean, none = form.reduction == LossReduction::none;
  double divisor = averaged ? mean_divisor(form, x, target, weight) : 1;
  Tensor y = none ? losses : number_like(x, call.sum / divisor);
  y = record(node_of(form, x, target), y, inputs(x), save(x, target, factor, spread, log_sums, form, divisor),
             class_backward);
  return type == x.dtype() ? y : to_dtype(y, type);
}

void check_class_target(const char* op, const Tensor& x, const Tensor& target) {
  check(target.dtype() == DType::Int64 || target.dtype() == DType::UInt8, op,
        ": expected target dtype to be Long or Byte, but got ", legacy_name_of(target.dtype()));
  if (x.rank() == 1) {
    check(target.rank() <= 1, op, ": 0D or 1D target tensor expected, multi-target not supported, got shape ",
          target.sizes());
    check(target.count() == 1, op, ": for a single place of scores, expected one target, got shape ",
          target.sizes());
    return;
  }
  int64_t batch = target.rank() ? target.sizes()[0] : 1;
  check_value(x.sizes()[0] == batch, op, ": Expected input batch_size (", x.sizes()[0],
              ") to match target batch_size (", batch, ").");
  check(target.rank() != x.rank() || x.rank() > 2, op,
        ": 0D or 1D target tensor expected, multi-target not supported, got shape ", target.sizes());
  check(target.sizes() == place_sizes(x), op, ": Expected target size ", place_sizes(x), ", got ",
        target.sizes());
}

void check_scores(const char* op, const Tensor& x, const Tensor& target) {
  check_value(x.rank() > 0, op, ": Expected 1 or more dimensions (got 0)");
  if (!x.is_floating()) fail(ErrorKind::NotImplemented, op, ": not implemented for ", name_of(x.dtype()));
  common_device(op, {&x, &target});
}

Tensor classes_last(const Tensor& x) { return x.rank() > 2 ? movedim(x, Shape{1}, Shape{-1}) : x; }

// In rows: (places, classes). The target's derivative is left to composed ops.
Tensor probability_loss(const ClassForm& form, const Tensor& x, const Tensor& target,
                        const MaybeTensor& weight) {
  int64_t classes = x.sizes()[x.rank() > 1 ? 1 : 0];
  Tensor rows = reshape(classes_last(x), {-1, classes}),
         shares = reshape(classes_last(target), {-1, classes});
  Tensor y;
  if (grad_enabled() && needs_grad(target)) {
    Tensor q = form.smoothing == 0
                   ? shares
                   : plus(times(shares, 1 - form.smoothing), form.smoothing / double(classes));
    Tensor w = prepared_weight(form, weight, x, x.dtype());
    Tensor terms = mul(w.defined() ? mul(q, w) : q, log_softmax(rows, 1)), losses = neg(sum(terms, Shape{1}));
    y = reduced_loss(losses, form.reduction);
  } else {
    y = class_loss(form, rows, shares, weight);
  }
  return form.reduction == LossReduction::none ? reshape(y, place_sizes(x)) : y;
}

}  // namespace

Tensor cross_entropy(const Tensor& x, const Tensor& target, const MaybeTensor& weight, int64_t ignore_index,
                     LossReduction reduction, double label_smoothing) {
  const char* op = "cross_entropy";
  check_scores(op, x, target);
  check(label_smoothing >= 0 && label_smoothing <= 1, op,
        ": label_smoothing must be between 0.0 and 1.0. Got: ", label_smoothing);
  ClassForm form{op, false, reduction, ignore_index, label_smoothing};
  if (target.sizes() != x.sizes()) {
    check_class_target(op, x, target);
    return class_loss(form, x, target, weight);
  }
  check(target.is_floating(), op, ": Expected floating point type for target with class probabilities, got ",
        legacy_name_of(target.dtype()));
  check(ignore_index < 0, op, ": ignore_index is not supported for floating point target, got ",
        ignore_index);
  if (target.dtype() == x.dtype()) return probability_loss(form, x, target, weight);
  DType type = promote(x.dtype(), target.dtype());
  return probability_loss(form, to_dtype(x, type), to_dtype(target, type), weight);
}

Tensor nll_loss(const Tensor& x, const Tensor& target, const MaybeTensor& weight, int64_t ignore_index,
                LossReduction reduction) {
  check_scores("nll_loss", x, target);
  check_class_target("nll_loss", x, target);
  return class_loss({"nll_loss", true, reduction, ignore_index}, x, target, weight);
}

}  // namespace tt
