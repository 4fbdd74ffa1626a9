#pragma once
#include "ops/internal.h"

namespace tt {

// `dims` absent or empty: all of them.
Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {}, Out out = {});
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {}, Out out = {});
Tensor any(const Tensor& x, const Dims& dims = {}, bool keepdim = false, Out out = {});
Tensor sum_to(const Tensor& x, const Shape& sizes);  // undoes a broadcast

}  // namespace tt
