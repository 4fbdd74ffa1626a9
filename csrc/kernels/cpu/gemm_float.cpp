#define TT_REAL float
#include "kernels/cpu/gemm_core.h"

namespace tt::TT_ISA {

constinit const GemmCore gemm_float = core;

}  // namespace tt::TT_ISA
