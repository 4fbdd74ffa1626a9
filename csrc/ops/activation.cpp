// Activations. The derivatives that every training step runs are fused into one pass, and have derivatives of
// their own; those of the rarer ones are composed.
#include "ops/activation.h"

#include <limits>
#include <numbers>

#include "ops/ops.h"

namespace tt {

using std::numbers::inv_sqrtpi;
using std::numbers::pi;
using std::numbers::sqrt2;

static Tensor one_minus(const Tensor& x) { return sub(wrapped_number(1), x); }
static Tensor no_slope(const Tensor& g) { return zeros_like(g); }

// ---------------------------------------------------------------- relu and sigmoid

static Tensor relu_backward(const Tensor& g, const Tensor& y) {
  Tensor z = gate(g, y);
  return record(
      "ThresholdBackwardBackward0", z, inputs(g, y), save(y),
      [](const Tensor& h, const Tensor& y) { return relu_backward(h, y); },
      [](const Tensor& h, const Tensor&) { return no_slope(h); });
}

Tensor relu(const Tensor& x, Out out) {
  check(x.dtype() != DType::Bool, "relu: Boolean inputs not supported for relu");
  Tensor y = unary(Elementwise::relu, x, out);
  return record("ReluBackward0", y, inputs(x), save(y), relu_backward);
}

static Tensor sigmoid_backward(const Tensor& g, const Tensor& y) {
  Tensor z = binary(Elementwise::sigmoid_grad, g, y);
  return record(
      "SigmoidBackwardBackward0", z, inputs(g, y), save(g, y),
      [](const Tensor& h, const Tensor&, const Tensor& y) { return sigmoid_backward(h, y); },
      [](const Tensor& h, const Tensor& g, const Tensor& y) {
        return mul(mul(h, g), one_minus(times(y, 2)));
      });
}

Tensor sigmoid(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::sigmoid, x, out);
  return record("SigmoidBackward0", y, inputs(x), save(y), sigmoid_backward);
}

// x sigmoid(x)
static Tensor silu_curve(const Tensor& x) {  // s' (2 + x (1 - 2 s)) with s' = s (1 - s)
  Tensor s = sigmoid(x);
  return mul(mul(s, one_minus(s)), plus(mul(x, one_minus(times(s, 2))), 2));
}

static Tensor silu_backward(const Tensor& g, const Tensor& x) {
  Tensor z = binary(Elementwise::silu_grad, g, x);
  return record(
      "SiluBackwardBackward0", z, inputs(g, x), save(g, x),
      [](const Tensor& h, const Tensor&, const Tensor& x) { return silu_backward(h, x); },
      [](const Tensor& h, const Tensor& g, const Tensor& x) { return mul(mul(h, g), silu_curve(x)); });
}

Tensor silu(const Tensor& x, Out out) {
  check_floating("silu", x);
  Tensor y = unary(Elementwise::silu, x, out);
  return record("SiluBackward0", y, inputs(x), save(x), silu_backward);
}

Tensor softsign(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::softsign, x, out);
  return record("SoftsignBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return div(g, square(plus(abs(x), 1))); });
}

