// The passes that write images: forward, and back to the input. Both are sums over taps, told apart by their
// lists.
#include <algorithm>

#include "core/parallel.h"
#include "core/scratch.h"
#include "kernels/convolution_board.h"
#include "kernels/convolution_passes.h"

namespace tt {
namespace {

using Geometry = ConvolutionGeometry;
using Pass = ConvolutionPass;

// What a pass reads and what it writes, by group.
struct Sides {
  const Geometry& g;
  Pass pass;

  bool forward() const { return pass == Pass::forward; }
  int64_t reads() const { return forward() ? g.group_in() : g.group_out(); }
  int64_t writes() const { return forward() ? g.group_out() : g.group_in(); }
  const int64_t* read_size() const { return forward() ? g.in : g.out; }
  const int64_t* written_size() const { return forward() ? g.out : g.in; }
};

// A number of channels cut in blocks of equal size; the last may have fewer.
struct Blocks {
  int64_t count, size, channels;
  Blocks(int64_t channels, int64_t most)
      : count((channels + most - 1) / most), size((channels + count - 1) / count), channels(channels) {}
  int64_t rows(int64_t i) const { return std::min(size, channels - i * size); }
};

// weights[group][block][read channel][tap][size]
template <class T>
void pack_weights(const Sides& sides, const Blocks& blocks, const T* weight, T* packed) {
  const Geometry& g = sides.g;
  const int64_t reads = sides.reads(), writes = sides.writes(), taps = g.taps(), size = blocks.size;
  const int64_t row = sides.forward() ? reads * taps : taps, column = sides.forward() ? taps : writes * taps;
  parallel_for(
      0, g.groups * blocks.count, 1 + (1 << 14) / (reads * taps * size), [&](int64_t first, int64_t last) {
        for (int64_t block = first; block < last; block++) {
          const T* from =
              weight + block / blocks.count * reads * writes * taps + block % blocks.count * size * row;
          T* to = packed + block * reads * taps * size;
          const int64_t rows = blocks.rows(block % blocks.count);
          for (int64_t j = 0; j < reads; j++)
            for (int64_t tap = 0; tap < taps; tap++, to += size) {
              const T* value = from + j * column + tap;
              for (int64_t i = 0; i < rows; i++) to[i] = value[i * row];
              for (int64_t i = rows; i < size; i++) to[i] = 0;
            }
        }
      });
}

// A band is a number of rows of what is written: [first, last) of all rows of a plane.
struct Band {
  int64_t first, last;
  std::vector<std::vector<Place>> places;  // by class
};

// A piece of a written row: where a class of columns lies in scratch.
struct Piece {
  int64_t from, first, step, count;
};

// The lists of a pass.
struct Plan {
  std::vector<std::vector<Tap>> taps;  // by class
  std::vector<Band> bands;
  std::vector<Piece> pieces;  // of a row, with Lane::columns
  int64_t row;                // elements of a written row in scratch
};

constexpr int64_t cache_bytes = 400 << 10;  // of what a band reads, to stay in the second-level cache
constexpr int64_t most_taps = 1 << 20;      // of all lists
constexpr int64_t flock_bytes = int64_t(16) << 20;

int64_t rows_per_band(const Sides& sides, const Board& board, int64_t element) {
  const int64_t* written = sides.written_size();
  const int64_t rows = written[0] * written[1], all = sides.reads() * board.plane * element;
  if (all <= 2 * cache_bytes) return rows;
  const int64_t reach = (sides.g.kernel[1] - 1) * sides.g.dilation[1] + 1;
  const int64_t read_rows = cache_bytes / (sides.reads() * board.pitch[1] * element);
  const int64_t step = sides.forward() ? sides.g.stride[1] : 1;
  return std::clamp<int64_t>((read_rows - reach) / step + 1, 4, rows);
}

struct Axes {
  Axis axis[3];
  int64_t tap_entries(int64_t reads) const {
    int64_t all = reads;
    for (const Axis& a : axis) {
      int64_t sum = 0;
      for (const SpotClass& c : a) sum += int64_t(c.meetings.size());
      all *= sum;
    }
    return all;
  }
};

Axes axes_within(const Sides& sides, const Board& board) {
  Axes axes;
  for (int d = 0; d < 3; d++)
    axes.axis[d] =
        classes_along(sides.g, sides.pass, d, -board.margin[d].before, board.size[d] + board.margin[d].after);
  return axes;
}

class Planner {
 public:
  Planner(const Sides& sides, const Board& board, const Axes& axes, int64_t block, int64_t rows)
      : sides_(sides), board_(board), axes_(axes), block_(block), band_rows_(rows) {}

