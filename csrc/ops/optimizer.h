// One step of each optimizer over a group of parameters; nothing is recorded. Options bear PyTorch's names.
#pragma once
#include <vector>

#include "core/tensor.h"
#include "kernels/optimizer_call.h"

namespace tt {

// A parameter that has a gradient, and what its optimizer keeps for it: tensors like it, and 0-dim numbers,
// of which the first counts the steps.
struct Stepped {
  Tensor param, grad;
  Tensor state[max_update_states];
  Tensor numbers[3];
  bool fresh = false;  // the state was made for this step
};
using SteppedList = std::vector<Stepped>;

struct SgdOptions {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize;
};
void sgd_step(const SteppedList& list, const SgdOptions& options);  // momentum_buffer, if there is momentum

struct AdamOptions {
  double lr, beta1, beta2, eps, weight_decay;
  bool amsgrad, maximize, decoupled_weight_decay;
};
void adam_step(const SteppedList& list,
               const AdamOptions& options);  // exp_avg, exp_avg_sq, max_exp_avg_sq; step

struct RmsPropOptions {
  double lr, alpha, eps, weight_decay, momentum;
  bool centered, maximize;
};
void rmsprop_step(const SteppedList& list,
                  const RmsPropOptions& options);  // square_avg, grad_avg, momentum_buffer

struct AdagradOptions {
  double lr, lr_decay, eps, weight_decay;
  bool maximize;
};
void adagrad_step(const SteppedList& list, const AdagradOptions& options);  // sum; step

struct AdadeltaOptions {
  double lr, rho, eps, weight_decay;
  bool maximize;
};
void adadelta_step(const SteppedList& list, const AdadeltaOptions& options);  // square_avg, acc_delta; step

struct AdamaxOptions {
  double lr, beta1, beta2, eps, weight_decay;
  bool maximize;
};
void adamax_step(const SteppedList& list, const AdamaxOptions& options);  // exp_avg, exp_inf; step

struct NAdamOptions {
  double lr, beta1, beta2, eps, weight_decay, momentum_decay;
  bool decoupled_weight_decay, maximize;
};
void nadam_step(const SteppedList& list,
                const NAdamOptions& options);  // exp_avg, exp_avg_sq; step, mu_product

struct RAdamOptions {
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled_weight_decay, maximize;
};
void radam_step(const SteppedList& list, const RAdamOptions& options);  // exp_avg, exp_avg_sq; step

struct AsgdOptions {
  double lr, lambd, alpha, t0, weight_decay;
  bool maximize;
};
void asgd_step(const SteppedList& list, const AsgdOptions& options);  // ax; step, eta, mu

struct RpropOptions {
  double etaminus, etaplus, smallest, largest;
  bool maximize;
};
void rprop_step(const SteppedList& list, const RpropOptions& options);  // prev, step_size; step

// ---- over the gradients of many parameters
Tensor total_norm(const std::vector<Tensor>& tensors, double norm_type);  // of all of them seen as one vector
// Multiplies in place by max_norm / (norm + 1e-6), where that is less than 1.
void clip_by_norm(const std::vector<Tensor>& tensors, double max_norm, const Tensor& norm);
void clamp_tensors(const std::vector<Tensor>& tensors, double limit);  // to [-limit, limit]
// Multiplies in place; whether one of them then holds an infinity or NaN.
bool unscale_tensors(const std::vector<Tensor>& tensors, double factor);

}  // namespace tt