Tensor logsigmoid(const Tensor& x, Out out) {
  check_floating("logsigmoid", x);
  Tensor y = unary(Elementwise::log_sigmoid, x, out);
  return record("LogSigmoidBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return mul(g, sigmoid(neg(x))); });
}

// ---------------------------------------------------------------- gelu

// The second derivative, (2 - x^2) phi(x) with the normal density phi
static Tensor gelu_curve(const Tensor& x) {
  Tensor square_ = square(x), density = times(exp(times(square_, -0.5)), inv_sqrtpi / sqrt2);
  return mul(sub(wrapped_number(2), square_), density);
}

// x s(u) with s the sigmoid and u = k (x + c x^3): s' (2 u' + x u'') + x s'' u'^2
static Tensor gelu_tanh_curve(const Tensor& x) {
  const double k = 2 * sqrt2 * inv_sqrtpi, c = 0.044715;
  Tensor square_ = square(x), s = sigmoid(mul(x, plus(times(square_, k * c), k))),
         slope = mul(s, one_minus(s));
  Tensor u1 = plus(times(square_, 3 * k * c), k), bend = mul(slope, one_minus(times(s, 2)));
  Tensor first = mul(slope, times(u1, 2)), rest = mul(slope, times(square_, 6 * k * c));
  return add(add(first, rest), mul(mul(x, bend), square(u1)));
}

template <Elementwise op, Tensor (*curve)(const Tensor&)>
static Tensor gelu_backward(const Tensor& g, const Tensor& x) {
  Tensor z = binary(op, g, x);
  return record(
      "GeluBackwardBackward0", z, inputs(g, x), save(g, x),
      [](const Tensor& h, const Tensor&, const Tensor& x) { return gelu_backward<op, curve>(h, x); },
      [](const Tensor& h, const Tensor& g, const Tensor& x) { return mul(mul(h, g), curve(x)); });
}

Tensor gelu(const Tensor& x, const std::string& approximate) {
  bool by_tanh = approximate == "tanh";
  check(by_tanh || approximate == "none", "gelu: approximate argument must be either none or tanh, got ",
        approximate);
  check_floating("gelu", x);
  if (by_tanh)
    return record("GeluBackward0", unary(Elementwise::gelu_tanh, x), inputs(x), save(x),
                  gelu_backward<Elementwise::gelu_tanh_grad, gelu_tanh_curve>);
  return record("GeluBackward0", unary(Elementwise::gelu, x), inputs(x), save(x),
                gelu_backward<Elementwise::gelu_grad, gelu_curve>);
}

// ---------------------------------------------------------------- mish and softplus

// d^2/dx^2 of x t(x) with t = tanh(softplus(x)): 2 t' + x t'', t' = (1 - t^2) s, t'' = t' (1 - s - 2 t s)
static Tensor mish_curve(const Tensor& x) {
  Tensor s = sigmoid(x), t = tanh(softplus(x)), slope = mul(one_minus(square(t)), s);
  return mul(slope, plus(mul(x, sub(one_minus(s), times(mul(t, s), 2))), 2));
}

static Tensor mish_backward(const Tensor& g, const Tensor& x) {
  Tensor z = binary(Elementwise::mish_grad, g, x);
  return record(
      "MishBackwardBackward0", z, inputs(g, x), save(g, x),
      [](const Tensor& h, const Tensor&, const Tensor& x) { return mish_backward(h, x); },
      [](const Tensor& h, const Tensor& g, const Tensor& x) { return mul(mul(h, g), mish_curve(x)); });
}

Tensor mish(const Tensor& x, Out out) {
  check_floating("mish", x);
  Tensor y = unary(Elementwise::mish, x, out);
  return record("MishBackward0", y, inputs(x), save(x), mish_backward);
}

Tensor softplus(const Tensor& x, double beta, double threshold, Out out) {
  check_floating("softplus", x);
  Tensor slope = wrapped_number(beta), bound = wrapped_number(threshold);
  Tensor y = elementwise_as(Elementwise::softplus, x.dtype(), {&x, &slope, &bound}, out);
  return record("SoftplusBackward0", y, inputs(x), save(x, beta, threshold),
                [](const Tensor& g, const Tensor& x, const double& beta, const double& threshold) {
                  Tensor scaled = beta == 1 ? x : times(x, beta);
                  return where(gt(scaled, wrapped_number(threshold)), g, mul(g, sigmoid(scaled)));
                });
}

// ---------------------------------------------------------------- elu and its kin

static Tensor elu_backward(const Tensor& g, const Tensor& x, const double& alpha) {
  Tensor number = wrapped_number(alpha);
  Tensor z = elementwise(Elementwise::elu_grad, {&g, &x, &number});
  return record(
      "EluBackwardBackward0", z, inputs(g, x), save(g, x, alpha),
      [](const Tensor& h, const Tensor&, const Tensor& x, const double& alpha) {
        return elu_backward(h, x, alpha);
      },
      [](const Tensor& h, const Tensor& g, const Tensor& x, const double& alpha) {
        Tensor curve = times(exp(x), alpha), zero = wrapped_number(0);
        return mul(mul(h, g), where(lt(x, zero), curve, zero));
      });
}

static Tensor scaled_elu(const char* name, const Tensor& x, double alpha, double scale, Out out) {
  check_floating(name, x);
  Tensor first = wrapped_number(alpha), second = wrapped_number(scale);
  Tensor y = elementwise_as(Elementwise::elu, x.dtype(), {&x, &first, &second}, out);
  return record("EluBackward0", y, inputs(x), save(x, alpha, scale),
                [](const Tensor& g, const Tensor& x, const double& alpha, const double& scale) {
                  return elu_backward(scale == 1 ? g : times(g, scale), x, alpha);
                });
}

Tensor elu(const Tensor& x, double alpha, Out out) { return scaled_elu("elu", x, alpha, 1, out); }
Tensor selu(const Tensor& x, Out out) {
  return scaled_elu("selu", x, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946, out);
}

// max(x, 0) + min(0, alpha (e^(x / alpha) - 1))
Tensor celu(const Tensor& x, double alpha) {
  check(alpha != 0, "celu: ZeroDivisionError: alpha cannot be 0 for CELU");
  check_floating("celu", x);
  Tensor zero = wrapped_number(0), y;
  {
    GradGuard off(false);
    y = where(gt(x, zero), x, times(expm1(times(x, 1 / alpha)), alpha));
  }
  return record("CeluBackward0", y, inputs(x), save(x, alpha),
                [](const Tensor& g, const Tensor& x, const double& alpha) {
                  Tensor zero = wrapped_number(0);
                  return mul(g, exp(times(where(lt(x, zero), x, zero), 1 / alpha)));
                });
}

// ---------------------------------------------------------------- leaky

static Tensor leaky_backward(const Tensor& g, const Tensor& x, const Tensor& slope) {
  Tensor z = elementwise(Elementwise::leaky_relu_grad, {&g, &x, &slope});
  return record(
      "LeakyReluBackwardBackward0", z, inputs(g, x, slope), save(kept_if(needs_grad(slope), g), x, slope),
      [](const Tensor& h, const Tensor&, const Tensor& x, const Tensor& slope) {
        return leaky_backward(h, x, slope);
      },
      [](const Tensor& h, const Tensor&, const Tensor&, const Tensor&) { return no_slope(h); },
      [](const Tensor& h, const Tensor& g, const Tensor& x, const Tensor&) {
        return where(ge(x, wrapped_number(0)), wrapped_number(0), mul(h, g));
      });
}

static Tensor leaky(const char* op, const char* name, const Tensor& x, double negative_slope, Out out) {
  check_floating(op, x);
  Tensor slope = wrapped_number(negative_slope);
  Tensor y = elementwise_as(Elementwise::leaky_relu, x.dtype(), {&x, &slope}, out);
  return record(name, y, inputs(x), save(x, slope), leaky_backward);
}

Tensor leaky_relu(const Tensor& x, double negative_slope, Out out) {
  return leaky("leaky_relu", "LeakyReluBackward0", x, negative_slope, out);
}

// One weight for all, or one per channel (dimension 1).
static Tensor channel_weight(const Tensor& x, const Tensor& weight) {
  check(weight.rank() <= 1,
        "prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = ", weight.rank());
  check(x.dtype() == weight.dtype(), "prelu: Type promoting not supported. Got ", legacy_name_of(x.dtype()),
        " and ", legacy_name_of(weight.dtype()));
  if (weight.rank() == 0) return weight;
  if (weight.count() != 1) {
    check(x.rank() > 0, "prelu: Not allow zero-dim input tensor.");
    int64_t channels = x.rank() > 1 ? x.sizes()[1] : 1;
    check(channels == weight.count(),
          "prelu: Mismatch of parameter numbers and input channel size. Found parameter "
          "numbers = ",
          weight.count(), " and channel size = ", channels);
  }
  if (x.rank() == 0) return reshape(weight, {});
  Shape sizes = Shape::filled(x.rank(), 1);
  sizes[x.rank() > 1 ? 1 : 0] = weight.count();
  return reshape(weight, sizes);
}

Tensor prelu(const Tensor& x, const Tensor& weight) {
  Tensor slope = channel_weight(x, weight);
  check_floating("prelu", x);
  Tensor y = elementwise_as(Elementwise::leaky_relu, x.dtype(), {&x, &slope});
  return record("PreluKernelBackward0", y, inputs(x, slope), save(x, slope), leaky_backward,
                [](const Tensor& g, const Tensor& x, const Tensor&) {
                  return where(ge(x, wrapped_number(0)), wrapped_number(0), mul(g, x));
                });
}

// A slope for each value that is not positive, drawn in float64 and in order, as PyTorch draws them; 1 for
// the rest.
static Tensor random_slopes(const Tensor& x, double lower, double upper) {
  GradGuard off(false);
  Tensor negative = le(x, wrapped_number(0));
  int64_t count = item(sum(negative)).integer;
  Tensor drawn = uniform_(empty({count}, DType::Float64, x.device()), lower, upper, default_generator());
  return masked_scatter(ones_like(x), negative, to_dtype(drawn, x.dtype()));
}

Tensor rrelu(const Tensor& x, double lower, double upper, bool training) {
  check(lower <= upper, "rrelu: Lower bound should be less than or equal to the upper bound, got ", lower,
        " and ", upper);
  if (!training) return leaky("rrelu", "RreluWithNoiseBackward0", x, (lower + upper) / 2, {});
  check_floating("rrelu", x);
  Tensor slopes = random_slopes(x, lower, upper);
  return record("RreluWithNoiseBackward0", binary(Elementwise::mul, x, slopes), inputs(x), save(slopes),
                [](const Tensor& g, const Tensor& slopes) { return mul(g, slopes); });
}

}  // namespace tt
