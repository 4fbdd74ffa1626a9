#include "kernels/cpu/loops.h"

namespace tt::TT_ISA {

constinit const LoopColumn float_column = column_of<float>();

}  // namespace tt::TT_ISA
