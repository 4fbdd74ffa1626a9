// Sampling at the places that a grid names, as the kernels are asked for it.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace tt {

enum class GridMode : uint8_t { linear, nearest, cubic };
enum class GridPadding : uint8_t { zeros, border, reflection };
enum class GridTask : uint8_t {
  sample,  // result[n, c, o] = the sum over the taps around the grid's place o of their weight times image[n,
           // c, tap]
  spread,  // the transpose: image = 0, then image[n, c, tap] += weight * result[n, c, o]
  gradient,  // places[n, o, d] = the sum over channels of result[n, c, o] times the derivative of that sample
             // by the grid's coordinate d
};

// The last `dims` of three dimensions count, the others are 1. grid[n, o, d] runs from -1 to 1 over the
// image, d = 0 being the last dimension. Weights are taken `order[d]` times derived by coordinate d.
// Contiguous float32 or float64.
struct GridSampleCall {
  GridTask task;
  GridMode mode;
  GridPadding padding;
  bool align_corners;
  DType dtype;
  int dims;
  int order[3] = {0, 0, 0};  // as d counts
  int64_t batch, channels;
  int64_t in[3], out[3];  // of the image and the result, the last dimension last
  void* image;
  void* grid;
  void* result;
  void* places = nullptr;
};

}  // namespace tt
