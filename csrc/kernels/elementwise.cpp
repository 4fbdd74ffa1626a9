#include "kernels/elementwise.h"

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

// Which inputs a loop may find shared by all elements (stride 0).
static bool allows_shared(int inputs, unsigned shared) {
  return inputs == 2 ? shared != 3 : (shared & 1) == 0;
}

// Everything contiguous and of the loop's own types: one call per thread, nothing to set up.
static bool run_contiguous(const ElementwiseCall& call, const ElementwiseInfo& info, Loop loop) {
  if (call.out.dtype != result_type(call.op, call.compute)) return false;
  for (int k = 0; k < info.inputs; k++)
    if (call.in[k].dtype != input_type(call.op, k, call.compute)) return false;

  int64_t n = 1;
  unsigned all = (1u << info.inputs) - 1, dense = all, shared = all;
  for (int d = call.rank - 1; d >= 0; d--) {
    if (call.sizes[d] == 1) continue;
    if (call.sizes[d] == 0) return true;
    if (call.out.strides[d] != n) return false;
    for (int k = 0; k < info.inputs; k++) {
      if (call.in[k].strides[d] != n) dense &= ~(1u << k);
      if (call.in[k].strides[d] != 0) shared &= ~(1u << k);
    }
    n *= call.sizes[d];
  }
  shared &= ~dense;
  if ((dense | shared) != all || !allows_shared(info.inputs, shared)) return false;

  char* data[max_operands] = {call.out.data};
  int64_t strides[max_operands] = {size_of(call.out.dtype)};
  for (int k = 0; k < info.inputs; k++) {
    data[k + 1] = call.in[k].data;
    strides[k + 1] = shared >> k & 1 ? 0 : size_of(call.in[k].dtype);
  }
  int64_t grain = grain_of(info.cost);
  if (n <= grain) {
    loop(data, strides, n);
    return true;
  }
  parallel_for(0, n, grain, [&](int64_t first, int64_t last) {
    char* part[max_operands];
    for (int k = 0; k <= info.inputs; k++) part[k] = data[k] + first * strides[k];
    loop(part, strides, last - first);
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
  Loop loop = elementwise_table().columns[int(call.compute)]->loop[int(call.op)];
  if (!loop) fail(ErrorKind::NotImplemented, info.name, ": not implemented for ", name_of(call.compute));
  if (!run_contiguous(call, info, loop)) run_boxes(call, info, loop);
}

bool cpu_any_zero(int rank, const int64_t* sizes, const Operand& operand) {
  auto scan = copy_table().any_zero[std::countr_zero(uint64_t(size_of(operand.dtype)))];
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
