// Images at other sizes, and at other places.
#pragma once
#include <string>

#include "ops/internal.h"

namespace tt {

using Scales = std::optional<std::vector<double>>;  // one for all dimensions, or one each

// mode: nearest, nearest-exact, linear, bilinear, bicubic, trilinear, lanczos, area.
Tensor interpolate(const Tensor& x, const Dims& size, const Scales& scale_factor, const std::string& mode,
                   std::optional<bool> align_corners, std::optional<bool> recompute_scale_factor,
                   bool antialias);

// x (N, C, [D,] H, W) at the places grid (N, [D',] H', W', 2 or 3) names; mode: bilinear, nearest, bicubic;
// padding_mode: zeros, border, reflection.
Tensor grid_sample(const Tensor& x, const Tensor& grid, const std::string& mode,
                   const std::string& padding_mode, bool align_corners);
// The grid of a batch of affine maps theta (N, 2, 3) or (N, 3, 4) for images of a size (N, C, [D,] H, W).
Tensor affine_grid(const Tensor& theta, const Shape& size, bool align_corners);

}  // namespace tt
