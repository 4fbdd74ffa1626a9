#include "ops/distributions.h"

#include "bindings/registry.h"

namespace tt {

void bind_distributions(Registry& registry) {
  registry
      .op<standard_gamma>("_standard_gamma(input, generator=None)", function,
                          "Gamma numbers of the shapes in input and the rate 1.")
      .op<dirichlet>(
          "_sample_dirichlet(input, generator=None)", function,
          "Numbers of Dirichlet's distribution; the last dimension of input holds the concentrations.")
      .op<binomial>("binomial(count, prob: Tensor, generator=None)", function,
                    "The number of successes in count trials of the chance prob.")
      .op<igamma>("igamma(input, other: Tensor, *, out=None)", both | inplace,
                  "The lower incomplete gamma function of shape input, as a part of the whole.")
      .op<igammac>("igammac(input, other: Tensor, *, out=None)", both | inplace,
                   "The upper incomplete gamma function of shape input, as a part of the whole.");
}

}  // namespace tt
