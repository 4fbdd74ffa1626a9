// The CPU's separable sums: the driver, and what it asks of an instruction set.
#pragma once
#include "kernels/select.h"
#include "kernels/separable_call.h"

namespace tt {

// How a row is summed along itself: outputs in [begin, end) have `taps` taps each. They read the elements from
// base + (o - begin) * stride on with weight 1, or, where stride is 0, those that index[t * (end - begin) + o - begin] names
// with the weights beside them (null: 1). The other outputs go by the call's own lists.
struct RowPlan {
  int64_t begin = 0, end = 0, taps = 0, stride = 0, base = 0;
  const int32_t* index = nullptr;
  const void* weight = nullptr;  // in the type of the sums
  bool copies = false;           // every output is the input of the same number
};

// Rows [first, last) of the result, counted over all planes.
using SeparableRows = void (*)(const SeparableCall& call, const RowPlan& plan, int64_t first, int64_t last);
struct SeparableTable {
  SeparableRows rows[2];  // by float32 (halves too) and float64
};

TT_TABLE(SeparableTable, separable_table)

void cpu_separable(const SeparableCall& call);

}  // namespace tt
