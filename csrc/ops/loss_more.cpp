// The rarer losses, composed, and the distances that some of them use.
#include <cmath>
#include <numbers>

#include "ops/loss.h"
#include "ops/ops.h"

namespace tt {
namespace {

Tensor number(double value) { return wrapped_number(value); }
Tensor zero_if(const Tensor& mask, const Tensor& x) { return where(mask, number(0), x); }
Tensor positive_part(const Tensor& x) { return clamp_min(x, number(0)); }
Tensor from(double number_, const Tensor& x) { return sub(number(number_), x); }

void check_loss_floating(const char* op, const Tensor& x) {
  if (!x.is_floating()) fail(ErrorKind::NotImplemented, op, ": not implemented for ", name_of(x.dtype()));
}

// x, its values not below `low`, with a derivative of 1 everywhere
Tensor lifted(const Tensor& x, double low) {
  Tensor constant = detach(x);
  return add(x, sub(clamp_min(constant, number(low)), constant));
}

// One variance for each element, or for each row of the last dimension.
Tensor fitted_variance(const Tensor& x, const Tensor& var) {
  if (var.body()->wrapped_number) return full(x.sizes(), item(var), x.dtype(), x.device());
  if (var.sizes() == x.sizes()) return var;
  Shape rows = x.sizes(), one_each = x.sizes();
  if (rows.size()) rows.resize(rows.size() - 1);
  if (var.sizes() == rows && x.rank()) return unsqueeze(var, -1);
  int differing = 0;
  bool fits = var.rank() == x.rank();
  for (int i = 0; fits && i < x.rank(); i++)
    if (var.sizes()[i] != x.sizes()[i]) differing += var.sizes()[i] == 1 ? 1 : 2;
  check_value(fits && differing == 1, "gaussian_nll_loss: var is of incorrect size, got ", var.sizes(),
              " for an input of ", x.sizes());
  return var;
}

}  // namespace

// exp(x) - t x, or x - t log(x + eps)
Tensor poisson_nll_loss(const Tensor& x, const Tensor& t, bool log_input, bool full, double eps,
                        LossReduction reduction) {
  Tensor losses = log_input ? sub(exp(x), mul(t, x)) : sub(x, mul(t, log(plus(x, eps))));
  if (full) {  // Stirling's approximation of log t!, for t > 1
    Tensor few = le(t, number(1)), many = where(few, number(2), t);
    Tensor half_log = times(log(times(many, 2 * std::numbers::pi)), 0.5);
    losses = add(losses, zero_if(few, add(sub(mul(many, log(many)), many), half_log)));
  }
  return reduced_loss(losses, reduction);
}

Tensor gaussian_nll_loss(const Tensor& x, const Tensor& t, const Tensor& var, bool full, double eps,
                         LossReduction reduction) {
  Tensor variance = fitted_variance(x, var);
  check_value(item(any(lt(detach(variance), number(0)))).integer == 0,
              "gaussian_nll_loss: var has negative entry/entries");
  variance = lifted(variance, eps);
  Tensor losses = times(add(log(variance), div(square(sub(x, t)), variance)), 0.5);
  if (full) losses = plus(losses, 0.5 * std::log(2 * std::numbers::pi));
  return reduced_loss(losses, reduction);
}

Tensor hinge_embedding_loss(const Tensor& x, const Tensor& t, double margin, LossReduction reduction) {
  Tensor apart = zero_if(eq(t, number(1)), positive_part(from(margin, x))),
         together = zero_if(eq(t, number(-1)), x);
  return reduced_loss(add(apart, together), reduction);
}

Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& t, double margin,
                           LossReduction reduction) {
  check(a.rank() == b.rank() && a.rank() == t.rank(),
        "margin_ranking_loss: All input tensors should have same dimension "
        "but got sizes: input1: ",
        a.sizes(), ", input2: ", b.sizes(), ", target: ", t.sizes());
  return reduced_loss(positive_part(plus(mul(neg(t), sub(a, b)), margin)), reduction);
}

