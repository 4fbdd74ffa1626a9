// A convolution as the kernels are asked for it: y = x * w, and the two products that lead back from y.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace tt {

// Position o of y meets position o * stride - padding + tap * dilation of x, where x has one. Three
// dimensions always; the first ones have size 1 where there are fewer. The padding after x is whatever `out`
// needs.
struct ConvolutionGeometry {
  int rank = 0;
  int64_t batch = 0, groups = 1;
  int64_t in_channels = 0, out_channels = 0;  // of all groups
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, kernel[3] = {1, 1, 1};
  int64_t stride[3] = {1, 1, 1}, padding[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};

  int64_t group_in() const { return in_channels / groups; }
  int64_t group_out() const { return out_channels / groups; }
  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t products() const { return batch * out_channels * out_size() * group_in() * taps(); }  // at most
};

enum class ConvolutionPass : uint8_t {
  forward,  // y from x, weight and bias
  input,    // x from y and weight, the gradient's way; the bias, one number per channel of x, is added
  weight    // weight from x and y; bias, if there is one, becomes the sum of y over all but the channels
};

// Contiguous: x [batch, in_channels, in...], y [batch, out_channels, out...], weight [out_channels,
// in_channels / groups, kernel...]. Nothing is empty. The bits of the result do not depend on the number of
// threads.
struct ConvolutionCall {
  ConvolutionPass pass;
  DType dtype;  // of everything; not Bool and not a half type
  const ConvolutionGeometry& geometry;
  void *x, *weight, *y;
  void* bias = nullptr;
};

}  // namespace tt
