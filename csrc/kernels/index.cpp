#include "kernels/index.h"

#include <algorithm>
#include <atomic>

#include "core/parallel.h"
#include "kernels/index_walk.h"

namespace tt {
namespace {

constexpr int64_t grain = 32768;      // elements worth a thread's while
constexpr int64_t index_block = 512;  // indices that are still in the cache after they were checked

enum { dense, indexed, index_at };

// A dimension to share out among threads: one along which no two elements can meet in one place. -1: there is
// none.
int shared_dimension(const IndexWalk<3>& walk, IndexMode mode) {
  int best = -1;
  for (int d = 0; d < walk.rank; d++) {
    if (mode != IndexMode::get && walk.strides[indexed][d] == 0) continue;
    if (best < 0 || (walk.sizes[best] < 64 && walk.sizes[d] > walk.sizes[best])) best = d;
  }
  return best;
}

// Where a row whose elements share one index lies.
const char* place_of(char* const* data, int64_t step, int64_t size) {
  int64_t i = *reinterpret_cast<const int64_t*>(data[index_at]);
  uint64_t moved =
      uint64_t(i + (i < 0 ? size : 0)) * uint64_t(step);  // an index out of range may leave the memory
  return reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(data[indexed]) + moved);
}

// Calls run(row) for every row of the index space, on several threads where there is enough to do.
template <class Run>
void for_each_index_row(const IndexCall& call, Run run) {
  IndexWalk<3> walk;
  const Operand* operands[] = {call.dense, call.indexed, call.index};
  if (!walk.build(call.rank, call.sizes, operands, call.mode == IndexMode::get)) return;
  int64_t step = call.step * walk.item[indexed];
  auto run_part = [&](const IndexWalk<3>& part) {
    IndexRow row;
    row.n = part.inner();
    row.step = step;
    row.size = call.size;
    for (int k = 0; k < 3; k++) row.steps[k] = part.inner_stride(k);
    bool ahead = row.steps[index_at] == 0, held = false;  // a row waits until the next one is known
    part.each_row([&](char* const* data) {
      if (held) {
        row.next = place_of(data, step, call.size);
        run(row);
      }
      for (int k = 0; k < 3; k++) row.data[k] = data[k];
      held = ahead;
      if (!held) run(row);
    });
    row.next = nullptr;
    if (held) run(row);
  };
  int d = shared_dimension(walk, call.mode);
  int64_t count = walk.count();
  if (count <= grain || d < 0 || walk.sizes[d] == 1) return run_part(walk);
  int64_t least = std::max<int64_t>(1, grain / (count / walk.sizes[d]));
  if (d == walk.rank - 1) least = (least + 63) / 64 * 64;  // whole cache lines
  parallel_for(0, walk.sizes[d], least,
               [&](int64_t first, int64_t last) { run_part(walk.part(d, first, last)); });
}

}  // namespace

void cpu_index(const IndexCall& call) {
  for_each_index_row(call, index_table().row[int(call.mode)][int(call.dense->dtype)]);
}

bool cpu_checked_get(const IndexCall& call, int64_t low, int64_t high) {
  std::atomic<bool> failed = false;
  auto run = index_table().row[int(IndexMode::get)][int(call.dense->dtype)];
  auto outside = index_table().outside;
  for_each_index_row(call, [&](const IndexRow& whole) {
    IndexRow row = whole;
    int64_t block = row.steps[index_at] ? index_block : row.n;
    for (int64_t first = 0; first < whole.n && !failed.load(std::memory_order_relaxed); first += block) {
      row.n = std::min(block, whole.n - first);
      for (int k = 0; k < 3; k++) row.data[k] = whole.data[k] + first * whole.steps[k];
      if (outside(row.data[index_at], row.steps[index_at], row.steps[index_at] ? row.n : 1, low, high))
        failed = true;
      else run(row);
    }
  });
  return !failed;
}

void cpu_places(const PlacesCall& call) {
  int64_t strides[max_rank], stride = 1;
  for (int d = call.rank - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= call.sizes[d];
  }
  Operand out{reinterpret_cast<char*>(call.out), strides, DType::Int64};
  const Operand* operands[] = {&out, call.index};
  IndexWalk<2> walk;
  if (!walk.build(call.rank, call.sizes, operands, false)) return;
  int64_t n = walk.inner(), from = walk.inner_stride(1) / int64_t(sizeof(int64_t));
  walk.each_row([&](char* const* data) {
    auto* place = reinterpret_cast<int64_t*>(data[0]);
    auto* index = reinterpret_cast<const int64_t*>(data[1]);
    for (int64_t k = 0; k < n; k++) {
      int64_t i = index[k * from], moved = (i + ((i >> 63) & call.size)) * call.step;
      place[k] = call.accumulate ? place[k] + moved : moved;
    }
  });
}

bool cpu_outside(OutsideCall& call) {
  const Operand* operands[] = {call.index};
  IndexWalk<1> walk;
  if (!walk.build(call.rank, call.sizes, operands, false)) return false;
  int64_t n = walk.inner(), stride = walk.inner_stride(0);
  std::atomic<bool> failed = false;
  walk.each_row([&](char* const* data) {
    parallel_for(0, n, 4 * grain, [&](int64_t first, int64_t last) {
      if (index_table().outside(data[0] + first * stride, stride, last - first, call.low, call.high))
        failed = true;
    });
  });
  if (!failed) return false;
  bool told = false;
  walk.each_row([&](char* const* data) {
    for (int64_t k = 0; k < n && !told; k++) {
      call.found = *reinterpret_cast<const int64_t*>(data[0] + k * stride);
      told = call.found < call.low || call.found >= call.high;
    }
  });
  return true;
}

}  // namespace tt
