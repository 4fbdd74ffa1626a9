// Normalisation: what was centered and scaled by the moments of a batch, a group of channels, or a row.
#pragma once
#include "ops/internal.h"

namespace tt {

using MaybeTensor = std::optional<Tensor>;

// Channels are dimension 1. Running statistics are moved towards those of the batch when training, and used
// in their place when not.
Tensor batch_norm(const Tensor& x, const MaybeTensor& running_mean, const MaybeTensor& running_var,
                  const MaybeTensor& weight, const MaybeTensor& bias, bool training, double momentum,
                  double eps);
Tensor instance_norm(const Tensor& x, const MaybeTensor& running_mean, const MaybeTensor& running_var,
                     const MaybeTensor& weight, const MaybeTensor& bias, bool use_input_stats,
                     double momentum, double eps);
Tensor group_norm(const Tensor& x, int64_t groups, const MaybeTensor& weight, const MaybeTensor& bias,
                  double eps);
// Over the last dimensions, whose sizes are normalized_shape.
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const MaybeTensor& weight,
                  const MaybeTensor& bias, double eps);
Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const MaybeTensor& weight,
                std::optional<double> eps);
Tensor normalize(const Tensor& x, double p, const Shape& dims, double eps);

}  // namespace tt
