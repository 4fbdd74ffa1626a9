#include "kernels/recurrent.h"

#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "core/scratch.h"
#include "kernels/gemm.h"

namespace tt {
namespace {

constexpr int64_t rows_at_once = 8;         // of the batch, worth a thread of their own
constexpr int64_t cached_weight = 2 << 20;  // bytes that every thread may keep for itself
constexpr int64_t gates_at_once = 1 << 14;  // elements

template <class T>
T* shifted(T* p, int64_t elements, DType type) {
  using Byte = std::conditional_t<std::is_const_v<T>, const char, char>;
  return p ? reinterpret_cast<T*>(reinterpret_cast<Byte*>(p) + elements * size_of(type)) : nullptr;
}

// A product with one fixed matrix, over and over: planned once, for the whole batch, so that its bits do not
// depend on how many rows a thread has.
class StepProduct {
 public:
  StepProduct(DType type, int64_t rows, int64_t n, int64_t k, const void* b, int64_t b_row, int64_t b_col,
              bool shared)
      : core_(type == DType::Float32 ? gemm_float() : gemm_double()), shared_(shared) {
    call_ = {.dtype = type,
             .m = rows,
             .n = n,
             .k = k,
             .a = nullptr,
             .a_row = k,
             .a_col = 1,
             .b = b,
             .b_row = b_row,
             .b_col = b_col,
             .c = nullptr,
             .c_row = n};
    plan_ = core_.plan(call_);
  }
  void run(int64_t rows, const void* a, int64_t a_row, void* c, int64_t c_row, bool accumulate,
           const void* bias = nullptr) const {
    GemmCall call = call_;
    call.m = rows;
    call.a = a;
    call.a_row = a_row;
    call.c = c;
    call.c_row = c_row;
    call.accumulate = accumulate;
    call.bias = bias;
    shared_ ? cpu_gemm(call) : core_.run(call, plan_);
  }

