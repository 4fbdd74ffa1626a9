#include "ops/arithmetic.h"

#include "ops/ops.h"

namespace tt {

// ---------------------------------------------------------------- for the family

void fail_dtype(const char* op, DType type) {
  fail(ErrorKind::NotImplemented, op, ": not implemented for '", legacy_name_of(type), "'");
}

void check_floating(const char* op, const Tensor& x) {
  if (!x.is_floating()) [[unlikely]]
    fail_dtype(op, x.dtype());
}

void check_bound(const char* op, DType type, const Scalar& bound) {
  if (!is_integral(type) || bound.is_real() || type == DType::Int64) return;
  int bits = 8 * int(size_of(type)) - (type == DType::UInt8 ? 0 : 1);
  int64_t highest = (int64_t(1) << bits) - 1, lowest = type == DType::UInt8 ? -highest : -highest - 1;
  check(bound.integer >= lowest && bound.integer <= highest, op, ": value ", bound.integer,
        " cannot be converted to type ", name_of(type), " without overflow");
}

Tensor without_derivative(const char* op, const Tensor& y, const Tensor& a, const Tensor& b) {
  if (!is_floating(y.dtype())) return y;
  return record_joint("NotImplemented", y, inputs(a, b), save(op),
                      [](const Gradients&, Wanted, const char* const& op) -> Gradients {
                        fail(ErrorKind::Runtime, op, ": the derivative is not implemented");
                      });
}

// ---------------------------------------------------------------- sums

static bool is_one(const Scalar& alpha) { return alpha.is_real() ? alpha.real == 1 : alpha.integer == 1; }

static void check_alpha(const char* op, DType type, const Scalar& alpha) {
  check(alpha.dtype != DType::Bool || type == DType::Bool, op,
        ": Boolean alpha only supported for Boolean results.");
  check(!alpha.is_real() || is_floating(type), op,
        ": For integral input tensors, argument alpha must not be a floating point number, got ", alpha);
}

static Scalar negated(const Scalar& alpha) {
  return alpha.is_real() ? Scalar(-alpha.real) : Scalar(int64_t(0 - uint64_t(alpha.integer)));
}

static Tensor scaled(const Tensor& g, const Scalar& alpha) { return is_one(alpha) ? g : times(g, alpha); }

static Tensor record_sum(const char* name, const Tensor& y, const Tensor& a, const Tensor& b,
                         const Scalar& alpha) {
  return record(
      name, y, inputs(a, b), save(alpha), [](const Tensor& g, const Scalar&) { return g; },
      [](const Tensor& g, const Scalar& alpha) { return scaled(g, alpha); });
}

static Tensor add_scaled(const char* op, const Tensor& a, const Tensor& b, const Scalar& alpha, Out out) {
  DType type = result_type({&a, &b});
  check_alpha(op, type, alpha);
  Tensor factor = wrapped_number(alpha);
  if (type == DType::Bool)
    return binary(Elementwise::add, a, mul(b, wrapped_number(alpha.to<double>() != 0)), out);
  return elementwise_as(Elementwise::add_scaled, type, {&a, &b, &factor}, out);
}

Tensor add(const Tensor& a, const Tensor& b, const Scalar& alpha, Out out) {
  if (is_one(alpha)) {
    if (alpha.dtype == DType::Bool) check_alpha("add", result_type({&a, &b}), alpha);
    Tensor y = binary(Elementwise::add, a, b, out);
    return record(
        "AddBackward0", y, inputs(a, b), save(), [](const Tensor& g) { return g; },
        [](const Tensor& g) { return g; });
  }
  return record_sum("AddBackward0", add_scaled("add", a, b, alpha, out), a, b, alpha);
}

static void check_difference(const Tensor& a, const Tensor& b) {
  bool first = a.dtype() == DType::Bool, second = b.dtype() == DType::Bool;
  if (!first && !second) [[likely]]
    return;
  check(!first || !second,
        "sub: subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
        "`logical_xor()` operator instead.");
  fail(ErrorKind::Runtime,
       "sub: subtraction, the `-` operator, with a bool tensor is not supported. If you are trying "
       "to invert a mask, use the `~` or `logical_not()` operator instead.");
}

Tensor sub(const Tensor& a, const Tensor& b, const Scalar& alpha, Out out) {
  check_difference(a, b);
  if (is_one(alpha) && alpha.dtype != DType::Bool) {
    Tensor y = binary(Elementwise::sub, a, b, out);
    const char* name = a.body()->wrapped_number ? "RsubBackward1" : "SubBackward0";
    return record(
        name, y, inputs(a, b), save(), [](const Tensor& g) { return g; },
        [](const Tensor& g) { return neg(g); });
  }
  check_alpha("sub", result_type({&a, &b}), alpha);
  Scalar factor = negated(alpha);
  return record_sum("SubBackward0", add_scaled("sub", a, b, factor, out), a, b, factor);
}

Tensor rsub(const Tensor& a, const Tensor& b, const Scalar& alpha) {
  check_difference(a, b);
  check_alpha("rsub", result_type({&a, &b}), alpha);
  Scalar factor = negated(alpha);
  const char* name = b.body()->wrapped_number ? "RsubBackward1" : "RsubBackward0";
  return record_sum(name, add_scaled("rsub", b, a, factor, {}), b, a, factor);
}

// ---------------------------------------------------------------- products and quotients

Tensor mul(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = binary(Elementwise::mul, a, b, out);
  return record(
      "MulBackward0", y, inputs(a, b), save(kept_if(needs_grad(b), a), kept_if(needs_grad(a), b)),
      [](const Tensor& g, const Tensor&, const Tensor& b) { return mul(g, b); },
      [](const Tensor& g, const Tensor& a, const Tensor&) { return mul(g, a); });
}

Tensor div(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = binary(Elementwise::div, a, b, out);
  return record(
      "DivBackward0", y, inputs(a, b), save(kept_if(needs_grad(b), a), b),
      [](const Tensor& g, const Tensor&, const Tensor& b) { return div(g, b); },
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return neg(mul(g, div(div(a, b), b))); });
}

