#pragma once
#include <string>

#include "ops/internal.h"

namespace tt {

// `padding` holds what to add before and after each dimension, from the last one on; negative: to take away.
Tensor constant_pad(const Tensor& x, const Shape& padding, const Scalar& value = 0);
// mode: constant, reflect, replicate, circular; only the first takes a value.
Tensor pad(const Tensor& x, const Shape& padding, const std::string& mode,
           const std::optional<Scalar>& value);

}  // namespace tt
