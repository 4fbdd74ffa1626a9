#include "ops/pairwise.h"

#include <numbers>

#include "ops/ops.h"

namespace tt {

using std::numbers::ln2;

static Tensor zero() { return wrapped_number(0); }

// ---------------------------------------------------------------- geometry

// 1 / (a^2 + b^2), and 0 at the origin
static Tensor inverse_square(const Tensor& a, const Tensor& b) {
  Tensor square_sum = add(square(a), square(b));
  return where(eq(square_sum, zero()), zero(), reciprocal(square_sum));
}

Tensor atan2(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = binary(Elementwise::atan2, a, b, out);
  return record(
      "Atan2Backward0", y, inputs(a, b), save(a, b),
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return mul(g, mul(b, inverse_square(a, b))); },
      [](const Tensor& g, const Tensor& a, const Tensor& b) {
        return mul(g, neg(mul(a, inverse_square(a, b))));
      });
}

Tensor hypot(const Tensor& a, const Tensor& b, Out out) {
  DType type = result_type({&a, &b});
  if (!is_floating(type)) fail_dtype("hypot", type);
  Tensor y = binary(Elementwise::hypot, a, b, out);
  return record(
      "HypotBackward0", y, inputs(a, b), save(a, b, y),
      [](const Tensor& g, const Tensor& a, const Tensor&, const Tensor& y) { return mul(g, div(a, y)); },
      [](const Tensor& g, const Tensor&, const Tensor& b, const Tensor& y) { return mul(g, div(b, y)); });
}

Tensor copysign(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = binary(Elementwise::copysign, a, b, out);
  const char* name = b.body()->wrapped_number ? "CopysignBackward1" : "CopysignBackward0";
  return record(
      name, y, inputs(a, b), save(a, y),
      [](const Tensor& g, const Tensor& a, const Tensor& y) {
        return mul(g, where(eq(a, zero()), zero(), div(y, a)));
      },
      [](const Tensor& g, const Tensor&, const Tensor&) { return zeros_like(g); });
}

Tensor nextafter(const Tensor& a, const Tensor& b, Out out) {
  DType type = result_type({&a, &b});
  if (!is_floating(type) || is_half(type)) fail_dtype("nextafter", type);
  Tensor y = binary(Elementwise::nextafter, a, b, out);
  return record(
      "NextafterBackward0", y, inputs(a, b), save(a, b),
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return where(eq(a, b), zero(), g); },
      [](const Tensor& g, const Tensor&, const Tensor&) { return zeros_like(g); });
}

Tensor heaviside(const Tensor& x, const Tensor& values, Out out) {
  check(x.dtype() == values.dtype(), "heaviside: tensors with different dtypes are not supported, got ",
        name_of(x.dtype()), " and ", name_of(values.dtype()));
  check(!out || out.target->dtype() == x.dtype(),
        "heaviside: tensors with different dtypes are not supported, got ", name_of(x.dtype()),
        " and out of ", name_of(out ? out.target->dtype() : x.dtype()));
  return without_derivative("heaviside", binary(Elementwise::heaviside, x, values, out), x, values);
}

// ---------------------------------------------------------------- exponentials and logarithms

static Tensor sum_of_exponentials(Elementwise op, const Tensor& a, const Tensor& b, Out out) {
  DType type = result_type({&a, &b});
  if (!is_floating(type)) fail_dtype(info_of(op).name, type);
  return binary(op, a, b, out);
}

Tensor logaddexp(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = sum_of_exponentials(Elementwise::logaddexp, a, b, out);
  return record(
      "LogaddexpBackward0", y, inputs(a, b), save(a, b),
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return div(g, plus(exp(sub(b, a)), 1)); },
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return div(g, plus(exp(sub(a, b)), 1)); });
}

Tensor logaddexp2(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = sum_of_exponentials(Elementwise::logaddexp2, a, b, out);
  return record(
      "Logaddexp2Backward0", y, inputs(a, b), save(a, b),
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return div(g, plus(exp2(sub(b, a)), 1)); },
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return div(g, plus(exp2(sub(a, b)), 1)); });
}

Tensor xlogy(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = binary(Elementwise::xlogy, a, b, out);
  bool first = a.body()->wrapped_number, second = b.body()->wrapped_number;
  const char* name = first ? "XlogyBackward1" : second ? "XlogyBackward2" : "XlogyBackward0";
  return record(
      name, y, inputs(a, b), save(a, b),
      [](const Tensor& g, const Tensor& a, const Tensor& b) {
        Tensor vanishes = logical_and(eq(a, zero()), le(b, zero()));
        Tensor slope = b.body()->wrapped_number ? wrapped_number(std::log(item(b).to<double>())) : log(b);
        return where(vanishes, zero(), mul(g, slope));
      },
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return div(mul(g, a), b); });
}

// A whole exponent scales a float without leaving its type, and passes through float64 on the way: 2^200 has
// no place in float32, 1e-30 times it does.
static Tensor scaled_by_power(const Tensor& x, const Tensor& exponent) {
  if (!x.is_floating() || exponent.is_floating()) return mul(x, exp2(exponent));
  if (exponent.dtype() == DType::Bool) fail_dtype("ldexp", exponent.dtype());
  return to_dtype(mul(to_dtype(x, DType::Float64), exp2(to_dtype(exponent, DType::Float64))), x.dtype());
}

