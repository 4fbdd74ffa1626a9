// A recurrent layer as the kernels are asked for it.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace tt {

enum class RecurrentCell : uint8_t { tanh, relu, lstm, gru };

// Vectors of the hidden size that a step computes per element: lstm (input, forget, candidate, output), gru
// (reset, update, candidate).
constexpr int gates_of(RecurrentCell cell) {
  return cell == RecurrentCell::lstm ? 4 : cell == RecurrentCell::gru ? 3 : 1;
}

// One direction of one layer, all steps. A row is one sequence at one step: row starts[t] + b * pitch, for b
// < counts[t]; counts never grow with t. Data per row is contiguous unless a pitch (in elements) is told.
struct RecurrentSteps {
  RecurrentCell cell;
  DType dtype;  // Float32 or Float64
  bool reverse;
  int64_t steps, batch, hidden;
  int64_t outputs;  // of the state h: `hidden`, or as many as the projection gives
  const int64_t *starts, *counts;
  int64_t pitch;
};

struct RecurrentCall : RecurrentSteps {
  // The weights of the state as a matrix [outputs, gates * hidden], of the projection as [hidden, outputs]
  // (or null).
  const void* weight = nullptr;
  int64_t weight_row = 0, weight_col = 1;
  const void* projection = nullptr;
  int64_t projection_row = 0, projection_col = 1;
  const void* bias = nullptr;  // gru: of the product with the state
  void* gates = nullptr;  // [rows, gates * hidden] in: what the input contributes; out: the activated gates
  // Kept for backward, or null.
  void* previous = nullptr;  // [rows, outputs] the state before the step
  void* inner = nullptr;  // [rows, hidden] lstm: the cell before the step; gru: what the state contributes to
                          // the candidate
  void* full =
      nullptr;  // [rows, hidden] lstm with projection, never null then: the state before it is projected
  void* out = nullptr;  // one row of `outputs` per row, or null
  int64_t out_pitch = 0;
  // In: the states at the start; out: at the end. The cell is lstm's.
  void* state = nullptr;       // [batch, outputs]
  void* cell_state = nullptr;  // [batch, hidden]
};

struct RecurrentBackwardCall : RecurrentSteps {
  // The weights of the state as a matrix [gates * hidden, outputs], of the projection as [outputs, hidden]
  // (or null).
  const void* weight = nullptr;
  int64_t weight_row = 0, weight_col = 1;
  const void* projection = nullptr;
  int64_t projection_row = 0, projection_col = 1;
  const void *gates = nullptr, *previous = nullptr, *inner = nullptr;  // as the forward call left them
  const void* grad_out = nullptr;                                      // or null
  int64_t grad_out_pitch = 0;
  void* grad_gates = nullptr;      // [rows, gates * hidden] of the sums before activation
  void* grad_product = nullptr;    // gru: the same, of the state's part in them
  void* grad_projected = nullptr;  // [rows, outputs] with projection: of the state after it
  // In: the gradients of the last states; out: of the first.
  void* grad_state = nullptr;
  void* grad_cell_state = nullptr;
};

}  // namespace tt