// ---------------------------------------------------------------- of scores for classes

// The mean over the classes j other than the target's of max(0, margin - x_t + x_j)^p, times the target's
// weight
Tensor multi_margin_loss(const Tensor& x, const Tensor& target, int64_t p, double margin,
                         const MaybeTensor& weight, LossReduction reduction) {
  const char* op = "multi_margin_loss";
  check_loss_floating(op, x);
  check_value(p == 1 || p == 2, op, ": only p == 1 and p == 2 supported, got ", p);
  check((x.rank() == 1 || x.rank() == 2) && x.sizes().back() > 0, op,
        ": Expected non-empty vector or matrix with optional 0-dim batch size, but got: ", x.sizes());
  check(target.rank() <= 1 && target.count() == (x.rank() == 2 ? x.sizes()[0] : 1), op,
        ": inconsistent target size: ", target.sizes(), " for an input of ", x.sizes());
  check(!weight || (weight->rank() == 1 && weight->count() == x.sizes().back()), op,
        ": inconsistent weight size: ", weight ? weight->sizes() : Shape{}, " for ", x.sizes().back(),
        " classes");
  Tensor rows = x.rank() == 2 ? x : unsqueeze(x, 0), places = reshape(target, {-1, 1});
  Tensor own = gather(rows, 1, places), terms = positive_part(plus(sub(rows, own), margin));
  if (p == 2) terms = square(terms);
  if (weight) terms = mul(terms, reshape(index_select(*weight, 0, reshape(target, {-1})), {-1, 1}));
  Tensor losses = mean(scatter(terms, 1, places, Scalar(0)), Shape{1});
  if (reduction != LossReduction::none) return reduced_loss(losses, reduction);
  return x.rank() == 2 && target.rank() ? losses : reshape(losses, target.sizes());
}

// The mean over the classes of max(0, 1 - x_j + x_i), for all targets j and all classes i that are none
Tensor multilabel_margin_loss(const Tensor& x, const Tensor& target, LossReduction reduction) {
  const char* op = "multilabel_margin_loss";
  check_loss_floating(op, x);
  check(x.rank() <= 2 && (x.rank() == 0 || x.sizes().back() > 0), op,
        ": Expected non-empty vector or matrix with optional 0-dim batch size, but got: ", x.sizes());
  check(target.sizes() == x.sizes(), op, ": inconsistent target size: ", target.sizes(), " for an input of ",
        x.sizes());
  int64_t classes = x.rank() ? x.sizes().back() : 1;
  Tensor rows = reshape(x, {-1, classes}), labels = reshape(target, {-1, classes});
  check(item(all(logical_and(ge(labels, number(-1)), lt(labels, number(double(classes)))))).integer, op,
        ": target values must be classes below ", classes, " or -1");
  Tensor named = cumprod(to_dtype(ge(labels, number(0)), DType::Int64), 1), safe = mul(labels, named);
  Tensor is_target = scatter_add(zeros_like(labels), 1, safe, named);
  Tensor counts = logical_and(unsqueeze(gt(named, number(0)), 2), unsqueeze(eq(is_target, number(0)), 1));
  Tensor distance = positive_part(plus(sub(unsqueeze(rows, 1), unsqueeze(gather(rows, 1, safe), 2)), 1));
  Tensor losses = times(sum(mul(distance, to_dtype(counts, x.dtype())), Shape{1, 2}), 1.0 / double(classes));
  if (reduction != LossReduction::none) return reduced_loss(losses, reduction);
  return x.rank() == 2 ? losses : reshape(losses, {});
}

Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& t, const MaybeTensor& weight,
                                   LossReduction reduction) {
  Tensor losses = binary_cross_entropy_with_logits(x, t, {}, {}, LossReduction::none);
  if (weight) losses = mul(losses, *weight);
  return reduced_loss(mean(losses, Shape{-1}), reduction);
}

