#include "kernels/staging.h"

#include <algorithm>

namespace tt {

Stages::Stages(Walk& walk, const Operand* const* operands, const DType* types) : walk_(walk) {
  const ConvertTable& table = convert_table();
  int64_t widest = 1;
  bool in_place = true;
  for (int k = 0; k < walk.operands; k++) {
    Stage& stage = stages_[k];
    DType own = operands[k]->dtype;
    stage.size = size_of(types[k]);
    if (own != types[k])
      stage.convert =
          k == 0 ? table.convert[int(types[k])][int(own)] : table.convert[int(own)][int(types[k])];
    in_place &= !stage.convert && (walk.strides[k][0] == walk.item[k] || (k > 1 && walk.strides[k][0] == 0));
    widest = std::max({widest, stage.size, walk.item[k]});
  }
  walk.cut(in_place && !walk.flat() ? 16384 : buffer_bytes / widest);

  for (int k = walk.operands - 1; k >= 0; k--) {
    // The output is never shared, nor is the first input, unless it is followed by exactly one that is not.
    classify(k, k > 1 || (k == 1 && walk.operands == 3 && !stages_[2].shared));
  }
}

void Stages::classify(int k, bool may_share) {
  Stage& stage = stages_[k];
  const int64_t* strides = walk_.strides[k];
  int flattened = walk_.flat() ? walk_.box_rank : 1;
  bool constant = true, dense = strides[0] == walk_.item[k];
  for (int d = 0; d < flattened; d++) {
    constant &= strides[d] == 0;
    if (d > 0 && walk_.box[d] > 1) dense &= strides[d] == strides[d - 1] * walk_.box[d - 1];
  }
  stage.shared = constant && may_share;
  stage.dense = dense || stage.shared;
  stage.direct = stage.dense && !stage.convert;
  stage.repeated = k > 0 && !walk_.flat() && strides[1] == 0;
}

Rows Stages::bind(const Box& box, Buffers& buffers) const {
  Rows rows;
  rows.length = box.extents[0];
  rows.count = box.extents[1];
  if (walk_.flat()) {
    for (int d = 1; d < walk_.box_rank; d++) rows.length *= box.extents[d];
    rows.count = 1;
  }
  const Stage& output = stages_[0];
  rows.data[0] = output.direct ? box.data[0] : buffers.converted[0];
  rows.inner[0] = output.size;
  rows.outer[0] = output.direct ? walk_.strides[0][1] : rows.length * output.size;
  for (int k = 1; k < walk_.operands; k++) bind_input(k, box, buffers, rows);
  rows.join(walk_.operands);
  return rows;
}

void Stages::bind_input(int k, const Box& box, Buffers& buffers, Rows& rows) const {
  const Stage& stage = stages_[k];
  rows.inner[k] = stage.shared ? 0 : stage.size;
  if (stage.direct) {
    rows.data[k] = box.data[k];
    rows.outer[k] = walk_.strides[k][1];
    return;
  }
  int64_t width = stage.shared ? 1 : rows.length, height = stage.repeated ? 1 : rows.count;
  char* buffer = rows.data[k] = buffers.converted[k];
  rows.outer[k] = stage.repeated ? 0 : width * stage.size;
  if (buffers.source[k] == box.data[k] && buffers.width[k] == width && buffers.height[k] == height) return;

  buffers.source[k] = box.data[k];
  buffers.width[k] = width;
  buffers.height[k] = height;
  Box needed = box;
  for (int d = 0; d < walk_.box_rank; d++)
    if ((d == 0 || walk_.flat()) ? stage.shared : stage.repeated) needed.extents[d] = 1;
  if (!stage.convert) return gather(k, needed, buffer);
  if (!stage.dense) {
    gather(k, needed, buffers.raw);
    return stage.convert(buffer, buffers.raw, width * height);
  }
  for (int64_t row = 0; row < height; row++)
    stage.convert(buffer + row * width * stage.size, box.data[k] + row * walk_.strides[k][1], width);
}

void Stages::gather(int k, const Box& box, char* to) const {
  int64_t dense[max_rank];
  dense_strides(box.extents, walk_.box_rank, walk_.item[k], dense);
  copy_box(walk_.item[k], walk_.box_rank, box.extents, to, dense, box.data[k], walk_.strides[k]);
}

void Stages::store(const Box& box, Buffers& buffers) const {
  const Stage& stage = stages_[0];
  if (stage.direct) return;
  const char* results = buffers.converted[0];
  int64_t item = walk_.item[0], width = box.extents[0], height = 1;
  for (int d = 1; d < walk_.box_rank; d++) (walk_.flat() ? width : height) *= box.extents[d];
  if (stage.dense) {
    for (int64_t row = 0; row < height; row++)
      stage.convert(box.data[0] + row * walk_.strides[0][1], results + row * width * stage.size, width);
    return;
  }
  if (stage.convert) {
    stage.convert(buffers.raw, results, width * height);
    results = buffers.raw;
  }
  int64_t dense[max_rank];
  dense_strides(box.extents, walk_.box_rank, item, dense);
  copy_box(item, walk_.box_rank, box.extents, box.data[0], walk_.strides[0], results, dense);
}

}  // namespace tt
