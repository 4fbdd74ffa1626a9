#include <utility>

#include "kernels/random_fill.h"

namespace tt::draw {
namespace {

// Rates below this multiply uniforms until they pass exp(-rate) (Knuth).
constexpr double poisson_rejection = 10;

double poisson_by_products(Generator& generator, double rate) {
  double bound = std::exp(-rate), product = generator.next_uniform(), k = 0;
  for (; product > bound; k++) product *= generator.next_uniform();
  return k;
}

// Hoermann 1993, "The transformed rejection method for generating Poisson random variables", algorithm PTRS.
double poisson_by_rejection(Generator& generator, double rate) {
  double log_rate = std::log(rate);
  double b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b;
  double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), quick = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    double u = generator.next_uniform() - 0.5, v = generator.next_uniform();
    double u_side = 0.5 - std::fabs(u);
    double k = std::floor((2 * a / u_side + b) * u + rate + 0.43);
    if (u_side >= 0.07 && v <= quick) return k;
    if (k < 0 || (u_side < 0.013 && v > u_side)) continue;
    double hat = std::log(v) + std::log(inverse_alpha) - std::log(a / (u_side * u_side) + b);
    if (hat <= -rate + k * log_rate - std::lgamma(k + 1)) return k;
  }
}

double draw_poisson(Generator& generator, double rate) {
  if (rate == 0 || std::isinf(rate)) return rate;
  return rate < poisson_rejection ? poisson_by_products(generator, rate)
                                  : poisson_by_rejection(generator, rate);
}

constexpr int64_t most_categories = int64_t(1) << 24;

template <class T>
void check_weights(const T* weights, int64_t rows, int64_t categories) {
  constexpr auto limit = Compute<T>(std::numeric_limits<Compute<T>>::max());
  for (int64_t row = 0; row < rows; row++, weights += categories) {
    int valid = 1, positive = 0;
    for (int64_t i = 0; i < categories; i++) {
      auto weight = widen(weights[i]);
      valid &= int(weight >= 0) & int(weight <= limit);
      positive |= int(weight > 0);
    }
    check(valid, "multinomial: weights must be finite and not negative, row ", row);
    check(positive, "multinomial: the weights must not all be zero, row ", row);
  }
}

// Exponential races: the category whose noise is smallest for its weight comes first. Equal scores keep the
// order in which the standard library's selection leaves them, as in PyTorch.
template <class T>
void sample_by_noise(Generator& generator, const MultinomialCall& call, const T* weights) {
  using C = Compute<T>;
  int64_t rows = call.rows, n = call.categories, k = call.samples;
  std::vector<T> noise(size_t(rows * n));
  exponential(generator, {call.dtype, noise.data(), rows * n}, 1);
  auto noise_at = [&](int64_t row, int64_t i) {
    return noise[size_t(call.columns_first ? i * rows + row : row * n + i)];
  };
  using Scored = std::pair<C, int64_t>;
  auto ahead = [](const Scored& a, const Scored& b) {
    return (std::isnan(a.first) && !std::isnan(b.first)) || a.first > b.first;
  };
  constexpr int64_t partial_factor = 64;
  std::vector<Scored> scored(static_cast<size_t>(n));
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t i = 0; i < n; i++) {
      T score = narrow<T>(widen(weights[row * n + i]) / widen(noise_at(row, i)));
      scored[size_t(i)] = {widen(score), i};
    }
    if (k == 1) {
      call.out[row] = std::min_element(scored.begin(), scored.end(), ahead)->second;
      continue;
    }
    if (k * partial_factor <= n) {
      std::partial_sort(scored.begin(), scored.begin() + k, scored.end(), ahead);
    } else {
      std::nth_element(scored.begin(), scored.begin() + k - 1, scored.end(), ahead);
      std::sort(scored.begin(), scored.begin() + k - 1, ahead);
    }
    for (int64_t j = 0; j < k; j++) call.out[row * k + j] = scored[size_t(j)].second;
  }
}

