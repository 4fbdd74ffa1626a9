// Padding with a value: every row of the result is a piece of a row of the input with the value around it.
#include "kernels/padding.h"

#include <algorithm>
#include <cstring>

#include "core/parallel.h"

namespace tt {
namespace {

constexpr int64_t elements_at_once = 16384;  // worth a thread's while

// A row of n elements takes `count` of the input's, from `from` on, to its places from `to` on.
struct Piece {
  int64_t to, from, count;
  Piece(int64_t before, int64_t in, int64_t n)
      : to(std::clamp<int64_t>(before, 0, n)),
        from(std::max<int64_t>(-before, 0)),
        count(std::max<int64_t>(std::min(in + before, n) - to, 0)) {}
};

template <class T>
struct RowPadder {
  const ConstantPadCall& call;
  T value;
  int64_t width, in_width, height = 1, in_height = 1, above = 0;
  Piece piece;

  explicit RowPadder(const ConstantPadCall& call)
      : call(call),
        width(call.out_sizes[call.rank - 1]),
        in_width(call.in_sizes[call.rank - 1]),
        piece(call.before[call.rank - 1], in_width, width) {
    std::memcpy(&value, call.value, sizeof value);
    if (call.rank < 2) return;
    height = call.out_sizes[call.rank - 2];
    in_height = call.in_sizes[call.rank - 2];
    above = call.before[call.rank - 2];
  }

  // The input's rows behind plane number `plane` of the result, or null.
  const T* plane_source(int64_t plane) const {
    int64_t row = 0, pitch = in_height;
    for (int d = call.rank - 3; d >= 0; d--) {
      int64_t i = plane % call.out_sizes[d] - call.before[d];
      if (i < 0 || i >= call.in_sizes[d]) return nullptr;
      plane /= call.out_sizes[d];
      row += i * pitch;
      pitch *= call.in_sizes[d];
    }
    return static_cast<const T*>(call.in) + row * in_width;
  }

  void fill_row(T* out, const T* in) const {
    if (!in || piece.count == 0) {
      std::fill_n(out, width, value);
      return;
    }
    std::fill_n(out, piece.to, value);
    std::memcpy(out + piece.to, in + piece.from, piece.count * sizeof(T));
    std::fill(out + piece.to + piece.count, out + width, value);
  }

  void fill_rows(int64_t first, int64_t last) const {
    T* out = static_cast<T*>(call.out) + first * width;
    for (int64_t r = first; r < last;) {
      const T* plane = plane_source(r / height);
      const int64_t end = std::min(last, (r / height + 1) * height);
      for (int64_t i = r % height - above; r < end; r++, i++, out += width)
        fill_row(out, plane && i >= 0 && i < in_height ? plane + i * in_width : nullptr);
    }
  }
};

template <class T>
void pad_rows(const ConstantPadCall& call) {
  RowPadder<T> padder(call);
  int64_t rows = 1;
  for (int d = 0; d + 1 < call.rank; d++) rows *= call.out_sizes[d];
  int64_t grain = std::max<int64_t>(1, elements_at_once / std::max<int64_t>(padder.width, 1));
  parallel_for(0, rows, grain, [&](int64_t first, int64_t last) { padder.fill_rows(first, last); });
}

}  // namespace

void cpu_constant_pad(const ConstantPadCall& call) {
  switch (call.item) {
    case 1:
      return pad_rows<uint8_t>(call);
    case 2:
      return pad_rows<uint16_t>(call);
    case 4:
      return pad_rows<uint32_t>(call);
    default:
      return pad_rows<uint64_t>(call);
  }
}

}  // namespace tt
