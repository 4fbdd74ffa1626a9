// Batches of pictures out of one array of bytes.
#pragma once
#include <cstdint>

namespace tt {

// Along one side of a picture: result i is element `start + step * i` of it, and what lies outside gets the
// fill value.
struct PictureWalk {
  int64_t start, step;  // a step of 1, or of -1 for the mirror image
};

// out[b, c, y, x] = table[c][pixel], where the pixel is channel c of picture numbers[b], an array [count,
// rows, columns, channels], at the place that walks[b] gives for (y, x); fill[c] outside.
struct PicturesCall {
  int64_t batch, channels, rows, columns;  // of the array
  int64_t height, width;                   // of the result
  const uint8_t* pictures;
  const int64_t* numbers;
  const float* table;             // [channels, 256]
  const float* fill;              // [channels]
  const PictureWalk (*walks)[2];  // down and across, for each of the batch
  float* out;
};

void cpu_take_pictures(const PicturesCall& call);

}  // namespace tt