  Plan make() {
    const int64_t* written = sides_.written_size();
    const int64_t all = written[0] * written[1];
    for (int64_t first = 0; first < all; first += band_rows_)
      plan_.bands.push_back({first, std::min(all, first + band_rows_), {}});
    lay_out_row();
    for (const SpotClass& c0 : axes_.axis[0])
      for (const SpotClass& c1 : axes_.axis[1])
        for (size_t k = 0; k < axes_.axis[2].size(); k++) add_class(c0, c1, k);
    return std::move(plan_);
  }

 private:
  void lay_out_row() {
    plan_.row = 0;
    if (board_.lane == Lane::images) {
      plan_.row = sides_.written_size()[2] * board_.lanes;
      return;
    }
    for (const SpotClass& c : axes_.axis[2]) {
      const int64_t count = int64_t(c.spots.size());
      const int64_t step = count > 1 ? c.spots[1].at - c.spots[0].at : 1;
      plan_.pieces.push_back({plan_.row, c.spots[0].at, step, count});
      plan_.row += (count + board_.lanes - 1) / board_.lanes * board_.lanes;
    }
  }

  void add_class(const SpotClass& c0, const SpotClass& c1, size_t k) {
    const SpotClass& c2 = axes_.axis[2][k];
    const Geometry& g = sides_.g;
    std::vector<Tap>& taps = plan_.taps.emplace_back();
    for (int64_t j = 0; j < sides_.reads(); j++)
      for (const Meeting& m0 : c0.meetings)
        for (const Meeting& m1 : c1.meetings)
          for (const Meeting& m2 : c2.meetings) {
            int64_t tap = (m0.tap * g.kernel[1] + m1.tap) * g.kernel[2] + m2.tap;
            taps.push_back({int32_t(j * board_.plane + board_.offset(m0.delta, m1.delta, m2.delta)),
                            int32_t((j * g.taps() + tap) * block_)});
          }
    for (Band& band : plan_.bands) band.places.emplace_back();
    for (const Spot& s0 : c0.spots)
      for (const Spot& s1 : c1.spots) {
        const int64_t row = s0.at * sides_.written_size()[1] + s1.at;
        Band& band = plan_.bands[row / band_rows_];
        add_row(s0.base, s1.base, k, (row - band.first) * plan_.row, band.places.back());
      }
  }

  void add_row(int64_t base0, int64_t base1, size_t k, int64_t y, std::vector<Place>& places) {
    const std::vector<Spot>& spots = axes_.axis[2][k].spots;
    if (board_.lane == Lane::images) {
      for (const Spot& spot : spots)
        places.push_back(
            {int32_t(board_.inner(base0, base1, spot.base)), int32_t(y + spot.at * board_.lanes)});
      return;
    }
    y += plan_.pieces[k].from;
    for (size_t i = 0; i < spots.size(); i += board_.lanes)
      places.push_back({int32_t(board_.inner(base0, base1, spots[i].base)), int32_t(y + int64_t(i))});
  }

  const Sides& sides_;
  const Board& board_;
  const Axes& axes_;
  const int64_t block_, band_rows_;
  Plan plan_;
};

template <class T>
struct Work {
  const Sides& sides;
  const Board& board;
  const Plan& plan;
  const Blocks& blocks;
  const T *packed, *bias;
  T* written;

  int64_t written_plane() const {
    const int64_t* size = sides.written_size();
    return size[0] * size[1] * size[2];
  }

  // The channels of one block, one band, one block of images.
  void run(const T* read, int64_t image, int64_t count, int64_t group, int64_t block, const Band& band,
           T* out) const {
    const auto& loops = convolution_loops<T>();
    const int64_t channel = group * sides.writes() + block * blocks.size, rows = blocks.rows(block);
    T block_bias[most_rows] = {};
    if (bias) std::copy_n(bias + channel, rows, block_bias);
    TileCall call = {};
    call.x = read + group * sides.reads() * board.plane;
    call.weight = packed + (group * blocks.count + block) * sides.reads() * sides.g.taps() * blocks.size;
    call.bias = bias ? block_bias : nullptr;
    call.y = out;
    call.y_row = (band.last - band.first) * plan.row;
    call.block = int(blocks.size);
    call.rows = int(rows);
    for (size_t c = 0; c < plan.taps.size(); c++) {
      call.taps = plan.taps[c].data();
      call.tap_count = int64_t(plan.taps[c].size());
      call.places = band.places[c].data();
      call.place_count = int64_t(band.places[c].size());
      if (call.place_count) loops.tiles(call);
    }
    deliver(image, count, channel, rows, band, out);
  }

