// The weight's pass: every weight is a sum of products over all positions and images.
#include <algorithm>

#include "core/parallel.h"
#include "core/scratch.h"
#include "kernels/convolution_passes.h"

namespace tt {
namespace {

using Geometry = ConvolutionGeometry;

// Weights (input channel, tap) whose sums run over the same box of positions of y.
struct Box {
  Overlap range[3];
  std::vector<int32_t> x;       // by weight: where its input starts, counted from the group's first plane
  std::vector<int32_t> weight;  // its place in the row of one output channel
};

std::vector<Box> boxes_of(const Geometry& g, const Board& x) {
  const bool margins = x.has_margins();
  std::vector<Box> boxes;
  std::vector<int32_t> box_of_tap(g.taps());
  for (int64_t tap = 0; tap < g.taps(); tap++) {
    const int64_t k[3] = {tap / (g.kernel[1] * g.kernel[2]), tap / g.kernel[2] % g.kernel[1],
                          tap % g.kernel[2]};
    Box box;
    bool empty = false;
    for (int d = 0; d < 3; d++) {
      box.range[d] = margins ? Overlap{0, g.out[d]} : overlap_along(g, d, k[d]);
      empty |= box.range[d].first == box.range[d].last;
    }
    auto same = [&](const Box& other) { return std::equal(box.range, box.range + 3, other.range); };
    auto found = std::find_if(boxes.begin(), boxes.end(), same);
    box_of_tap[tap] = empty ? -1 : int32_t(found - boxes.begin());
    if (!empty && found == boxes.end()) boxes.push_back(box);
  }
  for (int64_t c = 0; c < g.group_in(); c++)
    for (int64_t tap = 0; tap < g.taps(); tap++) {
      if (box_of_tap[tap] < 0) continue;
      Box& box = boxes[box_of_tap[tap]];
      const int64_t k[3] = {tap / (g.kernel[1] * g.kernel[2]), tap / g.kernel[2] % g.kernel[1],
                            tap % g.kernel[2]};
      int64_t first[3];
      for (int d = 0; d < 3; d++)
        first[d] = box.range[d].first * g.stride[d] + k[d] * g.dilation[d] - g.padding[d];
      box.x.push_back(int32_t(c * x.plane + x.inner(first[0], first[1], first[2])));
      box.weight.push_back(int32_t(c * g.taps() + tap));
    }
  return boxes;
}

struct Task {  // some output channels of a group against some weights of a box
  int32_t group, channel, rows, box, first, count;  // box -1: the bias
};

std::vector<Task> tasks_of(const Geometry& g, const std::vector<Box>& boxes, const ConvolutionLoops& loops,
                           bool bias) {
  std::vector<Task> tasks;
  const int64_t channels = g.group_out(), blocks = (channels + correlation_rows - 1) / correlation_rows;
  for (int64_t group = 0; group < g.groups; group++)
    for (int64_t block = 0; block < blocks; block++) {
      const int32_t channel = int32_t(channels * block / blocks),
                    rows = int32_t(channels * (block + 1) / blocks) - channel;
      auto add = [&](int32_t box, int32_t first, int32_t count) {
        tasks.push_back({int32_t(group), channel, rows, box, first, count});
      };
      const int64_t most = loops.correlation_vectors[rows], start = int64_t(tasks.size());
      for (size_t b = 0; b < boxes.size(); b++) {
        const int64_t count = int64_t(boxes[b].x.size()), pieces = (count + most - 1) / most;
        for (int64_t i = 0; i < pieces; i++) {
          int32_t first = int32_t(count * i / pieces);
          add(int32_t(b), first, int32_t(count * (i + 1) / pieces) - first);
        }
      }
      // All that reads a plane of x follows each other, while the plane is in the cache.
      std::stable_sort(tasks.begin() + start, tasks.end(), [&](const Task& a, const Task& b) {
        return boxes[a.box].weight[a.first] / g.taps() < boxes[b.box].weight[b.first] / g.taps();
      });
      if (bias) add(-1, 0, 1);
    }
  return tasks;
}

// The outermost dimension that has more than one position, if it is not the innermost, is cut in bands.
int banded_dimension(const Geometry& g) { return g.out[0] > 1 ? 0 : 1; }

template <class T>
struct Sums {
  const Geometry& g;
  const Board &x, &y;
  const std::vector<Box>& boxes;
  T *weight, *bias;

  // Of positions within the band, along the dimension that is cut in bands.
  void run(const Task& task, const Overlap& band, const T* x_block, const T* y_block) const {
    const int64_t channel = task.group * g.group_out() + task.channel, row = g.group_in() * g.taps();
    T sums[most_rows * most_vectors], ones[64];
    CorrelationCall call = {};
    call.rows = task.rows;
    call.vectors = task.count;
    call.y = y_block + channel * y.plane;
    call.y_row = y.plane;
    call.sums = sums;
    if (task.box < 0) {
      if (band.first > 0) return;
      std::fill_n(ones, y.lanes, T(1));
      call.x = ones;
      call.count[0] = call.count[1] = 1;
      call.count[2] = y.size[0] * y.pitch[0] / y.lanes;
      call.y_step[2] = y.lanes;
      convolution_loops<T>().correlate(call);
      for (int32_t i = 0; i < task.rows; i++) bias[channel + i] += sums[i];
      return;
    }
    const Box& box = boxes[task.box];
    call.x = x_block + task.group * g.group_in() * x.plane;
    std::copy_n(box.x.data() + task.first, task.count, call.x_offset);
    step_through(box, band, call);
    convolution_loops<T>().correlate(call);
    for (int32_t i = 0; i < task.rows; i++)
      for (int32_t j = 0; j < task.count; j++)
        weight[(channel + i) * row + box.weight[task.first + j]] += sums[i * task.count + j];
  }

