// Sign, powers, logarithms, circular functions and rounding. What is saved is the argument or the result,
// whichever the derivative needs: an op whose derivative needs only its result can run in place without a
// copy.
#include "ops/unary.h"

#include <numbers>

#include "ops/ops.h"

namespace tt {

using std::numbers::ln10;
using std::numbers::ln2;
using std::numbers::pi;

static Tensor no_slope(const Tensor& g) { return zeros_like(g); }

// ---------------------------------------------------------------- sign and size

Tensor neg(const Tensor& x, Out out) {
  check(x.dtype() != DType::Bool,
        "neg: negation, the `-` operator, on a bool tensor is not supported. "
        "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.");
  Tensor y = unary(Elementwise::neg, x, out);
  return record("NegBackward0", y, inputs(x), save(), [](const Tensor& g) { return neg(g); });
}

Tensor abs(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::abs, x, out);
  return record("AbsBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return mul(g, sign(x)); });
}

Tensor sign(const Tensor& x, Out out) {
  return record("SignBackward0", unary(Elementwise::sign, x, out), inputs(x), save(), no_slope);
}

Tensor sgn(const Tensor& x, Out out) {
  return record("SgnBackward0", unary(Elementwise::sign, x, out), inputs(x), save(), no_slope);
}

Tensor positive(const Tensor& x) {
  check(x.dtype() != DType::Bool, "positive: The `+` operator, on a bool tensor is not supported.");
  return x;
}

// Of bool results into a destination: PyTorch takes no other kind here.
static Out boolean_out(const char* op, Out out) {
  check(!out || out.target->dtype() == DType::Bool, op, ": ", op, " does not support non-boolean outputs.");
  return out;
}

Tensor signbit(const Tensor& x, Out out) {
  boolean_out("signbit", out);
  if (x.dtype() == DType::Bool) return binary(Elementwise::logical_xor, x, x, out);
  return unary(Elementwise::signbit, x, out);
}

// ---------------------------------------------------------------- powers and logarithms

Tensor reciprocal(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::reciprocal, x, out);
  return record("ReciprocalBackward0", y, inputs(x), save(y),
                [](const Tensor& g, const Tensor& y) { return neg(mul(g, mul(y, y))); });
}

Tensor sqrt(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::sqrt, x, out);
  return record("SqrtBackward0", y, inputs(x), save(y),
                [](const Tensor& g, const Tensor& y) { return div(g, times(y, 2)); });
}

Tensor rsqrt(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::rsqrt, x, out);
  return record("RsqrtBackward0", y, inputs(x), save(y),
                [](const Tensor& g, const Tensor& y) { return times(mul(g, mul(square(y), y)), -0.5); });
}

Tensor exp(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::exp, x, out);
  return record("ExpBackward0", y, inputs(x), save(y),
                [](const Tensor& g, const Tensor& y) { return mul(g, y); });
}

Tensor exp2(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::exp2, x, out);
  return record("Exp2Backward0", y, inputs(x), save(y),
                [](const Tensor& g, const Tensor& y) { return times(mul(g, y), ln2); });
}

Tensor expm1(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::expm1, x, out);
  return record("Expm1Backward0", y, inputs(x), save(y),
                [](const Tensor& g, const Tensor& y) { return mul(g, plus(y, 1)); });
}

Tensor log(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::log, x, out);
  return record("LogBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return div(g, x); });
}

Tensor log2(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::log2, x, out);
  return record("Log2Backward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return div(g, times(x, ln2)); });
}

Tensor log10(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::log10, x, out);
  return record("Log10Backward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return div(g, times(x, ln10)); });
}

Tensor log1p(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::log1p, x, out);
  return record("Log1PBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return div(g, plus(x, 1)); });
}

// ---------------------------------------------------------------- circular and hyperbolic

static Tensor one_minus(const Tensor& x) { return sub(wrapped_number(1), x); }

Tensor sin(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::sin, x, out);
  return record("SinBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return mul(g, cos(x)); });
}

Tensor cos(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::cos, x, out);
  return record("CosBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return neg(mul(g, sin(x))); });
}

Tensor tan(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::tan, x, out);
  return record("TanBackward0", y, inputs(x), save(y),
                [](const Tensor& g, const Tensor& y) { return mul(g, plus(square(y), 1)); });
}

