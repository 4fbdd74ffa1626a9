// Losses under the signatures that nn.functional has, legacy arguments included.
#include "ops/loss.h"

#include "bindings/registry.h"

namespace tt {
namespace {

using Flag = std::optional<bool>;

void warn(const std::string& message) {
  if (PyErr_WarnEx(PyExc_UserWarning, message.c_str(), 1) < 0) throw_python_error();
}

LossReduction legacy_reduction(bool size_average, bool reduce) {
  if (!reduce) return LossReduction::none;
  return size_average ? LossReduction::mean : LossReduction::sum;
}

LossReduction reduction_of(const char* op, const std::string& name, Flag size_average = {},
                           Flag reduce = {}) {
  if (size_average || reduce) [[unlikely]] {
    LossReduction reduction = legacy_reduction(size_average.value_or(true), reduce.value_or(true));
    const char* names[] = {"none", "mean", "sum"};
    warn(text(op, ": size_average and reduce are deprecated, use reduction='", names[int(reduction)],
              "' instead"));
    return reduction;
  }
  if (name == "mean") return LossReduction::mean;
  if (name == "sum") return LossReduction::sum;
  check_value(name == "none", op, ": ", name, " is not a valid value for reduction");
  return LossReduction::none;
}

void warn_of_broadcast(const char* op, const Tensor& x, const Tensor& target) {
  if (x.sizes() == target.sizes()) [[likely]]
    return;
  warn(text(op, ": the target size ", target.sizes(), " is different to the input size ", x.sizes(),
            "; they are broadcast, which is likely to give incorrect results. Please ensure they have the "
            "same size."));
}

// ---- of an input and a target

Tensor mse(const Tensor& x, const Tensor& target, Flag size_average, Flag reduce,
           const std::string& reduction, const MaybeTensor& weight) {
  warn_of_broadcast("mse_loss", x, target);
  return mse_loss(x, target, reduction_of("mse_loss", reduction, size_average, reduce), weight);
}

Tensor l1(const Tensor& x, const Tensor& target, Flag size_average, Flag reduce, const std::string& reduction,
          const MaybeTensor& weight) {
  warn_of_broadcast("l1_loss", x, target);
  return l1_loss(x, target, reduction_of("l1_loss", reduction, size_average, reduce), weight);
}

Tensor smooth_l1(const Tensor& x, const Tensor& target, Flag size_average, Flag reduce,
                 const std::string& reduction, double beta) {
  warn_of_broadcast("smooth_l1_loss", x, target);
  return smooth_l1_loss(x, target, reduction_of("smooth_l1_loss", reduction, size_average, reduce), beta);
}

Tensor huber(const Tensor& x, const Tensor& target, const std::string& reduction, double delta,
             const MaybeTensor& weight) {
  warn_of_broadcast("huber_loss", x, target);
  return huber_loss(x, target, reduction_of("huber_loss", reduction), delta, weight);
}

Tensor bce(const Tensor& x, const Tensor& target, const MaybeTensor& weight, Flag size_average, Flag reduce,
           const std::string& reduction) {
  return binary_cross_entropy(x, target, weight,
                              reduction_of("binary_cross_entropy", reduction, size_average, reduce));
}

Tensor bce_with_logits(const Tensor& x, const Tensor& target, const MaybeTensor& weight, Flag size_average,
                       Flag reduce, const std::string& reduction, const MaybeTensor& pos_weight) {
  auto how = reduction_of("binary_cross_entropy_with_logits", reduction, size_average, reduce);
  return binary_cross_entropy_with_logits(x, target, weight, pos_weight, how);
}

Tensor kl(const Tensor& x, const Tensor& target, Flag size_average, Flag reduce, const std::string& reduction,
          bool log_target) {
  if (reduction == "batchmean" && !size_average && !reduce) {
    Tensor total = kl_div(x, target, LossReduction::sum, log_target);
    return x.rank() ? div(total, wrapped_number(x.sizes()[0])) : total;
  }
  LossReduction how = reduction_of("kl_div", reduction, size_average, reduce);
  if (how == LossReduction::mean)
    warn(
        "kl_div: reduction 'mean' divides the total loss by the batch size and by the support size, "
        "'batchmean' by the "
        "batch size alone, as the definition of the divergence has it");
  return kl_div(x, target, how, log_target);
}

Tensor soft_margin(const Tensor& x, const Tensor& target, Flag size_average, Flag reduce,
                   const std::string& reduction) {
  return soft_margin_loss(x, target, reduction_of("soft_margin_loss", reduction, size_average, reduce));
}

Tensor poisson_nll(const Tensor& x, const Tensor& target, bool log_input, bool full, Flag size_average,
                   double eps, Flag reduce, const std::string& reduction) {
  return poisson_nll_loss(x, target, log_input, full, eps,
                          reduction_of("poisson_nll_loss", reduction, size_average, reduce));
}

Tensor gaussian_nll(const Tensor& x, const Tensor& target, const Tensor& var, bool full, double eps,
                    const std::string& reduction) {
  return gaussian_nll_loss(x, target, var, full, eps, reduction_of("gaussian_nll_loss", reduction));
}

Tensor hinge_embedding(const Tensor& x, const Tensor& target, double margin, Flag size_average, Flag reduce,
                       const std::string& reduction) {
  return hinge_embedding_loss(x, target, margin,
                              reduction_of("hinge_embedding_loss", reduction, size_average, reduce));
}

// ---- of scores for classes

Tensor cross_entropy_of(const Tensor& x, const Tensor& target, const MaybeTensor& weight, Flag size_average,
                        int64_t ignore_index, Flag reduce, const std::string& reduction,
                        double label_smoothing) {
  LossReduction how = reduction_of("cross_entropy", reduction, size_average, reduce);
  return cross_entropy(x, target, weight, ignore_index, how, label_smoothing);
}

Tensor nll(const Tensor& x, const Tensor& target, const MaybeTensor& weight, Flag size_average,
           int64_t ignore_index, Flag reduce, const std::string& reduction) {
  return nll_loss(x, target, weight, ignore_index, reduction_of("nll_loss", reduction, size_average, reduce));
}

Tensor multi_margin(const Tensor& x, const Tensor& target, int64_t p, double margin,
                    const MaybeTensor& weight, Flag size_average, Flag reduce, const std::string& reduction) {
  return multi_margin_loss(x, target, p, margin, weight,
                           reduction_of("multi_margin_loss", reduction, size_average, reduce));
}

Tensor multilabel_margin(const Tensor& x, const Tensor& target, Flag size_average, Flag reduce,
                         const std::string& reduction) {
  return multilabel_margin_loss(x, target,
                                reduction_of("multilabel_margin_loss", reduction, size_average, reduce));
}

Tensor multilabel_soft_margin(const Tensor& x, const Tensor& target, const MaybeTensor& weight,
                              Flag size_average, Flag reduce, const std::string& reduction) {
  return multilabel_soft_margin_loss(
      x, target, weight, reduction_of("multilabel_soft_margin_loss", reduction, size_average, reduce));
}

// ---- of two or three inputs

Tensor margin_ranking(const Tensor& a, const Tensor& b, const Tensor& target, double margin,
                      Flag size_average, Flag reduce, const std::string& reduction) {
  return margin_ranking_loss(a, b, target, margin,
                             reduction_of("margin_ranking_loss", reduction, size_average, reduce));
}

Tensor cosine_embedding(const Tensor& a, const Tensor& b, const Tensor& target, double margin,
                        Flag size_average, Flag reduce, const std::string& reduction) {
  return cosine_embedding_loss(a, b, target, margin,
                               reduction_of("cosine_embedding_loss", reduction, size_average, reduce));
}

Tensor triplet_margin(const Tensor& anchor, const Tensor& positive, const Tensor& negative, double margin,
                      double p, double eps, bool swap, Flag size_average, Flag reduce,
                      const std::string& reduction) {
  return triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap,
                             reduction_of("triplet_margin_loss", reduction, size_average, reduce));
}

void bind_pairs(Registry& r) {
  constexpr int hidden = function | unlisted;
  r.op<mse>(
       "mse_loss(input, target: Tensor, size_average: bool = None, reduce: bool = None, reduction: str = "
       "'mean', "
       "weight: Tensor = None)",
       hidden, "The square of input - target.")
      .op<l1>(
          "l1_loss(input, target: Tensor, size_average: bool = None, reduce: bool = None, reduction: str = "
          "'mean', "
          "weight: Tensor = None)",
          hidden, "The absolute value of input - target.")
      .op<smooth_l1>(
          "smooth_l1_loss(input, target: Tensor, size_average: bool = None, reduce: bool = None, "
          "reduction: str = 'mean', beta: float = 1.0)",
          hidden, "d^2 / (2 beta) where |d| < beta, |d| - beta / 2 beyond, with d = input - target.")
      .op<huber>(
          "huber_loss(input, target: Tensor, reduction: str = 'mean', delta: float = 1.0, weight: Tensor = "
          "None)",
          hidden, "d^2 / 2 where |d| <= delta, delta (|d| - delta / 2) beyond, with d = input - target.")
      .op<bce>(
          "binary_cross_entropy(input, target: Tensor, weight: Tensor = None, size_average: bool = None, "
          "reduce: bool = None, reduction: str = 'mean')",
          hidden, "-(target log(input) + (1 - target) log(1 - input)).")
      .op<bce_with_logits>(
          "binary_cross_entropy_with_logits(input, target: Tensor, weight: Tensor = None, "
          "size_average: bool = None, reduce: bool = None, reduction: str = 'mean', "
          "pos_weight: Tensor = None)",
          hidden, "binary_cross_entropy of sigmoid(input).")
      .op<kl>(
          "kl_div(input, target: Tensor, size_average: bool = None, reduce: bool = None, reduction: str = "
          "'mean', "
          "log_target: bool = False)",
          function, "target (log(target) - input): input is a logarithm.")
      .op<soft_margin>(
          "soft_margin_loss(input, target: Tensor, size_average: bool = None, reduce: bool = None, "
          "reduction: str = 'mean')",
          hidden, "log(1 + exp(-target input)).")
      .op<poisson_nll>(
          "poisson_nll_loss(input, target: Tensor, log_input: bool = True, full: bool = False, "
          "size_average: bool = None, eps: float = 1e-8, reduce: bool = None, reduction: str = 'mean')",
          hidden, "The negative log likelihood of target under a Poisson distribution.")
      .op<gaussian_nll>(
          "gaussian_nll_loss(input, target: Tensor, var: Tensor | Number, full: bool = False, "
          "eps: float = 1e-6, reduction: str = 'mean')",
          hidden, "The negative log likelihood of target under a normal distribution.")
      .op<hinge_embedding>(
          "hinge_embedding_loss(input, target: Tensor, margin: float = 1.0, size_average: bool = None, "
          "reduce: bool = None, reduction: str = 'mean')",
          hidden, "input where target is 1, max(0, margin - input) where it is -1.");
}

void bind_classes(Registry& r) {
  constexpr int hidden = function | unlisted;
  r.op<cross_entropy_of>(
       "cross_entropy(input, target: Tensor, weight: Tensor = None, size_average: bool = None, "
       "ignore_index: int = -100, reduce: bool = None, reduction: str = 'mean', "
       "label_smoothing: float = 0.0)",
       hidden, "-log softmax(input) at the class that target names, or averaged over its probabilities.")
      .op<nll>(
          "nll_loss(input, target: Tensor, weight: Tensor = None, size_average: bool = None, "
          "ignore_index: int = -100, reduce: bool = None, reduction: str = 'mean')",
          hidden, "-input at the class that target names.")
      .op<multi_margin>(
          "multi_margin_loss(input, target: Tensor, p: int = 1, margin: float = 1.0, "
          "weight: Tensor = None, size_average: bool = None, reduce: bool = None, "
          "reduction: str = 'mean')",
          hidden, "How far other classes come within the margin of the target's score, to the power p.")
      .op<multilabel_margin>(
          "multilabel_margin_loss(input, target: Tensor, size_average: bool = None, "
          "reduce: bool = None, reduction: str = 'mean')",
          hidden, "multi_margin_loss for several targets in a row, ended by -1.")
      .op<multilabel_soft_margin>(
          "multilabel_soft_margin_loss(input, target: Tensor, weight: Tensor = None, "
          "size_average: bool = None, reduce: bool = None, reduction: str = 'mean')",
          hidden, "The mean of binary_cross_entropy_with_logits over the classes.");
}

void bind_groups(Registry& r) {
  constexpr int hidden = function | unlisted;
  r.op<margin_ranking>(
       "margin_ranking_loss(input1, input2: Tensor, target: Tensor, margin: float = 0.0, "
       "size_average: bool = None, reduce: bool = None, reduction: str = 'mean')",
       hidden, "max(0, margin - target (input1 - input2)).")
      .op<cosine_embedding>(
          "cosine_embedding_loss(input1, input2: Tensor, target: Tensor, margin: float = 0.0, "
          "size_average: bool = None, reduce: bool = None, reduction: str = 'mean')",
          hidden, "1 - cos where target is 1, max(0, cos - margin) where it is -1.")
      .op<triplet_margin>(
          "triplet_margin_loss(anchor, positive: Tensor, negative: Tensor, margin: float = 1.0, "
          "p: float = 2.0, eps: float = 1e-6, swap: bool = False, size_average: bool = None, "
          "reduce: bool = None, reduction: str = 'mean')",
          hidden, "max(0, margin + the distance to positive - that to negative).")
      .op<cosine_similarity>("cosine_similarity(x1, x2: Tensor, dim: int = 1, eps: float = 1e-8)", function,
                             "The cosine of the angle between vectors along dim.")
      .op<pairwise_distance>(
          "pairwise_distance(x1, x2: Tensor, p: float = 2.0, eps: float = 1e-6, "
          "keepdim: bool = False)",
          function, "The p-norm of x1 - x2 + eps along the last dimension.")
      .op<pdist>("pdist(input, p: float = 2.0)", function,
                 "The p-norms of the differences of all pairs of rows.");
}

}  // namespace

void bind_loss(Registry& registry) {
  bind_pairs(registry);
  bind_classes(registry);
  bind_groups(registry);
}

}  // namespace tt
