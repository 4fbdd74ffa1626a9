#pragma once
#include "ops/internal.h"

namespace tt {

Tensor cat(const std::vector<Tensor>& tensors, int64_t dim, Out out = {});
Tensor stack(const std::vector<Tensor>& tensors, int64_t dim, Out out = {});

}  // namespace tt
