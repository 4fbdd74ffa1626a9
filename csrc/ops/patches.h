// Images cut into patches and put together again, and channels moved into space and back.
#pragma once
#include "ops/internal.h"

namespace tt {

// (N, C, H, W) -> (N, C * patch, places): the elements under every place of a sliding window.
Tensor im2col(const Tensor& x, const Shape& kernel_size, const Shape& dilation, const Shape& padding,
              const Shape& stride);
// The transpose: patches summed where they overlap.
Tensor col2im(const Tensor& x, const Shape& output_size, const Shape& kernel_size, const Shape& dilation,
              const Shape& padding, const Shape& stride);

Tensor pixel_shuffle(const Tensor& x, int64_t upscale_factor);  // (*, C r r, H, W) -> (*, C, H r, W r)
Tensor pixel_unshuffle(const Tensor& x, int64_t downscale_factor);
Tensor channel_shuffle(const Tensor& x, int64_t groups);

}  // namespace tt
