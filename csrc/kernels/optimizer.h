// The CPU's optimizer steps: the driver, and what it asks of an instruction set.
#pragma once
#include "kernels/optimizer_call.h"
#include "kernels/select.h"

namespace tt {

// Elements first .. first + count of a tensor.
using UpdateLoop = void (*)(const UpdateTensor& tensor, int64_t first, int64_t count);
struct UpdateLoops {
  UpdateLoop on_float, on_double;
  int states;
};
struct UpdateTable {
  UpdateLoops rules[update_rule_count];
  // Runs a loop on floats over halves.
  void (*halves)(UpdateLoop loop, int states, const UpdateTensor& tensor, int64_t first, int64_t count);
};
TT_TABLE(UpdateTable, update_table)

void cpu_update(const UpdateCall& call);

}  // namespace tt
