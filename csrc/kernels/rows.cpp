#include "kernels/rows.h"

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"

namespace tt {
namespace {

constexpr int64_t narrow = 16;  // fewer neighbours than this do not fill the vectors of `columns`
constexpr int64_t elements_at_once = 16384;  // worth a thread's while

RowBlock block_at(const RowCall& call, int64_t offset) {
  int64_t bytes = offset * size_of(call.dtype);
  auto at = [&](const void* data) { return data ? static_cast<const char*>(data) + bytes : nullptr; };
  RowBlock block = {};
  block.dtype = call.dtype;
  block.n = call.n;
  block.stride = call.inner;
  block.in = at(call.in);
  block.grad = at(call.grad);
  block.out = static_cast<char*>(call.out) + bytes;
  block.index = call.index ? call.index + offset : nullptr;
  return block;
}

void run_rows(RowKernel kernel, const RowCall& call) {
  int64_t grain = std::max<int64_t>(1, elements_at_once / call.n);
  if (call.inner == 1)
    return parallel_for(0, call.outer, grain, [&](int64_t begin, int64_t end) {
      RowBlock block = block_at(call, begin * call.n);
      block.count = end - begin;
      block.pitch = call.n;
      kernel(block);
    });
  grain = std::max<int64_t>(1, grain / call.inner);
  parallel_for(0, call.outer, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      RowBlock block = block_at(call, i * call.n * call.inner);
      block.count = call.inner;
      block.pitch = 1;
      kernel(block);
    }
  });
}

void run_columns(RowKernel kernel, const RowCall& call) {
  // Wide enough to read memory in long pieces, narrow enough for the second-level cache, as most kernels pass
  // twice.
  int64_t widest = std::clamp<int64_t>(65536 / call.n, 128, column_limit) / 64 * 64;
  int64_t tile = std::min(call.inner, widest), tiles = (call.inner + tile - 1) / tile;
  int64_t grain = std::max<int64_t>(1, elements_at_once / (call.n * tile));
  parallel_for(0, call.outer * tiles, grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      int64_t first = task % tiles * tile;
      RowBlock block = block_at(call, task / tiles * call.n * call.inner + first);
      block.count = std::min(tile, call.inner - first);
      block.pitch = 1;
      kernel(block);
    }
  });
}

void run(const RowKernels& kernels, const RowCall& call) {
  if (call.outer * call.n * call.inner == 0) return;
  if (call.inner < narrow) run_rows(kernels.rows, call);
  else run_columns(kernels.columns, call);
}

void run_softmax(const RowKernels (&kernels)[2], const char* name, const RowCall& call) {
  check(is_floating(call.dtype), name, ": expected a floating dtype, got ", name_of(call.dtype));
  run(kernels[call.dtype == DType::Float64], call);
}

int compute_type(DType dtype) {
  if (dtype == DType::Float64) return 3;
  if (is_floating(dtype)) return 2;
  return dtype == DType::Int64;
}

}  // namespace

void cpu_softmax(const RowCall& call) { run_softmax(softmax_table().softmax, "softmax", call); }
void cpu_log_softmax(const RowCall& call) { run_softmax(softmax_table().log_softmax, "log_softmax", call); }
void cpu_softmax_backward(const RowCall& call) {
  run_softmax(softmax_table().softmax_backward, "softmax_backward", call);
}
void cpu_log_softmax_backward(const RowCall& call) {
  run_softmax(softmax_table().log_softmax_backward, "log_softmax_backward", call);
}

void cpu_scan(Scan op, const RowCall& call) {
  bool log_needed = op == Scan::logcumsumexp;
  check(!log_needed || is_floating(call.dtype), "logcumsumexp: expected a floating dtype, got ",
        name_of(call.dtype));
  run(scan_table().scan[int(op)][compute_type(call.dtype)], call);
}

}  // namespace tt
