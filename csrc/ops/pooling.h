// Pooling. An empty or absent stride is the size of the window; `dims` is the number of spatial dimensions.
#pragma once
#include <tuple>

#include "ops/internal.h"

namespace tt {

template <int dims>
Tensor max_pool(const Tensor& x, const Shape& kernel_size, const Dims& stride, const Shape& padding,
                const Shape& dilation, bool ceil_mode);
// Indices count in row-major order over the spatial dimensions of the input.
template <int dims>
std::tuple<Tensor, Tensor> max_pool_with_indices(const Tensor& x, const Shape& kernel_size,
                                                 const Dims& stride, const Shape& padding,
                                                 const Shape& dilation, bool ceil_mode);
template <int dims>
std::tuple<Tensor, Tensor> adaptive_max_pool(const Tensor& x, const Shape& output_size);
// `samples` are the random numbers, one per plane and dimension, that shift the windows.
template <int dims>
std::tuple<Tensor, Tensor> fractional_max_pool(const Tensor& x, const Shape& kernel_size,
                                               const Shape& output_size, const Tensor& samples);
template <int dims>
Tensor max_unpool(const Tensor& x, const Tensor& indices, const Shape& output_size);

template <int dims>
Tensor avg_pool(const Tensor& x, const Shape& kernel_size, const Dims& stride, const Shape& padding,
                bool ceil_mode, bool count_include_pad, std::optional<int64_t> divisor_override);
template <int dims>
Tensor adaptive_avg_pool(const Tensor& x, const Shape& output_size);

}  // namespace tt
