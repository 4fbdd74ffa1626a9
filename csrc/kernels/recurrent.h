// Recurrent layers: the steps through time, and between them the loops over gates that each instruction set
// has.
#pragma once
#include "kernels/recurrent_call.h"
#include "kernels/select.h"

namespace tt {

void cpu_recurrent(const RecurrentCall& call);
void cpu_recurrent_backward(const RecurrentBackwardCall& call);

// `count` sequences at one step. Pitches count elements.
struct GateRows {
  int64_t count, hidden;
  void* gates;
  int64_t gates_pitch;
  const void* product;  // gru: what the state contributes
  int64_t product_pitch;
  void* inner;  // as in RecurrentCall; may be null
  int64_t inner_pitch;
  void* state;  // the new state, and gru's old one
  int64_t state_pitch;
  void* cell_state;  // [count, hidden]
  void* out;         // the new state once more; may be null
  int64_t out_pitch;
};

struct GateGradRows {
  int64_t count, hidden;
  const void* gates;
  int64_t gates_pitch;
  const void* inner;
  int64_t inner_pitch;
  const void* previous;  // gru
  int64_t previous_pitch;
  const void* grad_out;  // may be null
  int64_t grad_out_pitch;
  void* grad_state;  // [count, hidden] of the new state; gru: then what reaches the old one past the gates
  void* grad_cell_state;            // [count, hidden]
  void *grad_gates, *grad_product;  // with the pitch of the gates
};

struct RecurrentTable {  // by cell, for float and double
  void (*forward[4][2])(const GateRows&);
  void (*backward[4][2])(const GateGradRows&);
};
TT_TABLE(RecurrentTable, recurrent_table)

}  // namespace tt
