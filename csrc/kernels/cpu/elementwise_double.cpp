#include "kernels/cpu/loops.h"

namespace tt::TT_ISA {

constinit const LoopColumn double_column = column_of<double>();

}  // namespace tt::TT_ISA
