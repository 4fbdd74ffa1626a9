// The error function, the gamma function and their kin; what kind of number a value is.
#include <limits>
#include <numbers>

#include "ops/ops.h"

namespace tt {

using std::numbers::inv_sqrtpi;
using std::numbers::pi;

// ---------------------------------------------------------------- error function

// factor g e^(-x^2)
static Tensor bell(const Tensor& g, const Tensor& x, double factor) {
  return mul(g, times(exp(neg(square(x))), factor));
}

Tensor erf(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::erf, x, out);
  return record("ErfBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return bell(g, x, 2 * inv_sqrtpi); });
}

Tensor erfc(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::erfc, x, out);
  return record("ErfcBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return bell(g, x, -2 * inv_sqrtpi); });
}

Tensor erfinv(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::erfinv, x, out);
  return record("ErfinvBackward0", y, inputs(x), save(y), [](const Tensor& g, const Tensor& y) {
    return mul(g, times(exp(square(y)), 0.5 / inv_sqrtpi));
  });
}

// ---------------------------------------------------------------- gamma function

Tensor lgamma(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::lgamma, x, out);
  return record("LgammaBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return mul(g, digamma(x)); });
}

Tensor digamma(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::digamma, x, out);
  return record("DigammaBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return mul(g, polygamma(1, x)); });
}

Tensor polygamma(int64_t n, const Tensor& x, Out out) {
  check(n >= 0, "polygamma: polygamma(n, x) does not support negative n, got ", n);
  Tensor order = wrapped_number(double(n));
  Tensor y = elementwise_as(Elementwise::polygamma, floating_result(x.dtype()), {&order, &x}, out);
  return record(
      "PolygammaBackward0", y, inputs(x), save(n, x),
      [](const Tensor& g, const int64_t& n, const Tensor& x) { return mul(g, polygamma(n + 1, x)); });
}

// log of the multivariate gamma function: p (p - 1) / 4 log(pi) + the sum of lgamma(x - j / 2) for j < p
Tensor mvlgamma(const Tensor& x, int64_t p) {
  check(p >= 1, "mvlgamma: p has to be greater than or equal to 1, got ", p);
  Tensor y;
  {
    GradGuard off(false);
    y = plus(lgamma(x), double(p * (p - 1)) / 4 * std::log(pi));
    for (int64_t j = 1; j < p; j++) y = add(y, lgamma(plus(x, -0.5 * double(j))));
  }
  return record("MvlgammaBackward0", y, inputs(x), save(x, p),
                [](const Tensor& g, const Tensor& x, const int64_t& p) {
                  Tensor slope = digamma(x);
                  for (int64_t j = 1; j < p; j++) slope = add(slope, digamma(plus(x, -0.5 * double(j))));
                  return mul(g, slope);
                });
}

// ---------------------------------------------------------------- Bessel functions

Tensor i0(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::i0, x, out);
  return record("I0Backward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return mul(g, i1(x)); });
}

Tensor i1(const Tensor& x, Out out) {
  Tensor y = unary(Elementwise::i1, x, out);
  return record("SpecialI1Backward0", y, inputs(x), save(x, y),
                [](const Tensor& g, const Tensor& x, const Tensor& y) {
                  Tensor slope = sub(i0(x), div(y, x));  // the limit at 0 is 1/2
                  return mul(g, where(eq(x, wrapped_number(0)), wrapped_number(0.5), slope));
                });
}

// ---------------------------------------------------------------- logit

static Tensor logit_slope(const Tensor& g, const Tensor& x, const std::optional<double>& eps) {
  double low = eps.value_or(0), outside = eps ? 0 : std::numeric_limits<double>::quiet_NaN();
  Tensor inside = bitwise_and(ge(x, wrapped_number(low)), le(x, wrapped_number(1 - low)));
  Tensor slope = div(g, mul(x, sub(wrapped_number(1), x)));
  return where(inside, slope, wrapped_number(outside));
}

static Tensor logit_value(const Tensor& x, const std::optional<double>& eps) {
  GradGuard off(false);
  bool narrow = !x.is_floating() || is_half(x.dtype());
  Tensor p = narrow ? to_dtype(x, x.is_floating() ? DType::Float32 : default_dtype()) : x;
  if (eps) p = clamp(p, wrapped_number(*eps), wrapped_number(1 - *eps));
  Tensor y = log(div(p, sub(wrapped_number(1), p)));
  return x.is_floating() ? to_dtype(y, x.dtype()) : y;
}

Tensor logit(const Tensor& x, std::optional<double> eps) {
  return record("LogitBackward0", logit_value(x, eps), inputs(x), save(x, eps), logit_slope);
}

// ---------------------------------------------------------------- what kind of number

static Tensor all_of(const Tensor& x, bool value) { return full(x.sizes(), value, DType::Bool, x.device()); }

Tensor isnan(const Tensor& x) { return x.is_floating() ? unary(Elementwise::isnan, x) : all_of(x, false); }
Tensor isinf(const Tensor& x) { return x.is_floating() ? unary(Elementwise::isinf, x) : all_of(x, false); }
Tensor isfinite(const Tensor& x) {
  return x.is_floating() ? unary(Elementwise::isfinite, x) : all_of(x, true);
}
Tensor isreal(const Tensor& x) { return all_of(x, true); }

static Tensor is_value(const char* op, const Tensor& x, double value, Out out) {
  check(!out || out.target->dtype() == DType::Bool, op, ": ", op, " does not support non-boolean outputs.");
  if (!x.is_floating()) return deliver(op, all_of(x, false), out);
  return binary(Elementwise::eq, x, wrapped_number(value), out);
}

constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor isposinf(const Tensor& x, Out out) { return is_value("isposinf", x, infinity, out); }
Tensor isneginf(const Tensor& x, Out out) { return is_value("isneginf", x, -infinity, out); }

static double largest(DType type) {
  switch (type) {
    case DType::Float16:
      return 65504;
    case DType::BFloat16:
      return 0x1.FEp127;
    case DType::Float32:
      return std::numeric_limits<float>::max();
    default:
      return std::numeric_limits<double>::max();
  }
}

Tensor nan_to_num(const Tensor& x, std::optional<double> nan, std::optional<double> posinf,
                  std::optional<double> neginf) {
  if (!x.is_floating()) return clone(x);
  Tensor y;
  {
    GradGuard off(false);
    double most = largest(x.dtype());
    y = where(isnan(x), wrapped_number(nan.value_or(0)), x);
    y = where(eq(x, wrapped_number(infinity)), wrapped_number(posinf.value_or(most)), y);
    y = where(eq(x, wrapped_number(-infinity)), wrapped_number(neginf.value_or(-most)), y);
  }
  return record("NanToNumBackward0", y, inputs(x), save(x),
                [](const Tensor& g, const Tensor& x) { return where(isfinite(x), g, wrapped_number(0)); });
}

// ---------------------------------------------------------------- complex numbers, as seen from the real
// line

Tensor angle(const Tensor& x) {
  Tensor zero = wrapped_number(0.0), y;
  {
    GradGuard off(false);
    y = where(lt(x, zero), wrapped_number(pi), x.is_floating() ? where(ne(x, x), x, zero) : zero);
  }
  return record("AngleBackward0", y, inputs(x), save(), [](const Tensor& g) { return zeros_like(g); });
}

Tensor real(const Tensor& x) { return x; }
Tensor same(const Tensor& x) { return x; }
Tensor imag(const Tensor& x) {
  fail(ErrorKind::Runtime, "imag: imag is not implemented for tensors with non-complex dtypes, got ",
       name_of(x.dtype()));
}

}  // namespace tt
