#include "kernels/pictures.h"

#include <algorithm>

#include "core/parallel.h"

namespace tt {
namespace {

constexpr int64_t elements_at_once = 16384;
constexpr int values = 256;  // of a byte

struct Span {
  int64_t begin, end;
};

// The results of a walk of `count` steps that come from inside [0, size).
Span inside(const PictureWalk& walk, int64_t count, int64_t size) {
  int64_t begin = walk.step > 0 ? -walk.start : walk.start - (size - 1);
  int64_t end = walk.step > 0 ? size - walk.start : walk.start + 1;
  begin = std::clamp<int64_t>(begin, 0, count);
  return {begin, std::clamp<int64_t>(end, begin, count)};
}

// One row of the result: `first` is the pixel of its first place, which may lie outside; `plane` is from
// channel to channel.
template <int fixed_channels>
void take_row(const PicturesCall& call, const uint8_t* first, int64_t step, const Span& span, int64_t plane,
              float* out) {
  const int64_t channels = fixed_channels ? fixed_channels : call.channels;
  for (int64_t c = 0; c < channels; c++) {
    std::fill(out + c * plane, out + c * plane + span.begin, call.fill[c]);
    std::fill(out + c * plane + span.end, out + c * plane + call.width, call.fill[c]);
  }
  const uint8_t* pixel = first + step * channels * span.begin;
  for (int64_t x = span.begin; x < span.end; x++, pixel += step * channels)
    for (int64_t c = 0; c < channels; c++) out[c * plane + x] = call.table[c * values + pixel[c]];
}

template <int fixed_channels>
void take_picture(const PicturesCall& call, int64_t b) {
  const auto& [down, across] = call.walks[b];
  const int64_t plane = call.height * call.width, row_bytes = call.columns * call.channels;
  const uint8_t* picture = call.pictures + call.numbers[b] * call.rows * row_bytes;
  float* out = call.out + b * call.channels * plane;
  Span rows = inside(down, call.height, call.rows), columns = inside(across, call.width, call.columns);
  for (int64_t y = 0; y < call.height; y++) {
    bool is_inside = y >= rows.begin && y < rows.end;
    const uint8_t* row = picture + (is_inside ? down.start + down.step * y : 0) * row_bytes;
    take_row<fixed_channels>(call, row + across.start * call.channels, across.step,
                             is_inside ? columns : Span{call.width, call.width}, plane, out + y * call.width);
  }
}

}  // namespace

void cpu_take_pictures(const PicturesCall& call) {
  int64_t size = std::max<int64_t>(1, call.channels * call.height * call.width);
  parallel_for(0, call.batch, std::max<int64_t>(1, elements_at_once / size), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++)
      call.channels == 3   ? take_picture<3>(call, b)
      : call.channels == 1 ? take_picture<1>(call, b)
                           : take_picture<0>(call, b);
  });
}

}  // namespace tt
