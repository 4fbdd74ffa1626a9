// The weight's pass for many output channels: at every position the input's numbers, one by one, times a row
// of output channels.
#include <algorithm>

#include "core/parallel.h"
#include "core/scratch.h"
#include "kernels/convolution_passes.h"

namespace tt {
namespace {

using Geometry = ConvolutionGeometry;

// y of some images as [image][position][channel], the channels rounded up to whole vectors.
struct Turned {
  int64_t channels, positions, lanes;
  int64_t row() const { return (channels + lanes - 1) / lanes * lanes; }
  int64_t image() const { return positions * row(); }
};

template <class T>
void turn(const Turned& to, const T* y, T* out) {
  const auto& loops = convolution_loops<T>();
  for (int64_t k = 0; k < to.channels; k += to.lanes)
    loops.spread({const_cast<T*>(y) + k * to.positions, to.positions, std::min(to.lanes, to.channels - k),
                  to.positions, out + k, to.row()});
}

struct Piece {
  int64_t first, size;
};
Piece piece_of(int64_t n, int64_t pieces, int64_t i) {
  const int64_t first = n * i / pieces;
  return {first, n * (i + 1) / pieces - first};
}
int64_t pieces_of(int64_t n, int64_t most) { return (n + most - 1) / most; }

template <class T>
struct Outer {
  const Geometry& g;
  Board x;
  Turned y;
  T *weight, *sums;  // sums[group][weight of one output channel][output channel]

  int64_t weights() const { return g.group_in() * g.taps(); }
  int64_t sum_row() const { return (g.group_out() + y.lanes - 1) / y.lanes * y.lanes; }
  int64_t vectors() const { return sum_row() / y.lanes; }

  int64_t x_offset(int64_t i) const {
    const int64_t tap = i % g.taps(), k2 = g.kernel[2], k1 = g.kernel[1];
    return i / g.taps() * x.plane + x.inner(tap / (k1 * k2) * g.dilation[0] - g.padding[0],
                                            tap / k2 % k1 * g.dilation[1] - g.padding[1],
                                            tap % k2 * g.dilation[2] - g.padding[2]);
  }

  void run(int64_t group, Piece vectors, Piece rows, int64_t images, const T* x_images,
           const T* y_images) const {
    OuterCall call = {};
    call.x = x_images + group * g.group_in() * x.plane;
    call.y = y_images + group * g.group_out() + vectors.first * y.lanes;
    call.rows = int(rows.size);
    call.vectors = int(vectors.size);
    for (int64_t i = 0; i < rows.size; i++) call.x_offset[i] = int32_t(x_offset(rows.first + i));
    call.count[0] = images;
    call.x_step[0] = x.block_size();
    call.y_step[0] = y.image();
    int64_t y_step = y.row();
    for (int d = 2; d >= 0; d--) {
      call.count[d + 1] = g.out[d];
      call.x_step[d + 1] = g.stride[d] * x.pitch[d];
      call.y_step[d + 1] = y_step;
      y_step *= g.out[d];
    }
    call.sum_row = sum_row();
    call.sums = sums + (group * weights() + rows.first) * sum_row() + vectors.first * y.lanes;
    convolution_loops<T>().outer(call);
  }

  // The sums are the transposed weights.
  void finish(int64_t group, int64_t vector) const {
    const int64_t first = vector * y.lanes;
    convolution_loops<T>().gather({weight + (group * g.group_out() + first) * weights(), weights(),
                                   std::min(y.lanes, g.group_out() - first), weights(),
                                   sums + group * weights() * sum_row() + first, sum_row()});
  }
};

constexpr int64_t flock_bytes = 512 << 10;

template <class T>
void run_outer(const ConvolutionCall& call) {
  const Geometry& g = call.geometry;
  const int64_t lanes = convolution_loops<T>().lanes;
  Margin margins[3];
  for (int d = 0; d < 3; d++) margins[d] = margin_along(g, ConvolutionPass::forward, d);
  Outer<T> outer{g,
                 Board(Lane::columns, lanes, g.in_channels, g.in, margins, 1),
                 {g.out_channels, g.out_size(), lanes},
                 static_cast<T*>(call.weight),
                 nullptr};
  const int64_t image_size = outer.x.block_size() + outer.y.image();
  const int64_t flock = std::clamp<int64_t>(flock_bytes / (image_size * int64_t(sizeof(T))), 1, g.batch);
  const int64_t sums_size = g.groups * outer.weights() * outer.sum_row();
  Scratch scratch((flock * image_size + sums_size + board_slack) * int64_t(sizeof(T)));
  T *x = scratch.as<T>(), *y = x + flock * outer.x.block_size();
  outer.sums = y + flock * outer.y.image() + board_slack;
  std::fill_n(outer.sums, sums_size, T(0));
  const int64_t columns = pieces_of(outer.vectors(), most_outer_vectors);
  const int64_t rows = pieces_of(outer.weights(), outer_rows(int(pieces_of(outer.vectors(), columns))));
  const int64_t tasks = g.groups * columns * rows;
  for (int64_t start = 0; start < g.batch; start += flock) {
    const int64_t here = std::min(flock, g.batch - start);
    parallel_for(0, 2 * here, grain_for(image_size / 2), [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; i++) {
        if (i < here)
          fill_board(outer.x, static_cast<const T*>(call.x), start + i, 1, 0, g.in_channels,
                     x + i * outer.x.block_size());
        else
          turn(outer.y, static_cast<const T*>(call.y) + (start + i - here) * g.out_channels * g.out_size(),
               y + (i - here) * outer.y.image());
      }
    });
    parallel_for(0, tasks, grain_for(g.products() / g.batch * here / tasks),
                 [&](int64_t first, int64_t last) {
                   for (int64_t i = first; i < last; i++)
                     outer.run(i / rows / columns, piece_of(outer.vectors(), columns, i / rows % columns),
                               piece_of(outer.weights(), rows, i % rows), here, x, y);
                 });
  }
  parallel_for(0, g.groups * outer.vectors(), grain_for(outer.weights() * lanes),
               [&](int64_t first, int64_t last) {
                 for (int64_t i = first; i < last; i++)
                   outer.finish(i / outer.vectors(), i % outer.vectors());
               });
}

}  // namespace

void convolution_by_outer_products(const ConvolutionCall& call) {
  call.dtype == DType::Float64 ? run_outer<double>(call) : run_outer<float>(call);
  if (call.bias) sum_over_images(call);
}

}  // namespace tt
