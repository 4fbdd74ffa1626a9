#include "bindings/registry.h"

namespace tt {
namespace {

// ---- overloads under names of their own
Tensor bernoulli_chances_(const Tensor& x, const Tensor& p, const Source& generator) {
  return bernoulli_(x, p, generator);
}
Tensor bernoulli_chance_(const Tensor& x, double p, const Source& generator) {
  return bernoulli_(x, p, generator);
}
Tensor bernoulli_chances(const Tensor& p, const Source& generator, Out out) {
  return bernoulli(p, generator, out);
}
Tensor bernoulli_chance(const Tensor& x, double p, const Source& generator) {
  return bernoulli(x, p, generator);
}
Tensor random_default_(const Tensor& x, const Source& generator) { return random_(x, generator); }
Tensor random_to_(const Tensor& x, int64_t to, const Source& generator) {
  return random_(x, 0, to, generator);
}
Tensor random_between_(const Tensor& x, int64_t from, std::optional<int64_t> to, const Source& generator) {
  return random_(x, from, to, generator);
}
Tensor normal_of_tensors(const Tensor& mean, const Tensor& std, const Source& generator, Out out) {
  return normal(mean, std, generator, out);
}
Tensor normal_of_means(const Tensor& mean, double std, const Source& generator, Out out) {
  return normal(mean, std, generator, out);
}
Tensor normal_of_stds(double mean, const Tensor& std, const Source& generator, Out out) {
  return normal(mean, std, generator, out);
}
Tensor randint_to(int64_t high, const Shape& size, const Options& options, const Source& generator, Out out) {
  return make::randint(0, high, size, options, generator, out);
}
Tensor randint_like_to(const Tensor& x, int64_t high, const Options& options, make::Format format,
                       const Source& generator) {
  return make::randint_like(x, 0, high, options, format, generator);
}

template <auto drop>
Tensor drop_in_place(const Tensor& x, double p, bool train) {
  return in_place("dropout_", x, false, false,
                  [&](const Tensor& input, Out out) { return drop(input, p, train, out); });
}
template <auto drop>
Tensor drop_fresh(const Tensor& x, double p, bool train) {
  return drop(x, p, train, {});
}

void bind_in_place(Registry& registry) {
  registry
      .op<uniform_>("uniform_(input, from: float = 0.0, to: float = 1.0, *, generator=None)", method,
                    "Fills with numbers evenly spread over [from, to).")
      .op<normal_>("normal_(input, mean: float = 0.0, std: float = 1.0, *, generator=None)", method,
                   "Fills with normal numbers.")
      .op<bernoulli_chances_>("bernoulli_(input, p: Tensor, *, generator=None)", method,
                              "Fills with 1 with the chance p, else 0.")
      .op<bernoulli_chance_>("bernoulli_(input, p: float = 0.5, *, generator=None)", method)
      .op<exponential_>("exponential_(input, lambd: float = 1.0, *, generator=None)", method,
                        "Fills with exponential numbers of the rate lambd.")
      .op<log_normal_>("log_normal_(input, mean: float = 1.0, std: float = 2.0, *, generator=None)", method,
                       "Fills with numbers whose logarithm is normal.")
      .op<cauchy_>("cauchy_(input, median: float = 0.0, sigma: float = 1.0, *, generator=None)", method,
                   "Fills with numbers of the Cauchy distribution.")
      .op<geometric_>("geometric_(input, p: float, *, generator=None)", method,
                      "Fills with the number of trials up to the first success, whose chance is p.")
      .op<random_default_>("random_(input, *, generator=None)", method,
                           "Fills with whole numbers, up to what the dtype holds.")
      .op<random_to_>("random_(input, to: int, *, generator=None)", method)
      .op<random_between_>("random_(input, from: int, to: int | None, *, generator=None)", method);
}

void bind_factories(Registry& registry) {
  registry
      .op<make::rand>("rand(*size, options, generator=None, out=None)", function,
                      "Numbers evenly spread over [0, 1).")
      .op<make::randn>("randn(*size, options, generator=None, out=None)", function,
                       "Standard normal numbers.")
      .op<randint_to>("randint(high: int, size, options, generator=None, out=None)", function,
                      "Whole numbers from low up to, not including, high.")
      .op<make::randint>("randint(low: int, high: int, size, options, generator=None, out=None)", function)
      .op<make::randperm>("randperm(n: int, options, generator=None, out=None)", function,
                          "The numbers below n, shuffled.")
      .op<make::rand_like>("rand_like(input, options, memory_format=None, generator=None)", function,
                           "Numbers evenly spread over [0, 1), in the shape and dtype of input.")
      .op<make::randn_like>("randn_like(input, options, memory_format=None, generator=None)", function,
                            "Standard normal numbers in the shape and dtype of input.")
      .op<randint_like_to>("randint_like(input, high: int, options, memory_format=None, generator=None)",
                           function, "Whole numbers from low up to high in the shape and dtype of input.")
      .op<make::randint_like>(
          "randint_like(input, low: int, high: int, options, memory_format=None, generator=None)", function);
  registry
      .op<normal_of_tensors>("normal(mean: Tensor, std: Tensor, *, generator=None, out=None)", function,
                             "Normal numbers.")
      .op<normal_of_means>("normal(mean: Tensor, std: float = 1.0, *, generator=None, out=None)", function)
      .op<normal_of_stds>("normal(mean: float, std: Tensor, *, generator=None, out=None)", function)
      .op<make::normal>("normal(mean: float, std: float, size, options, generator=None, out=None)", function);
}

}  // namespace

void bind_random(Registry& registry) {
  bind_in_place(registry);
  bind_factories(registry);
  registry
      .op<bernoulli_chances>("bernoulli(input, *, generator=None, out=None)", both,
                             "1 with the chance p, else 0.")
      .op<bernoulli_chance>("bernoulli(input, p: float, *, generator=None)", both)
      .op<poisson>("poisson(input, generator=None)", function, "Poisson numbers of the rates in input.")
      .op<multinomial>(
          "multinomial(input, num_samples: int, replacement: bool = False, *, generator=None, out=None)",
          both, "Indices drawn with the weights in each row of input.");
  registry
      .op<drop_fresh<dropout>>("dropout(input, p: float, train: bool)", function,
                               "Zeroes elements with the chance p and scales the others by 1 / (1 - p).")
      .op<drop_fresh<feature_dropout>>("feature_dropout(input, p: float, train: bool)", function,
                                       "Zeroes whole channels.")
      .op<drop_fresh<alpha_dropout>>("alpha_dropout(input, p: float, train: bool)", function,
                                     "Dropout that keeps mean and variance through SELU.")
      .op<drop_fresh<feature_alpha_dropout>>("feature_alpha_dropout(input, p: float, train: bool)", function,
                                             "The same for whole channels.")
      .op<drop_in_place<dropout>>("dropout_(input, p: float, train: bool)", function, "dropout in place.")
      .op<drop_in_place<feature_dropout>>("feature_dropout_(input, p: float, train: bool)", function,
                                          "feature_dropout in place.")
      .op<drop_in_place<alpha_dropout>>("alpha_dropout_(input, p: float, train: bool)", function,
                                        "alpha_dropout in place.")
      .op<drop_in_place<feature_alpha_dropout>>("feature_alpha_dropout_(input, p: float, train: bool)",
                                                function, "feature_alpha_dropout in place.");
}

}  // namespace tt
