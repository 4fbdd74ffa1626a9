#include "kernels/incomplete_gamma.h"

#include <array>
#include <cmath>
#include <limits>

#include "kernels/math_gamma.h"

namespace tt::gamma {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double pi = 3.14159265358979323846;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// The double exponential rule for integrals over u > 0, u = e^(s - e^-s) at equal steps of s: to rounding, or
// to six digits with a third of the places.
struct Rule {
  static constexpr int most = 160;
  double negligible;
  std::array<double, most> place, weight;
  Rule(double step, double first, double negligible) : negligible(negligible) {
    for (int i = 0; i < most; i++) {
      double s = first + step * i, shrink = std::exp(-s);
      place[size_t(i)] = std::exp(s - shrink);
      weight[size_t(i)] = place[size_t(i)] * (1 + shrink) * step;
    }
  }
};

const Rule& rule_for(Digits digits) {
  static const Rule all(0.125, -3.75, -45), six(0.25, -2.75, -20);
  return digits == Digits::all ? all : six;
}

struct Terms {
  double exponent, factor;
};

// The integral of e^phi(u) h(u) over u > 0, where phi is concave and falls from phi(0) = 0 on the scale
// `width`; terms(u) gives both.
template <class Function>
double tail(double width, Digits digits, Function terms) {
  const Rule& rule = rule_for(digits);
  double sum = 0;
  for (int i = 0; i < Rule::most; i++) {
    Terms at = terms(width * rule.place[size_t(i)]);
    if (!(at.exponent > rule.negligible)) break;
    sum += std::exp(at.exponent) * at.factor * rule.weight[size_t(i)];
  }
  return sum * width;
}

// The integral of (t / x)^a e^(x - t) h(log(t / x)) dt / t over t < x where x <= a, with t = x e^-u; else
// over t > x, with t = x (1 + u).
template <class Factor>
double gamma_side(double a, double x, Digits digits, Factor h) {
  double width = 1 / (std::fabs(a - x) + std::sqrt(x));
  if (x <= a) return tail(width, digits, [=](double u) { return Terms{-a * u - x * std::expm1(-u), h(-u)}; });
  return tail(width, digits, [=](double u) {
    double growth = std::log1p(u);
    return Terms{a * growth - x * u, h(growth) / (1 + u)};
  });
}

// x^a e^-x / Gamma(a), where a is large by Stirling's series
double density_mass(double a, double x) {
  if (a < 30) return std::exp(a * std::log(x) - x - std::lgamma(a));
  double d = (x - a) / a, v = 1 / a;
  double rest = v * (1.0 / 12 - v * v * (1.0 / 360 - v * v / 1260));
  return std::exp(a * (std::log1p(d) - d) - rest) * std::sqrt(a / (2 * pi));
}

bool outside(double a, double x) { return !(a >= 0) || !(x >= 0) || (a == 0 && x == 0); }

double side_mass(double a, double x) {
  return density_mass(a, x) * gamma_side(a, x, Digits::all, [](double) { return 1.0; });
}

}  // namespace

double lower(double a, double x) {
  if (outside(a, x) || (a == infinity && x == infinity)) return nan;
  if (a == 0 || x == infinity) return 1;
  if (x == 0 || a == infinity) return 0;
  return x <= a ? side_mass(a, x) : 1 - side_mass(a, x);
}

double upper(double a, double x) {
  if (outside(a, x) || (a == infinity && x == infinity)) return nan;
  if (a == 0 || x == infinity) return 0;
  if (x == 0 || a == infinity) return 1;
  return x <= a ? 1 - side_mass(a, x) : side_mass(a, x);
}

// The integral of (psi(a) - log t) over the distribution up to x; what lies above x has minus that.
double slope(double a, double x, Digits digits) {
  if (!(a > 0) || !(x >= 0)) return nan;
  if (x == 0) return 0;
  double centre = math::digamma(a) - std::log(x);
  double side = x * gamma_side(a, x, digits, [=](double log_ratio) { return centre - log_ratio; });
  return x <= a ? side : -side;
}

double beta_slope(double a, double b, double x, Digits digits) {
  if (!(a > 0) || !(b > 0) || !(x >= 0) || !(x <= 1)) return nan;
  if (x == 0 || x == 1) return 0;
  // Over the side of x that holds less than about half: there t, or 1 - t, is near e^-u.
  const bool below = b * x <= a * (1 - x);
  const double near = below ? x : 1 - x, far = below ? 1 - x : x, own = below ? a : b, other = below ? b : a;
  const double centre = math::digamma(a) - math::digamma(a + b) - std::log(x), odds = near / far;
  double width = 1 / (own - other * odds + std::sqrt(other * odds / far));
  double side = tail(width, digits, [=](double u) {
    double part = -odds * std::expm1(-u), growth = std::log1p(part);  // 1 - t, or t, is far (1 + part)
    return Terms{-own * u + other * growth, (centre - (below ? -u : growth)) / (1 + part)};
  });
  return below ? side * odds : -side;
}

}  // namespace tt::gamma
