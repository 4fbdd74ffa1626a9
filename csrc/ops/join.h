// Tensors put together.
#pragma once
#include "ops/internal.h"

namespace tt {

Tensor cat(const std::vector<Tensor>& tensors, int64_t dim, Out out = {});
Tensor stack(const std::vector<Tensor>& tensors, int64_t dim, Out out = {});

// ---- along a fixed dimension, after raising the tensors to the dimensions that it takes
Tensor hstack(const std::vector<Tensor>& tensors, Out out = {});
Tensor vstack(const std::vector<Tensor>& tensors, Out out = {});
Tensor dstack(const std::vector<Tensor>& tensors, Out out = {});
Tensor column_stack(const std::vector<Tensor>& tensors, Out out = {});

}  // namespace tt
