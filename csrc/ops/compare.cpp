#include "ops/compare.h"

#include <limits>

#include "ops/ops.h"

namespace tt {

// ---------------------------------------------------------------- comparison

// A truth value carries no gradient, not even where it replaced a number in place.
static Tensor truth(const Tensor& y, const Tensor& a, Out out) {
  if (!out.in_place || !y.is_floating()) return y;
  return record("NotDifferentiable", y, inputs(a), save(), [](const Tensor& g) { return zeros_like(g); });
}

// Half types compare in float32: a number is rounded to the half type first, so that half(0.1) == 0.1 holds.
static Tensor compare(Elementwise op, const Tensor& a, const Tensor& b, Out out) {
  bool rounds = b.body()->wrapped_number && is_half(a.dtype());
  return truth(rounds ? binary(op, a, number_like(a, item(b)), out) : binary(op, a, b, out), a, out);
}

Tensor eq(const Tensor& a, const Tensor& b, Out out) { return compare(Elementwise::eq, a, b, out); }
Tensor ne(const Tensor& a, const Tensor& b, Out out) { return compare(Elementwise::ne, a, b, out); }
Tensor lt(const Tensor& a, const Tensor& b, Out out) { return compare(Elementwise::lt, a, b, out); }
Tensor le(const Tensor& a, const Tensor& b, Out out) { return compare(Elementwise::le, a, b, out); }
Tensor gt(const Tensor& a, const Tensor& b, Out out) { return compare(Elementwise::gt, a, b, out); }
Tensor ge(const Tensor& a, const Tensor& b, Out out) { return compare(Elementwise::ge, a, b, out); }

Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  check(a.dtype() == b.dtype(), "isclose: ", legacy_name_of(a.dtype()), " did not match ",
        legacy_name_of(b.dtype()));
  check(rtol >= 0, "isclose: rtol must be greater than or equal to zero, but got ", rtol);
  check(atol >= 0, "isclose: atol must be greater than or equal to zero, but got ", atol);
  GradGuard off(false);
  Tensor close = eq(a, b);
  if (equal_nan && a.is_floating()) close = logical_or(close, logical_and(isnan(a), isnan(b)));
  if (rtol == 0 && atol == 0) return close;
  Tensor x = a.is_floating() ? a : to_dtype(a, default_dtype()),
         y = a.is_floating() ? b : to_dtype(b, default_dtype());
  Tensor gap = abs(sub(x, y)), allowed = plus(abs(times(y, rtol)), atol);
  return logical_or(close, logical_and(isfinite(gap), le(gap, allowed)));
}

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  return item(any(logical_not(isclose(a, b, rtol, atol, equal_nan)))).integer == 0;
}

bool equal(const Tensor& a, const Tensor& b) {
  common_device("equal", {&a, &b});
  if (!(a.sizes() == b.sizes())) return false;
  return item(any(ne(a, b))).integer == 0;
}

// ---------------------------------------------------------------- logic and bits

Tensor logical_not(const Tensor& x, Out out) {
  return truth(unary(Elementwise::logical_not, x, out), x, out);
}
Tensor logical_and(const Tensor& a, const Tensor& b, Out out) {
  return compare(Elementwise::logical_and, a, b, out);
}
Tensor logical_or(const Tensor& a, const Tensor& b, Out out) {
  return compare(Elementwise::logical_or, a, b, out);
}
Tensor logical_xor(const Tensor& a, const Tensor& b, Out out) {
  return compare(Elementwise::logical_xor, a, b, out);
}

Tensor bitwise_not(const Tensor& x, Out out) { return unary(Elementwise::bitwise_not, x, out); }
Tensor bitwise_and(const Tensor& a, const Tensor& b, Out out) {
  return binary(Elementwise::bitwise_and, a, b, out);
}
Tensor bitwise_or(const Tensor& a, const Tensor& b, Out out) {
  return binary(Elementwise::bitwise_or, a, b, out);
}
Tensor bitwise_xor(const Tensor& a, const Tensor& b, Out out) {
  return binary(Elementwise::bitwise_xor, a, b, out);
}
Tensor shift_left(const Tensor& a, const Tensor& b, Out out) {
  return binary(Elementwise::shift_left, a, b, out);
}
Tensor shift_right(const Tensor& a, const Tensor& b, Out out) {
  return binary(Elementwise::shift_right, a, b, out);
}

