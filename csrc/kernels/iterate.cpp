#include "kernels/iterate.h"

#include <algorithm>
#include <bit>

#include "kernels/elementwise.h"

namespace tt {

bool Walk::build(int call_rank, const int64_t* call_sizes, const Operand* const* call_operands, int count) {
  operands = count;
  rank = 0;
  for (int k = 0; k < count; k++) {
    data[k] = call_operands[k]->data;
    item[k] = size_of(call_operands[k]->dtype);
  }
  // Insert every dimension longer than 1, from the last, behind those with a smaller output stride.
  for (int d = call_rank - 1; d >= 0; d--) {
    if (call_sizes[d] == 0) return false;
    if (call_sizes[d] == 1) continue;
    int at = rank++;
    for (; at > 0 && strides[0][at - 1] > call_operands[0]->strides[d] * item[0]; at--) {
      sizes[at] = sizes[at - 1];
      for (int k = 0; k < count; k++) strides[k][at] = strides[k][at - 1];
    }
    sizes[at] = call_sizes[d];
    for (int k = 0; k < count; k++) strides[k][at] = call_operands[k]->strides[d] * item[k];
  }
  if (rank == 0) {
    rank = 1;
    sizes[0] = 1;
    for (int k = 0; k < count; k++) strides[k][0] = item[k];
  }
  merge();
  return true;
}

void Walk::merge() {
  int merged = 0;
  for (int d = 1; d < rank; d++) {
    bool joins = true;
    for (int k = 0; k < operands; k++) joins &= strides[k][d] == strides[k][merged] * sizes[merged];
    if (joins) {
      sizes[merged] *= sizes[d];
      continue;
    }
    merged++;
    sizes[merged] = sizes[d];
    for (int k = 0; k < operands; k++) strides[k][merged] = strides[k][d];
  }
  rank = merged + 1;
  if (rank > 1) return;
  rank = 2;
  sizes[1] = 1;
  for (int k = 0; k < operands; k++) strides[k][1] = 0;
}

// The dimension along which an input is contiguous that is not so along the rows; 0 when there is none.
static int transposed_dimension(const Walk& walk) {
  for (int k = 0; k < walk.operands; k++) {
    if (walk.strides[k][0] == 0 || walk.strides[k][0] == walk.item[k]) continue;
    for (int d = 1; d < walk.rank; d++)
      if (walk.strides[k][d] == walk.item[k]) return d;
  }
  return 0;
}

static void move_to_second(Walk& walk, int dimension) {
  std::rotate(walk.sizes + 1, walk.sizes + dimension, walk.sizes + dimension + 1);
  for (int k = 0; k < walk.operands; k++)
    std::rotate(walk.strides[k] + 1, walk.strides[k] + dimension, walk.strides[k] + dimension + 1);
}

void Walk::cut(int64_t limit) {
  for (int d = 0; d < rank; d++) box[d] = 1;
  if (!flat()) {
    box_rank = 2;
    int across = transposed_dimension(*this);
    if (across) {
      move_to_second(*this, across);
      box[1] = std::min(sizes[1], limit / 64);  // rows of at least 64 elements
    }
    box[0] = std::min(sizes[0], limit / box[1]);
    box[1] = std::min(sizes[1], limit / box[0]);
  } else {
    int64_t room = limit;
    for (box_rank = 0; box_rank < rank && (room > 1 || box_rank < 2); box_rank++) {
      box[box_rank] = std::min(sizes[box_rank], room);
      room /= box[box_rank];
    }
  }
  boxes = box_elements = 1;
  for (int d = 0; d < rank; d++) {
    counts[d] = sizes[d] == box[d] ? 1 : (sizes[d] + box[d] - 1) / box[d];
    boxes *= counts[d];
    box_elements *= box[d];
  }
}

void dense_strides(const int64_t* extents, int rank, int64_t item, int64_t* strides) {
  for (int d = 0; d < rank; d++) {
    strides[d] = item;
    item *= extents[d];
  }
}

void copy_box(int64_t item, int rank, const int64_t* extents, char* out, const int64_t* out_strides,
              const char* in, const int64_t* in_strides) {
  if (rank == 2) {
    auto tile = tile_table().copy[std::countr_zero(uint64_t(item))];
    return tile(
        {out, in, extents[0], extents[1], out_strides[0], out_strides[1], in_strides[0], in_strides[1]});
  }
  for (int64_t i = 0; i < extents[rank - 1]; i++)
    copy_box(item, rank - 1, extents, out + i * out_strides[rank - 1], out_strides,
             in + i * in_strides[rank - 1], in_strides);
}

}  // namespace tt
