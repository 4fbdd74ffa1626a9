#include "kernels/convolution_winograd.h"

#include <algorithm>

#include "core/parallel.h"
#include "core/scratch.h"
#include "kernels/convolution_passes.h"
#include "kernels/gemm.h"

namespace tt {
namespace {

using Geometry = ConvolutionGeometry;
using Pass = ConvolutionPass;

constexpr int64_t step = winograd_outputs, all = winograd_products;
constexpr int64_t apart =
    16;  // elements between matrices, so that their lines do not fall on each other in the cache

// A tensor [images, channels, height, width] that is cut into overlapping tiles of `extent` positions, `step`
// apart.
struct Tiled {
  const float* data;
  int64_t channels, height, width;
  int64_t above, left;  // zeros
  int64_t extent;
  Transform transform;
};

// How a result of `height` x `width` is tiled. Rows of tiles are counted through all images.
struct Tiles {
  int64_t down, across, rows;
  Tiles(int64_t images, int64_t height, int64_t width)
      : down((height + step - 1) / step), across((width + step - 1) / step), rows(images * down) {}
};

struct Rows {  // of tiles
  int64_t first, last;
  int64_t size() const { return last - first; }
};

// Calls body(image, rows of tiles within it, tiles before them) for each image that the rows touch.
template <class Body>
void each_image(const Tiles& tiles, Rows rows, Body&& body) {
  for (int64_t row = rows.first; row < rows.last;) {
    const int64_t image = row / tiles.down, end = std::min((image + 1) * tiles.down, rows.last);
    body(image, Rows{row - image * tiles.down, end - image * tiles.down}, (row - rows.first) * tiles.across);
    row = end;
  }
}

// The tiles of one block of channels, transformed to out[product][tile][channel].
void transform_tiles(const Tiled& from, const Tiles& tiles, Rows rows, int64_t block, float* out,
                     int64_t matrix) {
  const ConvolutionLoops& loops = convolution_float();
  const int64_t lanes = loops.lanes, width = ((tiles.across - 1) * step + from.extent) * lanes;
  const int64_t height = (std::min(rows.size(), tiles.down) - 1) * step + from.extent,
                plane = from.height * from.width;
  Scratch scratch(height * width * int64_t(sizeof(float)));
  float* board = scratch.as<float>();
  each_image(tiles, rows, [&](int64_t image, Rows within, int64_t tile) {
    const float* source = from.data + (image * from.channels + block * lanes) * plane;
    const int64_t used = (within.size() - 1) * step + from.extent, top = within.first * step - from.above;
    const int64_t first = std::clamp<int64_t>(-top, 0, used),
                  last = std::clamp<int64_t>(from.height - top, first, used);
    std::fill_n(board, used * width, 0.f);
    for (int64_t y = first; y < last; y++)
      loops.spread({const_cast<float*>(source) + (top + y) * from.width, plane, lanes, from.width,
                    board + y * width + from.left * lanes, lanes});
    for (int64_t i = 0; i < within.size(); i++)
      from.transform({board + i * step * width, width, lanes, step * lanes,
                      out + (tile + i * tiles.across) * from.channels + block * lanes,
                      winograd_inputs * matrix, matrix, from.channels, tiles.across});
  });
}

void transform_all(const Tiled& from, const Tiles& tiles, Rows rows, float* out, int64_t matrix) {
  parallel_for(0, from.channels / convolution_float().lanes, 1, [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; block++) transform_tiles(from, tiles, rows, block, out, matrix);
  });
}

// ---------------------------------------------------------------- forward, and back to the input

// Both read one tensor and write another; the way back does so with flipped weights.
struct Product {
  Pass pass;
  int64_t reads, writes, slice;  // channels; those written are done a slice at a time
  Tiled from;
  Tiles tiles;
  const float *weight, *bias;
  float* to;
  int64_t height, width;

