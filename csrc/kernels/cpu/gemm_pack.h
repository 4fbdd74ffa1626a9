// Copies of a and b in the order in which tiles read them.
#pragma once
#include <cstddef>
#include <utility>

#include "kernels/cpu/gemm_tile.h"

namespace tt::TT_ISA {
namespace {

// --- b, transposed: W of its columns, each contiguous along k, become vectors of one k each ---

constexpr int lane_elements = 16 / int(sizeof(Real));
constexpr int lanes = vector_bytes / 16;

typedef Real Lane __attribute__((vector_size(16), aligned(sizeof(Real)), may_alias));

// Interleaves groups of `step` elements of a and b, within each 16-byte lane, from its low or its high half.
constexpr int interleaved(int i, int step, bool high) {
  int lane = i / lane_elements, place = i % lane_elements, group = place / step;
  int from = group / 2 * step + place % step + (high ? lane_elements / 2 : 0);
  return lane * lane_elements + from + (group % 2 ? W : 0);
}
template <int step, bool high, std::size_t... i>
[[gnu::always_inline]] inline Vec interleave(Vec a, Vec b, std::index_sequence<i...>) {
  return __builtin_shufflevector(a, b, interleaved(i, step, high)...);
}
template <int step, bool high>
[[gnu::always_inline]] inline Vec interleave(Vec a, Vec b) {
  return interleave<step, high>(a, b, std::make_index_sequence<W>());
}

template <std::size_t... i, class Part>
[[gnu::always_inline]] inline auto join(Part a, Part b, std::index_sequence<i...>) {
  return __builtin_shufflevector(a, b, i...);
}

// Elements k .. k + lane_elements of `count` columns, one in lane_elements, side by side.
template <int count = lanes>
[[gnu::always_inline]] inline auto gather_lanes(const Real* const* column, int64_t k) {
  if constexpr (count == 1) {
    return *reinterpret_cast<const Lane*>(*column + k);
  } else {
    auto low = gather_lanes<count / 2>(column, k);
    auto high = gather_lanes<count / 2>(column + count / 2 * lane_elements, k);
    return join(low, high, std::make_index_sequence<count * lane_elements>());
  }
}

void transpose_columns(const Real* const* column, int64_t k, Real* out, int64_t out_row) {
  int64_t done = 0;
  for (; done + lane_elements <= k; done += lane_elements, out += lane_elements * out_row) {
    Vec r0 = gather_lanes(column, done), r1 = gather_lanes(column + 1, done);
    if constexpr (lane_elements == 2) {
      store(out, interleave<1, false>(r0, r1));
      store(out + out_row, interleave<1, true>(r0, r1));
    } else {
      Vec r2 = gather_lanes(column + 2, done), r3 = gather_lanes(column + 3, done);
      Vec low01 = interleave<1, false>(r0, r1), high01 = interleave<1, true>(r0, r1);
      Vec low23 = interleave<1, false>(r2, r3), high23 = interleave<1, true>(r2, r3);
      store(out, interleave<2, false>(low01, low23));
      store(out + out_row, interleave<2, true>(low01, low23));
      store(out + 2 * out_row, interleave<2, false>(high01, high23));
      store(out + 3 * out_row, interleave<2, true>(high01, high23));
    }
  }
  for (; done < k; done++, out += out_row)
    for (int j = 0; j < W; j++) out[j] = column[j][done];
}

// Fills one panel, `vectors` wide, from `columns` columns of b. What stands beyond them is never stored to c.
void pack_panel(const Real* b, int64_t b_row, int64_t b_col, int64_t k, int64_t columns, int64_t vectors,
                Real* panel) {
  int64_t width = vectors * W;
  if (b_row != 1) {
    for (int64_t i = 0; i < k; i++, panel += width)
      for (int64_t j = 0; j < width; j++) panel[j] = b[i * b_row + (j < columns ? j : 0) * b_col];
    return;
  }
  for (int64_t v = 0; v < width; v += W) {
    const Real* column[W];
    for (int64_t j = 0; j < W; j++) column[j] = b + (v + j < columns ? v + j : 0) * b_col;
    transpose_columns(column, k, panel + v, width);
  }
}

// --- a, transposed: strips of rows, one k after the other ---

template <int height>
void copy_strips(const Real* a, int64_t a_col, int64_t k, int64_t strips, Real* out) {
  constexpr int64_t together = 192 / height;  // so that whole cache lines of a are read
  for (int64_t first = 0; first < strips; first += together) {
    int64_t count = strips - first < together ? strips - first : together;
    for (int64_t i = 0; i < k; i++)
      for (int64_t s = first; s < first + count; s++)
        __builtin_memcpy(out + (s * k + i) * height, a + i * a_col + s * height, height * sizeof(Real));
  }
}

template <int height = 1>
void copy_strips(int64_t actual, const Real* a, int64_t a_col, int64_t k, int64_t strips, Real* out) {
  if constexpr (height < tile_rows[1]) {
    if (actual != height) return copy_strips<height + 1>(actual, a, a_col, k, strips, out);
  }
  copy_strips<height>(a, a_col, k, strips, out);
}

}  // namespace
}  // namespace tt::TT_ISA
