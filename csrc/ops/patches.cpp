#include "ops/patches.h"

#include "ops/ops.h"
#include "ops/padding.h"
#include "ops/pooling_sizes.h"
#include "ops/separable.h"

namespace tt {
namespace {

struct Patches {
  Shape size, kernel, dilation, padding, stride;  // of the image and the windows, two each
  int64_t places(int d) const {
    return (size[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d] + 1;
  }
};

Patches patches_of(const char* op, const Shape& size, const Shape& kernel_size, const Shape& dilation,
                   const Shape& padding, const Shape& stride) {
  constexpr int64_t most = int64_t(1) << 31;
  Patches p{size, per_dimension(op, "kernel_size", kernel_size, 2),
            per_dimension(op, "dilation", dilation, 2), per_dimension(op, "padding", padding, 2),
            per_dimension(op, "stride", stride, 2)};
  for (int d = 0; d < 2; d++) {
    check(p.kernel[d] > 0 && p.kernel[d] < most, op, ": kernel size should be greater than zero, but got ",
          p.kernel);
    check(p.dilation[d] > 0 && p.dilation[d] < most, op, ": dilation should be greater than zero, but got ",
          p.dilation);
    check(p.padding[d] >= 0 && p.padding[d] < most, op, ": padding should be non-negative, but got ",
          p.padding);
    check(p.stride[d] > 0 && p.stride[d] < most, op, ": stride should be greater than zero, but got ",
          p.stride);
    int64_t room = size[d] + 2 * p.padding[d] - p.dilation[d] * (p.kernel[d] - 1);
    check(room > 0, op, ": Given input with spatial size ", size, ", kernel_size=", p.kernel,
          ", dilation=", p.dilation, ", padding=", p.padding,
          ", the shape of the array of sliding blocks is less than one");
  }
  return p;
}

void check_kind(const char* op, const Tensor& x) {
  if (!x.is_floating() && x.dtype() != DType::Bool) fail_dtype(op, x.dtype());
}

// A fresh tensor of these sizes with the values of a view, in its order.
Tensor copied(const Tensor& source, const Shape& sizes) {
  Tensor y = empty(sizes, source.dtype(), source.device());
  copy_values(view_geometry(y, source.sizes(), contiguous_strides(source.sizes()), 0), source);
  return y;
}

// Output i of the image is the sum of patch elements k * places + o with o * stride + k * dilation - padding
// = i.
TapTable overlaps(const Patches& p, int d) {
  const int64_t places = p.places(d);
  TapTable windows(p.size[d]);
  for (int64_t k = 0; k < p.kernel[d]; k++)
    for (int64_t o = 0; o < places; o++) {
      int64_t i = o * p.stride[d] + k * p.dilation[d] - p.padding[d];
      if (i >= 0 && i < p.size[d]) windows.add(i);
      windows.close();
    }
  return windows.transposed();
}

}  // namespace

Tensor im2col(const Tensor& x, const Shape& kernel_size, const Shape& dilation, const Shape& padding,
              const Shape& stride) {
  const char* op = "unfold";
  check_images(op, x, 2);
  check_kind(op, x);
  Shape size{x.sizes()[x.rank() - 2], x.sizes().back()};
  Patches p = patches_of(op, size, kernel_size, dilation, padding, stride);
  Tensor y;
  {
    GradGuard off(false);
    Tensor image = contiguous(constant_pad(x, {p.padding[1], p.padding[1], p.padding[0], p.padding[0]}));
    const Shape& steps = image.strides();
    const int row = image.rank() - 2;
    Shape sizes(image.sizes().data(), row), strides(steps.data(), row), result = sizes;
    for (int64_t n : {p.kernel[0], p.kernel[1], p.places(0), p.places(1)}) sizes.push_back(n);
    for (int64_t n : {p.dilation[0] * steps[row], p.dilation[1], p.stride[0] * steps[row], p.stride[1]})
      strides.push_back(n);
    result.back() *= p.kernel[0] * p.kernel[1];
    result.push_back(p.places(0) * p.places(1));
    y = copied(as_strided(image, sizes, strides), result);
  }
  return record(
      "Im2ColBackward0", y, inputs(x), save(p.size, p.kernel, p.dilation, p.padding, p.stride),
      [](const Tensor& g, const Shape& size, const Shape& kernel, const Shape& dilation, const Shape& padding,
         const Shape& stride) { return col2im(g, size, kernel, dilation, padding, stride); });
}

Tensor col2im(const Tensor& x, const Shape& output_size, const Shape& kernel_size, const Shape& dilation,
              const Shape& padding, const Shape& stride) {
  const char* op = "fold";
  check(x.rank() == 2 || x.rank() == 3, op,
        ": Expected 2D or 3D (batch mode) tensor for input, but got: ", x.sizes());
  check_kind(op, x);
  Patches p = patches_of(op, per_dimension(op, "output_size", output_size, 2), kernel_size, dilation, padding,
                         stride);
  const int64_t patch = p.kernel[0] * p.kernel[1], count = p.places(0) * p.places(1),
                rows = x.sizes()[x.rank() - 2];
  check(rows > 0 && rows % patch == 0, op, ": Expected size of input's dimension ", x.rank() - 2,
        " to be divisible by the product "
        "of kernel_size, but got ",
        rows, " and kernel_size=", p.kernel);
  check(x.sizes().back() == count, op, ": Given output_size=", p.size, ", kernel_size=", p.kernel,
        ", dilation=", p.dilation, ", padding=", p.padding, ", stride=", p.stride,
        ", expected size of input's last dimension to match the calculated number "
        "of sliding blocks ",
        count, ", but got ", x.sizes().back());
  Tensor y;
  {
    GradGuard off(false);
    const int lead = x.rank() - 2;
    Shape parts(x.sizes().data(), lead), joined(x.sizes().data(), lead), order;
    for (int64_t n : {rows / patch, p.kernel[0], p.kernel[1], p.places(0), p.places(1)}) parts.push_back(n);
    for (int64_t n : {rows / patch, p.kernel[0] * p.places(0), p.kernel[1] * p.places(1)})
      joined.push_back(n);
    for (int i = 0; i <= lead; i++) order.push_back(i);
    for (int i : {1, 3, 2, 4}) order.push_back(lead + i);
    Tensor lines = copied(permute(reshape(x, parts), order), joined);
    SharedMap map = separable_map("Col2ImBackward0", "Im2ColBackward0", {overlaps(p, 0), overlaps(p, 1)});
    y = mapped(op, x.is_floating() ? lines : to_dtype(lines, DType::Float32), map);
    if (!x.is_floating()) y = to_dtype(y, x.dtype());
  }
  return record("Col2ImBackward0", y, inputs(x), save(p.kernel, p.dilation, p.padding, p.stride),
                [](const Tensor& g, const Shape& kernel, const Shape& dilation, const Shape& padding,
                   const Shape& stride) { return im2col(g, kernel, dilation, padding, stride); });
}

// ---------------------------------------------------------------- channels and space

// The last three sizes of x, C, H and W, become `parts`; those are reordered, and then are `result`.
static Tensor rearranged(const Tensor& x, std::initializer_list<int64_t> parts,
                         std::initializer_list<int> order, std::initializer_list<int64_t> result) {
  GradGuard off(false);
  const int lead = x.rank() - 3;
  Shape all(x.sizes().data(), lead), sizes = all, dims;
  for (int i = 0; i < lead; i++) dims.push_back(i);
  for (int i : order) dims.push_back(lead + i);
  for (int64_t n : parts) all.push_back(n);
  for (int64_t n : result) sizes.push_back(n);
  return copied(permute(reshape(x, all), dims), sizes);
}

static void check_shuffle(const char* op, const Tensor& x, int64_t r) {
  check(x.rank() >= 3, op, ": expects input to have at least 3 dimensions, but got input with ", x.rank(),
        " dimension(s)");
  check(r > 0 && r < (1 << 20), op, ": expects a positive factor, but got ", r);
}

Tensor pixel_shuffle(const Tensor& x, int64_t r) {
  const char* op = "pixel_shuffle";
  check_shuffle(op, x, r);
  const int64_t *sizes = x.sizes().end() - 3, channels = sizes[0] / (r * r);
  check(sizes[0] % (r * r) == 0, op,
        ": expects its input's 'channel' dimension to be divisible by the square of "
        "upscale_factor, but input.size(-3)=",
        sizes[0], " is not divisible by ", r * r);
  Tensor y = rearranged(x, {channels, r, r, sizes[1], sizes[2]}, {0, 3, 1, 4, 2},
                        {channels, sizes[1] * r, sizes[2] * r});
  return record("PixelShuffleBackward0", y, inputs(x), save(r),
                [](const Tensor& g, const int64_t& r) { return pixel_unshuffle(g, r); });
}

Tensor pixel_unshuffle(const Tensor& x, int64_t r) {
  const char* op = "pixel_unshuffle";
  check_shuffle(op, x, r);
  const int64_t *sizes = x.sizes().end() - 3, height = sizes[1] / r, width = sizes[2] / r;
  for (int d = 1; d < 3; d++)
    check(sizes[d] % r == 0, op, ": expects ", d == 1 ? "height" : "width",
          " to be divisible by downscale_factor, but input.size(", d - 3, ")=", sizes[d],
          " is not divisible by ", r);
  Tensor y =
      rearranged(x, {sizes[0], height, r, width, r}, {0, 2, 4, 1, 3}, {sizes[0] * r * r, height, width});
  return record("PixelUnshuffleBackward0", y, inputs(x), save(r),
                [](const Tensor& g, const int64_t& r) { return pixel_shuffle(g, r); });
}

Tensor channel_shuffle(const Tensor& x, int64_t groups) {
  const char* op = "channel_shuffle";
  check(x.rank() > 2, op, ": expects input with > 2 dims, but got input with sizes ", x.sizes());
  check(groups > 0, op,
        ": Number of groups to divide channels in must be positive. Value of groups:", groups);
  const int64_t channels = x.sizes()[1], back = std::max<int64_t>(channels / groups, 1);
  check(channels % groups == 0, op, ": Number of channels must be divisible by groups. Got ", channels,
        " channels and ", groups, " groups.");
  Tensor y;
  {
    GradGuard off(false);
    Shape parts = x.sizes();
    parts[1] = channels / groups;
    parts.insert(1, groups);
    y = copied(transpose(reshape(x, parts), 1, 2), x.sizes());
  }
  return record("ChannelShuffleBackward0", y, inputs(x), save(back),
                [](const Tensor& g, const int64_t& groups) { return channel_shuffle(g, groups); });
}

}  // namespace tt