  int64_t weight_matrix() const { return reads * slice + apart; }
  int64_t tile_matrix(int64_t count) const { return count * reads + apart; }
  int64_t result_matrix(int64_t count) const { return count * slice + apart; }
};

// out[product][read channel][slice]
void transform_weights(const Product& p, int64_t slice, float* out) {
  const ConvolutionLoops& loops = convolution_float();
  const int64_t lanes = loops.lanes, matrix = p.weight_matrix();
  const bool forward = p.pass == Pass::forward;
  Scratch scratch(p.reads * 9 * lanes * int64_t(sizeof(float)));
  float *taps = scratch.as<float>(), *weight = const_cast<float*>(p.weight);
  for (int64_t k = 0; k < p.slice; k += lanes) {
    const int64_t written = slice * p.slice + k;
    if (forward) loops.spread({weight + written * p.reads * 9, p.reads * 9, lanes, p.reads * 9, taps, lanes});
    for (int64_t j = 0; j < p.reads && !forward; j++)
      loops.spread({weight + (j * p.writes + written) * 9, 9, lanes, 9, taps + j * 9 * lanes, lanes});
    const int64_t tap = forward ? lanes : -lanes;
    winograd_table().weight({forward ? taps : taps + 8 * lanes, 3 * tap, tap, 9 * lanes, out + k,
                             winograd_inputs * matrix, matrix, p.slice, p.reads});
  }
}

void write_rows(const Product& p, Rows rows, int64_t slice, const float* results, float* board) {
  const ConvolutionLoops& loops = convolution_float();
  const int64_t lanes = loops.lanes, width = p.tiles.across * step,
                matrix = p.result_matrix(rows.size() * p.tiles.across);
  for (int64_t k = 0; k < p.slice; k += lanes) {
    const int64_t channel = slice * p.slice + k;
    each_image(p.tiles, rows, [&](int64_t image, Rows within, int64_t tile) {
      for (int64_t i = 0; i < within.size(); i++)
        winograd_table().output({results + (tile + i * p.tiles.across) * p.slice + k,
                                 winograd_inputs * matrix, matrix, p.slice, board + i * step * width * lanes,
                                 width * lanes, lanes, step * lanes, p.tiles.across,
                                 p.bias ? p.bias + channel : nullptr});
      const int64_t top = within.first * step, height = std::min(within.last * step, p.height) - top;
      const int64_t plane = p.height * p.width;
      float* to = p.to + (image * p.writes + channel) * plane + top * p.width;
      if (width == p.width) return loops.gather({to, plane, lanes, height * width, board, lanes});
      for (int64_t y = 0; y < height; y++)
        loops.gather({to + y * p.width, plane, lanes, p.width, board + y * width * lanes, lanes});
    });
  }
}

void multiply_slice(const Product& p, Rows rows, int64_t slice, const float* inputs, const float* weights) {
  const int64_t count = rows.size() * p.tiles.across, matrix = p.result_matrix(count);
  const int64_t board =
      std::min(rows.size(), p.tiles.down) * step * p.tiles.across * step * convolution_float().lanes;
  Scratch scratch((all * matrix + board) * int64_t(sizeof(float)));
  float* results = scratch.as<float>();
  GemmCall call = {};
  call.dtype = DType::Float32;
  call.m = count;
  call.n = p.slice;
  call.k = p.reads;
  call.a = inputs;
  call.a_row = p.reads;
  call.a_col = call.b_col = 1;
  call.b = weights;
  call.b_row = call.c_row = p.slice;
  call.c = results;
  call.batch = all;
  call.a_batch = p.tile_matrix(count);
  call.b_batch = p.weight_matrix();
  call.c_batch = matrix;
  cpu_gemm(call);
  write_rows(p, rows, slice, results, results + all * matrix);
}

constexpr int64_t tile_bytes = 400 << 10;     // of the transformed tiles that are multiplied at a time
constexpr int64_t weight_bytes = 1200 << 10;  // of a slice of transformed weights that is used at once

int64_t rows_for(int64_t bytes, const Tiles& tiles, int64_t channels, int64_t fewest_tiles) {
  int64_t count = std::max(bytes / (all * channels * int64_t(sizeof(float))), fewest_tiles);
  int64_t rows = std::max<int64_t>(1, count / tiles.across);
  return (tiles.rows + (tiles.rows + rows - 1) / rows - 1) / ((tiles.rows + rows - 1) / rows);
}

int64_t slice_for(int64_t channels, int64_t reads, bool used_once) {
  int64_t slice = channels % 64 == 0 ? 64 : channels % 32 == 0 ? 32 : 16;
  while (used_once && slice > 16 && all * reads * slice * int64_t(sizeof(float)) > weight_bytes) slice /= 2;
  return slice;
}

void multiply(const Geometry& g, const ConvolutionCall& call) {
  const bool forward = call.pass == Pass::forward;
  const int64_t *read = forward ? g.in : g.out, *written = forward ? g.out : g.in;
  const int64_t reads = forward ? g.in_channels : g.out_channels,
                writes = forward ? g.out_channels : g.in_channels;
  const int64_t above = forward ? g.padding[1] : 2 - g.padding[1],
                left = forward ? g.padding[2] : 2 - g.padding[2];
  const Tiled from{static_cast<const float*>(forward ? call.x : call.y),
                   reads,
                   read[1],
                   read[2],
                   above,
                   left,
                   winograd_inputs,
                   winograd_table().input};
  const Tiles tiles(g.batch, written[1], written[2]);
  const int64_t rows = rows_for(tile_bytes, tiles, reads, 24), groups = (tiles.rows + rows - 1) / rows;
  const Product p{call.pass,
                  reads,
                  writes,
                  slice_for(writes, reads, groups == 1),
                  from,
                  tiles,
                  static_cast<const float*>(call.weight),
                  static_cast<const float*>(call.bias),
                  static_cast<float*>(forward ? call.y : call.x),
                  written[1],
                  written[2]};
  const int64_t slices = writes / p.slice, weights = all * p.weight_matrix();
  Scratch scratch(slices * weights * int64_t(sizeof(float)));
  float* transformed = scratch.as<float>();
  auto transform_slices = [&](int64_t first, int64_t last) {
    for (int64_t slice = first; slice < last; slice++)
      transform_weights(p, slice, transformed + slice * weights);
  };
  if (groups > 1) parallel_for(0, slices, 1, transform_slices);
  // One group's channels and slices are shared out where the groups are too few.
  parallel_for(0, groups, groups < num_threads() ? groups : 1, [&](int64_t first, int64_t last) {
    for (int64_t group = first; group < last; group++) {
      const Rows here{group * rows, std::min((group + 1) * rows, tiles.rows)};
      const int64_t matrix = p.tile_matrix(here.size() * tiles.across);
      Scratch inputs(all * matrix * int64_t(sizeof(float)));
      transform_all(from, tiles, here, inputs.as<float>(), matrix);
      parallel_for(0, slices, 1, [&](int64_t first, int64_t last) {
        for (int64_t slice = first; slice < last; slice++) {
          if (groups == 1) transform_slices(slice, slice + 1);
          multiply_slice(p, here, slice, inputs.as<float>(), transformed + slice * weights);
        }
      });
    }
  });
}

// ---------------------------------------------------------------- the weight

struct Gradient {
  const Geometry& g;
  Tiled x, y;
  Tiles tiles;
  int64_t slice;
  float* weight;

