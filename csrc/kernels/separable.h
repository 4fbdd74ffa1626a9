// The CPU's separable sums: the driver, and what it asks of an instruction set.
#pragma once
#include "kernels/select.h"
#include "kernels/separable_call.h"

namespace tt {

// How a row is summed along itself. Outputs outside of [begin, end) go by the call's own lists, those inside
// by `way`:
//   runs     output o adds up `taps` elements from base + (o - begin) * stride on
//   doubled  outputs base + 2i and base + 2i + 1 are element i; begin is 0
//   gather   output o adds up the elements index[t * out + o], times weight beside it if there are weights;
//   the element
//            just behind the row, which is 0, fills up where there are fewer taps
enum class RowWay : uint8_t { runs, doubled, gather };
struct RowPlan {
  RowWay way = RowWay::runs;
  int64_t begin = 0, end = 0, taps = 0, stride = 1, base = 0;
  bool fills_up = false;
  bool pairs = false;  // every output is 2 x 2 elements, side by side, divided by one number
  bool whole = false;  // every output is all elements of a plane, divided by one number
  const int32_t* index = nullptr;
  const void* weight = nullptr;  // these in the type of the sums
  const void* divisor = nullptr;
};

// Rows [first, last) of the result, counted over all planes.
using SeparableRows = void (*)(const SeparableCall& call, const RowPlan& plan, int64_t first, int64_t last);
struct SeparableTable {
  SeparableRows rows[2];  // by float32 (halves too) and float64
};

TT_TABLE(SeparableTable, separable_table)

void cpu_separable(const SeparableCall& call);

}  // namespace tt