// ---------------------------------------------------------------- choice

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b, Out out) {
  check(condition.dtype() == DType::Bool || condition.dtype() == DType::UInt8,
        "where: expected condition to be a boolean tensor, but got a tensor with dtype ",
        legacy_name_of(condition.dtype()));
  Tensor y = elementwise_as(Elementwise::where, result_type({&a, &b}), {&condition, &a, &b}, out);
  return record(
      "WhereBackward0", y, inputs(a, b), save(condition),
      [](const Tensor& g, const Tensor& condition) { return where(condition, g, wrapped_number(0)); },
      [](const Tensor& g, const Tensor& condition) { return where(condition, wrapped_number(0), g); });
}

// Where the two are equal, each gets half of the gradient.
static Tensor extreme_slope(const Tensor& g, const Tensor& a, const Tensor& b, bool loses_below) {
  Tensor lost = loses_below ? lt(a, b) : gt(a, b);
  return where(eq(a, b), times(g, 0.5), where(lost, wrapped_number(0), g));
}

Tensor maximum(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = binary(Elementwise::maximum, a, b, out);
  return record(
      "MaximumBackward0", y, inputs(a, b), save(a, b),
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return extreme_slope(g, a, b, true); },
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return extreme_slope(g, b, a, true); });
}

Tensor minimum(const Tensor& a, const Tensor& b, Out out) {
  Tensor y = binary(Elementwise::minimum, a, b, out);
  return record(
      "MinimumBackward0", y, inputs(a, b), save(a, b),
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return extreme_slope(g, a, b, false); },
      [](const Tensor& g, const Tensor& a, const Tensor& b) { return extreme_slope(g, b, a, false); });
}

// fmax and fmin pass over a NaN; the first of two equals gets the whole gradient.
static Tensor record_choice(const char* name, const Tensor& y, const Tensor& a, const Tensor& b,
                            Tensor (*better)(const Tensor&, const Tensor&, Out)) {
  Tensor first;
  if (any_needs_grad(inputs(a, b))) first = logical_or(better(a, b, {}), ne(b, b));
  return record(
      name, y, inputs(a, b), save(first),
      [](const Tensor& g, const Tensor& first) { return where(first, g, wrapped_number(0)); },
      [](const Tensor& g, const Tensor& first) { return where(first, wrapped_number(0), g); });
}

Tensor fmax(const Tensor& a, const Tensor& b, Out out) {
  return record_choice("FmaxBackward0", binary(Elementwise::fmax, a, b, out), a, b, ge);
}

Tensor fmin(const Tensor& a, const Tensor& b, Out out) {
  return record_choice("FminBackward0", binary(Elementwise::fmin, a, b, out), a, b, le);
}

// ---------------------------------------------------------------- clamp

static bool is_number(const Tensor& x) { return x.body()->wrapped_number; }

static void check_bound(const char* op, DType type, const Tensor& bound) {
  if (is_number(bound)) check_bound(op, type, item(bound));
}

constexpr double infinity = std::numeric_limits<double>::infinity();

// What stays as it is passes the gradient on.
static Tensor clamp_slope(const Tensor& g, const Tensor& x, const Scalar& low, const Scalar& high) {
  Tensor first = wrapped_number(low), last = wrapped_number(high);
  Tensor z = gate(g, elementwise_as(Elementwise::within, x.dtype(), {&x, &first, &last}));
  return record("ClampBackwardBackward0", z, inputs(g), save(x, low, high), clamp_slope);
}