Tensor ldexp(const Tensor& x, const Tensor& exponent) {
  Tensor y;
  {
    GradGuard off(false);
    y = scaled_by_power(x, exponent);
  }
  return record(
      "LdexpBackward0", y, inputs(x, exponent), save(kept_if(needs_grad(exponent), x), exponent),
      [](const Tensor& g, const Tensor&, const Tensor& exponent) { return ldexp(g, exponent); },
      [](const Tensor& g, const Tensor& x, const Tensor& exponent) {
        return mul(g, times(ldexp(x, exponent), ln2));
      });
}

// ---------------------------------------------------------------- integers

Tensor gcd(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::gcd, a, b, out); }
Tensor lcm(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::lcm, a, b, out); }

// ---------------------------------------------------------------- three tensors

static Tensor rest_of(const Tensor& weight) {
  if (weight.body()->wrapped_number) return wrapped_number(1 - item(weight).to<double>());
  return sub(wrapped_number(1), weight);
}

Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight, Out out) {
  bool number = weight.body()->wrapped_number;
  check(start.dtype() == end.dtype(), "lerp: expected dtype ", name_of(start.dtype()),
        " for `end` but got dtype ", name_of(end.dtype()));
  check(number || start.dtype() == weight.dtype(), "lerp: expected dtype ", name_of(start.dtype()),
        " for `weight` but got dtype ", name_of(weight.dtype()));
  check_floating("lerp", start);
  Tensor y = elementwise_as(Elementwise::lerp, start.dtype(), {&start, &end, &weight}, out);
  bool third = needs_grad(weight);
  return record(
      number ? "LerpBackward0" : "LerpBackward1", y, inputs(start, end, weight),
      save(weight, kept_if(third, start), kept_if(third, end)),
      [](const Tensor& g, const Tensor& w, const Tensor&, const Tensor&) { return mul(g, rest_of(w)); },
      [](const Tensor& g, const Tensor& w, const Tensor&, const Tensor&) { return mul(g, w); },
      [](const Tensor& g, const Tensor&, const Tensor& a, const Tensor& b) { return mul(g, sub(b, a)); });
}

static bool is_one(const Scalar& value) { return value.to<double>() == 1; }
static Tensor scaled(const Tensor& g, const Scalar& value) { return is_one(value) ? g : times(g, value); }

// x + value * (a op b), the inner result kept wide.
static Tensor add_combined(Elementwise op, const Tensor& x, const Tensor& a, const Tensor& b,
                           const Scalar& value, DType type, Out out) {
  DType wide = is_half(type) ? DType::Float32 : type;
  Tensor inner = elementwise_as(op, wide, {&a, &b}), number = wrapped_number(value);
  return elementwise_as(Elementwise::add_scaled, type, {&x, &inner, &number}, out);
}

Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, const Scalar& value, Out out) {
  DType type = result_type({&x, &a, &b});
  if (type == DType::Bool) fail_dtype("addcmul", type);
  check_unrecorded("addcmul", out, {&x, &a, &b});
  Scalar factor = is_floating(type) ? value : Scalar(value.to<int64_t>());
  Tensor y = is_one(factor) ? elementwise_as(Elementwise::mul_add, type, {&x, &a, &b}, out)
                            : add_combined(Elementwise::mul, x, a, b, factor, type, out);
  return record(
      "AddcmulBackward0", y, inputs(x, a, b),
      save(kept_if(needs_grad(b), a), kept_if(needs_grad(a), b), factor),
      [](const Tensor& g, const Tensor&, const Tensor&, const Scalar&) { return g; },
      [](const Tensor& g, const Tensor&, const Tensor& b, const Scalar& v) { return mul(g, scaled(b, v)); },
      [](const Tensor& g, const Tensor& a, const Tensor&, const Scalar& v) { return mul(g, scaled(a, v)); });
}

Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, const Scalar& value, Out out) {
  check(a.is_floating() || b.is_floating(), "addcdiv: integer division with addcdiv is not supported, got ",
        name_of(a.dtype()), " and ", name_of(b.dtype()), "; use x + value * (a / b) for the quotient");
  check_unrecorded("addcdiv", out, {&x, &a, &b});
  Tensor y = add_combined(Elementwise::div, x, a, b, value, result_type({&x, &a, &b}), out);
  return record(
      "AddcdivBackward0", y, inputs(x, a, b), save(kept_if(needs_grad(b), a), b, value),
      [](const Tensor& g, const Tensor&, const Tensor&, const Scalar&) { return g; },
      [](const Tensor& g, const Tensor&, const Tensor& b, const Scalar& v) {
        return mul(g, scaled(reciprocal(b), v));
      },
      [](const Tensor& g, const Tensor& a, const Tensor& b, const Scalar& v) {
        return neg(mul(g, div(scaled(div(a, b), v), b)));
      });
}

}  // namespace tt
