#pragma once
#include <memory>

#include "core/random.h"
#include "ops/make.h"

namespace tt {

// The generator behind a draw. With the same state, every op here yields the numbers that PyTorch yields on a
// CPU.
using Source = std::shared_ptr<Generator>;

// ---- in place: the values are drawn in the order of self's memory, and the gradient stops
Tensor uniform_(const Tensor& self, double from, double to, const Source& generator);
Tensor normal_(const Tensor& self, double mean, double std, const Source& generator);
Tensor bernoulli_(const Tensor& self, double p, const Source& generator);
Tensor bernoulli_(const Tensor& self, const Tensor& p, const Source& generator);
Tensor exponential_(const Tensor& self, double lambda, const Source& generator);
Tensor log_normal_(const Tensor& self, double mean, double std, const Source& generator);
Tensor cauchy_(const Tensor& self, double median, double sigma, const Source& generator);
Tensor geometric_(const Tensor& self, double p, const Source& generator);
Tensor random_(const Tensor& self, const Source& generator);  // a range that depends on the dtype
Tensor random_(const Tensor& self, int64_t from, std::optional<int64_t> to, const Source& generator);

// ---- distributions whose parameters are tensors
Tensor bernoulli(const Tensor& p, const Source& generator, Out out = {});
Tensor bernoulli(const Tensor& like, double p, const Source& generator);
Tensor poisson(const Tensor& rates, const Source& generator);
Tensor normal(const Tensor& mean, const Tensor& std, const Source& generator, Out out = {});
Tensor normal(const Tensor& mean, double std, const Source& generator, Out out = {});
Tensor normal(double mean, const Tensor& std, const Source& generator, Out out = {});
Tensor multinomial(const Tensor& weights, int64_t samples, bool replacement, const Source& generator,
                   Out out = {});

// ---- dropout; `feature` drops whole channels, `alpha` keeps mean and variance through SELU
Tensor dropout(const Tensor& x, double p, bool train, Out out = {});
Tensor feature_dropout(const Tensor& x, double p, bool train, Out out = {});
Tensor alpha_dropout(const Tensor& x, double p, bool train, Out out = {});
Tensor feature_alpha_dropout(const Tensor& x, double p, bool train, Out out = {});

namespace make {

Tensor rand(const Shape& size, const Options& options, const Source& generator, Out out);
Tensor randn(const Shape& size, const Options& options, const Source& generator, Out out);
Tensor randint(int64_t low, int64_t high, const Shape& size, const Options& options, const Source& generator,
               Out out);
Tensor randperm(int64_t n, const Options& options, const Source& generator, Out out);
Tensor normal(double mean, double std, const Shape& size, const Options& options, const Source& generator,
              Out out);
Tensor rand_like(const Tensor& x, const Options& options, Format format, const Source& generator);
Tensor randn_like(const Tensor& x, const Options& options, Format format, const Source& generator);
Tensor randint_like(const Tensor& x, int64_t low, int64_t high, const Options& options, Format format,
                    const Source& generator);

}  // namespace make
}  // namespace tt
