// Products that sum along contiguous rows of a and columns of b, a vector of k at a time: no packing.
#pragma once
#include "kernels/cpu/gemm_tile.h"

namespace tt::TT_ISA {
namespace {

[[gnu::always_inline]] inline Real sum_of(Vec v) {
  TT_UNROLL for (int half = W / 2; half > 0; half /= 2) TT_UNROLL for (int i = 0; i < half; i++) v[i] +=
      v[i + half];
  return v[0];
}

// `chains` accumulators for each element, where few elements would leave the adders waiting.
template <int MR, int NR, int chains>
[[gnu::noinline]] void multiply_dots(const Tile& t) {
  const Real *a = t.a, *b = t.b;
  const int64_t a_row = t.a_row, b_col = t.b_row;
  Vec sum[chains][MR][NR];
  TT_UNROLL for (int u = 0; u < chains; u++) TT_UNROLL for (int i = 0; i < MR; i++)
      TT_UNROLL for (int j = 0; j < NR; j++) sum[u][i][j] = Vec{};
  int64_t k = t.k;
  for (; k >= chains * W; k -= chains * W, a += chains * W, b += chains * W)
    TT_UNROLL for (int u = 0; u < chains; u++) {
      Vec x[MR];
      TT_UNROLL for (int i = 0; i < MR; i++) x[i] = load(a + i * a_row + u * W);
      TT_UNROLL for (int j = 0; j < NR; j++) {
        Vec y = load(b + j * b_col + u * W);
        TT_UNROLL for (int i = 0; i < MR; i++) sum[u][i][j] += x[i] * y;
      }
    }
  for (; k > 0; k -= W, a += W, b += W) {
    const Mask mask(k < W ? k : W);
    Vec x[MR];
    TT_UNROLL for (int i = 0; i < MR; i++) x[i] = load_masked(a + i * a_row, mask);
    TT_UNROLL for (int j = 0; j < NR; j++) {
      Vec y = load_masked(b + j * b_col, mask);
      TT_UNROLL for (int i = 0; i < MR; i++) sum[0][i][j] += x[i] * y;
    }
  }
  TT_UNROLL for (int i = 0; i < MR; i++) TT_UNROLL for (int j = 0; j < NR; j++) {
    Vec all = sum[0][i][j];
    TT_UNROLL for (int u = 1; u < chains; u++) all += sum[u][i][j];
    Real value = sum_of(all);
    Real* c = t.c + i * t.c_row + j;
    if (t.accumulate) value += *c;
    if (t.bias) value += t.bias[j];
    *c = t.relu && value < 0 ? Real(0) : value;
  }
}

template <int MR, int NR, int chains>
[[gnu::always_inline]] inline int64_t dots_across(Tile t, int64_t first, int64_t n) {
  const Real *b = t.b, *bias = t.bias;
  Real* c = t.c;
  for (; first + NR <= n; first += NR) {
    t.b = b + first * t.b_row;
    t.c = c + first;
    t.bias = bias ? bias + first : nullptr;
    multiply_dots<MR, NR, chains>(t);
  }
  return first;
}

template <int rows>
void rows_of_dots(const Tile& t, int64_t n) {
  constexpr int across = rows == 1 ? 8 : rows == 2 && many_registers ? 8 : 4;
  int64_t done = dots_across<rows, across, 1>(t, 0, n);
  dots_across<rows, 1, 8 / rows>(t, done, n);
}

// In `t`, b_row is the step from one column of b to the next. A part of the columns that starts at a multiple
// of 8 gives the bits of the whole.
template <int rows = many_registers ? 4 : 2>
void multiply_by_dots(Tile t, int64_t m, int64_t n) {
  for (; m >= rows; m -= rows) {
    rows_of_dots<rows>(t, n);
    t.a += rows * t.a_row;
    t.c += rows * t.c_row;
  }
  if constexpr (rows > 1) multiply_by_dots<rows / 2>(t, m, n);
}

}  // namespace
}  // namespace tt::TT_ISA
