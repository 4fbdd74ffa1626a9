#include "ops/arithmetic.h"

#include "ops/ops.h"

namespace tt {

// ---------------------------------------------------------------- one argument

Tensor neg(const Tensor& x, Out out) {
  check(x.dtype() != DType::Bool, "neg: negation, the `-` operator, on a bool tensor is not supported. "
        "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.");
  Tensor y = unary(Elementwise::neg, x, out);
  return record("NegBackward0", y, inputs(x), save(), [](const Tensor& g) { return neg(g); });
}

Tensor abs(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::abs, x, out);
  return record("AbsBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return mul(g, unary(Elementwise::sign, detach(x))); });
}

Tensor exp(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::exp, x, out);
  return record("ExpBackward0", y, inputs(x), save(y), [](const Tensor& g, const Tensor& y) { return mul(g, y); });
}

Tensor log(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::log, x, out);
  return record("LogBackward0", y, inputs(x), save(x), [](const Tensor& g, const Tensor& x) { return div(g, x); });
}

// ---------------------------------------------------------------- two arguments

static bool is_one(const Scalar& alpha) { return alpha.is_real() ? alpha.real == 1 : alpha.integer == 1; }

static void check_alpha(const char* op, DType type, const Scalar& alpha) {
  check(alpha.dtype != DType::Bool || type == DType::Bool, op, ": Boolean alpha only supported for Boolean results.");
  check(!alpha.is_real() || is_floating(type), op,
        ": For integral input tensors, argument alpha must not be a floating point number.");
}

static Tensor scaled(const Tensor& g, const Scalar& alpha) {
  return is_one(alpha) ? g : mul(g, wrapped_number(alpha));
}

Tensor add(const Tensor& a, const Tensor& b, const Scalar& alpha, Out out) {
  if (is_one(alpha)) {
    Tensor y = binary(Elementwise::add, a, b, out);
    return record("AddBackward0", y, inputs(a, b), save(), [](const Tensor& g) { return g; },
                  [](const Tensor& g) { return g; });
  }
  check_alpha("add", result_type({&a, &b}), alpha);
  Tensor factor = wrapped_number(alpha);
  Tensor y = elementwise(Elementwise::add_scaled, {&a, &b, &factor}, out);
  return record("AddBackward0", y, inputs(a, b), save(alpha), [](const Tensor& g, const Scalar&) { return g; },
                [](const Tensor& g, const Scalar& alpha) { return scaled(g, alpha); });
}

static Scalar negated(const Scalar& alpha) { return alpha.is_real() ? Scalar(-alpha.real) : Scalar(-alpha.integer); }

Tensor sub(const Tensor& a, const Tensor& b, const Scalar& alpha, Out out) {
  check(a.dtype() != DType::Bool || b.dtype() != DType::Bool, "sub: subtraction, the `-` operator, with two bool tensors "
        "is not supported. Use the `^` or `logical_xor()` operator instead.");
  check(a.dtype() != DType::Bool && b.dtype() != DType::Bool, "sub: subtraction, the `-` operator, with a bool tensor is "
        "not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.");
  if (!is_one(alpha)) {
    check_alpha("sub", result_type({&a, &b}), alpha);
    return add(a, b, negated(alpha), out);
  }
  Tensor y = binary(Elementwise::sub, a, b, out);
  return record("SubBackward0", y, inputs(a, b), save(), [](const Tensor& g) { return g; },
                [](const Tensor& g) { return neg(g); });
}

Tensor mul(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = binary(Elementwise::mul, a, b, out);
  return record("MulBackward0", y, inputs(a, b), save(a, b),
                [](const Tensor& g, const Tensor&, const Tensor& b) { return mul(g, b); },
                [](const Tensor& g, const Tensor& a, const Tensor&) { return mul(g, a); });
}

Tensor div(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = binary(Elementwise::div, a, b, out);
  return record("DivBackward0", y, inputs(a, b), save(a, b),
                [](const Tensor& g, const Tensor&, const Tensor& b) { return div(g, b); },
                [](const Tensor& g, const Tensor& a, const Tensor& b) { return neg(mul(g, div(div(a, b), b))); });
}

Tensor pow(const Tensor& a, const Tensor& b, Out out) {
  DType type = result_type({&a, &b});
  if (!is_floating(type) && b.body()->wrapped_number)
    check(item(b).integer >= 0, "pow: Integers to negative integer powers are not allowed, got exponent ", item(b));
  Tensor y = binary(Elementwise::pow, a, b, out);
  return record("PowBackward0", y, inputs(a, b), save(a, b, y),
                [](const Tensor& g, const Tensor& a, const Tensor& b, const Tensor&) {
                  Tensor slope = mul(b, pow(a, sub(b, wrapped_number(1))));
                  return mul(g, where(eq(b, wrapped_number(0)), wrapped_number(0), slope));
                },
                [](const Tensor& g, const Tensor& a, const Tensor& b, const Tensor& y) {
                  Tensor zero = wrapped_number(0);
                  return mul(g, where(bitwise_and(eq(a, zero), ge(b, zero)), zero, mul(y, log(a))));
                });
}

Tensor floor_divide(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::floor_divide, a, b, out); }

Tensor remainder(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = binary(Elementwise::remainder, a, b, out);
  return record("RemainderBackward0", y, inputs(a, b), save(a, b),
                [](const Tensor& g, const Tensor&, const Tensor&) { return g; },
                [](const Tensor& g, const Tensor& a, const Tensor& b) {
                  return neg(mul(g, floor_divide(detach(a), detach(b))));
                });
}

// ---------------------------------------------------------------- bits

Tensor bitwise_not(const Tensor& x, Out out) { return unary(Elementwise::bitwise_not, x, out); }
Tensor bitwise_and(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::bitwise_and, a, b, out); }
Tensor bitwise_or(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::bitwise_or, a, b, out); }
Tensor bitwise_xor(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::bitwise_xor, a, b, out); }
Tensor shift_left(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::shift_left, a, b, out); }
Tensor shift_right(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::shift_right, a, b, out); }

// ---------------------------------------------------------------- comparison and choice

Tensor eq(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::eq, a, b, out); }
Tensor ne(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::ne, a, b, out); }
Tensor lt(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::lt, a, b, out); }
Tensor le(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::le, a, b, out); }
Tensor gt(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::gt, a, b, out); }
Tensor ge(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::ge, a, b, out); }

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b, Out out) {
  check(condition.dtype() == DType::Bool || condition.dtype() == DType::UInt8,
        "where: expected condition to be a boolean tensor, but got a tensor with dtype ",
        legacy_name_of(condition.dtype()));
  Tensor y = elementwise_as(Elementwise::where, result_type({&a, &b}), {&condition, &a, &b}, out);
  return record("WhereBackward0", y, inputs(condition, a, b), save(condition),
                [](const Tensor&, const Tensor&) { return Tensor(); },
                [](const Tensor& g, const Tensor& condition) { return where(condition, g, wrapped_number(0)); },
                [](const Tensor& g, const Tensor& condition) { return where(condition, wrapped_number(0), g); });
}

bool any_zero(const Tensor& x) { return item(any(eq(x, wrapped_number(0)))).integer != 0; }
bool any_nan(const Tensor& x) { return item(any(ne(x, x))).integer != 0; }

}  // namespace tt
