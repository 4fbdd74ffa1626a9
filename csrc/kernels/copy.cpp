#include <bit>
#include <cstring>

#include "core/parallel.h"
#include "kernels/elementwise.h"
#include "kernels/iterate.h"
#include "kernels/staging.h"

namespace tt {

constexpr int64_t copy_grain = 32768;

static bool same_dense_layout(const CopyCall& call, int64_t& n) {
  n = 1;
  for (int d = call.rank - 1; d >= 0; d--) {
    if (call.sizes[d] != 1 && (call.out.strides[d] != n || call.in.strides[d] != n)) return false;
    n *= call.sizes[d];
  }
  return true;
}

static void copy_tiles(Walk& walk) {
  walk.cut(16384);
  int64_t grain = (copy_grain + walk.box_elements - 1) / walk.box_elements;
  parallel_for(0, walk.boxes, grain, [&](int64_t first, int64_t last) {
    for_each_box(walk, first, last, [&](const Box& box) {
      copy_box(walk.item[0], walk.box_rank, box.extents, box.data[0], walk.strides[0], box.data[1],
               walk.strides[1]);
    });
  });
}

// The loop is the conversion itself: what is dense already is converted from and to its own memory.
static void convert_boxes(Walk& walk, const Operand* const* operands) {
  Convert convert = convert_table().convert[int(operands[1]->dtype)][int(operands[0]->dtype)];
  DType types[] = {operands[0]->dtype, operands[1]->dtype};
  Stages stages(walk, operands, types);
  int64_t grain = (copy_grain + walk.box_elements - 1) / walk.box_elements;
  parallel_for(0, walk.boxes, grain, [&](int64_t first, int64_t last) {
    Buffers buffers;
    for_each_box(walk, first, last, [&](const Box& box) {
      Rows rows = stages.bind(box, buffers);
      for (int64_t row = 0; row < rows.count; row++)
        convert(rows.data[0] + row * rows.outer[0], rows.data[1] + row * rows.outer[1], rows.length);
      stages.store(box, buffers);
    });
  });
}

void cpu_copy(const CopyCall& call) {
  Convert convert = convert_table().convert[int(call.in.dtype)][int(call.out.dtype)];
  int64_t n, to = size_of(call.out.dtype), from = size_of(call.in.dtype);
  if (same_dense_layout(call, n)) {
    parallel_for(0, n, copy_grain, [&](int64_t first, int64_t last) {
      convert(call.out.data + first * to, call.in.data + first * from, last - first);
    });
    return;
  }
  const Operand* operands[] = {&call.out, &call.in};
  Walk walk;
  if (!walk.build(call.rank, call.sizes, operands, 2)) return;
  if (call.out.dtype == call.in.dtype) copy_tiles(walk);
  else convert_boxes(walk, operands);
}

}  // namespace tt