  void deliver(int64_t image, int64_t count, int64_t channel, int64_t rows, const Band& band,
               const T* out) const {
    const int64_t width = sides.written_size()[2], height = band.last - band.first, plane = written_plane();
    const int64_t channels = sides.writes() * sides.g.groups;
    T* to = written + (image * channels + channel) * plane + band.first * width;
    if (board.lane == Lane::images) {
      const bool whole = height * width == plane;
      LaneCall call{
          to, channels * plane, count, height * width * (whole ? rows : 1), const_cast<T*>(out), board.lanes};
      if (whole) return convolution_loops<T>().gather(call);
      for (int64_t i = 0; i < rows; i++) {
        call.images = to + i * plane;
        call.vectors = const_cast<T*>(out) + i * height * plan.row;
        convolution_loops<T>().gather(call);
      }
      return;
    }
    for (int64_t i = 0; i < rows; i++)
      for (int64_t row = 0; row < height; row++, out += plan.row)
        for (const Piece& piece : plan.pieces) {
          T* at = to + i * plane + row * width + piece.first;
          for (int64_t n = 0; n < piece.count; n++) at[n * piece.step] = out[piece.from + n];
        }
  }
};

// A flock of blocks of images is laid out, then its tasks run: any number of them at once, as none shares a
// result.
template <class T>
void run_flocks(const Work<T>& work, const T* read, const Geometry& g) {
  const Board& board = work.board;
  const int64_t block_images = board.block_images(), blocks = (g.batch + block_images - 1) / block_images;
  const int64_t size = board.block_size(), bytes = size * int64_t(sizeof(T));
  const int64_t flock = std::clamp<int64_t>(flock_bytes / bytes, 1, blocks);
  Scratch scratch(flock * bytes + board_slack * int64_t(sizeof(T)));
  T* boards = scratch.as<T>();
  const auto& bands = work.plan.bands;
  const int64_t coarse = g.groups * int64_t(bands.size());
  const int64_t parts =
      blocks * coarse >= 4 * num_threads() || blocks * coarse % num_threads() == 0 ? 1 : work.blocks.count;
  const int64_t chunk = std::clamp<int64_t>(8192 / board.plane, 1, board.channels);
  const int64_t chunks = (board.channels + chunk - 1) / chunk;
  const int64_t work_per_task = g.products() / (blocks * coarse * parts);
  for (int64_t start = 0; start < blocks; start += flock) {
    const int64_t here = std::min(flock, blocks - start);
    auto images = [&](int64_t block) {
      return std::min(block_images, g.batch - (start + block) * block_images);
    };
    parallel_for(0, here * chunks, grain_for(chunk * board.plane), [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; i++) {
        int64_t block = i / chunks, channel = i % chunks * chunk;
        fill_board(board, read, (start + block) * block_images, images(block), channel,
                   std::min(channel + chunk, board.channels), boards + block * size);
      }
    });
    parallel_for(0, here * coarse * parts, grain_for(work_per_task), [&](int64_t first, int64_t last) {
      Scratch out((bands[0].last - bands[0].first) * work.plan.row * work.blocks.size * int64_t(sizeof(T)));
      for (int64_t i = first; i < last; i++) {
        int64_t part = i % parts, band = i / parts % int64_t(bands.size()),
                group = i / parts / int64_t(bands.size()) % g.groups;
        int64_t block = i / parts / coarse;
        for (int64_t k = part; k < work.blocks.count; k += parts)
          work.run(boards + block * size, (start + block) * block_images, images(block), group, k,
                   bands[band], out.as<T>());
      }
    });
  }
}

template <class T>
void run_tiles(const ConvolutionCall& call, Lane lane) {
  const Geometry& g = call.geometry;
  const Sides sides{g, call.pass};
  const auto& loops = convolution_loops<T>();
  Margin margins[3];
  for (int d = 0; d < 3; d++) margins[d] = margin_along(g, call.pass, d);
  const int64_t stride = lane == Lane::columns && sides.forward() ? g.stride[2] : 1;
  Board board(lane, loops.lanes, sides.reads() * g.groups, sides.read_size(),
              lane == Lane::columns ? margins : nullptr, stride);
  Axes axes = axes_within(sides, board);
  if (lane == Lane::images && axes.tap_entries(sides.reads()) > most_taps) {
    board = Board(lane, loops.lanes, sides.reads() * g.groups, sides.read_size(), margins, stride);
    axes = axes_within(sides, board);
  }
  const Blocks blocks(sides.writes(), loops.largest_block);
  const Plan plan = Planner(sides, board, axes, blocks.size, rows_per_band(sides, board, sizeof(T))).make();
  Scratch packed(g.groups * blocks.count * blocks.size * sides.reads() * g.taps() * int64_t(sizeof(T)));
  pack_weights(sides, blocks, static_cast<const T*>(call.weight), packed.as<T>());
  T* written = static_cast<T*>(sides.forward() ? call.y : call.x);
  const T* read = static_cast<const T*>(sides.forward() ? call.x : call.y);
  run_flocks(Work<T>{sides, board, plan, blocks, packed.as<T>(), static_cast<const T*>(call.bias), written},
             read, g);
}

}  // namespace

void convolution_by_tiles(const ConvolutionCall& call, Lane lane) {
  call.dtype == DType::Float64 ? run_tiles<double>(call, lane) : run_tiles<float>(call, lane);
}

}  // namespace tt
