// Maxima over windows, and the way back. What a result needs for its derivative is which element it came
// from: its position in the window as a byte, or its index in the plane.
#include <algorithm>

#include "ops/ops.h"
#include "ops/pooling.h"
#include "ops/pooling_sizes.h"

namespace tt {
namespace {

struct MaxPoolNames {
  const char *pool, *adaptive, *fractional, *unpool;                      // the ops
  const char *pool_node, *adaptive_node, *fractional_node, *unpool_node;  // and their nodes
};
constexpr MaxPoolNames names_of[] = {
    {"max_pool1d", "adaptive_max_pool1d", "", "max_unpool1d", "SqueezeBackward1", "SqueezeBackward1", "",
     "SqueezeBackward1"},
    {"max_pool2d", "adaptive_max_pool2d", "fractional_max_pool2d", "max_unpool2d",
     "MaxPool2DWithIndicesBackward0", "AdaptiveMaxPool2DBackward0", "FractionalMaxPool2DBackward0",
     "MaxUnpool2DBackward0"},
    {"max_pool3d", "adaptive_max_pool3d", "fractional_max_pool3d", "max_unpool3d",
     "MaxPool3DWithIndicesBackward0", "AdaptiveMaxPool3DBackward0", "FractionalMaxPool3DBackward0",
     "MaxUnpool3DBackward0"},
};

// ---------------------------------------------------------------- to and from the places

// `places`: bytes that are positions in windows, or Int64 indices into planes, one for each of `dense`.
Tensor moved(PickMode mode, const Tensor& input, const Tensor& places, const PoolWindow& window,
             const Shape& sizes) {
  auto run = network_kernel("max_pool", input.device(), &NetworkKernels::pick);
  GradGuard off(false);
  Tensor x = contiguous(input), y = empty(sizes, x.dtype(), x.device()), at = contiguous(places);
  PickCall call{.mode = mode,
                .dtype = x.dtype(),
                .planes = places.count() / std::max<int64_t>(window.out_size(), 1),
                .in_size = window.in_size(),
                .out_size = window.out_size(),
                .window = &window,
                .dense = mode == PickMode::get ? y.bytes() : x.bytes(),
                .plane = mode == PickMode::get ? x.bytes() : y.bytes()};
  if (at.dtype() == DType::UInt8) call.position = at.data<uint8_t>();
  else call.index = at.data<int64_t>();
  if (places.count() == 0 && mode != PickMode::get) return zeros(sizes, x.dtype(), x.device());
  if (y.count()) run(call);
  return y;
}

Tensor picked(const Tensor& x, const Tensor& places, const PoolWindow& window);

// Sums of g where the results came from: the transposed map of `picked`, as that is of this.
Tensor placed(const Tensor& g, const Tensor& places, const PoolWindow& window, const Shape& sizes) {
  Tensor y = moved(PickMode::add, g, places, window, sizes);
  return record("MaxPoolBackwardBackward0", y, inputs(g), save(places, window),
                [](const Tensor& g, const Tensor& places, const PoolWindow& window) {
                  return picked(g, places, window);
                });
}

Tensor picked(const Tensor& x, const Tensor& places, const PoolWindow& window) {
  Tensor y = moved(PickMode::get, x, places, window, places.sizes());
  Shape sizes = x.sizes();
  return record("MaxUnpoolBackwardBackward0", y, inputs(x), save(places, window, sizes), placed);
}

// ---------------------------------------------------------------- forward

Tensor dense_values(const Tensor& x) {
  GradGuard off(false);
  return contiguous(x);
}

struct Maxima {
  Tensor values, places;
};

Maxima maxima_of_windows(const char* op, const Tensor& input, int dims, const PoolWindow& window,
                         bool wants_places) {
  auto run = network_kernel(op, input.device(), &NetworkKernels::max_pool);
  Tensor x = dense_values(input);
  Shape sizes = sizes_with(x, dims, window.out);
  Maxima y{empty(sizes, x.dtype(), x.device()), {}};
  if (wants_places) y.places = empty(sizes, DType::UInt8, x.device());
  MaxPoolCall call{x.dtype(), plane_count(x, dims), &window,
                   x.bytes(), y.values.bytes(),     wants_places ? y.places.data<uint8_t>() : nullptr};
  if (y.values.count()) run(call);
  return y;
}

struct Regions {  // by dimension, perhaps with a row per plane
  std::vector<int64_t> start[3], count[3];
  Regions() {
    for (int d = 0; d < 3; d++) start[d] = {0}, count[d] = {1};
  }
};

Maxima maxima_of_regions(const char* op, const Tensor& input, int dims, const PoolWindow& window,
                         const Regions& regions, bool wants_places) {
  auto run = network_kernel(op, input.device(), &NetworkKernels::max_regions);
  Tensor x = dense_values(input);
  Shape sizes = sizes_with(x, dims, window.out);
  Maxima y{empty(sizes, x.dtype(), x.device()), {}};
  if (wants_places) y.places = empty(sizes, DType::Int64, x.device());
  MaxRegionsCall call{};
  call.dtype = x.dtype();
  call.planes = plane_count(x, dims);
  for (int d = 0; d < 3; d++) {
    call.in[d] = window.in[d];
    call.out[d] = window.out[d];
    call.step[d] = window.dilation[d];
    call.start[d] = regions.start[d].data();
    call.count[d] = regions.count[d].data();
    call.table_pitch[d] = int64_t(regions.start[d].size()) > window.out[d] ? window.out[d] : 0;
  }
  call.data = x.bytes();
  call.result = y.values.bytes();
  call.index = wants_places ? y.places.data<int64_t>() : nullptr;
  if (y.values.count()) run(call);
  return y;
}

// What of each window lies inside.
Regions regions_of(const PoolWindow& w) {
  Regions regions;
  for (int d = 0; d < 3; d++) {
    regions.start[d].clear();
    regions.count[d].clear();
    for (int64_t o = 0; o < w.out[d]; o++) {
      int64_t from = o * w.stride[d] - w.padding[d], step = w.dilation[d],
              left_out = from < 0 ? (-from + step - 1) / step : 0;
      int64_t start = from + left_out * step,
              room = w.in[d] > start ? (w.in[d] - start + step - 1) / step : 0;
      regions.start[d].push_back(start);
      regions.count[d].push_back(std::min(w.kernel[d] - left_out, room));
    }
  }
  return regions;
}

// With a dilation a window can lie around the input without touching it.
void check_windows_touch(const char* op, const PoolWindow& w) {
  bool dilated = false;
  for (int d = 0; d < 3; d++) dilated = dilated || (w.dilation[d] > 1 && w.padding[d] > 0);
  if (!dilated) return;
  Regions regions = regions_of(w);
  for (const auto& counts : regions.count)
    for (int64_t count : counts) check(count > 0, op, ": a window lies wholly in the padding");
}

Maxima pooled(const char* op, const Tensor& x, int dims, const PoolWindow& window, bool wants_places) {
  if (x.dtype() == DType::Bool || (!x.is_floating() && dims == 1)) fail_dtype(op, x.dtype());
  check_windows_touch(op, window);
  if (x.is_floating() && window.volume() <= most_positions)
    return maxima_of_windows(op, x, dims, window, wants_places);
  return maxima_of_regions(op, x, dims, window, regions_of(window), wants_places);
}

Tensor as_indices(const char* op, const Tensor& places, int dims, const PoolWindow& window) {
  if (places.dtype() == DType::Int64) return places;
  auto run = network_kernel(op, places.device(), &NetworkKernels::pool_places);
  Tensor indices = empty(places.sizes(), DType::Int64, places.device());
  run({plane_count(places, dims), &window, places.data<uint8_t>(), indices.data<int64_t>()});
  return indices;
}

using Pair = std::tuple<Tensor, Tensor>;

Pair with_indices(const char* node, const Tensor& x, const Maxima& y, const Tensor& indices,
                  const PoolWindow& window) {
  Shape sizes = x.sizes();
  record_many(node, {y.values, indices}, inputs(x), save(y.places, window, sizes),
              [](const Gradients& g, Wanted, const Tensor& places, const PoolWindow& window,
                 const Shape& sizes) { return Gradients{placed(g[0], places, window, sizes)}; });
  return {y.values, indices};
}

}  // namespace

template <int dims>
Tensor max_pool(const Tensor& x, const Shape& kernel_size, const Dims& stride, const Shape& padding,
                const Shape& dilation, bool ceil_mode) {
  const MaxPoolNames& names = names_of[dims - 1];
  PoolWindow window = pool_window(names.pool, x, dims, kernel_size, {stride, padding, dilation, ceil_mode});
  Maxima y = pooled(names.pool, x, dims, window, x.is_floating() && any_needs_grad(inputs(x)));
  Shape sizes = x.sizes();
  return record(names.pool_node, y.values, inputs(x), save(y.places, window, sizes), placed);
}

template <int dims>
Pair max_pool_with_indices(const Tensor& x, const Shape& kernel_size, const Dims& stride,
                           const Shape& padding, const Shape& dilation, bool ceil_mode) {
  const MaxPoolNames& names = names_of[dims - 1];
  PoolWindow window = pool_window(names.pool, x, dims, kernel_size, {stride, padding, dilation, ceil_mode});
  Maxima y = pooled(names.pool, x, dims, window, true);
  return with_indices(names.pool_node, x, y, as_indices(names.pool, y.places, dims, window), window);
}

template <int dims>
Pair adaptive_max_pool(const Tensor& x, const Shape& output_size) {
  const MaxPoolNames& names = names_of[dims - 1];
  Shape wanted = per_dimension(names.adaptive, "output_size", output_size, dims);
  for (int64_t size : wanted)
    check(size >= 0, names.adaptive,
          ": elements of output_size must be greater than or equal to 0 but received ", wanted);
  check_images(names.adaptive, x, dims);
  if (!x.is_floating()) fail_dtype(names.adaptive, x.dtype());
  PoolWindow window;
  spatial_sizes(x, dims, window.in);
  Regions regions;
  for (int d = 3 - dims; d < 3; d++) {
    int64_t in = window.in[d], out = window.out[d] = wanted[d - 3 + dims];
    regions.start[d].resize(out);
    regions.count[d].resize(out);
    for (int64_t o = 0; o < out; o++) {
      regions.start[d][o] = o * in / out;
      regions.count[d][o] = ((o + 1) * in + out - 1) / out - o * in / out;
    }
  }
  Maxima y = maxima_of_regions(names.adaptive, x, dims, window, regions, true);
  return with_indices(names.adaptive_node, x, y, y.places, window);
}

// ---------------------------------------------------------------- windows at random

// Starts of `out` windows of `size` elements, about evenly spread over `in`; the last one ends where the
// input does.
template <class T>
static void spread(std::vector<int64_t>& start, T sample, int64_t in, int64_t out, int64_t size) {
  T step = out > 1 ? T(in - size) / T(out - 1) : T(0);
  for (int64_t o = 0; o + 1 < out; o++)
    start.push_back(int64_t((T(o) + sample) * step) - int64_t(sample * step));
  if (out) start.push_back(in - size);
}

template <int dims>
static Regions random_regions(const PoolWindow& window, const Tensor& samples, int64_t planes) {
  GradGuard off(false);
  bool is_double = samples.dtype() == DType::Float64;
  Tensor numbers = contiguous(to_dtype(to_device(samples, {}), DType::Float64));
  Regions regions;
  for (int d = 3 - dims; d < 3; d++) {
    regions.start[d].clear();
    int column = dims == 2 ? 2 - d : d;  // in the plane the first number is for the width
    for (int64_t p = 0; p < planes; p++) {
      double sample = numbers.data<double>()[p * dims + column];
      if (is_double) spread(regions.start[d], sample, window.in[d], window.out[d], window.kernel[d]);
      else spread(regions.start[d], float(sample), window.in[d], window.out[d], window.kernel[d]);
    }
    regions.count[d].assign(regions.start[d].size(), window.kernel[d]);
  }
  return regions;
}

template <int dims>
Pair fractional_max_pool(const Tensor& x, const Shape& kernel_size, const Shape& output_size,
                         const Tensor& samples) {
  const MaxPoolNames& names = names_of[dims - 1];
  const char* op = names.fractional;
  Shape kernel = per_dimension(op, "kernel_size", kernel_size, dims),
        out = per_dimension(op, "output_size", output_size, dims);
  check_images(op, x, dims);
  if (!x.is_floating()) fail_dtype(op, x.dtype());
  PoolWindow window;
  spatial_sizes(x, dims, window.in);
  for (int d = 0; d < dims; d++) {
    int at = d + 3 - dims;
    window.kernel[at] = kernel[d];
    window.out[at] = out[d];
    check(kernel[d] > 0 && out[d] > 0, op, ": kernel_size and output_size must be greater than zero, got ",
          kernel, " and ", out);
    int64_t needed = out[d] + kernel[d] - (dims == 2 ? 1 : 0);  // PyTorch's volumes keep one element to spare
    check(needed <= window.in[at], op, ": pool size ", kernel[d], " too large relative to input size ",
          window.in[at], " for an output of ", out[d]);
  }
  int64_t planes = plane_count(x, dims);
  check(samples.dtype() == x.dtype(), op, ": Expect _random_samples to have the same dtype as input, got ",
        name_of(samples.dtype()), " and ", name_of(x.dtype()));
  check(samples.rank() == 3 && samples.sizes()[2] == dims && samples.count() == planes * dims, op,
        ": Expect _random_samples to have ", dims, " numbers for each batch and channel, got shape ",
        samples.sizes());
  Maxima y = maxima_of_regions(op, x, dims, window, random_regions<dims>(window, samples, planes), true);
  return with_indices(names.fractional_node, x, y, y.places, window);
}

// ---------------------------------------------------------------- the inverse

static void check_indices(const char* op, const Tensor& indices, int64_t plane) {
  if (indices.count() == 0) return;
  int64_t low = item(min(indices)).to<int64_t>(), high = item(max(indices)).to<int64_t>();
  check(low >= 0 && high < plane, op, ": Found an invalid max index: ", low < 0 ? low : high,
        " (output volumes are of size ", plane, ")");
}

template <int dims>
Tensor max_unpool(const Tensor& x, const Tensor& indices, const Shape& output_size) {
  const MaxPoolNames& names = names_of[dims - 1];
  const char* op = names.unpool;
  check(indices.dtype() == DType::Int64, op,
        ": elements in indices should be type int64 but got: ", name_of(indices.dtype()));
  check(output_size.size() == dims, op, ": There should be exactly ", dims,
        " elements in output_size, but got ", output_size);
  check_images(op, x, dims);
  check(x.sizes() == indices.sizes(), op,
        ": Expected shape of indices to be same as that of the input tensor ", x.sizes(),
        " but got indices tensor with shape: ", indices.sizes());
  if (!x.is_floating()) fail_dtype(op, x.dtype());
  PoolWindow window;  // seen from its result: the planes are the output here
  spatial_sizes(x, dims, window.out);
  for (int d = 0; d < dims; d++) {
    window.in[d + 3 - dims] = output_size[d];
    check(output_size[d] > 0, op, ": output_size must be greater than zero, got ", output_size);
  }
  check_indices(op, indices, window.in_size());
  Tensor y = moved(PickMode::set, x, indices, window, sizes_with(x, dims, window.in));
  return record(names.unpool_node, y, inputs(x), save(indices, window), picked);
}

#define TT_INSTANTIATE(dims)                                                                           \
  template Tensor max_pool<dims>(const Tensor&, const Shape&, const Dims&, const Shape&, const Shape&, \
                                 bool);                                                                \
  template Pair max_pool_with_indices<dims>(const Tensor&, const Shape&, const Dims&, const Shape&,    \
                                            const Shape&, bool);                                       \
  template Pair adaptive_max_pool<dims>(const Tensor&, const Shape&);                                  \
  template Tensor max_unpool<dims>(const Tensor&, const Tensor&, const Shape&);
TT_INSTANTIATE(1)
TT_INSTANTIATE(2)
TT_INSTANTIATE(3)
#undef TT_INSTANTIATE
template Pair fractional_max_pool<2>(const Tensor&, const Shape&, const Shape&, const Tensor&);
template Pair fractional_max_pool<3>(const Tensor&, const Shape&, const Shape&, const Tensor&);

}  // namespace tt