static Tensor no_slope(const Tensor& g) { return zeros_like(g); }

Tensor divide(const Tensor& a, const Tensor& b, const std::optional<std::string>& rounding_mode, Out out) {
  if (!rounding_mode) return div(a, b, out);
  bool down = *rounding_mode == "floor";
  check(down || *rounding_mode == "trunc",
        "div: expected rounding_mode to be one of None, 'trunc', or 'floor' but "
        "found '",
        *rounding_mode, "'");
  Tensor y = binary(down ? Elementwise::floor_divide : Elementwise::trunc_divide, a, b, out);
  return record("DivBackward2", y, inputs(a, b), save(), no_slope, no_slope);
}

Tensor floor_divide(const Tensor& a, const Tensor& b, Out out) {
  return without_derivative("floor_divide", binary(Elementwise::floor_divide, a, b, out), a, b);
}

Tensor remainder(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = binary(Elementwise::remainder, a, b, out);
  const char* name = b.body()->wrapped_number ? "RemainderBackward0" : "RemainderBackward1";
  return record(
      name, y, inputs(a, b), save(kept_if(needs_grad(b), a), kept_if(needs_grad(b), b)),
      [](const Tensor& g, const Tensor&, const Tensor&) { return g; },
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return neg(mul(g, divide(a, b, "floor"))); });
}

Tensor fmod(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = binary(Elementwise::fmod, a, b, out);
  const char* name = b.body()->wrapped_number ? "FmodBackward0" : "FmodBackward1";
  return record(
      name, y, inputs(a, b), save(kept_if(needs_grad(b), a), kept_if(needs_grad(b), b)),
      [](const Tensor& g, const Tensor&, const Tensor&) { return g; },
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return neg(mul(g, divide(a, b, "trunc"))); });
}

// ---------------------------------------------------------------- powers