static Tensor clamp_to_numbers(const char* name, const Tensor& y, const Tensor& x, const Scalar& low,
                               const Scalar& high) {
  return record(name, y, inputs(x), save(x, low, high), clamp_slope);
}

static Tensor clamp_to_tensors(const Tensor& x, const Tensor& low, const Tensor& high, DType type, Out out) {
  Tensor y = elementwise_as(Elementwise::clamp, type, {&x, &low, &high}, out);
  return record(
      "ClampBackward0", y, inputs(x, low, high), save(x, low, high),
      [](const Tensor& g, const Tensor& x, const Tensor& low, const Tensor& high) {
        return where(logical_and(ge(x, low), le(x, high)), g, wrapped_number(0));
      },
      [](const Tensor& g, const Tensor& x, const Tensor& low, const Tensor& high) {
        return where(logical_and(lt(x, low), lt(low, high)), g, wrapped_number(0));
      },
      [](const Tensor& g, const Tensor& x, const Tensor& low, const Tensor& high) {
        return where(logical_or(gt(x, high), gt(low, high)), g, wrapped_number(0));
      });
}

// One bound. `inside` and `outside` say which values are kept and which are replaced.
using Relation = Tensor (*)(const Tensor&, const Tensor&, Out);
template <Relation inside, Relation outside>
static Tensor clamp_to_tensor(const char* name, Elementwise op, const Tensor& x, const Tensor& bound,
                              Out out) {
  Tensor y = binary(op, x, bound, out);
  return record(
      name, y, inputs(x, bound), save(x, bound),
      [](const Tensor& g, const Tensor& x, const Tensor& bound) {
        return where(inside(x, bound, {}), g, wrapped_number(0));
      },
      [](const Tensor& g, const Tensor& x, const Tensor& bound) {
        return where(outside(x, bound, {}), g, wrapped_number(0));
      });
}

static Tensor clamp_below(const char* number_name, const char* tensor_name, const Tensor& x,
                          const Tensor& min, Out out) {
  check_bound("clamp", result_type({&x, &min}), min);
  if (is_number(min))
    return clamp_to_numbers(number_name, binary(Elementwise::maximum, x, min, out), x, item(min), infinity);
  return clamp_to_tensor<ge, lt>(tensor_name, Elementwise::maximum, x, min, out);
}

static Tensor clamp_above(const char* number_name, const char* tensor_name, const Tensor& x,
                          const Tensor& max, Out out) {
  check_bound("clamp", result_type({&x, &max}), max);
  if (is_number(max))
    return clamp_to_numbers(number_name, binary(Elementwise::minimum, x, max, out), x, -infinity, item(max));
  return clamp_to_tensor<le, gt>(tensor_name, Elementwise::minimum, x, max, out);
}

Tensor clamp_min(const Tensor& x, const Tensor& min, Out out) {
  return clamp_below("ClampMinBackward0", "ClampMinBackward1", x, min, out);
}
Tensor clamp_max(const Tensor& x, const Tensor& max, Out out) {
  return clamp_above("ClampMaxBackward0", "ClampMaxBackward1", x, max, out);
}

Tensor clamp(const Tensor& x, const std::optional<Tensor>& min, const std::optional<Tensor>& max, Out out) {
  check(min || max, "clamp: At least one of 'min' or 'max' must not be None");
  DType type = result_type({&x, min ? &*min : &x, max ? &*max : &x});
  if (type == DType::Bool) fail_dtype("clamp", type);
  if (!max) return clamp_below("ClampBackward1", "ClampBackward0", x, *min, out);
  if (!min) return clamp_above("ClampBackward1", "ClampBackward0", x, *max, out);
  check_bound("clamp", type, *min);
  check_bound("clamp", type, *max);
  if (!is_number(*min) || !is_number(*max)) return clamp_to_tensors(x, *min, *max, type, out);
  Tensor y = elementwise_as(Elementwise::clamp, type, {&x, &*min, &*max}, out);
  return clamp_to_numbers("ClampBackward1", y, x, item(*min), item(*max));
}

}  // namespace tt
