// The CPU's losses: the drivers, and what they ask of an instruction set.
#pragma once
#include "kernels/loss_call.h"
#include "kernels/select.h"

namespace tt {

struct PairLossKernels {  // of a stretch of elements
  void (*values)(const PairLossCall& call) = nullptr;
  double (*total)(const PairLossCall& call) = nullptr;
  void (*slopes)(const PairLossCall& call) = nullptr;
  bool (*valid)(const PairLossCall& call) = nullptr;
};
struct PairLossTable {  // by Float32 and Float64
  PairLossKernels kernels[int(PairLoss::count)][2];
};

// `places` of consecutive rows (inner == 1) of one `outer`, or of consecutive columns; the call's pointers
// lead to the first one.
struct ClassLossKernels {
  void (*rows)(const ClassLossCall& call, int64_t places) = nullptr;
  void (*columns)(const ClassLossCall& call, int64_t places) = nullptr;
  void (*rows_backward)(const ClassLossCall& call, int64_t places) = nullptr;
  void (*columns_backward)(const ClassLossCall& call, int64_t places) = nullptr;
  double (*sum)(const void* x, int64_t n) = nullptr;
};
struct ClassLossTable {
  ClassLossKernels kernels[2];
};

TT_TABLE(PairLossTable, pair_loss_table)
TT_TABLE(ClassLossTable, class_loss_table)

void cpu_pair_loss(PairLossCall& call);
void cpu_class_loss(ClassLossCall& call);

}  // namespace tt
