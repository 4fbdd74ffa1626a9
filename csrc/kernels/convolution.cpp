// The choice between the ways to compute a convolution.
#include "kernels/convolution.h"

#include <algorithm>

#include "kernels/convolution_passes.h"
#include "kernels/reduce.h"

namespace tt {
namespace {

using Geometry = ConvolutionGeometry;

double filled(int64_t n, int64_t lanes) { return double(n) / double((n + lanes - 1) / lanes * lanes); }

constexpr int64_t most_block_elements = int64_t(1) << 25;

int64_t elements_per_image(const Geometry& g) {
  return std::max(g.in_channels * g.in_size(), g.out_channels * g.out_size());
}

// Images fill the vectors where there are enough of them, and a block of them is not too large to be copied.
Lane lane_for(const ConvolutionCall& call) {
  const Geometry& g = call.geometry;
  const int64_t lanes = call.dtype == DType::Float64 ? convolution_double().lanes : convolution_float().lanes;
  const int64_t width = call.pass == ConvolutionPass::input ? g.in[2] / g.stride[2] : g.out[2];
  if (elements_per_image(g) * lanes > most_block_elements) return Lane::columns;
  return filled(g.batch, lanes) >= 0.9 * filled(std::max<int64_t>(width, 1), lanes) ? Lane::images
                                                                                    : Lane::columns;
}

// Offsets within an image, and among the weights, count in 32 bits.
bool fits_lists(const Geometry& g) {
  double extent = double(std::max(g.in_channels, g.out_channels));
  for (int d = 0; d < 3; d++)
    extent *= double(std::max(g.in[d], g.out[d])) +
              2.0 * double(g.padding[d] + (g.kernel[d] - 1) * g.dilation[d]) + double(g.stride[d] - 1);
  return extent < 1e9 && double(g.out_channels + most_rows) * double(g.group_in()) * double(g.taps()) < 2e9;
}

// With many output channels, rows of them fill the vectors.
bool suits_outer_products(const ConvolutionCall& call) {
  const Geometry& g = call.geometry;
  const int64_t lanes = call.dtype == DType::Float64 ? convolution_double().lanes : convolution_float().lanes;
  return g.group_out() >= 2 * lanes && g.group_in() * g.taps() >= 6;
}

// Where every position meets only itself, a plane is one long row.
bool is_pointwise(const Geometry& g) {
  for (int d = 0; d < 3; d++)
    if (g.kernel[d] != 1 || g.stride[d] != 1 || g.padding[d] != 0 || g.in[d] != g.out[d]) return false;
  return true;
}

Geometry flattened(Geometry g) {
  g.in[2] = g.out[2] = g.in_size();
  g.in[0] = g.in[1] = g.out[0] = g.out[1] = 1;
  return g;
}

}  // namespace

void sum_over_images(const ConvolutionCall& call) {
  const Geometry& g = call.geometry;
  const int64_t plane = g.out_size(), sizes[] = {g.batch, g.out_channels, plane};
  const int64_t in[] = {g.out_channels * plane, plane, 1}, out[] = {0, 1, 0};
  ReduceCall reduce = {};
  reduce.op = Reduction::sum;
  reduce.compute = call.dtype;
  reduce.rank = 3;
  reduce.sizes = sizes;
  reduce.in = {static_cast<char*>(call.y), in, call.dtype};
  reduce.out = {static_cast<char*>(call.bias), out, call.dtype};
  cpu_reduce(reduce);
}

void cpu_convolution(const ConvolutionCall& given) {
  const Geometry geometry = is_pointwise(given.geometry) ? flattened(given.geometry) : given.geometry;
  const ConvolutionCall call{given.pass, given.dtype, geometry, given.x, given.weight, given.y, given.bias};
  const bool real = call.dtype == DType::Float32 || call.dtype == DType::Float64;
  if (!real || !fits_lists(geometry)) return plain_convolution(call);
  if (suits_winograd(call)) return convolution_by_winograd(call);
  if (call.pass != ConvolutionPass::weight) return convolution_by_tiles(call, lane_for(call));
  if (suits_outer_products(call)) return convolution_by_outer_products(call);
  convolution_by_correlation(call, lane_for(call));
}

}  // namespace tt
