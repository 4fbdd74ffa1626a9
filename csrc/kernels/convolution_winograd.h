// Winograd's convolution F(4 x 4, 3 x 3): 36 products of matrices make tiles of 4 x 4 results, in place of
// 144.
//   forward          y = A' (G w G' . B' x B) A       of every tile, summed over channels by a matrix product
//   weight gradient  dw = G' (B' x B . A dy A') G     summed over tiles
#pragma once
#include <cstdint>

#include "kernels/select.h"

namespace tt {

constexpr int winograd_outputs = 4, winograd_inputs = 6, winograd_products = 36;

// `count` square matrices of vectors (one channel a lane); steps and strides in elements.
struct TransformCall {
  const float* in;
  int64_t in_row, in_column, in_step;
  float* out;
  int64_t out_row, out_column, out_step;
  int64_t count;
  const float* added = nullptr;  // a vector for every element of the result
};
using Transform = void (*)(const TransformCall&);

struct WinogradTable {
  Transform input;            // B' x B: 6 x 6
  Transform weight;           // G w G': 3 x 3 to 6 x 6
  Transform output;           // A' m A: 6 x 6 to 4 x 4
  Transform gradient;         // A dy A': 4 x 4 to 6 x 6
  Transform weight_gradient;  // G' u G: 6 x 6 to 3 x 3
};
TT_TABLE(WinogradTable, winograd_table)

}  // namespace tt
