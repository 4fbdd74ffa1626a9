// Forward and backward are one kernel call each; a backward pass that is recorded itself is composed.
#include "ops/normalize_parts.h"

#include "kernels/normalize_call.h"
#include "ops/network.h"
#include "ops/ops.h"
#include "ops/reduction.h"

namespace tt {
namespace {

Shape channel_parameter(const Tensor& x) {
  Shape sizes = Shape::filled(x.rank(), 1);
  sizes[1] = x.sizes()[1];
  return sizes;
}

// ---------------------------------------------------------------- by channels

bool lies_channels_last(const Tensor& x) {
  if (x.rank() != 4 && x.rank() != 5) return false;
  MemoryFormat format = x.rank() == 4 ? MemoryFormat::ChannelsLast : MemoryFormat::ChannelsLast3d;
  return !x.is_contiguous() && x.strides() == format_strides("normalize", x.sizes(), format);
}

ChannelNormCall channel_call(const Tensor& x, const Tensor& weight, int64_t groups, double eps) {
  int64_t inner = 1;
  for (int i = 2; i < x.rank(); i++) inner *= x.sizes()[i];
  ChannelNormCall call{x.dtype(), x.sizes()[0], x.sizes()[1], inner};
  if (lies_channels_last(x)) call.outer *= std::exchange(call.inner, 1);
  call.groups = groups;
  call.eps = eps;
  call.input = x.bytes();
  call.weight = bytes_of(weight);
  return call;
}

struct ChannelForm {
  const char* name;
  int64_t groups;  // 0: batch norm
  bool fixed;
  double eps;
};

Gradients fixed_gradients(const Tensor& g, const Tensor& x, const Tensor& weight, const Tensor& mean,
                          const Tensor& scale, Wanted wanted) {
  Shape parameter = channel_parameter(x);
  Tensor factor = reshape(scale, parameter);
  Gradients out(3);
  if (wanted[0]) out[0] = mul(g, weight.defined() ? mul(factor, reshape(weight, parameter)) : factor);
  if (wanted[1])
    out[1] =
        reshape(sum_to(mul(g, mul(sub(x, reshape(mean, parameter)), factor)), parameter), weight.sizes());
  if (wanted[2]) out[2] = reshape(sum_to(g, parameter), {x.sizes()[1]});
  return out;
}

NormFrame channel_frame(const Tensor& x, const ChannelForm& form) {
  NormFrame f{x.sizes(), {}, channel_parameter(x), {x.sizes()[1]}, true, form.eps};
  if (form.groups) {
    f.sizes = {x.sizes()[0], form.groups, x.count() / std::max<int64_t>(1, x.sizes()[0] * form.groups)};
    f.dims = {2};
    return f;
  }
  for (int i = 0; i < x.rank(); i++)
    if (i != 1) f.dims.push_back(i);
  return f;
}

Gradients channel_backward(const Gradients& gradients, Wanted wanted, const Tensor& x, const Tensor& weight,
                           const Tensor& mean, const Tensor& scale, const ChannelForm& form) {
  const Tensor& g = gradients[0];
  if (any_needs_grad(inputs(g, x, weight))) {
    if (form.fixed) return fixed_gradients(g, x, weight, mean, scale, wanted);
    return composed_gradients(g, x, weight, channel_frame(x, form), wanted);
  }
  Tensor ordered = laid_out_like(g, x);
  Gradients out(3);
  if (wanted[0]) out[0] = result_like(x);
  for (int i = 1; i < 3; i++)
    if (wanted[i]) out[i] = empty({x.sizes()[1]}, x.dtype(), x.device());
  if (x.count() == 0) {
    for (int i = 1; i < 3; i++)
      if (wanted[i]) zero_(out[i]);
    return out;
  }
  ChannelNormCall call = channel_call(x, weight, form.groups, form.eps);
  call.fixed = form.fixed;
  call.mean = mean.bytes();
  call.scale = scale.bytes();
  call.grad = ordered.bytes();
  call.grad_input = bytes_of(out[0]);
  call.grad_weight = bytes_of(out[1]);
  call.grad_bias = bytes_of(out[2]);
  network_kernel(form.name, x.device(), &NetworkKernels::channel_norm)(call);
  return out;
}

// ---------------------------------------------------------------- batch norm

void check_parameter(const char* op, const char* what, const MaybeTensor& parameter, int64_t channels) {
  if (!parameter) return;
  check(parameter->count() == channels && parameter->rank() == 1, op, ": ", what, " should contain ",
        channels, " elements, got shape ", parameter->sizes());
}

// A running statistic as the kernel can change it, and back.
struct Running {
  Tensor target, held;
  Running(const MaybeTensor& running, DType work) {
    if (!running) return;
    GradGuard off(false);
    target = *running;
    held = contiguous(to_dtype(target, work));
  }
  void settle(const char* op) const {
    if (!target.defined()) return;
    GradGuard off(false);
    if (!held.is(target)) copy_values(target, held);
    bump_version(target, op);
  }
};

void check_batch_norm(const char* op, const Tensor& x, const MaybeTensor& running_mean,
                      const MaybeTensor& running_var, const MaybeTensor& weight, const MaybeTensor& bias,
                      bool training) {
  check_norm_input(op, x);
  check(x.rank() >= 2, op, ": expected an input of at least 2 dimensions, got ", x.sizes());
  check_value(!training || running_mean.has_value() == running_var.has_value(), op,
              ": running_mean and running_var must either both be None or neither be None");
  check(training || running_mean, op, ": running_mean must be defined in evaluation mode");
  check(training || running_var, op, ": running_var must be defined in evaluation mode");
  int64_t channels = x.sizes()[1];
  check_value(!training || x.count() != channels || channels == 0, op,
              ": Expected more than 1 value per channel when training, got input size ", x.sizes());
  const std::pair<const char*, const MaybeTensor*> parameters[] = {
      {"running_mean", &running_mean}, {"running_var", &running_var}, {"weight", &weight}, {"bias", &bias}};
  for (auto [what, parameter] : parameters) {
    check_parameter(op, what, *parameter, channels);
    check_norm_dtype(op, x, *parameter);
  }
}

}  // namespace

Tensor batch_norm(const Tensor& input, const MaybeTensor& running_mean, const MaybeTensor& running_var,
                  const MaybeTensor& weight, const MaybeTensor& bias, bool training, double momentum,
                  double eps) {
  const char* op = "batch_norm";
  check_batch_norm(op, input, running_mean, running_var, weight, bias, training);
  auto kernel = network_kernel(op, input.device(), &NetworkKernels::channel_norm);
  DType work = working_type(input.dtype());
  Tensor x = to_dtype(input, work), w = working_parameter(weight, work), b = working_parameter(bias, work),
         mean, scale;
  if (!lies_channels_last(x)) x = contiguous(x);
  Tensor y = result_like(x);
  Running running_means(running_mean, work), running_variances(running_var, work);
  if (training) {
    mean = empty({x.sizes()[1]}, work, x.device());
    scale = empty({x.sizes()[1]}, work, x.device());
  } else {
    GradGuard off(false);
    mean = running_means.held;
    scale = rsqrt(plus(running_variances.held, eps));
  }
  if (x.count()) {
    ChannelNormCall call = channel_call(x, w, 0, eps);
    call.fixed = !training;
    call.bias = bytes_of(b);
    call.mean = mean.bytes();
    call.scale = scale.bytes();
    if (training) {
      call.running_mean = bytes_of(running_means.held);
      call.running_variance = bytes_of(running_variances.held);
      call.momentum = momentum;
    }
    call.out = y.bytes();
    kernel(call);
    if (training) {
      running_means.settle(op);
      running_variances.settle(op);
    }
  }
  ChannelForm form{op, 0, !training, eps};
  y = record_joint("NativeBatchNormBackward0", y, inputs(x, w, b), save(x, w, mean, scale, form),
                   channel_backward);
  return to_dtype(y, input.dtype());
}

// ---------------------------------------------------------------- group norm

// Groups of channels of one sample. Channels of single elements are rows of them.
static Tensor grouped(const char* op, const char* node, const Tensor& input, int64_t groups,
                      const MaybeTensor& weight, const MaybeTensor& bias, double eps,
                      const Tensor& means = {}, const Tensor& variances = {}) {
  auto kernel = network_kernel(op, input.device(), &NetworkKernels::channel_norm);
  DType work = working_type(input.dtype());
  Tensor given = to_dtype(input, work), x = contiguous(given);
  Tensor w = working_parameter(weight, work), b = working_parameter(bias, work);
  Shape moments{x.sizes()[0], groups};
  Tensor y = empty(x.sizes(), work, x.device()), scale = empty(moments, work, x.device());
  Tensor mean = means.defined() ? means : empty(moments, work, x.device());
  if (x.count()) {
    ChannelNormCall call = channel_call(x, w, groups, eps);
    call.bias = bytes_of(b);
    call.mean = mean.bytes();
    call.scale = scale.bytes();
    call.variance = bytes_of(variances);
    call.out = y.bytes();
    kernel(call);
  }
  if (lies_channels_last(given)) y = laid_out_like(y, given);
  ChannelForm form{op, groups, false, eps};
  y = record_joint(node, y, inputs(x, w, b), save(x, w, mean, scale, form), channel_backward);
  return to_dtype(y, input.dtype());
}

Tensor group_norm(const Tensor& x, int64_t groups, const MaybeTensor& weight, const MaybeTensor& bias,
                  double eps) {
  const char* op = "group_norm";
  check_norm_input(op, x);
  check(x.rank() >= 2, op, ": Expected at least 2 dimensions for input tensor but received ", x.rank());
  check(groups > 0, op, ": Expected num groups to be greater than 0, got ", groups);
  check(x.sizes()[1] % groups == 0, op,
        ": Expected number of channels in input to be divisible by num_groups, but got "
        "input of shape ",
        x.sizes(), " and num_groups=", groups);
  for (const MaybeTensor* parameter : {&weight, &bias}) {
    check(!*parameter || ((*parameter)->rank() == 1 && (*parameter)->count() == x.sizes()[1]), op,
          ": Expected weight and bias to be vectors of size equal to the number of channels in input, but "
          "got shape ",
          *parameter ? (*parameter)->sizes() : Shape{}, " and input of shape ", x.sizes());
    check_norm_dtype(op, x, *parameter);
  }
  return grouped(op, "NativeGroupNormBackward0", x, groups, weight, bias, eps);
}

// ---------------------------------------------------------------- instance norm

// Moves a running statistic towards the mean over the samples of (samples, channels).
static void move_running(const char* op, const MaybeTensor& running, const Tensor& statistics,
                         double momentum) {
  GradGuard off(false);
  Tensor average = mean(statistics, Shape{0}), held = to_dtype(*running, average.dtype());
  copy_values(*running, add(times(held, 1 - momentum), times(average, momentum)));
  bump_version(*running, op);
}

Tensor instance_norm(const Tensor& x, const MaybeTensor& running_mean, const MaybeTensor& running_var,
                     const MaybeTensor& weight, const MaybeTensor& bias, bool use_input_stats,
                     double momentum, double eps) {
  const char* op = "instance_norm";
  check_norm_input(op, x);
  check(use_input_stats || (running_mean && running_var), op,
        ": Expected running_mean and running_var to be defined when use_input_stats is false");
  check(running_mean.has_value() == running_var.has_value(), op,
        ": running_mean and running_var must either both be None or neither be None");
  check(x.rank() >= 2, op, ": expected an input of at least 2 dimensions, got ", x.sizes());
  if (!use_input_stats) return batch_norm(x, running_mean, running_var, weight, bias, false, momentum, eps);
  int64_t samples = x.sizes()[0], channels = x.sizes()[1];
  check_value(x.rank() > 2 && x.count() != samples * channels, op,
              ": Expected more than 1 spatial element when training, got input size ", x.sizes());
  check_parameter(op, "weight", weight, channels);
  check_parameter(op, "bias", bias, channels);
  check_parameter(op, "running_mean", running_mean, channels);
  check_parameter(op, "running_var", running_var, channels);
  const char* node = "ViewBackward0";
  if (!running_mean) return grouped(op, node, x, channels, weight, bias, eps);
  Shape sizes{samples, channels};
  DType work = working_type(x.dtype());
  Tensor means = empty(sizes, work, x.device()), variances = empty(sizes, work, x.device());
  Tensor y = grouped(op, node, x, channels, weight, bias, eps, means, variances);
  if (x.count() == 0) return y;
  move_running(op, running_mean, means, momentum);
  move_running(op, running_var, variances, momentum);
  return y;
}

}  // namespace tt
