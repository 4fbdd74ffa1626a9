#include "kernels/cpu/convolution_loops.h"

namespace tt::TT_ISA {

constinit const ConvolutionLoops convolution_float = convolution_loops<float>;

}  // namespace tt::TT_ISA
