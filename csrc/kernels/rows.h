// The CPU's softmax family and scans: the drivers, and what they ask of an instruction set.
#pragma once
#include <cstdint>

#include "kernels/select.h"
#include "kernels/table.h"

namespace tt {

// `count` rows of n elements: element i of row j is in[j * pitch + i * stride], and likewise in `grad`,
// `out`, `index`.
struct RowBlock {
  DType dtype;
  int64_t n, stride;
  int64_t count, pitch;
  const char* in;
  const char* grad;
  char* out;
  int64_t* index;
};
using RowKernel = void (*)(const RowBlock&);

constexpr int64_t column_limit = 1024;  // rows that `columns` takes at once

// `rows` takes one row after the other; `columns` takes all rows of the block at once (pitch 1) and
// vectorises across.
struct RowKernels {
  RowKernel rows = nullptr, columns = nullptr;
};
struct SoftmaxTable {  // by float32 (halves too) and float64
  RowKernels softmax[2], log_softmax[2], softmax_backward[2], log_softmax_backward[2];
};
struct ScanTable {  // by the type in which it computes: int32, int64, float32, float64
  RowKernels scan[scan_count][4];
};

TT_TABLE(SoftmaxTable, softmax_table)
TT_TABLE(ScanTable, scan_table)

void cpu_softmax(const RowCall& call);
void cpu_log_softmax(const RowCall& call);
void cpu_softmax_backward(const RowCall& call);
void cpu_log_softmax_backward(const RowCall& call);
void cpu_scan(Scan op, const RowCall& call);

}  // namespace tt
