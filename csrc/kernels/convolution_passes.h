// The ways to compute a pass, between which the driver chooses. Float32 or Float64, except where a name says
// more.
#pragma once
#include "kernels/convolution_board.h"

namespace tt {

// How many pieces of some multiplications (or as many elements copied) are worth a thread's while.
inline int64_t grain_for(int64_t work) { return 1 + (1 << 17) / (work + 1); }

void convolution_by_tiles(const ConvolutionCall& call, Lane lane);        // forward and input
void convolution_by_correlation(const ConvolutionCall& call, Lane lane);  // weight
void convolution_by_outer_products(const ConvolutionCall& call);          // weight
void sum_over_images(const ConvolutionCall& call);                        // of y, into the bias

// 3 x 3 taps, stride 1 and many channels of float32: fewer multiplications, a little more rounding.
bool suits_winograd(const ConvolutionCall& call);
void convolution_by_winograd(const ConvolutionCall& call);

}  // namespace tt
