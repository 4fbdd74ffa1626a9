#pragma once
#include "ops/internal.h"

namespace tt {

Tensor index_add_(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source, const Scalar& alpha);

}  // namespace tt
