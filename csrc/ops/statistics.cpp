#include <algorithm>
#include <cmath>

#include "ops/reduction.h"

namespace tt {
namespace {

// ---------------------------------------------------------------- moments

// The larger of 0 and count - correction; 0 leaves a variance of nan, or infinity.
double divisor_of(int64_t count, double correction) { return std::max(0.0, double(count) - correction); }

struct Moments {
  Tensor variance, mean;  // in the working type
};

Moments moments(const Tensor& x, const Reduced& r, double correction) {
  DType type = working_type(x.dtype());
  if (x.count() == 0) return {full(r.sizes, NAN, type, x.device()), full(r.sizes, NAN, type, x.device())};
  Moments m{empty(r.sizes, type, x.device()), empty(r.sizes, type, x.device())};
  reduce_into(Reduction::moments, type, m.variance, x, r, {}, m.mean);
  Tensor divisor = wrapped_number(divisor_of(r.count, correction));
  binary(Elementwise::div, m.variance, divisor, Out{&m.variance, true});
  return m;
}

// The gradient of (variance, mean): 2 (x - mean) / divisor and 1 / count.
Tensor moments_gradient(const Gradients& g, const Tensor& x, const Tensor& mean, const Shape& dims,
                        bool keepdim, double divisor, int64_t count) {
  Tensor total;
  if (g[0].defined()) {
    Tensor slope = times(with_kept_dims(g[0], dims, x.sizes(), keepdim), 2 / divisor);
    total = mul(slope, sub(x, with_kept_dims(mean, dims, x.sizes(), keepdim)));
  }
  if (!g[1].defined()) return total;
  Tensor share = unreduced(div(g[1], wrapped_number(double(count))), dims, x.sizes(), keepdim);
  return total.defined() ? add(total, share) : share;
}

// sqrt(v) has the slope 1 / (2 sqrt(v)), and 0 at 0.
Tensor root_gradient(const Tensor& g, const Tensor& root) {
  Tensor flat = eq(detach(root), wrapped_number(0)), zero = wrapped_number(0), one = wrapped_number(1);
  return where(flat, zero, div(g, times(where(flat, one, root), 2)));
}

std::tuple<Tensor, Tensor> spread_and_mean(const char* op, const char* node, bool root, const Tensor& x,
                                           const Dims& dims, double correction, bool keepdim) {
  check(x.is_floating(), op, ": std and var only support floating point and complex dtypes, got ",
        legacy_name_of(x.dtype()));
  Reduced r = reduced(op, x, dims, keepdim);
  Moments m;
  {
    GradGuard off(false);
    m = moments(x, r, correction);
    if (root) unary(Elementwise::sqrt, m.variance, Out{&m.variance, true});
    m = {to_dtype(m.variance, x.dtype()), to_dtype(m.mean, x.dtype())};
  }
  double divisor = divisor_of(r.count, correction);
  record_many(node, {m.variance, m.mean}, inputs(x),
              save(x, m.variance, m.mean, r.dims, keepdim, divisor, r.count, root),
              [](const Gradients& g, Wanted, const Tensor& x, const Tensor& spread, const Tensor& mean,
                 const Shape& dims, const bool& keepdim, const double& divisor, const int64_t& count,
                 const bool& root) {
                Gradients g_moments = g;
                if (root && g[0].defined()) g_moments[0] = root_gradient(g[0], spread);
                return Gradients{moments_gradient(g_moments, x, mean, dims, keepdim, divisor, count)};
              });
  return {m.variance, m.mean};
}

}  // namespace

Tensor var(const Tensor& x, const Dims& dims, double correction, bool keepdim, Out out) {
  return deliver(
      "var", std::get<0>(spread_and_mean("var", "VarBackward0", false, x, dims, correction, keepdim)), out);
}
Tensor std(const Tensor& x, const Dims& dims, double correction, bool keepdim, Out out) {
  return deliver(
      "std", std::get<0>(spread_and_mean("std", "StdBackward0", true, x, dims, correction, keepdim)), out);
}
std::tuple<Tensor, Tensor> var_mean(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  return spread_and_mean("var_mean", "VarMeanBackward0", false, x, dims, correction, keepdim);
}
std::tuple<Tensor, Tensor> std_mean(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  return spread_and_mean("std_mean", "StdMeanBackward0", true, x, dims, correction, keepdim);
}

// ---------------------------------------------------------------- log-sum-exp

// log(sum(exp(x - m))) + m with m the maximum, or 0 where that is infinite.
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim, Out out) {
  if (!x.is_floating()) return logsumexp(to_dtype(x, default_dtype()), dims, keepdim, out);
  Reduced r = reduced("logsumexp", x, dims, keepdim);
  Tensor y;
  {
    GradGuard off(false);
    DType type = working_type(x.dtype());
    if (x.count() == 0) {
      y = full(r.sizes, -INFINITY, type, x.device());
    } else {
      Tensor top = to_dtype(amax(x, r.dims, true), type);
      top = where(eq(abs(top), wrapped_number(INFINITY)), wrapped_number(0), top);
      Tensor powers = sub(x, top);
      powers = sum(exp(powers, Out{&powers, true}), r.dims, true);
      y = resized(add(log(powers), top), r.sizes);
    }
    y = to_dtype(y, x.dtype());
  }
  y = record("LogsumexpBackward0", y, inputs(x), save(x, y, r.dims, keepdim),
             [](const Tensor& g, const Tensor& x, const Tensor& y, const Shape& dims, const bool& keepdim) {
               Tensor shares = exp(sub(x, with_kept_dims(y, dims, x.sizes(), keepdim)));
               return mul(with_kept_dims(g, dims, x.sizes(), keepdim), shares);
             });
  return deliver("logsumexp", y, out);
}

