// How the drivers walk strided operands: dimensions ordered by the output's strides and merged where every
// operand allows it, then cut into boxes small enough for the first-level cache.
#pragma once
#include <cstdint>

#include "kernels/table.h"

namespace tt {

constexpr int max_operands = max_inputs + 1;

struct Walk {
  int rank = 0;  // after merging, at least 2; dimension 0 is the innermost
  int operands = 0;
  char* data[max_operands];
  int64_t item[max_operands];  // bytes of an element
  int64_t sizes[max_rank];
  int64_t strides[max_operands][max_rank];  // bytes

  int box_rank = 0;  // a box extends over the leading dimensions, at least 2
  int64_t box[max_rank];
  int64_t counts[max_rank];  // boxes along each dimension
  int64_t boxes = 0, box_elements = 0;

  // Operand 0 is the output. False when the index space is empty.
  bool build(int rank, const int64_t* sizes, const Operand* const* operands, int count);
  // Boxes of up to `limit` elements: rows of the innermost dimension, side by side with the dimension along
  // which some input is contiguous when it is not along the rows; or, where rows are short, whole inner
  // dimensions.
  void cut(int64_t limit);
  // Rows are so short that a box is walked as one: the loops get whole boxes, not rows.
  bool flat() const { return sizes[0] < 32 && sizes[1] > 1; }

 private:
  void merge();
};

// One box: where it starts in each operand, and its extents, clipped at the edges of the index space.
struct Box {
  char* data[max_operands];
  int64_t extents[max_rank];
};

// Calls body(box) for the boxes [first, last) of the walk.
template <class Body>
void for_each_box(const Walk& walk, int64_t first, int64_t last, Body&& body) {
  Box box;
  int64_t position[max_rank];
  for (int k = 0; k < walk.operands; k++) box.data[k] = walk.data[k];
  int64_t rest = first;
  for (int d = 0; d < walk.rank; d++) {
    position[d] = 0;
    if (rest == 0) continue;
    position[d] = rest % walk.counts[d];
    rest /= walk.counts[d];
    for (int k = 0; k < walk.operands; k++) box.data[k] += position[d] * walk.box[d] * walk.strides[k][d];
  }
  for (int64_t i = first; i < last; i++) {
    for (int d = 0; d < walk.box_rank; d++) {
      int64_t left = walk.sizes[d] - position[d] * walk.box[d];
      box.extents[d] = left < walk.box[d] ? left : walk.box[d];
    }
    body(box);
    for (int d = 0; d < walk.rank; d++) {
      bool wraps = ++position[d] == walk.counts[d];
      int64_t steps = wraps ? walk.box[d] * (1 - walk.counts[d]) : walk.box[d];
      for (int k = 0; k < walk.operands; k++) box.data[k] += steps * walk.strides[k][d];
      if (!wraps) break;
      position[d] = 0;
    }
  }
}

// The strides of a dense box, innermost dimension first.
void dense_strides(const int64_t* extents, int rank, int64_t item, int64_t* strides);
void copy_box(int64_t item, int rank, const int64_t* extents, char* out, const int64_t* out_strides,
              const char* in, const int64_t* in_strides);

}  // namespace tt
