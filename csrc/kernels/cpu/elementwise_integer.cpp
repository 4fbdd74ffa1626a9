#include "kernels/cpu/loops.h"

namespace tt::TT_ISA {

constinit const LoopColumn bool_column = column_of<bool>();
constinit const LoopColumn uint8_column = column_of<uint8_t>();
constinit const LoopColumn int8_column = column_of<int8_t>();
constinit const LoopColumn int16_column = column_of<int16_t>();
constinit const LoopColumn int32_column = column_of<int32_t>();
constinit const LoopColumn int64_column = column_of<int64_t>();

}  // namespace tt::TT_ISA
