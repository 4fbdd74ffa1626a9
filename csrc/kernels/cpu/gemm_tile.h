// The innermost loops of the matrix product: a tile of c, `MR` rows by `NV` vectors, that stays in registers
// over k. Included once for float and once for double, with TT_REAL defined. GCC keeps the accumulators in
// registers only if every loop that indexes them is unrolled.
#pragma once
#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define TT_UNROLL _Pragma("GCC unroll 32")

namespace tt::TT_ISA {
namespace {

using Real = TT_REAL;

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif
constexpr int W = vector_bytes / int(sizeof(Real));

// Rows of a tile of 1, 2, 3 and 4 vectors: as many as the registers hold beside a row of b and an element of
// a.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr bool many_registers = true;
constexpr int tile_rows[] = {0, 14, 9, 9, 6};
#else
constexpr bool many_registers = false;
constexpr int tile_rows[] = {0, 10, 6, 4, 2};
#endif

typedef Real Vec __attribute__((vector_size(vector_bytes), aligned(sizeof(Real)), may_alias));

[[gnu::always_inline]] inline Vec load(const Real* p) { return *reinterpret_cast<const Vec*>(p); }
[[gnu::always_inline]] inline void store(Real* p, Vec v) { *reinterpret_cast<Vec*>(p) = v; }
[[gnu::always_inline]] inline Vec broadcast(Real x) { return x - Vec{}; }  // x + 0 would lose the sign of -0

// The first `count` elements of a vector, 1 <= count <= W.
#if defined(__AVX512F__)
struct Mask {
  uint32_t bits;
  [[gnu::always_inline]] explicit Mask(int64_t count) : bits((1u << count) - 1) {}
};
[[gnu::always_inline]] inline __m512 load_masked(const float* p, Mask m) {
  return _mm512_maskz_loadu_ps(__mmask16(m.bits), p);
}
[[gnu::always_inline]] inline __m512d load_masked(const double* p, Mask m) {
  return _mm512_maskz_loadu_pd(__mmask8(m.bits), p);
}
[[gnu::always_inline]] inline void store_masked(float* p, Vec v, Mask m) {
  _mm512_mask_storeu_ps(p, __mmask16(m.bits), (__m512)v);
}
[[gnu::always_inline]] inline void store_masked(double* p, Vec v, Mask m) {
  _mm512_mask_storeu_pd(p, __mmask8(m.bits), (__m512d)v);
}
#elif defined(__AVX2__)
alignas(32) constexpr int32_t mask_words[] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
struct Mask {
  __m256i lanes;
  [[gnu::always_inline]] explicit Mask(int64_t count)
      : lanes(_mm256_loadu_si256(
            reinterpret_cast<const __m256i*>(mask_words + 8 - count * int64_t(sizeof(Real) / 4)))) {}
};
[[gnu::always_inline]] inline __m256 load_masked(const float* p, Mask m) {
  return _mm256_maskload_ps(p, m.lanes);
}
[[gnu::always_inline]] inline __m256d load_masked(const double* p, Mask m) {
  return _mm256_maskload_pd(p, m.lanes);
}
[[gnu::always_inline]] inline void store_masked(float* p, Vec v, Mask m) {
  _mm256_maskstore_ps(p, m.lanes, (__m256)v);
}
[[gnu::always_inline]] inline void store_masked(double* p, Vec v, Mask m) {
  _mm256_maskstore_pd(p, m.lanes, (__m256d)v);
}
#else
struct Mask {
  int64_t count;
  [[gnu::always_inline]] explicit Mask(int64_t count) : count(count) {}
};
[[gnu::always_inline]] inline Vec load_masked(const Real* p, Mask m) {
  Vec v{};
  TT_UNROLL for (int i = 0; i < W; i++) if (i < m.count) v[i] = p[i];
  return v;
}
[[gnu::always_inline]] inline void store_masked(Real* p, Vec v, Mask m) {
  TT_UNROLL for (int i = 0; i < W; i++) if (i < m.count) p[i] = v[i];
}
#endif

struct Tile {
  const Real* a;
  int64_t a_row, a_col;
  const Real* b;
  int64_t b_row;
  Real* panel;  // where a copying tile puts the part of b that it reads
  Real* c;
  int64_t c_row;
  int64_t k;
  int64_t columns;  // (NV - 1) * W < columns <= NV * W
  const Real* bias;
  bool accumulate, relu;
};

// `ragged` says that the last vector is not whole. With AVX-512 a mask costs nothing and is always on.
constexpr bool mask_always = vector_bytes == 64;

template <int MR, int NV, bool copy, bool ragged>
[[gnu::noinline]] void multiply_tile(const Tile& t) {
  constexpr bool masked = ragged || mask_always;
  const Mask mask(masked ? t.columns - (NV - 1) * W : W);
  const Real *a = t.a, *b = t.b;
  Real* panel = t.panel;
  const int64_t a_row = t.a_row, a_col = t.a_col, b_row = t.b_row;
  Vec sum[MR][NV];
  TT_UNROLL for (int i = 0; i < MR; i++) TT_UNROLL for (int j = 0; j < NV; j++) sum[i][j] = Vec{};
#pragma GCC unroll 4
  for (int64_t k = t.k; k > 0; k--) {
    Vec row[NV];
    TT_UNROLL for (int j = 0; j < NV; j++) {
      row[j] = masked && j == NV - 1 ? Vec(load_masked(b + j * W, mask)) : load(b + j * W);
      if constexpr (copy) {
        __builtin_prefetch(b + (NV + j) * W);  // the next panel
        store(panel + j * W, row[j]);
      }
    }
    TT_UNROLL for (int i = 0; i < MR; i++) {
      Vec x = broadcast(a[i * a_row]);
      TT_UNROLL for (int j = 0; j < NV; j++) sum[i][j] += x * row[j];
    }
    a += a_col;
    b += b_row;
    if constexpr (copy) panel += NV * W;
  }

  Real* c = t.c;
  auto get = [&](const Real* p, int j) {
    return masked && j == NV - 1 ? Vec(load_masked(p + j * W, mask)) : load(p + j * W);
  };
  if (t.accumulate)
    TT_UNROLL for (int i = 0; i < MR; i++) TT_UNROLL for (int j = 0; j < NV; j++) sum[i][j] +=
        get(c + i * t.c_row, j);
  if (t.bias) TT_UNROLL for (int j = 0; j < NV; j++) {
      Vec bias = get(t.bias, j);
      TT_UNROLL for (int i = 0; i < MR; i++) sum[i][j] += bias;
    }
  if (t.relu)
    TT_UNROLL for (int i = 0; i < MR; i++) TT_UNROLL for (int j = 0; j < NV; j++) sum[i][j] =
        sum[i][j] < 0 ? Vec{} : sum[i][j];  // keeps NaN
  TT_UNROLL for (int i = 0; i < MR; i++) {
    TT_UNROLL for (int j = 0; j < NV; j++) {
      if (masked && j == NV - 1) store_masked(c + j * W, sum[i][j], mask);
      else store(c + j * W, sum[i][j]);
    }
    c += t.c_row;
  }
}

using TileKernel = void (*)(const Tile&);

struct TileKernels {
  TileKernel of[5][15];  // [vectors][rows]

  template <bool copy, bool ragged, int NV, int rows>
  constexpr void fill() {
    // A strip that copies is followed by others, so it has more than half of the rows (of the widest tile, at
    // least).
    if constexpr (rows > (copy ? tile_rows[4] / 2 : 0)) {
      of[NV][rows] = multiply_tile<rows, NV, copy, ragged>;
      fill<copy, ragged, NV, rows - 1>();
    }
  }
};

template <bool copy, bool ragged>
constexpr TileKernels make_tiles() {
  TileKernels kernels{};
  kernels.fill<copy, ragged, 1, tile_rows[1]>();
  kernels.fill<copy, ragged, 2, tile_rows[2]>();
  kernels.fill<copy, ragged, 3, tile_rows[3]>();
  kernels.fill<copy, ragged, 4, tile_rows[4]>();
  return kernels;
}

// [ragged]
constexpr TileKernels plain_tiles[] = {make_tiles<false, mask_always>(), make_tiles<false, true>()};
constexpr TileKernels copying_tiles[] = {make_tiles<true, mask_always>(), make_tiles<true, true>()};

}  // namespace
}  // namespace tt::TT_ISA