// ---------------------------------------------------------------- of vectors

Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& t, double margin,
                             LossReduction reduction) {
  const char* op = "cosine_embedding_loss";
  check(t.rank() <= 1, op, ": 0D or 1D target tensor expected, multi-target not supported, got ", t.sizes());
  int rank = t.rank() + 1;
  check(a.rank() == rank && b.rank() == rank, op, ": ", t.rank(), "D target tensor expects ", rank,
        "D input tensors, but found inputs with sizes ", a.sizes(), " and ", b.sizes());
  constexpr double tiny = 1e-12;
  Shape last{-1};
  Tensor squares = mul(plus(sum(square(a), last), tiny), plus(sum(square(b), last), tiny));
  Tensor cosine = div(sum(mul(a, b), last), sqrt(squares));
  Tensor together = where(eq(t, number(1)), from(1, cosine), number(0));
  Tensor apart = where(eq(t, number(-1)), positive_part(plus(cosine, -margin)), number(0));
  return reduced_loss(add(together, apart), reduction);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           double margin, double p, double eps, bool swap, LossReduction reduction) {
  check_value(margin > 0, "triplet_margin_loss: margin must be greater than 0, got ", margin);
  check(anchor.rank() == positive.rank() && anchor.rank() == negative.rank(),
        "triplet_margin_loss: The anchor, positive, "
        "and negative tensors are expected to have the same number of dimensions, but got: anchor ",
        anchor.rank(), "D, positive ", positive.rank(), "D, and negative ", negative.rank(), "D inputs");
  Tensor near = pairwise_distance(anchor, positive, p, eps, false),
         far = pairwise_distance(anchor, negative, p, eps, false);
  if (swap) far = minimum(far, pairwise_distance(positive, negative, p, eps, false));
  return reduced_loss(positive_part(plus(sub(near, far), margin)), reduction);
}

Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p, double eps, bool keepdim) {
  Tensor distance = plus(sub(a, b), eps);
  check_index(distance.rank() > 0, "pairwise_distance: the inputs need at least one dimension");
  return vector_norm(distance, p, Shape{-1}, keepdim);
}

Tensor cosine_similarity(const Tensor& a, const Tensor& b, int64_t dim, double eps) {
  DType type = result_type({&a, &b});
  check(is_floating(type),
        "cosine_similarity: expected common dtype to be floating point, yet common dtype is ", name_of(type));
  Shape sizes = broadcast("cosine_similarity", a.sizes(), b.sizes());
  Tensor x = expand(to_dtype(a, type), sizes), y = expand(to_dtype(b, type), sizes);
  Shape along{wrap_dim("cosine_similarity", dim, sizes.size())};
  auto length = [&](const Tensor& v) { return clamp_min(vector_norm(v, 2, along, true), number(eps)); };
  return sum(mul(div(x, length(x)), div(y, length(y))), along);
}

// The distances between all pairs of rows, in the order (0, 1), (0, 2), ..., (1, 2), ...
Tensor pdist(const Tensor& x, double p) {
  check(x.rank() == 2, "pdist: only supports 2D tensors, got: ", x.rank(), "D");
  check(x.is_floating(), "pdist: only supports floating-point dtypes, got ", name_of(x.dtype()));
  check(p >= 0, "pdist: only supports non-negative p values, got ", p);
  int64_t rows = x.sizes()[0], pairs = rows * (rows - 1) / 2, k = 0;
  Tensor first = empty({pairs}, DType::Int64), second = empty({pairs}, DType::Int64);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = i + 1; j < rows; j++, k++) {
      first.data<int64_t>()[k] = i;
      second.data<int64_t>()[k] = j;
    }
  Tensor a = to_device(first, x.device()), b = to_device(second, x.device());
  return vector_norm(sub(index_select(x, 0, a), index_select(x, 0, b)), p, Shape{1});
}

}  // namespace tt