// Left to right, as PyTorch adds. Inlined, gcc 12 keeps the sum in memory, at three times the latency.
template <class T>
[[gnu::noinline]] Compute<T> running_sums(const T* weights, int64_t n, Compute<T>* out) {
  Compute<T> sum = 0;
  for (int64_t i = 0; i < n; i++) out[i] = sum += widen(weights[i]);
  return sum;
}

template <class T>
void sample_by_search(Generator& generator, const MultinomialCall& call, const T* weights) {
  using C = Compute<T>;
  int64_t n = call.categories;
  std::vector<C> bounds(static_cast<size_t>(n));
  Lock lock(generator.mutex());
  for (int64_t row = 0; row < call.rows; row++) {
    const C sum = running_sums(weights + row * n, n, bounds.data());
    check(std::isfinite(sum), "multinomial: the sum of the weights overflows, row ", row);
    auto below = [=](C bound, double u) { return bound / sum < u; };  // the quotient rounded to C
    for (int64_t j = 0; j < call.samples; j++) {
      double u = generator.next_uniform();
      call.out[row * call.samples + j] =
          std::lower_bound(bounds.begin(), bounds.end(), u, below) - bounds.begin();
    }
  }
}

}  // namespace

void exponential(Generator& generator, const Target& out, double lambda) {
  check(lambda > 0, "exponential_: expected lambda > 0, got ", lambda);
  visit_floating("exponential_", out, [&](auto* data) {
    // 1 - u is exact.
    double scale = -1 / lambda;
    transform_uniforms(generator, data, out.count, [=](double u) { return scale * std::log(1 - u); });
  });
}

void geometric(Generator& generator, const Target& out, double p) {
  check(p > 0 && p < 1, "geometric_: expected 0 < p < 1, got ", p);
  if (out.dtype == DType::Bool) fail(ErrorKind::NotImplemented, "geometric_: not implemented for bool");
  visit(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    double log_failure = std::log1p(-p);
    transform_uniforms(generator, static_cast<T*>(out.data), out.count,
                       [=](double u) { return std::ceil(std::log(u) / log_failure); });
  });
}

void cauchy(Generator& generator, const Target& out, double median, double sigma) {
  check(sigma > 0, "cauchy_: expected sigma > 0, got ", sigma);
  visit_floating("cauchy_", out, [&](auto* data) {
    transform_uniforms(generator, data, out.count,
                       [=](double u) { return median + sigma * std::tan(pi * (u - 0.5)); });
  });
}

void log_normal(Generator& generator, const Target& out, double mean, double std) {
  check(std > 0, "log_normal_: expected std > 0, got ", std);
  visit_floating("log_normal_", out, [&](auto* data) {
    Lock lock(generator.mutex());
    for (int64_t i = 0; i < out.count; i++) {
      data[i] = narrow<std::remove_pointer_t<decltype(data)>>(std::exp(generator.next_normal() * std + mean));
    }
  });
}

void poisson(Generator& generator, const Target& out, const void* rates) {
  visit_floating("poisson", out, [&](auto* data) {
    using T = std::remove_pointer_t<decltype(data)>;
    const T* rate = static_cast<const T*>(rates);
    for (int64_t i = 0; i < out.count; i++) {
      check(widen(rate[i]) >= 0, "poisson: expected rates >= 0, got ", widen(rate[i]));
    }
    Lock lock(generator.mutex());
    for (int64_t i = 0; i < out.count; i++)
      data[i] = narrow<T>(draw_poisson(generator, double(widen(rate[i]))));
  });
}

void multinomial(Generator& generator, const MultinomialCall& call) {
  check(call.samples > 0, "multinomial: expected num_samples > 0, got ", call.samples);
  check(call.categories <= most_categories, "multinomial: at most 2^24 categories, got ", call.categories);
  check(call.replacement || call.samples <= call.categories, "multinomial: cannot draw ", call.samples,
        " of ", call.categories, " categories without replacement");
  visit_floating("multinomial", {call.dtype, const_cast<void*>(call.weights), 0}, [&](const auto* weights) {
    check_weights(weights, call.rows, call.categories);
    if (call.replacement && call.samples > 1) return sample_by_search(generator, call, weights);
    sample_by_noise(generator, call, weights);
  });
}

}  // namespace tt::draw
