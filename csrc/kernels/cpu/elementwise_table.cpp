#include "kernels/cpu/loops.h"

namespace tt::TT_ISA {
namespace {

// Halves compute in float, but for what moves them without looking inside.
constexpr LoopColumn moves_of_halves() {
  LoopColumn column{};
  column.loop[int(Elementwise::where)] = &ternary<formula::Where, bool, uint16_t>;
  return column;
}
constexpr LoopColumn half_column = moves_of_halves();

}  // namespace

constinit const ElementwiseTable elementwise_table = {
    {&bool_column, &uint8_column, &int8_column, &int16_column, &int32_column, &int64_column, &half_column,
     &half_column, &float_column, &double_column}};

}  // namespace tt::TT_ISA
