#include "ops/optimizer.h"

#include <cmath>
#include <deque>

#include "kernels/network.h"
#include "ops/ops.h"

namespace tt {
namespace {

// ---------------------------------------------------------------- the kernel's view of the tensors

bool lies_like(const Tensor& x, const Tensor& param) {
  if (x.dtype() != param.dtype()) return false;
  return (x.is_contiguous() && param.is_contiguous()) || x.strides() == param.strides();
}

// Collects the parameters of a step, and brings those to the kernel that do not lie in memory as it needs
// them.
class Step {
 public:
  Step(const char* op, UpdateRule rule, int states, size_t count) : op_(op), rule_(rule), states_(states) {
    entries_.reserve(count);
  }

  void add(const Stepped& item, const UpdateNumbers& numbers) {
    if (!entries_.empty() && item.param.device() != device_) run();
    device_ = item.param.device();
    Tensor param = checked(item.param, item.param), like = param;
    if (!param.is_contiguous() && !is_dense(param))
      like = fetched(param, empty(param.sizes(), param.dtype(), device_), true);
    UpdateTensor entry;
    entry.dtype = like.dtype();
    entry.count = like.count();
    entry.param = like.bytes();
    entry.grad = placed(checked(item.grad, param), like, false).bytes();
    for (int k = 0; k < states_; k++)
      entry.state[k] = placed(checked(item.state[k], param), like, true).bytes();
    entry.numbers = numbers;
    entries_.push_back(entry);
    bump_version(param, op_);
    for (int k = 0; k < states_; k++) bump_version(item.state[k], op_);
  }

  void run() {
    if (entries_.empty()) return;
    const NetworkKernels* kernels = kernels_of(device_).network;
    check(kernels && kernels->update, op_, ": not implemented on ", device_);
    kernels->update({rule_, entries_.data(), int(entries_.size())});
    for (const auto& [to, from] : written_) copy_values(to, from);
    entries_.clear();
    fetched_.clear();
    written_.clear();
  }

 private:
  const Tensor& checked(const Tensor& x, const Tensor& param) const {
    check(x.is_floating(), op_, ": expected floating point tensors, got ", name_of(x.dtype()));
    check(x.sizes() == param.sizes(), op_, ": sizes differ, got ", x.sizes(), " for a parameter of ",
          param.sizes());
    check(x.device() == param.device(), op_, ": expected all tensors on ", param.device(), ", got ",
          x.device());
    return x;
  }
  const Tensor& placed(const Tensor& x, const Tensor& like, bool write) {
    if (lies_like(x, like)) [[likely]]
      return x;
    return fetched(x, empty_strided(like.sizes(), like.strides(), like.dtype(), device_), write);
  }
  const Tensor& fetched(const Tensor& x, const Tensor& copy, bool write) {
    copy_values(copy, x);
    if (write) written_.emplace_back(x, copy);
    return fetched_.emplace_back(copy);
  }