  int64_t sum_matrix() const { return g.in_channels * slice + apart; }
};

void add_products(const Gradient& p, int64_t count, int64_t slice, bool first, const float* x, const float* y,
                  float* sums) {
  GemmCall call = {};
  call.dtype = DType::Float32;
  call.m = p.g.in_channels;
  call.n = p.slice;
  call.k = count;
  call.a = x;
  call.a_row = call.b_col = 1;
  call.a_col = p.g.in_channels;
  call.b = y + slice * p.slice;
  call.b_row = p.g.out_channels;
  call.c = sums;
  call.c_row = p.slice;
  call.accumulate = !first;
  call.batch = all;
  call.a_batch = count * p.g.in_channels + apart;
  call.b_batch = count * p.g.out_channels + apart;
  call.c_batch = p.sum_matrix();
  cpu_gemm(call);
}

void write_weights(const Gradient& p, int64_t slice, const float* sums) {
  const ConvolutionLoops& loops = convolution_float();
  const int64_t lanes = loops.lanes, row = p.g.in_channels * 9, matrix = p.sum_matrix();
  Scratch scratch(row * lanes * int64_t(sizeof(float)));
  float* taps = scratch.as<float>();
  for (int64_t k = 0; k < p.slice; k += lanes) {
    winograd_table().weight_gradient({sums + k, winograd_inputs * matrix, matrix, p.slice, taps, 3 * lanes,
                                      lanes, 9 * lanes, p.g.in_channels});
    loops.gather({p.weight + (slice * p.slice + k) * row, row, lanes, row, taps, lanes});
  }
}

constexpr int64_t gradient_bytes = 4 << 20;  // of transformed tiles at a time

void correlate(const Geometry& g, const ConvolutionCall& call) {
  const Tiles tiles(g.batch, g.out[1], g.out[2]);
  const Tiled x{static_cast<const float*>(call.x),
                g.in_channels,
                g.in[1],
                g.in[2],
                g.padding[1],
                g.padding[2],
                winograd_inputs,
                winograd_table().input};
  const Tiled y{static_cast<const float*>(call.y), g.out_channels, g.out[1], g.out[2], 0, 0, winograd_outputs,
                winograd_table().gradient};
  const int64_t rows = rows_for(gradient_bytes, tiles, g.in_channels + g.out_channels, 64);
  const Gradient p{
      g, x, y, tiles, slice_for(g.out_channels, g.in_channels, true), static_cast<float*>(call.weight)};
  const int64_t slices = g.out_channels / p.slice, sums_size = all * p.sum_matrix();
  Scratch scratch(slices * sums_size * int64_t(sizeof(float)));
  float* sums = scratch.as<float>();
  for (int64_t start = 0; start < tiles.rows; start += rows) {
    const Rows here{start, std::min(start + rows, tiles.rows)};
    const int64_t count = here.size() * tiles.across, x_matrix = count * g.in_channels + apart;
    const int64_t y_matrix = count * g.out_channels + apart;
    Scratch tiles_scratch(all * (x_matrix + y_matrix) * int64_t(sizeof(float)));
    float *x_tiles = tiles_scratch.as<float>(), *y_tiles = x_tiles + all * x_matrix;
    transform_all(x, tiles, here, x_tiles, x_matrix);
    transform_all(y, tiles, here, y_tiles, y_matrix);
    parallel_for(0, slices, 1, [&](int64_t first, int64_t last) {
      for (int64_t slice = first; slice < last; slice++) {
        add_products(p, count, slice, start == 0, x_tiles, y_tiles, sums + slice * sums_size);
        if (here.last == tiles.rows) write_weights(p, slice, sums + slice * sums_size);
      }
    });
  }
}

}  // namespace

constexpr int64_t most_weights = 1 << 21;  // kernels, each of which takes 36 numbers when transformed

bool suits_winograd(const ConvolutionCall& call) {
  const Geometry& g = call.geometry;
  if (call.dtype != DType::Float32 || g.groups != 1 || g.kernel[0] != 1 || g.in[0] != 1 || g.out[0] != 1)
    return false;
  for (int d = 1; d < 3; d++)
    if (g.kernel[d] != 3 || g.stride[d] != 1 || g.dilation[d] != 1 || g.padding[d] > 2) return false;
  if (g.in_channels * g.out_channels > most_weights) return false;
  return g.in_channels % 16 == 0 && g.out_channels % 16 == 0 && g.in_channels >= 32 && g.out_channels >= 32;
}

void convolution_by_winograd(const ConvolutionCall& call) {
  const Geometry& g = call.geometry;
  if (call.pass != Pass::weight) return multiply(g, call);
  correlate(g, call);
  if (call.bias) sum_over_images(call);
}

}  // namespace tt
