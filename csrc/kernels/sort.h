// Sorting and selection on the CPU. Plain code for every processor: its time goes into moving memory.
#pragma once
#include "kernels/table.h"

namespace tt {

void cpu_sort(const SortCall& call);
void cpu_topk(const TopkCall& call);
void cpu_kth(const KthCall& call);

}  // namespace tt
