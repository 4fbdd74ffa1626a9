// Activations made of straight pieces.
#include "ops/ops.h"

namespace tt {

static Tensor threshold_backward(const Tensor& g, const Tensor& x, const Scalar& bound) {
  Tensor number = wrapped_number(bound);
  Tensor z = elementwise(Elementwise::threshold_grad, {&g, &x, &number});
  return record(
      "ThresholdBackwardBackward0", z, inputs(g, x), save(x, bound),
      [](const Tensor& h, const Tensor& x, const Scalar& bound) { return threshold_backward(h, x, bound); },
      [](const Tensor& h, const Tensor&, const Scalar&) { return zeros_like(h); });
}

Tensor threshold(const Tensor& x, const Scalar& threshold, const Scalar& value, Out out) {
  if (x.dtype() == DType::Bool) fail_dtype("threshold", x.dtype());
  check_bound("threshold", x.dtype(), threshold);
  check_bound("threshold", x.dtype(), value);
  Tensor bound = wrapped_number(threshold), replacement = wrapped_number(value);
  Tensor y = elementwise_as(Elementwise::threshold, x.dtype(), {&x, &bound, &replacement}, out);
  return record("ThresholdBackward0", y, inputs(x), save(x, threshold), threshold_backward);
}

static Tensor hardtanh_backward(const Tensor& g, const Tensor& x, const Scalar& low, const Scalar& high) {
  Tensor first = wrapped_number(low), last = wrapped_number(high);
  Tensor z = gate(g, elementwise_as(Elementwise::inside, x.dtype(), {&x, &first, &last}));
  return record(
      "HardtanhBackwardBackward0", z, inputs(g, x), save(x, low, high),
      [](const Tensor& h, const Tensor& x, const Scalar& low, const Scalar& high) {
        return hardtanh_backward(h, x, low, high);
      },
      [](const Tensor& h, const Tensor&, const Scalar&, const Scalar&) { return zeros_like(h); });
}

Tensor hardtanh(const Tensor& x, const Scalar& min_val, const Scalar& max_val, Out out) {
  double low = min_val.to<double>(), high = max_val.to<double>();
  check_value(low <= high, "hardtanh: min_val cannot be greater than max_val, got ", min_val, " and ",
              max_val);
  check(x.dtype() != DType::Bool, "hardtanh: Bool inputs not supported for hardtanh");
  check(x.dtype() != DType::UInt8 || (low >= 0 && high >= 0),
        "hardtanh: cannot do hardtanh on an unsigned type with negative limits, got ", min_val, " and ",
        max_val);
  Tensor first = wrapped_number(min_val), last = wrapped_number(max_val);
  Tensor y = elementwise_as(Elementwise::clamp, x.dtype(), {&x, &first, &last}, out);
  return record("HardtanhBackward0", y, inputs(x), save(x, min_val, max_val), hardtanh_backward);
}

Tensor relu6(const Tensor& x, Out out) { return hardtanh(x, 0, 6, out); }

Tensor hardsigmoid(const Tensor& x, Out out) {
  check_floating("hardsigmoid", x);
  Tensor y = unary(Elementwise::hardsigmoid, x, out);
  return record("HardsigmoidBackward0", y, inputs(x), save(x), [](const Tensor& g, const Tensor& x) {
    return where(lt(abs(x), wrapped_number(3)), times(g, 1.0 / 6), wrapped_number(0));
  });
}

static Tensor hardswish_backward(const Tensor& g, const Tensor& x) {
  Tensor z = binary(Elementwise::hardswish_grad, g, x);
  return record(
      "HardswishBackwardBackward0", z, inputs(g, x), save(g, x),
      [](const Tensor& h, const Tensor&, const Tensor& x) { return hardswish_backward(h, x); },
      [](const Tensor& h, const Tensor& g, const Tensor& x) {
        return where(lt(abs(x), wrapped_number(3)), times(mul(h, g), 1.0 / 3), wrapped_number(0));
      });
}

Tensor hardswish(const Tensor& x, Out out) {
  check_floating("hardswish", x);
  Tensor y = unary(Elementwise::hardswish, x, out);
  return record("HardswishBackward0", y, inputs(x), save(x), hardswish_backward);
}

static Tensor shrink_backward(const Tensor& g, const Tensor& x, const double& lambd) {
  Tensor number = wrapped_number(lambd);
  Tensor z = elementwise(Elementwise::shrink_grad, {&g, &x, &number});
  return record(
      "HardshrinkBackwardBackward0", z, inputs(g, x), save(x, lambd),
      [](const Tensor& h, const Tensor& x, const double& lambd) { return shrink_backward(h, x, lambd); },
      [](const Tensor& h, const Tensor&, const double&) { return zeros_like(h); });
}

static Tensor shrink(const char* name, Elementwise op, const Tensor& x, double lambd, Out out) {
  check_floating(info_of(op).name, x);
  Tensor number = wrapped_number(lambd);
  Tensor y = elementwise_as(op, x.dtype(), {&x, &number}, out);
  return record(name, y, inputs(x), save(x, lambd), shrink_backward);
}

Tensor hardshrink(const Tensor& x, double lambd, Out out) {
  return shrink("HardshrinkBackward0", Elementwise::hardshrink, x, lambd, out);
}

Tensor softshrink(const Tensor& x, double lambd, Out out) {
  check(lambd >= 0, "softshrink: lambda must be greater or equal to 0, but found ", lambd);
  return shrink("SoftshrinkBackward0", Elementwise::softshrink, x, lambd, out);
}

}  // namespace tt
