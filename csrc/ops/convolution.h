#pragma once
#include "ops/internal.h"

namespace tt {

// One, two or three dimensions, with or without a batch; lists of one number stand for all dimensions.
Tensor convolution(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                   const Shape& stride, const Shape& padding, const Shape& dilation, bool transposed,
                   const Shape& output_padding, int64_t groups);

template <int rank>
Tensor conv(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias, const Shape& stride,
            const Shape& padding, const Shape& dilation, int64_t groups);
// padding: "valid", or "same" for a result as large as the input
template <int rank>
Tensor conv_named(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                  const Shape& stride, const std::string& padding, const Shape& dilation, int64_t groups);
template <int rank>
Tensor conv_transpose(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                      const Shape& stride, const Shape& padding, const Shape& output_padding, int64_t groups,
                      const Shape& dilation);

// Along the first dimension of [time, batch, channels], with a weight [taps, in, out].
Tensor conv_tbc(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t padding);

}  // namespace tt
