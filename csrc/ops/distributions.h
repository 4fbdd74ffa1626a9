#pragma once
#include "ops/random.h"

namespace tt {

// ---- draws whose derivative follows the distribution function (implicit reparameterization)
Tensor standard_gamma(const Tensor& shapes, const Source& generator);
Tensor dirichlet(const Tensor& concentration, const Source& generator);  // the last dimension sums to 1

// ---- draws that have none
Tensor binomial(const Tensor& count, const Tensor& p, const Source& generator);

// ---- the regularized incomplete gamma functions
Tensor igamma(const Tensor& a, const Tensor& x);
Tensor igammac(const Tensor& a, const Tensor& x);

}  // namespace tt