// x^exponent, by a cheaper op than pow where there is one.
static Tensor power_value(const Tensor& x, const Tensor& exponent, const Scalar& value, Out out) {
  DType type = result_type({&x, &exponent});
  double e = value.to<double>();
  if (e == 2 && type != DType::Bool) return elementwise_as(Elementwise::square, type, {&x}, out);
  if (e == 3 && type != DType::Bool) return elementwise_as(Elementwise::cube, type, {&x}, out);
  if (e == 1 && type == DType::Bool) return binary(Elementwise::bitwise_and, x, exponent, out);
  if (!is_floating(type)) {
    check_bound("pow", type, value);
    check(e >= 0, "pow: Integers to negative integer powers are not allowed, got exponent ", value);
    return binary(Elementwise::pow, x, exponent, out);
  }
  if (e == 0.5) return elementwise_as(Elementwise::sqrt, type, {&x}, out);
  if (e == -0.5) return elementwise_as(Elementwise::rsqrt, type, {&x}, out);
  if (e == -1) return elementwise_as(Elementwise::reciprocal, type, {&x}, out);
  return binary(Elementwise::pow, x, exponent, out);
}

static Tensor power_slope(const Tensor& g, const Tensor& x, const Scalar& exponent) {
  if (exponent.to<double>() == 0) return zeros_like(g);
  if (exponent.to<double>() == 2) return mul(g, times(x, 2));
  Scalar lower = exponent.is_real() ? Scalar(exponent.real - 1) : Scalar(exponent.integer - 1);
  return mul(g, times(power(x, lower), exponent));
}

static Tensor power_of_number(const Tensor& base, const Tensor& b, Out out) {
  Tensor y = binary(Elementwise::pow, base, b, out);
  return record("PowBackward2", y, inputs(b), save(b, y, item(base)),
                [](const Tensor& g, const Tensor& b, const Tensor& y, const Scalar& base) {
                  Tensor slope = times(mul(g, y), std::log(base.to<double>()));
                  if (base.to<double>() != 0) return slope;
                  return where(ge(b, wrapped_number(0)), wrapped_number(0), slope);
                });
}

Tensor pow(const Tensor& a, const Tensor& b, Out out) {
  if (b.body()->wrapped_number) {
    check_type(!a.body()->wrapped_number, "pow: at least one of the base and the exponent must be a Tensor");
    Scalar exponent = item(b);
    Tensor y = power_value(a, b, exponent, out);
    return record("PowBackward0", y, inputs(a), save(a, exponent), power_slope);
  }
  if (a.body()->wrapped_number) return power_of_number(a, b, out);
  Tensor y = binary(Elementwise::pow, a, b, out);
  bool second = needs_grad(b);
  return record(
      "PowBackward1", y, inputs(a, b), save(a, b, kept_if(second, y)),
      [](const Tensor& g, const Tensor& a, const Tensor& b, const Tensor&) {
        Tensor slope = mul(b, pow(a, sub(b, wrapped_number(1))));
        return mul(g, where(eq(b, wrapped_number(0)), wrapped_number(0), slope));
      },
      [](const Tensor& g, const Tensor& a, const Tensor& b, const Tensor& y) {
        Tensor zero = wrapped_number(0);
        return mul(g, where(bitwise_and(eq(a, zero), ge(b, zero)), zero, mul(y, log(a))));
      });
}

Tensor float_power(const Tensor& a, const Tensor& b, Out out) {
  check(!out || out.target->dtype() == DType::Float64, "float_power: the output has dtype ",
        name_of(out ? out.target->dtype() : DType::Float64),
        " but the operation's result requires dtype float64");
  auto widened = [](const Tensor& x) { return x.body()->wrapped_number ? x : to_dtype(x, DType::Float64); };
  return pow(widened(a), widened(b), out);
}

Tensor float_power_(const Tensor& self, const Tensor& exponent) {
  check(self.dtype() == DType::Float64, "float_power_: the base has dtype ", name_of(self.dtype()),
        " but the operation's result requires dtype float64");
  bool recording = any_needs_grad(inputs(self, exponent));
  return in_place("float_power_", self, true, recording,
                  [&](const Tensor& base, Out out) { return pow(base, exponent, out); });
}

Tensor square(const Tensor& x, Out out) {
  if (x.dtype() == DType::Bool) return pow(x, wrapped_number(2), out);
  Tensor y = unary(Elementwise::square, x, out);
  return record("PowBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return mul(g, times(x, 2)); });
}

bool any_zero(const Tensor& x) {
  if (x.count() == 1 && x.device().is_cpu()) return item(x).to<double>() == 0;
  return item(any(eq(x, wrapped_number(0)))).integer != 0;
}
bool any_nan(const Tensor& x) { return item(any(ne(x, x))).integer != 0; }

}  // namespace tt
