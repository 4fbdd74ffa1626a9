#include "kernels/random_gamma.h"

#include "kernels/random_fill.h"

namespace tt::draw {
namespace {

// Marsaglia and Tsang 2000, "A simple method for generating gamma variables". Of shapes below 1 the numbers
// are those of shape + 1, times u^(1 / shape).
template <class C>
double draw_gamma(Generator& generator, C shape) {
  if (shape == 0 || std::isnan(shape)) return shape;
  double factor = 1;
  if (shape < 1) {
    factor = std::pow(1 - generator.next_uniform(), C(1) / shape);
    shape += 1;
  }
  double d = C(shape - C(1.0f / 3)), c = 1 / std::sqrt(9 * d);
  for (;;) {
    double x = generator.next_normal(), root = 1 + c * x;
    if (root <= 0) continue;
    double v = root * root * root, u = 1 - generator.next_uniform(), square = x * x;
    if (u < 1 - double(0.0331f) * square * square) return factor * d * v;
    if (std::log(u) < 0.5 * square + d * (1 - v + std::log(v))) return factor * d * v;
  }
}

template <class T>
constexpr double smallest = double(std::numeric_limits<T>::min());
template <>
constexpr double smallest<Half> = 0x1p-14;
template <>
constexpr double smallest<BFloat16> = 0x1p-126;

// The number of successes before the failures' gaps, each geometric, pass the count.
double binomial_by_gaps(Generator& generator, double count, double p) {
  double log_failure = std::log1p(-p), passed = 0;
  for (double successes = 0;; successes++) {
    passed += std::ceil(std::log(generator.next_uniform()) / log_failure);
    if (passed > count) return successes;
  }
}

// log(k!) minus Stirling's approximation of it.
double stirling_rest(double k) {
  constexpr double table[] = {
      0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
      0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287};
  if (k <= 9) return table[size_t(k)];
  double next = k + 1, inverse_square = 1 / (next * next);
  return (1.0 / 12 - (1.0 / 360 - inverse_square / 1260) * inverse_square) / next;
}

// Hoermann 1993, "The generation of binomial random variates", algorithm BTRS.
double binomial_by_rejection(Generator& generator, double count, double p) {
  double spread = std::sqrt(count * p * (1 - p)), odds = p / (1 - p);
  double b = 1.15 + 2.53 * spread, a = -0.0873 + 0.0248 * b + 0.01 * p;
  double centre = count * p + 0.5, quick = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * spread;
  double mode = std::floor((count + 1) * p);
  for (;;) {
    double u = generator.next_uniform() - 0.5, v = generator.next_uniform();
    double u_side = 0.5 - std::fabs(u);
    double k = std::floor((2 * a / u_side + b) * u + centre);
    if (u_side >= 0.07 && v <= quick) return k;
    if (k < 0 || k > count) continue;
    double hat = std::log(v * alpha / (a / (u_side * u_side) + b));
    double density = (mode + 0.5) * std::log((mode + 1) / (odds * (count - mode + 1))) +
                     (count + 1) * std::log((count - mode + 1) / (count - k + 1)) +
                     (k + 0.5) * std::log(odds * (count - k + 1) / (k + 1)) + stirling_rest(mode) +
                     stirling_rest(count - mode) - stirling_rest(k) - stirling_rest(count - k);
    if (hat <= density) return k;
  }
}

double draw_binomial(Generator& generator, double count, double p) {
  if (std::isnan(count) || std::isnan(p)) return std::numeric_limits<double>::quiet_NaN();
  if (count <= 0 || p <= 0) return 0;
  if (p >= 1) return count;
  if (p > 0.5) return count - draw_binomial(generator, count, 1 - p);
  return count * p >= 10 ? binomial_by_rejection(generator, count, p) : binomial_by_gaps(generator, count, p);
}

}  // namespace

void standard_gamma(Generator& generator, const Target& out, const void* shapes) {
  visit_floating("_standard_gamma", out, [&](auto* data) {
    using T = std::remove_pointer_t<decltype(data)>;
    const T* shape = static_cast<const T*>(shapes);
    for (int64_t i = 0; i < out.count; i++) {
      check(!(widen(shape[i]) < 0), "_standard_gamma: expected shapes >= 0, got ", widen(shape[i]));
    }
    Lock lock(generator.mutex());
    for (int64_t i = 0; i < out.count; i++) {
      data[i] = narrow<T>(std::max(draw_gamma(generator, widen(shape[i])), smallest<T>));
    }
  });
}

void dirichlet(Generator& generator, const Target& out, const void* concentrations, int64_t categories) {
  visit_floating("_sample_dirichlet", out, [&](auto* data) {
    using T = std::remove_pointer_t<decltype(data)>;
    const T* concentration = static_cast<const T*>(concentrations);
    const double highest = 1 - std::ldexp(1.0, -digits<T>);
    std::vector<double> row(static_cast<size_t>(categories));
    Lock lock(generator.mutex());
    for (int64_t first = 0; first < out.count; first += categories) {
      double sum = 0;
      for (int64_t i = 0; i < categories; i++) {
        double drawn = draw_gamma(generator, double(widen(concentration[first + i])));
        sum += row[size_t(i)] = std::max(drawn, smallest<double>);
      }
      for (int64_t i = 0; i < categories; i++) {
        data[first + i] = narrow<T>(std::clamp(row[size_t(i)] / sum, smallest<T>, highest));
      }
    }
  });
}

void binomial(Generator& generator, const Target& out, const void* counts, const void* chances) {
  visit_floating("binomial", out, [&](auto* data) {
    using T = std::remove_pointer_t<decltype(data)>;
    const T *count = static_cast<const T*>(counts), *chance = static_cast<const T*>(chances);
    for (int64_t i = 0; i < out.count; i++) {
      check(!std::isinf(widen(count[i])), "binomial: expected finite counts, got ", widen(count[i]));
    }
    Lock lock(generator.mutex());
    for (int64_t i = 0; i < out.count; i++) {
      data[i] = narrow<T>(draw_binomial(generator, double(widen(count[i])), double(widen(chance[i]))));
    }
  });
}

}  // namespace tt::draw
