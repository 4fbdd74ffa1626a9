// The innermost loops of the convolution, for float and double. GCC keeps the sums in registers only if every
// loop that indexes them is unrolled.
#pragma once
#include "kernels/convolution.h"
#include "kernels/cpu/lanes.h"

#define TT_UNROLL _Pragma("GCC unroll 32")

namespace tt::TT_ISA {
namespace {

// As many positions beside a number of channels as the registers hold.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int largest_block = 8;
constexpr int8_t tile_vectors[] = {0, 8, 8, 8, 6, 5, 4, 3, 3};
constexpr int8_t correlation_vectors[] = {0, 8, 8, 8, 6, 5};
#else
constexpr int largest_block = 6;
constexpr int8_t tile_vectors[] = {0, 8, 5, 3, 3, 2, 2};
constexpr int8_t correlation_vectors[] = {0, 8, 5, 3, 3, 2};
#endif

// ---------------------------------------------------------------- products

template <class T, int MR, int NV>
[[gnu::noinline]] void tile(const TileCall& call, const Place* places) {
  const T* base[NV];
  TT_UNROLL for (int j = 0; j < NV; j++) base[j] = static_cast<const T*>(call.x) + places[j].x;
  const T *weight = static_cast<const T*>(call.weight), *bias = static_cast<const T*>(call.bias);
  Vector<T> sum[MR][NV];
  TT_UNROLL for (int i = 0; i < MR; i++) TT_UNROLL for (int j = 0; j < NV; j++) sum[i][j] =
      bias ? broadcast(bias[i]) : Vector<T>{};
  const Tap* end = call.taps + call.tap_count;
  for (const Tap* tap = call.taps; tap != end; tap++) {
    Vector<T> x[NV];
    TT_UNROLL for (int j = 0; j < NV; j++) x[j] = load_vector(base[j] + tap->x);
    const T* w = weight + tap->weight;
    TT_UNROLL for (int i = 0; i < MR; i++) {
      Vector<T> factor = broadcast(w[i]);
      TT_UNROLL for (int j = 0; j < NV; j++) sum[i][j] += factor * x[j];
    }
  }
  T* y = static_cast<T*>(call.y);
  TT_UNROLL for (int i = 0; i < MR; i++) {
    if (i >= call.rows) return;
    TT_UNROLL for (int j = 0; j < NV; j++) store_vector(y + i * call.y_row + places[j].y, sum[i][j]);
  }
}

// What is left over is done again together with what precedes it, where there is enough of that.
template <class T, int MR>
void tile_rows(const TileCall& call) {
  constexpr int NV = tile_vectors[MR];
  const int64_t count = call.place_count;
  int64_t i = 0;
  for (; i + NV <= count; i += NV) tile<T, MR, NV>(call, call.places + i);
  if (i == count) return;
  if constexpr (NV > 2)
    if (count - i > 2 && count >= NV) return tile<T, MR, NV>(call, call.places + count - NV);
  if constexpr (NV > 1)
    for (; i + 2 <= count; i += 2) tile<T, MR, 2>(call, call.places + i);
  if (i < count) tile<T, MR, 1>(call, call.places + i);
}

template <class T, int MR = largest_block>
void tiles(const TileCall& call) {
  if (call.block == MR) return tile_rows<T, MR>(call);
  if constexpr (MR > 1) tiles<T, MR - 1>(call);
}

// ---------------------------------------------------------------- sums of products

struct Sum {
  template <class V>
  static TT_INLINE V combine(V a, V b) {
    return a + b;
  }
};

template <class T, int MR, int NV>
[[gnu::noinline]] void correlate_tile(const CorrelationCall& call) {
  Vector<T> sum[MR][NV];
  TT_UNROLL for (int i = 0; i < MR; i++) TT_UNROLL for (int j = 0; j < NV; j++) sum[i][j] = Vector<T>{};
  const T* base[NV];
  TT_UNROLL for (int j = 0; j < NV; j++) base[j] = static_cast<const T*>(call.x) + call.x_offset[j];
  const int64_t y_row = call.y_row, x_step = call.x_step[2], y_step = call.y_step[2];
  for (int64_t n0 = 0; n0 < call.count[0]; n0++)
    for (int64_t n1 = 0; n1 < call.count[1]; n1++) {
      int64_t at = n0 * call.x_step[0] + n1 * call.x_step[1];
      const T* y = static_cast<const T*>(call.y) + n0 * call.y_step[0] + n1 * call.y_step[1];
      for (int64_t n2 = call.count[2]; n2 > 0; n2--, at += x_step, y += y_step) {
        Vector<T> x[NV];
        TT_UNROLL for (int j = 0; j < NV; j++) x[j] = load_vector(base[j] + at);
        TT_UNROLL for (int i = 0; i < MR; i++) {
          Vector<T> factor = load_vector(y + i * y_row);
          TT_UNROLL for (int j = 0; j < NV; j++) sum[i][j] += factor * x[j];
        }
      }
    }
  T* out = static_cast<T*>(call.sums);
  TT_UNROLL for (int i = 0; i < MR; i++) TT_UNROLL for (int j = 0; j < NV; j++) out[i * NV + j] =
      fold_lanes<Sum, T>(sum[i][j]);
}

template <class T, int MR, int NV = correlation_vectors[MR]>
void correlate_rows(const CorrelationCall& call) {
  if (call.vectors == NV) return correlate_tile<T, MR, NV>(call);
  if constexpr (NV > 1) correlate_rows<T, MR, NV - 1>(call);
}

template <class T, int MR = correlation_rows>
void correlate(const CorrelationCall& call) {
  if (call.rows == MR) return correlate_rows<T, MR>(call);
  if constexpr (MR > 1) correlate<T, MR - 1>(call);
}

// ---------------------------------------------------------------- sums of outer products

template <class T, int MR, int NV>
[[gnu::noinline]] void outer_tile(const OuterCall& call) {
  Vector<T> sum[MR][NV];
  T* sums = static_cast<T*>(call.sums);
  TT_UNROLL for (int i = 0; i < MR; i++) TT_UNROLL for (int j = 0; j < NV; j++) sum[i][j] =
      load_vector(sums + i * call.sum_row + j * lanes<T>);
  const T* base[MR];
  TT_UNROLL for (int i = 0; i < MR; i++) base[i] = static_cast<const T*>(call.x) + call.x_offset[i];
  const int64_t x_step = call.x_step[3], y_step = call.y_step[3];
  for (int64_t n0 = 0; n0 < call.count[0]; n0++)
    for (int64_t n1 = 0; n1 < call.count[1]; n1++)
      for (int64_t n2 = 0; n2 < call.count[2]; n2++) {
        int64_t at = n0 * call.x_step[0] + n1 * call.x_step[1] + n2 * call.x_step[2];
        const T* y =
            static_cast<const T*>(call.y) + n0 * call.y_step[0] + n1 * call.y_step[1] + n2 * call.y_step[2];
        for (int64_t n3 = call.count[3]; n3 > 0; n3--, at += x_step, y += y_step) {
          Vector<T> factor[NV];
          TT_UNROLL for (int j = 0; j < NV; j++) factor[j] = load_vector(y + j * lanes<T>);
          TT_UNROLL for (int i = 0; i < MR; i++) {
            Vector<T> x = broadcast(base[i][at]);
            TT_UNROLL for (int j = 0; j < NV; j++) sum[i][j] += x * factor[j];
          }
        }
      }
  TT_UNROLL for (int i = 0; i < MR; i++) TT_UNROLL for (int j = 0; j < NV; j++)
      store_vector(sums + i * call.sum_row + j * lanes<T>, sum[i][j]);
}

template <class T, int NV, int MR = outer_rows(NV)>
void outer_vectors(const OuterCall& call) {
  if (call.rows == MR) return outer_tile<T, MR, NV>(call);
  if constexpr (MR > 1) outer_vectors<T, NV, MR - 1>(call);
}

template <class T, int NV = most_outer_vectors>
void outer(const OuterCall& call) {
  if (call.vectors == NV) return outer_vectors<T, NV>(call);
  if constexpr (NV > 1) outer<T, NV - 1>(call);
}

// ---------------------------------------------------------------- images and lanes

template <class T, int... i>
TT_INLINE Vector<T> interleave_low(Vector<T> a, Vector<T> b, Lanes<i...>) {
  return __builtin_shufflevector(a, b, (i / 2 + i % 2 * lanes<T>)...);
}
template <class T, int... i>
TT_INLINE Vector<T> interleave_high(Vector<T> a, Vector<T> b, Lanes<i...>) {
  return __builtin_shufflevector(a, b, ((lanes<T> + i) / 2 + i % 2 * lanes<T>)...);
}

// A perfect shuffle of all elements, log2(size) times, is the transposition.
template <class T>
TT_INLINE void transpose(Vector<T> (&rows)[lanes<T>]) {
  constexpr int size = lanes<T>;
  TT_UNROLL for (int step = 1; step < size; step *= 2) {
    Vector<T> mixed[size];
    TT_UNROLL for (int i = 0; i < size / 2; i++) {
      mixed[2 * i] = interleave_low<T>(rows[i], rows[i + size / 2], AllLanes<T>{});
      mixed[2 * i + 1] = interleave_high<T>(rows[i], rows[i + size / 2], AllLanes<T>{});
    }
    TT_UNROLL for (int i = 0; i < size; i++) rows[i] = mixed[i];
  }
}

template <class T>
void spread(const LaneCall& call) {
  constexpr int size = lanes<T>;
  const T* images = static_cast<const T*>(call.images);
  T* vectors = static_cast<T*>(call.vectors);
  const bool whole = call.count == size;
  for (int64_t at = 0; at < call.n; at += size) {
    const int64_t left = call.n - at;
    Vector<T> rows[size];
    if (whole && left >= size) {
      TT_UNROLL for (int j = 0; j < size; j++) rows[j] = load_vector(images + j * call.stride + at);
      transpose<T>(rows);
      TT_UNROLL for (int i = 0; i < size; i++) store_vector(vectors + (at + i) * call.pitch, rows[i]);
      continue;
    }
    for (int j = 0; j < size; j++)
      rows[j] =
          j < call.count ? load_some(images + j * call.stride + at, left < size ? left : size) : Vector<T>{};
    transpose<T>(rows);
    for (int i = 0; i < size && i < left; i++) store_vector(vectors + (at + i) * call.pitch, rows[i]);
  }
}

template <class T>
void gather(const LaneCall& call) {
  constexpr int size = lanes<T>;
  T* images = static_cast<T*>(call.images);
  const T* vectors = static_cast<const T*>(call.vectors);
  const bool whole = call.count == size;
  for (int64_t at = 0; at < call.n; at += size) {
    const int64_t left = call.n - at;
    Vector<T> rows[size];
    if (whole && left >= size) {
      TT_UNROLL for (int i = 0; i < size; i++) rows[i] = load_vector(vectors + (at + i) * call.pitch);
      transpose<T>(rows);
      TT_UNROLL for (int j = 0; j < size; j++) store_vector(images + j * call.stride + at, rows[j]);
      continue;
    }
    for (int i = 0; i < size; i++)
      rows[i] = i < left ? load_vector(vectors + (at + i) * call.pitch) : Vector<T>{};
    transpose<T>(rows);
    for (int j = 0; j < call.count; j++)
      store_some(images + j * call.stride + at, rows[j], left < size ? left : size);
  }
}

template <class T>
constexpr ConvolutionLoops convolution_loops = {lanes<T>, largest_block, tile_vectors, correlation_vectors,
                                                tiles<T>, correlate<T>,  outer<T>,     spread<T>,
                                                gather<T>};

}  // namespace
}  // namespace tt::TT_ISA
