// The CPU's sampling by a grid: the driver, and what it asks of an instruction set.
#pragma once
#include "kernels/grid_sample_call.h"
#include "kernels/select.h"

namespace tt {

// Places [first, last) of image n.
using GridPlaces = void (*)(const GridSampleCall& call, int64_t n, int64_t first, int64_t last);
struct GridSampleTable {  // by float32 and float64
  GridPlaces sample[2], spread[2], gradient[2];
};

TT_TABLE(GridSampleTable, grid_sample_table)

void cpu_grid_sample(const GridSampleCall& call);

}  // namespace tt
