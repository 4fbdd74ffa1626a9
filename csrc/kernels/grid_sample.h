#pragma once
#include "kernels/grid_sample_call.h"

namespace tt {

void cpu_grid_sample(const GridSampleCall& call);

}  // namespace tt
