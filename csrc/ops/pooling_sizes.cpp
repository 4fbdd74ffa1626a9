#include "ops/pooling_sizes.h"

#include <algorithm>

namespace tt {

Shape per_dimension(const char* op, const char* argument, const Shape& given, int dims) {
  if (given.size() == 1) return Shape::filled(dims, given[0]);
  check(given.size() == dims, op, ": ", argument, " must either be a single int, or a tuple of ", dims,
        " ints, got ", given);
  return given;
}

void check_images(const char* op, const Tensor& x, int dims) {
  bool fits = x.rank() == dims + 1 || x.rank() == dims + 2;
  for (int i = x.rank() - dims - 1; fits && i < x.rank(); i++) fits = x.sizes()[i] > 0;
  check(fits, op, ": Expected ", dims + 1, "D or ", dims + 2,
        "D (batch mode) tensor with optional 0 dim batch size for input, but got: ", x.sizes());
}

int64_t pooled_size(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                    bool ceil_mode) {
  int64_t reach = in + 2 * padding - dilation * (kernel - 1) - 1;
  if (reach < 0 && !ceil_mode) return 0;
  int64_t rounded = reach + (ceil_mode ? stride - 1 : 0);
  int64_t out = (rounded >= 0 ? rounded / stride : -((-rounded + stride - 1) / stride)) + 1;
  if (ceil_mode && (out - 1) * stride >= in + padding)
    out--;  // the last window starts inside, or in the padding before
  return std::max<int64_t>(out, 0);
}

static void check_window(const char* op, const Shape& kernel, const Shape& stride, const Shape& padding,
                         const Shape& dilation) {
  for (int d = 0; d < kernel.size(); d++) {
    check(kernel[d] > 0, op, ": kernel size should be greater than zero, but got ", kernel);
    check(stride[d] != 0, op, ": stride should not be zero");
    check(stride[d] > 0, op, ": stride should be greater than zero, but got ", stride);
    check(dilation[d] > 0, op, ": dilation should be greater than zero, but got ", dilation);
    check(padding[d] >= 0, op, ": pad must be non-negative, but got pad: ", padding[d]);
    check(padding[d] <= ((kernel[d] - 1) * dilation[d] + 1) / 2, op,
          ": pad should be at most half of effective kernel size, but got pad=", padding[d],
          ", kernel_size=", kernel[d], " and dilation=", dilation[d]);
  }
}

PoolWindow pool_window(const char* op, const Tensor& x, int dims, const Shape& kernel_size,
                       const PoolOptions& options) {
  constexpr int64_t most = int64_t(1) << 31;
  Shape kernel = per_dimension(op, "kernel_size", kernel_size, dims);
  bool own_stride = options.stride && !options.stride->empty();
  Shape stride = own_stride ? per_dimension(op, "stride", *options.stride, dims) : kernel;
  Shape padding = per_dimension(op, "padding", options.padding, dims),
        dilation = per_dimension(op, "dilation", options.dilation, dims);
  for (int d = 0; d < dims; d++)
    check(std::max({kernel[d], stride[d], padding[d], dilation[d]}) < most, op,
          ": sizes must be less than 2^31, got kernel_size=", kernel, ", stride=", stride,
          ", padding=", padding, ", dilation=", dilation);
  check_window(op, kernel, stride, padding, dilation);
  check_images(op, x, dims);
  PoolWindow window;
  spatial_sizes(x, dims, window.in);
  for (int d = 0; d < dims; d++) {
    int at = 3 - dims + d;
    window.kernel[at] = kernel[d];
    window.stride[at] = stride[d];
    window.padding[at] = padding[d];
    window.dilation[at] = dilation[d];
    window.out[at] =
        pooled_size(window.in[at], kernel[d], stride[d], padding[d], dilation[d], options.ceil_mode);
    check(window.out[at] > 0, op, ": Output size is too small: input ", x.sizes(), " gives ", window.out[at],
          " in dimension ", x.rank() - dims + d);
  }
  return window;
}

void spatial_sizes(const Tensor& x, int dims, int64_t (&sizes)[3]) {
  for (int d = 0; d < 3; d++) sizes[d] = d < 3 - dims ? 1 : x.sizes()[x.rank() - 3 + d];
}

Shape sizes_with(const Tensor& x, int dims, const int64_t (&spatial)[3]) {
  Shape sizes = x.sizes();
  for (int d = 3 - dims; d < 3; d++) sizes[x.rank() - 3 + d] = spatial[d];
  return sizes;
}

int64_t plane_count(const Tensor& x, int dims) {
  int64_t planes = 1;
  for (int i = 0; i < x.rank() - dims; i++) planes *= x.sizes()[i];
  return planes;
}

}  // namespace tt
