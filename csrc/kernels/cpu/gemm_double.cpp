#define TT_REAL double
#include "kernels/cpu/gemm_core.h"

namespace tt::TT_ISA {

constinit const GemmCore gemm_double = core;

}  // namespace tt::TT_ISA
