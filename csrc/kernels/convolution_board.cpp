#include "kernels/convolution_board.h"

#include <algorithm>

namespace tt {

Board::Board(Lane lane, int64_t lanes, int64_t channels, const int64_t* sizes, const Margin* margins,
             int64_t stride)
    : lane(lane), lanes(lanes), channels(channels), stride(stride) {
  for (int d = 0; d < 3; d++) {
    size[d] = sizes[d];
    if (margins) margin[d] = margins[d];
  }
  auto extent = [&](int d) { return size[d] + margin[d].before + margin[d].after; };
  pitch[2] = lane == Lane::images ? lanes : 1;
  int64_t columns = (extent(2) + stride - 1) / stride * stride;
  pitch[1] = columns * pitch[2];
  pitch[0] = extent(1) * pitch[1];
  plane = extent(0) * pitch[0];
  // Planes a multiple of 4 KB apart would fall on the same lines of the first-level cache.
  if (plane % 512 == 0) plane += lanes;
}

bool Board::has_margins() const {
  for (const Margin& m : margin)
    if (m.before || m.after) return true;
  return false;
}

namespace {

template <class T>
void fill_columns(const Board& board, const T* row, T* to) {
  const int64_t before = board.margin[2].before, size = board.size[2], stride = board.stride;
  if (stride == 1) {
    std::copy_n(row, size, to + before);
    return;
  }
  const int64_t together = board.pitch[1] / stride;
  for (int64_t phase = 0; phase < stride; phase++) {
    int64_t first = (phase - before % stride + stride) % stride;
    T* out = to + phase * together + (first + before) / stride;
    for (int64_t x = first; x < size; x += stride) *out++ = row[x];
  }
}

}  // namespace

template <class T>
void fill_board(const Board& board, const T* tensor, int64_t image, int64_t count, int64_t first,
                int64_t last, T* block) {
  const auto& loops = convolution_loops<T>();
  const int64_t size = board.size[0] * board.size[1] * board.size[2];
  const T* from = tensor + (image * board.channels + first) * size;
  T* to = block + first * board.plane;
  const bool images = board.lane == Lane::images;
  if (images && !board.has_margins() && board.plane == size * board.lanes)
    return loops.spread(
        {const_cast<T*>(from), board.channels * size, count, (last - first) * size, to, board.lanes});
  if (images && !board.has_margins()) {
    for (int64_t channel = first; channel < last; channel++, from += size, to += board.plane)
      loops.spread({const_cast<T*>(from), board.channels * size, count, size, to, board.lanes});
    return;
  }
  std::fill_n(to, (last - first) * board.plane, T(0));
  for (int64_t channel = first; channel < last; channel++, to += board.plane)
    for (int64_t i = 0; i < board.size[0]; i++)
      for (int64_t j = 0; j < board.size[1]; j++, from += board.size[2]) {
        T* row = to + (i + board.margin[0].before) * board.pitch[0] +
                 (j + board.margin[1].before) * board.pitch[1];
        if (images)
          loops.spread({const_cast<T*>(from), board.channels * size, count, board.size[2],
                        row + board.margin[2].before * board.pitch[2], board.lanes});
        else fill_columns(board, from, row);
      }
}

template void fill_board(const Board&, const float*, int64_t, int64_t, int64_t, int64_t, float*);
template void fill_board(const Board&, const double*, int64_t, int64_t, int64_t, int64_t, double*);

}  // namespace tt