Tensor asin(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::asin, x, out);
  return record("AsinBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return mul(g, rsqrt(one_minus(square(x)))); });
}

Tensor acos(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::acos, x, out);
  return record("AcosBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return neg(mul(g, rsqrt(one_minus(square(x))))); });
}

Tensor atan(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::atan, x, out);
  return record("AtanBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return div(g, plus(square(x), 1)); });
}

Tensor sinh(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::sinh, x, out);
  return record("SinhBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return mul(g, cosh(x)); });
}

Tensor cosh(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::cosh, x, out);
  return record("CoshBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return mul(g, sinh(x)); });
}

static Tensor tanh_backward(const Tensor& g, const Tensor& y) {
  Tensor z = binary(Elementwise::tanh_grad, g, y);
  return record(
      "TanhBackwardBackward0", z, inputs(g, y), save(g, y),
      [](const Tensor& h, const Tensor&, const Tensor& y) { return tanh_backward(h, y); },
      [](const Tensor& h, const Tensor& g, const Tensor& y) { return times(mul(mul(h, g), y), -2); });
}

Tensor tanh(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::tanh, x, out);
  return record("TanhBackward0", y, inputs(x), save(y), tanh_backward);
}

Tensor asinh(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::asinh, x, out);
  return record("AsinhBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return mul(g, rsqrt(plus(square(x), 1))); });
}

Tensor acosh(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::acosh, x, out);
  return record("AcoshBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return mul(g, rsqrt(plus(square(x), -1))); });
}

Tensor atanh(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::atanh, x, out);
  return record("AtanhBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return div(g, one_minus(square(x))); });
}

Tensor sinc(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::sinc, x, out);
  return record("SincBackward0", y, inputs(x), save(x), [](const Tensor& g, const Tensor& x) {
    Tensor turn = times(x, pi), zero = wrapped_number(0);
    Tensor slope = div(sub(mul(cos(turn), turn), sin(turn)), mul(turn, x));
    return where(eq(x, zero), zero, mul(g, slope));
  });
}

static Tensor scaled_angle(const char* name, const Tensor& x, const Scalar& factor, Out out) {
  Tensor number = wrapped_number(factor), y = binary(Elementwise::mul, x, number, out);
  return record(name, y, inputs(x), save(factor),
                [](const Tensor& g, const Scalar& factor) { return times(g, factor); });
}

Tensor deg2rad(const Tensor& x, Out out) { return scaled_angle("Deg2RadBackward0", x, pi / 180, out); }
Tensor rad2deg(const Tensor& x, Out out) { return scaled_angle("Rad2DegBackward0", x, 180 / pi, out); }

// ---------------------------------------------------------------- rounding

// Integers are their own floor.
static Tensor rounded(const char* name, Elementwise op, const Tensor& x, Out out) {
  if (is_integral(x.dtype())) return deliver(info_of(op).name, out.in_place ? x : clone(x), out);
  check_floating(info_of(op).name, x);
  return record(name, unary(op, x, out), inputs(x), save(), no_slope);
}

Tensor floor(const Tensor& x, Out out) { return rounded("FloorBackward0", Elementwise::floor, x, out); }
Tensor ceil(const Tensor& x, Out out) { return rounded("CeilBackward0", Elementwise::ceil, x, out); }
Tensor trunc(const Tensor& x, Out out) { return rounded("TruncBackward0", Elementwise::trunc, x, out); }

Tensor round(const Tensor& x, Out out) { return rounded("RoundBackward0", Elementwise::round, x, out); }

Tensor round_decimals(const Tensor& x, int64_t decimals) {
  if (decimals == 0) return round(x);
  check_floating("round", x);
  Tensor scale = wrapped_number(std::pow(10.0, std::fabs(double(decimals)))), y;
  {
    GradGuard off(false);
    y = unary(Elementwise::round, decimals > 0 ? mul(x, scale) : div(x, scale));
    y = decimals > 0 ? div(y, scale) : mul(y, scale);
  }
  return record("RoundBackward1", y, inputs(x), save(), no_slope);
}

Tensor frac(const Tensor& x, Out out) {
  check_floating("frac", x);
  return record("FracBackward0", unary(Elementwise::frac, x, out), inputs(x), save(),
                [](const Tensor& g) { return g; });
}

}  // namespace tt
