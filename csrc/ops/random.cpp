#include "ops/random.h"

#include <cmath>

#include "kernels/random.h"
#include "ops/ops.h"

namespace tt {
namespace {

draw::Target target_of(const Tensor& x) { return {x.dtype(), x.bytes(), x.count()}; }

void check_host(const char* op, const Tensor& x) {
  check(x.device().is_cpu(), op, ": not implemented on ", x.device());
}

// Runs draw(target) on a stretch of memory that holds x's elements in the order in which they lie.
template <class Draw>
void draw_values(const char* op, const Tensor& x, Draw&& draw) {
  if (x.device().is_meta()) return;
  check_host(op, x);
  if (x.is_contiguous()) return draw(target_of(x));
  Tensor block = empty_like(x);
  draw(target_of(block));
  copy_values(x, block);
}

void draw_normal(const char* op, const Tensor& x, double mean, double std, const Source& generator) {
  bool serial = !x.is_contiguous();
  draw_values(op, x, [&](const draw::Target& out) {
    serial ? draw::normal_serial(*generator, out, mean, std) : draw::normal(*generator, out, mean, std);
  });
}

Tensor changed(const char* op, const char* node, const Tensor& self) {
  bump_version(self, op);
  return record(node, self, inputs(self), save(), [](const Tensor& g) { return zeros_like(g); });
}

template <class Draw>
Tensor draw_in_place(const char* op, const char* node, const Tensor& self, Draw&& draw) {
  check_inplace(op, self);
  draw_values(op, self, draw);
  return changed(op, node, self);
}

}  // namespace

// ---------------------------------------------------------------- in place

Tensor uniform_(const Tensor& self, double from, double to, const Source& generator) {
  return draw_in_place("uniform_", "UniformBackward0", self,
                       [&](const draw::Target& out) { draw::uniform(*generator, out, from, to); });
}

Tensor normal_(const Tensor& self, double mean, double std, const Source& generator) {
  check_inplace("normal_", self);
  draw_normal("normal_", self, mean, std, generator);
  return changed("normal_", "NormalBackward0", self);
}

Tensor bernoulli_(const Tensor& self, double p, const Source& generator) {
  return draw_in_place("bernoulli_", "BernoulliBackward2", self,
                       [&](const draw::Target& out) { draw::bernoulli(*generator, out, p); });
}

Tensor bernoulli_(const Tensor& self, const Tensor& p, const Source& generator) {
  check_inplace("bernoulli_", self);
  check(expandable(p.sizes(), self.sizes()), "bernoulli_: the shape ", p.sizes(),
        " of p does not broadcast to ", self.sizes());
  Tensor chances = empty_strided(self.sizes(), empty_like(self).strides(), p.dtype());
  copy_values(chances, tensor_over(p.storage(), self.sizes(), expanded_strides(p, self.sizes()), p.offset(),
                                   p.dtype()));
  draw_values("bernoulli_", self, [&](const draw::Target& out) {
    draw::bernoulli(*generator, out, chances.dtype(), chances.bytes());
  });
  bump_version(self, "bernoulli_");
  return record(
      "BernoulliBackward1", self, inputs(self, p), save(p),
      [](const Tensor& g, const Tensor&) { return zeros_like(g); },
      [](const Tensor&, const Tensor& p) { return zeros_like(p); });
}

Tensor exponential_(const Tensor& self, double lambda, const Source& generator) {
  check(self.is_floating(),
        "exponential_: exponential distribution is a continuous probability distribution. dtype must be "
        "a floating point but you specified ",
        name_of(self.dtype()));
  return draw_in_place("exponential_", "ExponentialBackward0", self,
                       [&](const draw::Target& out) { draw::exponential(*generator, out, lambda); });
}

Tensor log_normal_(const Tensor& self, double mean, double std, const Source& generator) {
  return draw_in_place("log_normal_", "LogNormalBackward0", self,
                       [&](const draw::Target& out) { draw::log_normal(*generator, out, mean, std); });
}

Tensor cauchy_(const Tensor& self, double median, double sigma, const Source& generator) {
  check(self.is_floating(),
        "cauchy_: Cauchy distribution is a continuous probability distribution. dtype must be a floating "
        "point but you specified ",
        name_of(self.dtype()));
  return draw_in_place("cauchy_", "CauchyBackward0", self,
                       [&](const draw::Target& out) { draw::cauchy(*generator, out, median, sigma); });
}

Tensor geometric_(const Tensor& self, double p, const Source& generator) {
  return draw_in_place("geometric_", "GeometricBackward0", self,
                       [&](const draw::Target& out) { draw::geometric(*generator, out, p); });
}

Tensor random_(const Tensor& self, const Source& generator) {
  return draw_in_place("random_", "RandomBackward2", self,
                       [&](const draw::Target& out) { draw::random(*generator, out); });
}

Tensor random_(const Tensor& self, int64_t from, std::optional<int64_t> to, const Source& generator) {
  return draw_in_place("random_", "RandomBackward0", self,
                       [&](const draw::Target& out) { draw::random(*generator, out, from, to); });
}

// ---------------------------------------------------------------- tensors as parameters

Tensor bernoulli(const Tensor& p, const Source& generator, Out out) {
  Tensor chances = contiguous(detach(p)), y = empty(p.sizes(), p.dtype(), p.device());
  draw_values("bernoulli", y, [&](const draw::Target& target) {
    draw::bernoulli(*generator, target, chances.dtype(), chances.bytes());
  });
  return deliver(
      "bernoulli",
      record("BernoulliBackward0", y, inputs(p), save(), [](const Tensor& g) { return zeros_like(g); }), out);
}

Tensor bernoulli(const Tensor& like, double p, const Source& generator) {
  Tensor y = empty(like.sizes(), like.dtype(), like.device());
  draw_values("bernoulli", y, [&](const draw::Target& target) { draw::bernoulli(*generator, target, p); });
  return record("BernoulliBackward1", y, inputs(like), save(), [](const Tensor& g) { return zeros_like(g); });
}

Tensor poisson(const Tensor& given, const Source& generator) {
  Tensor rates = contiguous(detach(given)), y = empty(given.sizes(), given.dtype(), given.device());
  draw_values("poisson", y,
              [&](const draw::Target& target) { draw::poisson(*generator, target, rates.bytes()); });
  return record("PoissonBackward0", y, inputs(given), save(), [](const Tensor& g) { return zeros_like(g); });
}

namespace {

void check_std(const Tensor& std) {
  check(!std.count() || !item(any(lt(std, wrapped_number(0)))).integer,
        "normal: expected all elements of std >= 0.0");
}

// Standard normal numbers of the given shape, scaled by std and moved by mean, each step rounded.
Tensor spread_normal(const Shape& sizes, DType dtype, Device device, const Tensor* mean, const Tensor* std,
                     double scale, const Source& generator) {
  GradGuard off(false);
  Tensor y = empty(sizes, dtype, device);
  draw_normal("normal", y, 0, scale, generator);
  if (std) mul(y, *std, Out{&y, false});
  if (mean) add(y, *mean, 1, Out{&y, false});
  return y;
}

}  // namespace

Tensor normal(const Tensor& mean, const Tensor& std, const Source& generator, Out out) {
  check_std(std);
  Tensor y = spread_normal(broadcast("normal", mean.sizes(), std.sizes()), mean.dtype(), mean.device(), &mean,
                           &std, 1, generator);
  y = record(
      "NormalBackward3", y, inputs(mean, std), save(), [](const Tensor& g) { return zeros_like(g); },
      [](const Tensor& g) { return zeros_like(g); });
  return deliver("normal", y, out);
}

Tensor normal(const Tensor& mean, double std, const Source& generator, Out out) {
  Tensor y = spread_normal(mean.sizes(), mean.dtype(), mean.device(), &mean, nullptr, std, generator);
  return deliver(
      "normal",
      record("NormalBackward1", y, inputs(mean), save(), [](const Tensor& g) { return zeros_like(g); }), out);
}

Tensor normal(double mean, const Tensor& std, const Source& generator, Out out) {
  check_std(std);
  Tensor center = wrapped_number(mean);
  Tensor y = spread_normal(std.sizes(), std.dtype(), std.device(), &center, &std, 1, generator);
  return deliver(
      "normal",
      record("NormalBackward2", y, inputs(std), save(), [](const Tensor& g) { return zeros_like(g); }), out);
}

Tensor multinomial(const Tensor& weights, int64_t samples, bool replacement, const Source& generator,
                   Out out) {
  check(weights.rank() == 1 || weights.rank() == 2,
        "multinomial: the weights must have 1 or 2 dimensions, got shape ", weights.sizes());
  check(weights.is_floating(), "multinomial: only supports floating-point dtypes for input, got ",
        name_of(weights.dtype()));
  check_host("multinomial", weights);
  int64_t categories = weights.sizes().back(), rows = weights.rank() == 2 ? weights.sizes()[0] : 1;
  check(categories > 0, "multinomial: there are no categories, got shape ", weights.sizes());
  Tensor flat = contiguous(detach(weights)), order = empty_like(weights);
  bool columns_first =
      weights.rank() == 2 && rows > 1 && categories > 1 && order.strides()[0] < order.strides()[1];
  Shape sizes = weights.sizes();
  sizes.back() = samples;
  check(samples > 0, "multinomial: expected num_samples > 0, got ", samples);
  Tensor y = empty(sizes, DType::Int64);
  draw::multinomial(*generator, {.dtype = weights.dtype(),
                                 .weights = flat.bytes(),
                                 .rows = rows,
                                 .categories = categories,
                                 .samples = samples,
                                 .replacement = replacement,
                                 .columns_first = columns_first,
                                 .out = y.data<int64_t>()});
  return deliver("multinomial", y, out);
}

// ---------------------------------------------------------------- new tensors

namespace make {

Tensor rand(const Shape& size, const Options& options, const Source& generator, Out out) {
  Tensor x = target("rand", size, options, out, default_dtype());
  draw_values("rand", x, [&](const draw::Target& block) { draw::uniform(*generator, block, 0, 1); });
  return x;
}

Tensor normal(double mean, double std, const Shape& size, const Options& options, const Source& generator,
              Out out) {
  Tensor x = target("normal", size, options, out, default_dtype());
  draw_normal("normal", x, mean, std, generator);
  return x;
}

Tensor randn(const Shape& size, const Options& options, const Source& generator, Out out) {
  return normal(0, 1, size, options, generator, out);
}

Tensor randint(int64_t low, int64_t high, const Shape& size, const Options& options, const Source& generator,
               Out out) {
  check(low < high, "randint: expected low < high, got low=", low, " and high=", high);
  Tensor x = target("randint", size, options, out, DType::Int64);
  draw_values("randint", x, [&](const draw::Target& block) { draw::random(*generator, block, low, high); });
  return x;
}

Tensor randperm(int64_t n, const Options& options, const Source& generator, Out out) {
  check(n >= 0, "randperm: n must be non-negative, got ", n);
  Tensor x = target("randperm", {n}, options, out, DType::Int64);
  draw_values("randperm", x, [&](const draw::Target& block) { draw::permutation(*generator, block); });
  return x;
}

Tensor rand_like(const Tensor& like, const Options& options, Format format, const Source& generator) {
  Tensor x = likeness("rand_like", like, options, format);
  draw_values("rand_like", x, [&](const draw::Target& block) { draw::uniform(*generator, block, 0, 1); });
  return x;
}

Tensor randn_like(const Tensor& like, const Options& options, Format format, const Source& generator) {
  Tensor x = likeness("randn_like", like, options, format);
  draw_normal("randn_like", x, 0, 1, generator);
  return x;
}

Tensor randint_like(const Tensor& like, int64_t low, int64_t high, const Options& options, Format format,
                    const Source& generator) {
  check(low < high, "randint_like: expected low < high, got low=", low, " and high=", high);
  Tensor x = likeness("randint_like", like, options, format);
  draw_values("randint_like", x,
              [&](const draw::Target& block) { draw::random(*generator, block, low, high); });
  return x;
}

}  // namespace make

// ---------------------------------------------------------------- dropout

namespace {

Tensor product_with_noise(const Tensor& x, const Tensor& noise, Out out) {
  Tensor y = mul(detach(x), noise, out);
  return record("MulBackward0", y, inputs(x), save(noise),
                [](const Tensor& g, const Tensor& noise) { return mul(g, noise); });
}

// Drops whole channels: one number for each of the first two dimensions.
Tensor channels_of(const char* op, const Tensor& x) {
  check(x.rank() >= 2, op, ": requires at least 2 dimensions in the input, got shape ", x.sizes());
  Shape sizes = Shape::filled(x.rank(), 1);
  sizes[0] = x.sizes()[0];
  sizes[1] = x.sizes()[1];
  return empty(sizes, x.dtype(), x.device());
}

// x * a + b keeps the mean 0 and variance 1 that SELU makes, with what is dropped at SELU's lower limit.
Tensor dropout_to_limit(const char* op, const Tensor& x, const Tensor& kept, double p, Out out) {
  constexpr double limit = 1.7580993408473766;
  double a = 1 / std::sqrt((limit * limit * p + 1) * (1 - p));
  draw_values(op, kept,
              [&](const draw::Target& block) { draw::bernoulli(*default_generator(), block, 1 - p); });
  Tensor offset, factor;
  {
    GradGuard off(false);
    offset = add(mul(sub(kept, wrapped_number(1)), wrapped_number(limit * a)), wrapped_number(limit * a * p));
    factor = mul(kept, wrapped_number(a));
  }
  return deliver(op, add(mul(x, factor), offset), out);
}

Tensor drop(const char* op, const Tensor& x, double p, bool train, bool feature, bool alpha, Out out) {
  check(p >= 0 && p <= 1, op, ": dropout probability has to be between 0 and 1, but got ", p);
  if (p == 0 || !train || x.count() == 0) return out ? *out.target : x;
  check(x.is_floating(), op, ": result type Float can't be cast to the desired output type ",
        legacy_name_of(x.dtype()));
  if (p == 1) return mul(x, number_like(x, 0), out);
  Tensor noise = feature ? channels_of(op, x) : empty_like(x);
  if (alpha) return dropout_to_limit(op, x, noise, p, out);
  draw_values(op, noise,
              [&](const draw::Target& block) { draw::scaled_bernoulli(*default_generator(), block, 1 - p); });
  return product_with_noise(x, noise, out);
}

}  // namespace

Tensor dropout(const Tensor& x, double p, bool train, Out out) {
  return drop("dropout", x, p, train, false, false, out);
}
Tensor feature_dropout(const Tensor& x, double p, bool train, Out out) {
  return drop("feature_dropout", x, p, train, true, false, out);
}
Tensor alpha_dropout(const Tensor& x, double p, bool train, Out out) {
  return drop("alpha_dropout", x, p, train, false, true, out);
}
Tensor feature_alpha_dropout(const Tensor& x, double p, bool train, Out out) {
  return drop("feature_alpha_dropout", x, p, train, true, true, out);
}

}  // namespace tt
