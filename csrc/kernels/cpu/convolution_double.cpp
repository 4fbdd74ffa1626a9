#include "kernels/cpu/convolution_loops.h"

namespace tt::TT_ISA {

constinit const ConvolutionLoops convolution_double = convolution_loops<double>;

}  // namespace tt::TT_ISA