 private:
  void step_through(const Box& box, const Overlap& band, CorrelationCall& call) const {
    const int cut = banded_dimension(g);
    int64_t skipped = 0;
    for (int d = 0; d < 3; d++) {
      Overlap range = box.range[d];
      if (d == cut) range = {std::max(range.first, band.first), std::min(range.last, band.last)};
      call.count[d] = std::max<int64_t>(0, range.last - range.first);
      call.y_step[d] = y.pitch[d];
      call.x_step[d] = g.stride[d] * x.pitch[d];
      skipped += (range.first - box.range[d].first) * call.x_step[d];
      if (d < 2 || y.lane == Lane::images) call.y = static_cast<const T*>(call.y) + range.first * y.pitch[d];
    }
    call.x = static_cast<const T*>(call.x) + skipped;
    if (y.lane == Lane::images) return;
    call.count[2] = y.pitch[1] / y.lanes;
    call.x_step[2] = call.y_step[2] = y.lanes;
  }
};

constexpr int64_t flock_bytes = 384 << 10;  // of what the tasks read again and again
constexpr int64_t band_bytes = 256 << 10;   // of what one task reads
constexpr int64_t fewest_weights = 4;       // per box: with fewer, margins make one box of all

int64_t band_size(const Geometry& g, const Board& x, const Board& y, int64_t element) {
  const int d = banded_dimension(g);
  const int64_t bytes = (8 * y.pitch[d] + 3 * g.stride[d] * x.pitch[d]) * element;
  const int64_t bands = (g.out[d] * bytes + band_bytes - 1) / band_bytes;
  return std::max<int64_t>(1, (g.out[d] + bands - 1) / bands);
}

template <class T>
void run_flocks(const Sums<T>& sums, const std::vector<Task>& tasks, const T* x, const T* y) {
  const Geometry& g = sums.g;
  const int64_t block_images = sums.x.block_images(), blocks = (g.batch + block_images - 1) / block_images;
  const int64_t x_size = sums.x.block_size(), y_size = sums.y.block_size();
  const int64_t flock =
      std::clamp<int64_t>(flock_bytes / ((x_size + y_size) * int64_t(sizeof(T))), 1, blocks);
  Scratch scratch((flock * (x_size + y_size) + 2 * board_slack) * int64_t(sizeof(T)));
  T *x_boards = scratch.as<T>(), *y_boards = x_boards + flock * x_size + board_slack;
  std::fill_n(x_boards + flock * x_size, board_slack, T(0));
  auto fill = [&](const Board& board, const T* tensor, int64_t start, int64_t here, T* boards) {
    const int64_t chunk = std::clamp<int64_t>(8192 / board.plane, 1, board.channels);
    const int64_t chunks = (board.channels + chunk - 1) / chunk;
    parallel_for(0, here * chunks, grain_for(chunk * board.plane), [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; i++) {
        int64_t image = (start + i / chunks) * block_images, channel = i % chunks * chunk;
        fill_board(board, tensor, image, std::min(block_images, g.batch - image), channel,
                   std::min(channel + chunk, board.channels), boards + i / chunks * board.block_size());
      }
    });
  };
  const int64_t positions = g.out[banded_dimension(g)], band = band_size(g, sums.x, sums.y, sizeof(T));
  const int64_t work_per_task = g.products() / (blocks * int64_t(tasks.size()));
  for (int64_t start = 0; start < blocks; start += flock) {
    const int64_t here = std::min(flock, blocks - start);
    fill(sums.x, x, start, here, x_boards);
    fill(sums.y, y, start, here, y_boards);
    parallel_for(0, int64_t(tasks.size()), grain_for(work_per_task * here), [&](int64_t first, int64_t last) {
      for (int64_t block = 0; block < here; block++)
        for (int64_t start = 0; start < positions; start += band)
          for (int64_t i = first; i < last; i++)
            sums.run(tasks[i], {start, start + band}, x_boards + block * x_size, y_boards + block * y_size);
    });
  }
}

template <class T>
void run_correlation(const ConvolutionCall& call, Lane lane) {
  const Geometry& g = call.geometry;
  const auto& loops = convolution_loops<T>();
  Margin margins[3], y_margins[3];
  for (int d = 0; d < 3; d++) margins[d] = margin_along(g, ConvolutionPass::forward, d);
  const bool columns = lane == Lane::columns;
  if (columns) y_margins[2].after = (g.out[2] + loops.lanes - 1) / loops.lanes * loops.lanes - g.out[2];
  const Board x(lane, loops.lanes, g.in_channels, g.in,
                columns || g.group_in() < fewest_weights ? margins : nullptr, columns ? g.stride[2] : 1);
  const Board y(lane, loops.lanes, g.out_channels, g.out, y_margins, 1);
  const std::vector<Box> boxes = boxes_of(g, x);
  T *weight = static_cast<T*>(call.weight), *bias = static_cast<T*>(call.bias);
  std::fill_n(weight, g.out_channels * g.group_in() * g.taps(), T(0));
  if (bias) std::fill_n(bias, g.out_channels, T(0));
  run_flocks(Sums<T>{g, x, y, boxes, weight, bias}, tasks_of(g, boxes, loops, bias),
             static_cast<const T*>(call.x), static_cast<const T*>(call.y));
}

}  // namespace

void convolution_by_correlation(const ConvolutionCall& call, Lane lane) {
  call.dtype == DType::Float64 ? run_correlation<double>(call, lane) : run_correlation<float>(call, lane);
}

}  // namespace tt
