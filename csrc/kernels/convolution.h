// The convolution's drivers, and what they ask of an instruction set.
//
// One loop serves all shapes. A vector holds one position each of as many images (or, where images are few,
// of as many neighbouring columns) as it has lanes; an output position is the sum, over the taps that meet
// the input there, of one number of the weight times one vector of the input. Which taps those are is settled
// in lists beforehand, so that stride, dilation, padding and the way back cost the loop nothing.
#pragma once
#include "kernels/convolution_call.h"
#include "kernels/select.h"

namespace tt {

void cpu_convolution(const ConvolutionCall& call);
void plain_convolution(const ConvolutionCall& call);  // integers

constexpr int most_rows = 8;         // channels that a tile writes at once
constexpr int most_vectors = 8;      // positions
constexpr int correlation_rows = 5;  // at most, so that what they read stays in the first-level cache

struct Tap {  // offsets in elements, from a place's and from the weight's beginning
  int32_t x, weight;
};
struct Place {
  int32_t x, y;
};

// y[i * y_row + place.y] = bias[i] + sum over taps of weight[tap.weight + i] * x[place.x + tap.x], for i <
// rows; each y and x is a vector. The weight of a tap has `block` numbers, and so has the bias if there is
// one.
struct TileCall {
  const void *x, *weight, *bias;
  void* y;
  int64_t y_row;
  int block, rows;
  const Tap* taps;
  int64_t tap_count;
  const Place* places;
  int64_t place_count;
};

// sums[i * vectors + j] = sum over steps and lanes of y[i * y_row + step] * x[x_offset[j] + step], where the
// three nested counts make the steps.
struct CorrelationCall {
  const void *x, *y;
  int64_t y_row;
  int rows, vectors;
  int32_t x_offset[most_vectors];
  int64_t count[3], x_step[3], y_step[3];
  void* sums;
};

// sums[i * sum_row + j] += sum over steps of x[x_offset[i] + step] * y[step + j], where j counts through
// `vectors` whole vectors and the four nested counts make the steps.
struct OuterCall {
  const void *x, *y;
  int rows, vectors;
  int32_t x_offset[most_rows];
  int64_t count[4], x_step[4], y_step[4];
  void* sums;
  int64_t sum_row;
};
constexpr int most_outer_vectors = 4;
constexpr int outer_rows(int vectors) { return vectors == 4 ? 6 : most_rows; }

// Between images and vectors of them: `count` images, `stride` elements apart, of n elements each; element i
// of image j meets lane j of vector i. Lanes without an image are 0. Vectors are `pitch` elements apart.
struct LaneCall {
  void* images;
  int64_t stride, count, n;
  void* vectors;
  int64_t pitch;
};

struct ConvolutionLoops {
  int64_t lanes;
  int largest_block;
  const int8_t* tile_vectors;         // by rows: positions at once
  const int8_t* correlation_vectors;  // by rows
  void (*tiles)(const TileCall&);
  void (*correlate)(const CorrelationCall&);
  void (*outer)(const OuterCall&);
  void (*spread)(const LaneCall&);
  void (*gather)(const LaneCall&);
};

TT_TABLE(ConvolutionLoops, convolution_float)
TT_TABLE(ConvolutionLoops, convolution_double)

}  // namespace tt
