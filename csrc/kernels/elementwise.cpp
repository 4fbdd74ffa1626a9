#include "kernels/elementwise.h"

#include <atomic>
#include <bit>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/iterate.h"
#include "kernels/staging.h"

namespace tt {

static int64_t grain_of(Cost cost) {
  constexpr int64_t grains[] = {32768, 8192, 1024};
  return grains[int(cost)];
}

// Through a buffer in the first-level cache, from which the result goes past the caches. The buffer is short,
// so that the loads of one part overlap the stores of the last.
template <int inputs>
static void run_streamed(Loop loop, char* const* data, const int64_t* strides, int64_t n) {
  auto stream = tile_table().stream;
  alignas(64) char buffer[1024];
  char* part[inputs + 1] = {buffer};
  int64_t block = int64_t(sizeof(buffer)) / strides[0];
  for (int64_t start = 0; start < n; start += block) {
    int64_t count = n - start < block ? n - start : block;
    for (int k = 1; k <= inputs; k++) part[k] = data[k] + start * strides[k];
    loop(part, strides, count);
    stream(data[0] + start * strides[0], buffer, count * strides[0]);
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);  // streamed stores are weakly ordered
}

// Everything contiguous and of the loop's own types: one call per thread, nothing to set up.
template <int inputs>
static bool run_contiguous(const ElementwiseCall& call, Cost cost, Loop loop) {
  if (call.out.dtype != result_type(call.op, call.compute)) return false;
  for (int k = 0; k < inputs; k++)
    if (call.in[k].dtype != input_type(call.op, k, call.compute)) return false;

  int64_t n = 1;
  bool dense[inputs], shared[inputs];
  for (int k = 0; k < inputs; k++) dense[k] = shared[k] = true;
  for (int d = call.rank - 1; d >= 0; d--) {
    if (call.sizes[d] == 1) continue;
    if (call.sizes[d] == 0) return true;
    if (call.out.strides[d] != n) return false;
    for (int k = 0; k < inputs; k++) {
      dense[k] &= call.in[k].strides[d] == n;
      shared[k] &= call.in[k].strides[d] == 0;
    }
    n *= call.sizes[d];
  }
  char* data[inputs + 1] = {call.out.data};
  int64_t strides[inputs + 1] = {size_of(call.out.dtype)};
  for (int k = 0; k < inputs; k++) {
    if (!dense[k] && !shared[k]) return false;
    data[k + 1] = call.in[k].data;
    strides[k + 1] = dense[k] ? size_of(call.in[k].dtype) : 0;
  }
  if (!dense[0] && (inputs != 2 || !dense[inputs - 1])) return false;  // not a form that loops have

  int64_t grain = grain_of(cost);
  if (n <= grain) {
    loop(data, strides, n);
    return true;
  }
  bool streamed = cost == Cost::light && n * strides[0] >= streamed_bytes;
  for (int k = 0; k < inputs; k++) streamed &= data[k + 1] != data[0];
  parallel_for(0, n, grain, [&](int64_t first, int64_t last) {
    char* part[inputs + 1];
    for (int k = 0; k <= inputs; k++) part[k] = data[k] + first * strides[k];
    if (streamed) run_streamed<inputs>(loop, part, strides, last - first);
    else loop(part, strides, last - first);
  });
  return true;
}

// The general case: boxes, in each of which every operand is brought into the form that the loop wants.
static void run_boxes(const ElementwiseCall& call, const ElementwiseInfo& info, Loop loop) {
  const Operand* operands[max_operands] = {&call.out, &call.in[0], &call.in[1], &call.in[2]};
  DType types[max_operands] = {result_type(call.op, call.compute)};
  for (int k = 0; k < info.inputs; k++) types[k + 1] = input_type(call.op, k, call.compute);

  Walk walk;
  if (!walk.build(call.rank, call.sizes, operands, info.inputs + 1)) return;
  Stages stages(walk, operands, types);
  int64_t grain = (grain_of(info.cost) + walk.box_elements - 1) / walk.box_elements;
  parallel_for(0, walk.boxes, grain, [&](int64_t first, int64_t last) {
    Buffers buffers;
    for_each_box(walk, first, last, [&](const Box& box) {
      Rows rows = stages.bind(box, buffers);
      for (int64_t row = 0; row < rows.count; row++) {
        loop(rows.data, rows.inner, rows.length);
        for (int k = 0; k < walk.operands; k++) rows.data[k] += rows.outer[k];
      }
      stages.store(box, buffers);
    });
  });
}

void cpu_elementwise(const ElementwiseCall& call) {
  const ElementwiseInfo& info = info_of(call.op);
  static const ElementwiseTable& table = elementwise_table();
  Loop loop = table.columns[int(call.compute)]->loop[int(call.op)];
  if (!loop) fail(ErrorKind::NotImplemented, info.name, ": not implemented for ", name_of(call.compute));
  bool done = info.inputs == 1   ? run_contiguous<1>(call, info.cost, loop)
              : info.inputs == 2 ? run_contiguous<2>(call, info.cost, loop)
                                 : run_contiguous<3>(call, info.cost, loop);
  if (!done) run_boxes(call, info, loop);
}

bool cpu_any_zero(int rank, const int64_t* sizes, const Operand& operand) {
  auto scan = tile_table().any_zero[std::countr_zero(uint64_t(size_of(operand.dtype)))];
  int64_t distinct[max_rank], dense[max_rank];
  for (int d = 0; d < rank; d++) distinct[d] = operand.strides[d] == 0 && sizes[d] > 0 ? 1 : sizes[d];
  const Operand* operands[] = {&operand};
  Walk walk;
  if (!walk.build(rank, distinct, operands, 1)) return false;
  if (walk.sizes[1] == 1 && walk.strides[0][0] == walk.item[0]) return scan(walk.data[0], walk.sizes[0]);

  walk.cut(buffer_bytes / walk.item[0]);
  alignas(64) char buffer[buffer_bytes];
  bool found = false;
  for_each_box(walk, 0, walk.boxes, [&](const Box& box) {
    if (found) return;
    dense_strides(box.extents, walk.box_rank, walk.item[0], dense);
    copy_box(walk.item[0], walk.box_rank, box.extents, buffer, dense, box.data[0], walk.strides[0]);
    int64_t n = 1;
    for (int d = 0; d < walk.box_rank; d++) n *= box.extents[d];
    found = scan(buffer, n);
  });
  return found;
}

}  // namespace tt
