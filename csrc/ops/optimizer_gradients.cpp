// What is done to the gradients of many parameters at once.
#include <cmath>

#include "ops/ops.h"
#include "ops/optimizer.h"

namespace tt {

Tensor total_norm(const std::vector<Tensor>& tensors, double norm_type) {
  GradGuard off(false);
  if (tensors.empty()) return number_like(empty({}, default_dtype()), 0);
  std::vector<Tensor> norms;
  norms.reserve(tensors.size());
  for (const Tensor& x : tensors) norms.push_back(to_device(vector_norm(x, norm_type), tensors[0].device()));
  return norms.size() == 1 ? vector_norm(norms[0], norm_type) : vector_norm(stack(norms, 0), norm_type);
}

void clip_by_norm(const std::vector<Tensor>& tensors, double max_norm, const Tensor& norm) {
  GradGuard off(false);
  Tensor factor = clamp_max(div(wrapped_number(max_norm), plus(norm, 1e-6)), wrapped_number(1));
  bool unchanged = factor.device().is_cpu() && item(factor).to<double>() == 1;
  for (const Tensor& x : tensors) {
    Tensor near = to_device(factor, x.device());
    in_place("mul_", x, false, false, [&](const Tensor& input, Out out) {
      if (!unchanged) return mul(input, near, out);
      bump_version(x, "mul_");
      return x;
    });
  }
}

void clamp_tensors(const std::vector<Tensor>& tensors, double limit) {
  GradGuard off(false);
  for (const Tensor& x : tensors)
    in_place("clamp_", x, false, false, [&](const Tensor& input, Out out) {
      return clamp(input, wrapped_number(-limit), wrapped_number(limit), out);
    });
}

bool unscale_tensors(const std::vector<Tensor>& tensors, double factor) {
  GradGuard off(false);
  bool finite = true;
  for (const Tensor& x : tensors) {
    in_place("mul_", x, false, false,
             [&](const Tensor& input, Out out) { return mul(input, wrapped_number(factor), out); });
    finite = finite && (x.count() == 0 || std::isfinite(item(vector_norm(x, INFINITY)).to<double>()));
  }
  return !finite;
}

}  // namespace tt
