// Averages over windows.
#include <algorithm>

#include "ops/ops.h"
#include "ops/pooling.h"
#include "ops/pooling_sizes.h"
#include "ops/separable.h"

namespace tt {
namespace {

constexpr const char* average_names[][3] = {
    {"avg_pool1d", "SqueezeBackward1", "AvgPool1DBackwardBackward0"},
    {"avg_pool2d", "AvgPool2DBackward0", "AvgPool2DBackwardBackward0"},
    {"avg_pool3d", "AvgPool3DBackward0", "AvgPool3DBackwardBackward0"},
};
constexpr const char* adaptive_names[][3] = {
    {"adaptive_avg_pool1d", "SqueezeBackward1", "AdaptiveAvgPool1DBackwardBackward0"},
    {"adaptive_avg_pool2d", "AdaptiveAvgPool2DBackward0", "AdaptiveAvgPool2DBackwardBackward0"},
    {"adaptive_avg_pool3d", "AdaptiveAvgPool3DBackward0", "AdaptiveAvgPool3DBackwardBackward0"},
};

// Along dimension d each window is clipped to the input, and its sum divided by its size: with what lies in
// the padding, but not beyond it, or without.
TapTable averages(const PoolWindow& w, int d, bool count_include_pad, bool divides) {
  std::vector<int64_t> start, count;
  std::vector<double> divisor;
  for (int64_t o = 0; o < w.out[d]; o++) {
    int64_t from = o * w.stride[d] - w.padding[d], to = std::min(from + w.kernel[d], w.in[d] + w.padding[d]);
    int64_t inside = std::max<int64_t>(from, 0),
            within = std::max<int64_t>(std::min(to, w.in[d]) - inside, 0);
    start.push_back(inside);
    count.push_back(within);
    divisor.push_back(double(std::max<int64_t>(count_include_pad ? to - from : within, 1)));
  }
  TapTable table = TapTable::runs(w.in[d], start, count);
  if (divides && w.kernel[d] > 1) table.divisor = std::move(divisor);
  return table;
}

// Windows as even as can be: output o covers the inputs from floor(o in / out) up to ceil((o + 1) in / out).
TapTable even_averages(int64_t in, int64_t out) {
  TapTable table(in);
  for (int64_t o = 0; o < out; o++) {
    int64_t from = o * in / out, to = ((o + 1) * in + out - 1) / out;
    for (int64_t i = from; i < to; i++) table.add(i);
    table.divisor.push_back(double(to - from));
    table.close();
  }
  return table;
}

// A single mean per plane, whose derivative needs no memory.
Tensor mean_of_planes(const char* op, const Tensor& x, const SharedMap& map) {
  Tensor y;
  {
    GradGuard off(false);
    y = mapped(op, x, map);
  }
  Shape sizes = x.sizes();
  return record("MeanBackward1", y, inputs(x), save(sizes), [](const Tensor& g, const Shape& sizes) {
    int64_t count = 1;
    for (int d = 0; d < sizes.size(); d++)
      if (g.sizes()[d] == 1) count *= sizes[d];
    return expand(div(g, wrapped_number(double(count))), sizes);
  });
}

// The mean of integers, rounded towards zero.
Tensor mapped_as_double(const char* op, const Tensor& x, const SharedMap& map) {
  return to_dtype(mapped(op, to_dtype(x, DType::Float64), map), x.dtype());
}

}  // namespace

template <int dims>
Tensor avg_pool(const Tensor& x, const Shape& kernel_size, const Dims& stride, const Shape& padding,
                bool ceil_mode, bool count_include_pad, std::optional<int64_t> divisor_override) {
  auto [op, name, transposed_name] = average_names[dims - 1];
  PoolWindow window =
      pool_window(op, x, dims, kernel_size, {.stride = stride, .padding = padding, .ceil_mode = ceil_mode});
  check(divisor_override != 0, op, ": divisor must be not zero");
  for (int d = 0; d < 3 && dims == 3; d++)
    check(window.in[d] >= window.kernel[d], op, ": input image ", x.sizes(), " smaller than kernel size ",
          kernel_size);
  bool is_whole = x.dtype() == DType::Int64;
  if (!x.is_floating() && !is_whole) fail_dtype(op, x.dtype());
  std::vector<TapTable> taps;
  for (int d = 3 - dims; d < 3; d++)
    taps.push_back(averages(window, d, count_include_pad, !divisor_override));
  if (divisor_override) taps.back().divisor.assign(window.out[2], double(*divisor_override));
  SharedMap map = separable_map(name, transposed_name, std::move(taps));
  return is_whole ? mapped_as_double(op, x, map) : mapped(op, x, map);
}

template <int dims>
Tensor adaptive_avg_pool(const Tensor& x, const Shape& output_size) {
  auto [op, name, transposed_name] = adaptive_names[dims - 1];
  Shape wanted = per_dimension(op, "output_size", output_size, dims);
  for (int64_t size : wanted)
    check(size >= 0, op, ": elements of output_size must be greater than or equal to 0 but received ",
          wanted);
  check_images(op, x, dims);
  if (!x.is_floating()) fail_dtype(op, x.dtype());
  std::vector<TapTable> taps;
  for (int d = 0; d < dims; d++) taps.push_back(even_averages(x.sizes()[x.rank() - dims + d], wanted[d]));
  SharedMap map = separable_map(name, transposed_name, std::move(taps));
  bool whole = std::all_of(wanted.begin(), wanted.end(), [](int64_t size) { return size == 1; });
  return whole ? mean_of_planes(op, x, map) : mapped(op, x, map);
}

#define TT_INSTANTIATE(dims)                                                                         \
  template Tensor avg_pool<dims>(const Tensor&, const Shape&, const Dims&, const Shape&, bool, bool, \
                                 std::optional<int64_t>);                                            \
  template Tensor adaptive_avg_pool<dims>(const Tensor&, const Shape&);
TT_INSTANTIATE(1)
TT_INSTANTIATE(2)
TT_INSTANTIATE(3)
#undef TT_INSTANTIATE

}  // namespace tt
