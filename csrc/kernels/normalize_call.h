// What the normalisations ask of a device. Everything is contiguous and of one type, Float32 or Float64. Null
// pointers are operands that are not there, and results that are not wanted.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace tt {

// y = (x - mean) * scale * weight + bias over [outer, channels, inner], with weight and bias for each
// channel. The mean and scale = 1 / sqrt(variance + eps) belong to a channel (groups == 0: batch norm), or to
// one of `groups` groups of channels of one of `outer` samples.
struct ChannelNormCall {
  DType dtype;
  int64_t outer, channels, inner, groups = 0;
  bool fixed = false;  // batch norm: mean and scale are given, not taken from the input
  double eps = 0;
  const void* input = nullptr;
  const void* weight = nullptr;
  const void* bias = nullptr;
  void* mean = nullptr;  // found by a forward call that is not `fixed`, else given
  void* scale = nullptr;
  void* variance = nullptr;  // found: with the divisor n - 1
  void* running_mean =
      nullptr;  // batch norm: moved by the part `momentum` towards the mean and variance found
  void* running_variance = nullptr;
  double momentum = 0;
  void* out = nullptr;

  const void* grad = nullptr;  // backward
  void* grad_input = nullptr;
  void* grad_weight = nullptr;
  void* grad_bias = nullptr;
};

// The same along rows of n elements, where weight and bias belong to an element; row i takes those numbered
// i % period. Without `centered` the mean is 0.
struct RowNormCall {
  DType dtype;
  bool centered;
  int64_t rows, n, period = 1;
  double eps = 0;
  const void* input = nullptr;
  const void* weight = nullptr;
  const void* bias = nullptr;
  void* mean = nullptr;
  void* scale = nullptr;
  void* out = nullptr;

  const void* grad = nullptr;  // backward
  void* grad_input = nullptr;
  void* grad_weight = nullptr;
  void* grad_bias = nullptr;
};

}  // namespace tt