  const char* op_;
  UpdateRule rule_;
  int states_;
  Device device_;
  std::vector<UpdateTensor> entries_;
  std::deque<Tensor> fetched_;
  std::vector<std::pair<Tensor, Tensor>> written_;
};

template <class Numbers>
void run_step(const char* op, UpdateRule rule, int states, const SteppedList& list, Numbers&& numbers_of) {
  GradGuard off(false);
  Step step(op, rule, states, list.size());
  for (const Stepped& item : list) step.add(item, numbers_of(item));
  step.run();
}

// ---------------------------------------------------------------- numbers kept as 0-dim tensors

double value_of(const Tensor& x) {
  if (x.dtype() == DType::Float32 && x.count() == 1 && x.device().is_cpu()) [[likely]]
    return *x.data<float>();
  return item(x).to<double>();
}

void set_value(const char* op, const Tensor& x, double value) {
  if (x.dtype() == DType::Float32 && x.device().is_cpu()) [[likely]]
    *x.data<float>() = float(value);
  else fill_values(op, x, value);
  bump_version(x, op);
}

// Counts one more step; how many there are now.
double next_step(const char* op, const Stepped& item) {
  set_value(op, item.numbers[0], value_of(item.numbers[0]) + 1);
  return value_of(item.numbers[0]);
}

double sign_of(bool maximize) { return maximize ? -1 : 1; }

// Numbers that all parameters of the same age have in common.
template <class Body>
auto by_age(const char* op, Body&& body) {
  return [op, body, last = -1.0, numbers = UpdateNumbers()](const Stepped& item) mutable {
    double t = next_step(op, item);
    if (t != last) numbers = body(t);
    last = t;
    return numbers;
  };
}

}  // namespace

// ---------------------------------------------------------------- the optimizers

void sgd_step(const SteppedList& list, const SgdOptions& o) {
  UpdateNumbers numbers{.sign = sign_of(o.maximize), .weight_decay = o.weight_decay, .rate = o.lr};
  if (o.momentum == 0)
    return run_step("sgd_step", UpdateRule::sgd, 0, list, [&](const Stepped&) { return numbers; });
  numbers.of_gradient = o.nesterov ? 1 : 0;
  numbers.of_momentum = o.nesterov ? o.momentum : 1;
  run_step("sgd_step", UpdateRule::sgd_momentum, 1, list, [&](const Stepped& item) {
    numbers.decay = item.fresh ? 0 : o.momentum;
    numbers.take = item.fresh ? 1 : 1 - o.dampening;
    return numbers;
  });
}

void adam_step(const SteppedList& list, const AdamOptions& o) {
  auto numbers = by_age("adam_step", [&](double t) {
    return UpdateNumbers{.sign = sign_of(o.maximize),
                         .weight_decay = o.decoupled_weight_decay ? 0 : o.weight_decay,
                         .shrink = o.decoupled_weight_decay ? 1 - o.lr * o.weight_decay : 1,
                         .rate = o.lr / (1 - std::pow(o.beta1, t)),
                         .decay = o.beta1,
                         .square_decay = o.beta2,
                         .correction = std::sqrt(1 - std::pow(o.beta2, t)),
                         .eps = o.eps};
  });
  if (o.amsgrad) run_step("adam_step", UpdateRule::amsgrad, 3, list, numbers);
  else run_step("adam_step", UpdateRule::adam, 2, list, numbers);
}

void rmsprop_step(const SteppedList& list, const RmsPropOptions& o) {
  auto numbers = by_age("rmsprop_step", [&](double) {
    return UpdateNumbers{.sign = sign_of(o.maximize),
                         .weight_decay = o.weight_decay,
                         .rate = o.lr,
                         .decay = o.momentum,
                         .square_decay = o.alpha,
                         .eps = o.eps};
  });
  bool momentum = o.momentum > 0;
  UpdateRule rule = o.centered
                        ? momentum ? UpdateRule::rmsprop_centered_momentum : UpdateRule::rmsprop_centered
                    : momentum ? UpdateRule::rmsprop_momentum
                               : UpdateRule::rmsprop;
  run_step("rmsprop_step", rule, 1 + o.centered + momentum, list, numbers);
}

void adagrad_step(const SteppedList& list, const AdagradOptions& o) {
  run_step("adagrad_step", UpdateRule::adagrad, 1, list, by_age("adagrad_step", [&](double t) {
             return UpdateNumbers{.sign = sign_of(o.maximize),
                                  .weight_decay = o.weight_decay,
                                  .rate = o.lr / (1 + (t - 1) * o.lr_decay),
                                  .eps = o.eps};
           }));
}

void adadelta_step(const SteppedList& list, const AdadeltaOptions& o) {
  run_step("adadelta_step", UpdateRule::adadelta, 2, list, by_age("adadelta_step", [&](double) {
             return UpdateNumbers{.sign = sign_of(o.maximize),
                                  .weight_decay = o.weight_decay,
                                  .rate = o.lr,
                                  .square_decay = o.rho,
                                  .eps = o.eps};
           }));
}

void adamax_step(const SteppedList& list, const AdamaxOptions& o) {
  run_step("adamax_step", UpdateRule::adamax, 2, list, by_age("adamax_step", [&](double t) {
             return UpdateNumbers{.sign = sign_of(o.maximize),
                                  .weight_decay = o.weight_decay,
                                  .rate = o.lr / (1 - std::pow(o.beta1, t)),
                                  .decay = o.beta1,
                                  .square_decay = o.beta2,
                                  .eps = o.eps};
           }));
}

// Nesterov's momentum in Adam: mu(t) = beta1 (1 - 0.96^(t psi) / 2) in place of beta1, of which mu_product is
// the product.
void nadam_step(const SteppedList& list, const NAdamOptions& o) {
  run_step("nadam_step", UpdateRule::nadam, 2, list, [&](const Stepped& item) {
    double t = next_step("nadam_step", item);
    double mu = o.beta1 * (1 - 0.5 * std::pow(0.96, t * o.momentum_decay));
    double mu_next = o.beta1 * (1 - 0.5 * std::pow(0.96, (t + 1) * o.momentum_decay));
    // A float32 product takes its factors in float32.
    double factor = item.numbers[1].dtype() == DType::Float64 ? mu : double(float(mu));
    set_value("nadam_step", item.numbers[1], value_of(item.numbers[1]) * factor);
    double product = value_of(item.numbers[1]);
    return UpdateNumbers{.sign = sign_of(o.maximize),
                         .weight_decay = o.decoupled_weight_decay ? 0 : o.weight_decay,
                         .shrink = o.decoupled_weight_decay ? 1 - o.lr * o.weight_decay : 1,
                         .rate = o.lr * (1 - mu) / (1 - product),
                         .second_rate = o.lr * mu_next / (1 - product * mu_next),
                         .decay = o.beta1,
                         .square_decay = o.beta2,
                         .correction = 1 - std::pow(o.beta2, t),
                         .eps = o.eps};
  });
}

// The length of the simple moving average that approximates the running mean of squares is rho(t); above 5
// its variance is tractable, and the rate is rectified by the root of (rho - 4)(rho - 2) r / ((r - 4)(r - 2)
// rho) with r = rho(infinity).
void radam_step(const SteppedList& list, const RAdamOptions& o) {
  run_step("radam_step", UpdateRule::radam, 2, list, by_age("radam_step", [&](double t) {
             double unseen = std::pow(o.beta2, t), correction = 1 - unseen, r = 2 / (1 - o.beta2) - 1;
             double rho = r - 2 * t * unseen / correction;
             double rectified =
                 std::sqrt((rho - 4) * (rho - 2) * r / ((r - 4) * (r - 2) * rho)) * std::sqrt(correction);
             return UpdateNumbers{.sign = sign_of(o.maximize),
                                  .weight_decay = o.decoupled_weight_decay ? 0 : o.weight_decay,
                                  .shrink = o.decoupled_weight_decay ? 1 - o.lr * o.weight_decay : 1,
                                  .rate = o.lr / (1 - std::pow(o.beta1, t)) * (rho > 5 ? rectified : 1),
                                  .decay = o.beta1,
                                  .square_decay = o.beta2,
                                  .eps = o.eps,
                                  .adaptive = rho > 5};
           }));
}

// eta(t) = lr / (1 + lambd lr t)^alpha and mu(t) = 1 / max(1, t - t0) serve the next step.
void asgd_step(const SteppedList& list, const AsgdOptions& o) {
  run_step("asgd_step", UpdateRule::asgd, 1, list, [&](const Stepped& item) {
    double t = next_step("asgd_step", item), eta = value_of(item.numbers[1]), mu = value_of(item.numbers[2]);
    set_value("asgd_step", item.numbers[1], o.lr / std::pow(1 + o.lambd * o.lr * t, o.alpha));
    set_value("asgd_step", item.numbers[2], 1 / std::max(1.0, t - o.t0));
    return UpdateNumbers{.sign = sign_of(o.maximize),
                         .weight_decay = o.weight_decay,
                         .shrink = 1 - o.lambd * eta,
                         .rate = eta,
                         .take = mu};
  });
}

void rprop_step(const SteppedList& list, const RpropOptions& o) {
  run_step("rprop_step", UpdateRule::rprop, 2, list, by_age("rprop_step", [&](double) {
             return UpdateNumbers{.sign = sign_of(o.maximize),
                                  .decay = o.etaminus,
                                  .take = o.etaplus,
                                  .smallest = o.smallest,
                                  .largest = o.largest};
           }));
}

}  // namespace tt
