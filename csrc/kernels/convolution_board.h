// The layout in which the loops want a tensor: planes of vectors of images, or of columns with margins.
#pragma once
#include "kernels/convolution.h"
#include "kernels/convolution_axes.h"

namespace tt {

template <class T>
const ConvolutionLoops& convolution_loops() {
  if constexpr (sizeof(T) == 4) return convolution_float();
  else return convolution_double();
}

// What a lane holds. `columns` needs margins, so that every position meets every tap.
enum class Lane : uint8_t { images, columns };

// One tensor [batch, channels, sizes...] in planes. With Lane::columns every `stride`th column lies side by
// side.
struct Board {
  Lane lane;
  int64_t lanes;  // of a vector
  int64_t channels, size[3];
  Margin margin[3];
  int64_t stride = 1;
  int64_t pitch[3], plane;  // elements

  // Settles pitches; `margins` may be null.
  Board(Lane lane, int64_t lanes, int64_t channels, const int64_t* size, const Margin* margins,
        int64_t stride);

  bool has_margins() const;
  int64_t block_images() const { return lane == Lane::images ? lanes : 1; }
  int64_t block_size() const { return channels * plane; }  // elements
  // The way to a column, margins included; a sum of columns adds their ways if one of them is a multiple of
  // stride.
  int64_t column(int64_t x) const {
    if (lane == Lane::images) return x * pitch[2];
    return stride == 1 ? x : x % stride * (pitch[1] / stride) + x / stride;
  }
  int64_t offset(int64_t i0, int64_t i1, int64_t i2) const {
    return i0 * pitch[0] + i1 * pitch[1] + column(i2);
  }
  int64_t inner(int64_t i0, int64_t i1, int64_t i2) const {  // of a position counted from the margins' end
    return offset(i0 + margin[0].before, i1 + margin[1].before, i2 + margin[2].before);
  }
};

// Elements that may be read, but not used, behind a board.
constexpr int64_t board_slack = 128;

// Copies channels [first, last) of images [image, image + count) to a block of a board.
template <class T>
void fill_board(const Board& board, const T* tensor, int64_t image, int64_t count, int64_t first,
                int64_t last, T* block);

}  // namespace tt