 private:
  const GemmCore& core_;
  GemmCall call_;
  GemmPlan plan_;
  bool shared_;
};

// Threads share out the batch, each going through all steps on its own, unless that would make each of them
// read weights that do not fit its cache: then they share out every step.
bool splits_batch(const RecurrentSteps& s) {
  int64_t weight = gates_of(s.cell) * s.hidden * s.outputs * size_of(s.dtype);
  return s.batch >= 2 * rows_at_once && weight <= cached_weight;
}

template <class Body>
void over_batch(const RecurrentSteps& s, bool split, Body&& body) {
  if (!split) return body(0, s.batch);
  parallel_for(0, s.batch, rows_at_once, body);
}

// Calls body(row, first, count) step by step: `count` sequences from `first` on, of which the first stands at
// `row`.
template <class Body>
void each_step(const RecurrentSteps& s, bool backwards, int64_t first, int64_t last, Body&& body) {
  for (int64_t i = 0; i < s.steps; i++) {
    int64_t t = backwards ? s.steps - 1 - i : i;
    int64_t count = std::min(s.counts[t], last) - first;
    if (count > 0) body(s.starts[t] + first * s.pitch, count);
  }
}

// Calls body(first, count) on parts of `rows` sequences.
template <class Body>
void share_rows(bool split, int64_t rows, int64_t row_elements, Body&& body) {
  if (split) return body(0, rows);
  const int64_t grain = std::max<int64_t>(1, gates_at_once / row_elements);
  parallel_for(0, rows, grain, [&](int64_t first, int64_t last) { body(first, last - first); });
}

void copy_rows(DType type, int64_t rows, int64_t width, void* to, int64_t to_pitch, const void* from,
               int64_t from_pitch) {
  for (int64_t i = 0; i < rows; i++)
    std::memcpy(shifted(to, i * to_pitch, type), shifted(from, i * from_pitch, type), width * size_of(type));
}

GateRows part_of(const GateRows& rows, int64_t first, int64_t count, DType type) {
  GateRows part = rows;
  part.count = count;
  part.gates = shifted(rows.gates, first * rows.gates_pitch, type);
  part.product = shifted(rows.product, first * rows.product_pitch, type);
  part.inner = shifted(rows.inner, first * rows.inner_pitch, type);
  part.state = shifted(rows.state, first * rows.state_pitch, type);
  part.cell_state = shifted(rows.cell_state, first * rows.hidden, type);
  part.out = shifted(rows.out, first * rows.out_pitch, type);
  return part;
}

GateGradRows part_of(const GateGradRows& rows, int64_t first, int64_t count, DType type) {
  GateGradRows part = rows;
  part.count = count;
  part.gates = shifted(rows.gates, first * rows.gates_pitch, type);
  part.inner = shifted(rows.inner, first * rows.inner_pitch, type);
  part.previous = shifted(rows.previous, first * rows.previous_pitch, type);
  part.grad_out = shifted(rows.grad_out, first * rows.grad_out_pitch, type);
  part.grad_state = shifted(rows.grad_state, first * rows.hidden, type);
  part.grad_cell_state = shifted(rows.grad_cell_state, first * rows.hidden, type);
  part.grad_gates = shifted(rows.grad_gates, first * rows.gates_pitch, type);
  part.grad_product = shifted(rows.grad_product, first * rows.gates_pitch, type);
  return part;
}

}  // namespace

void cpu_recurrent(const RecurrentCall& c) {
  const DType type = c.dtype;
  const int64_t width = gates_of(c.cell) * c.hidden, item = size_of(type);
  const bool split = splits_batch(c), gru = c.cell == RecurrentCell::gru;
  const auto gates = recurrent_table().forward[int(c.cell)][type == DType::Float64];
  const StepProduct product(type, c.batch, width, c.outputs, c.weight, c.weight_row, c.weight_col, !split);
  const StepProduct projection(type, c.batch, c.outputs, c.hidden, c.projection, c.projection_row,
                               c.projection_col, !split);
  over_batch(c, split, [&](int64_t first, int64_t last) {
    Scratch scratch(gru ? (last - first) * width * item : 0);
    each_step(c, c.reverse, first, last, [&](int64_t row, int64_t count) {
      void *state = shifted(c.state, first * c.outputs, type), *sums = shifted(c.gates, row * width, type);
      void* out = shifted(c.out, row * c.out_pitch, type);
      if (c.previous)
        copy_rows(type, count, c.outputs, shifted(c.previous, row * c.outputs, type), c.pitch * c.outputs,
                  state, c.outputs);
      void* product_to = gru ? scratch.as<void>() : sums;
      product.run(count, state, c.outputs, product_to, gru ? width : c.pitch * width, !gru,
                  gru ? c.bias : nullptr);
      GateRows rows{count,
                    c.hidden,
                    sums,
                    c.pitch * width,
                    product_to,
                    width,
                    shifted(c.inner, row * c.hidden, type),
                    c.pitch * c.hidden,
                    state,
                    c.outputs,
                    shifted(c.cell_state, first * c.hidden, type),
                    out,
                    c.pitch * c.out_pitch};
      if (c.projection) {
        rows.state = shifted(c.full, row * c.hidden, type);
        rows.state_pitch = c.pitch * c.hidden;
        rows.out = nullptr;
      }
      share_rows(split, count, width, [&](int64_t i, int64_t n) { gates(part_of(rows, i, n, type)); });
      if (!c.projection) return;
      projection.run(count, rows.state, rows.state_pitch, state, c.outputs, false);
      if (out) copy_rows(type, count, c.outputs, out, c.pitch * c.out_pitch, state, c.outputs);
    });
  });
}

// The gradient of a projected state, kept for the projection's weight, and from it that of the state before.
static void unproject(const RecurrentBackwardCall& c, const StepProduct& projection, int64_t row,
                      int64_t count, const void* grad_state, void* grad_full) {
  const DType type = c.dtype;
  void* kept = shifted(c.grad_projected, row * c.outputs, type);
  const void* out = shifted(c.grad_out, row * c.grad_out_pitch, type);
  copy_rows(type, count, c.outputs, kept, c.pitch * c.outputs, grad_state, c.outputs);
  auto add = [&](auto zero) {
    using T = decltype(zero);
    for (int64_t i = 0; i < count; i++) {
      T* to = static_cast<T*>(kept) + i * c.pitch * c.outputs;
      const T* from = static_cast<const T*>(out) + i * c.pitch * c.grad_out_pitch;
      for (int64_t j = 0; j < c.outputs; j++) to[j] += from[j];
    }
  };
  if (out) type == DType::Float32 ? add(0.0f) : add(0.0);
  projection.run(count, kept, c.pitch * c.outputs, grad_full, c.hidden, false);
}

void cpu_recurrent_backward(const RecurrentBackwardCall& c) {
  const DType type = c.dtype;
  const int64_t width = gates_of(c.cell) * c.hidden, item = size_of(type);
  const bool split = splits_batch(c), gru = c.cell == RecurrentCell::gru;
  const auto gates = recurrent_table().backward[int(c.cell)][type == DType::Float64];
  const StepProduct product(type, c.batch, c.outputs, width, c.weight, c.weight_row, c.weight_col, !split);
  const StepProduct projection(type, c.batch, c.hidden, c.outputs, c.projection, c.projection_row,
                               c.projection_col, !split);
  over_batch(c, split, [&](int64_t first, int64_t last) {
    Scratch scratch(c.projection ? (last - first) * c.hidden * item : 0);
    each_step(c, !c.reverse, first, last, [&](int64_t row, int64_t count) {
      void* state = shifted(c.grad_state, first * c.outputs, type);
      GateGradRows rows{count,
                        c.hidden,
                        shifted(c.gates, row * width, type),
                        c.pitch * width,
                        shifted(c.inner, row * c.hidden, type),
                        c.pitch * c.hidden,
                        shifted(c.previous, row * c.outputs, type),
                        c.pitch * c.outputs,
                        shifted(c.grad_out, row * c.grad_out_pitch, type),
                        c.pitch * c.grad_out_pitch,
                        state,
                        shifted(c.grad_cell_state, first * c.hidden, type),
                        shifted(c.grad_gates, row * width, type),
                        shifted(c.grad_product, row * width, type)};
      if (c.projection) {
        unproject(c, projection, row, count, state, scratch.as<void>());
        rows.grad_state = scratch.as<void>();
        rows.grad_out = nullptr;
      }
      share_rows(split, count, width, [&](int64_t i, int64_t n) { gates(part_of(rows, i, n, type)); });
      product.run(count, gru ? rows.grad_product : rows.grad_gates, c.pitch * width, state, c.outputs, gru);
    });
  });
}

}  // namespace tt
