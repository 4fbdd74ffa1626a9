// The CPU's pooling: drivers, and what they ask of an instruction set.
#pragma once
#include "kernels/pooling_call.h"
#include "kernels/select.h"

namespace tt {

// Planes [first, last) of a call.
using MaxPoolPlanes = void (*)(const MaxPoolCall& call, int64_t first, int64_t last);
using PickPlanes = void (*)(const PickCall& call, int64_t first, int64_t last);
struct MaxPoolTable {  // by float32 (halves too) and float64
  MaxPoolPlanes forward[2];
  PickPlanes
      scatter_pairs[2];  // add through positions for windows of 2 x 2 that lie side by side, dtype as it is
};

TT_TABLE(MaxPoolTable, max_pool_table)

void cpu_max_pool(const MaxPoolCall& call);
void cpu_max_regions(const MaxRegionsCall& call);
void cpu_pick(const PickCall& call);
void cpu_pool_places(const PoolPlacesCall& call);

// Windows of 2 x 2 without padding or overlap that all lie inside.
inline bool is_pairs(const PoolWindow& w) {
  bool pairs = w.in[0] == 1 && w.out[0] == 1 && w.kernel[0] == 1;
  for (int d = 1; d < 3; d++)
    pairs = pairs && w.kernel[d] == 2 && w.stride[d] == 2 && w.padding[d] == 0 && w.dilation[d] == 1 &&
            2 * w.out[d] <= w.in[d];
  return pairs;
}

}  // namespace tt