// ---------------------------------------------------------------- covariance

namespace {

void check_weights(const char* name, const Tensor& w, const Tensor& x, bool integral) {
  check(w.rank() <= 1, "cov: expected ", name, " to have one or fewer dimensions but got ", name, " with ",
        w.rank(), " dimensions");
  bool fits = integral ? is_integral(w.dtype()) : is_floating(w.dtype());
  check(fits, "cov: expected ", name, " to have ", integral ? "integral" : "floating point",
        " dtype but got ", name, " with ", legacy_name_of(w.dtype()), " dtype");
  int64_t observations = x.sizes()[1];
  check(w.count() == observations, "cov: expected ", name,
        " to have the same number of elements as there are "
        "observations in the input but got ",
        w.count(), " != ", observations);
  check(observations == 0 || item(min(w)).to<double>() >= 0, "cov: ", name, " cannot be negative");
}

}  // namespace

// The rows of x are variables, its columns observations.
Tensor cov(const Tensor& input, int64_t correction, const std::optional<Tensor>& fweights,
           const std::optional<Tensor>& aweights) {
  check(input.rank() <= 2, "cov: expected input to have two or fewer dimensions but got an input with ",
        input.rank(), " dimensions");
  check(input.dtype() != DType::Bool, "cov: bool dtype is not supported for input");
  Tensor x = input.rank() < 2 ? reshape(input, {1, input.count()}) : input;
  Tensor weights;
  if (fweights) {
    check_weights("fweights", *fweights, x, true);
    weights = reshape(*fweights, {-1});
  }
  if (aweights) {
    check_weights("aweights", *aweights, x, false);
    Tensor other = reshape(*aweights, {-1});
    weights = weights.defined() ? mul(weights, other) : other;
  }
  if (!x.is_floating()) x = to_dtype(x, default_dtype());
  Tensor total = weights.defined() ? sum(weights) : wrapped_number(double(x.sizes()[1]));
  Tensor scale;
  if (!aweights || correction == 0) scale = sub(total, wrapped_number(correction));
  else scale = sub(total, div(times(sum(mul(weights, *aweights)), correction), total));
  bool nothing = x.sizes()[1] == 0 || item(total).to<double>() == 0;
  check(!weights.defined() || x.sizes()[1] == 0 || !nothing, "cov: weights sum to zero, can't be normalized");
  Tensor weighted = weights.defined() ? mul(x, weights) : x;
  Tensor centred = sub(x, unsqueeze(div(sum(weighted, Shape{1}), total), 1));
  Tensor right = weights.defined() ? mul(centred, weights) : centred;
  return squeeze(div(matmul(centred, t(right)), clamp_min(scale, wrapped_number(0))));
}

Tensor corrcoef(const Tensor& x) {
  check(x.rank() <= 2, "corrcoef: expected input to have two or fewer dimensions but got an input with ",
        x.rank(), " dimensions");
  Tensor c = cov(x, 1, {}, {});
  if (c.rank() == 0) return div(c, c);
  Tensor deviation = sqrt(diagonal(c, 0, 0, 1));
  Tensor y = div(div(c, unsqueeze(deviation, 1)), unsqueeze(deviation, 0));
  return clamp(y, wrapped_number(-1), wrapped_number(1));
}

}  // namespace tt
