// Copies of two-dimensional strided tiles, transposed in registers where rows meet columns.
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/cpu/loops.h"

namespace tt::TT_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

// Square blocks of up to 16 x 16: one vector a row.
template <class T>
constexpr int block_size = vector_bytes / int(sizeof(T)) < 16 ? vector_bytes / int(sizeof(T)) : 16;
template <class T>
struct RowOf {
  typedef T type __attribute__((vector_size(block_size<T> * sizeof(T))));
};
template <class T>
using Row = typename RowOf<T>::type;

// Elements of the lower (upper) halves of a and b in turn.
template <class T, int... i>
TT_INLINE Row<T> interleave_low(Row<T> a, Row<T> b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, (i / 2 + i % 2 * block_size<T>)...);
}
template <class T, int... i>
TT_INLINE Row<T> interleave_high(Row<T> a, Row<T> b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, ((block_size<T> + i) / 2 + i % 2 * block_size<T>)...);
}

// A perfect shuffle of all elements, applied log2(size) times, is the transposition.
template <class T>
TT_INLINE void transpose_block(char* out, int64_t out_stride, const char* in, int64_t in_stride) {
  constexpr int size = block_size<T>;
  constexpr std::make_integer_sequence<int, size> lanes;
  Row<T> rows[size], mixed[size];
#pragma GCC unroll 16
  for (int i = 0; i < size; i++) std::memcpy(&rows[i], in + i * in_stride, sizeof(Row<T>));
#pragma GCC unroll 4
  for (int step = 1; step < size; step *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < size / 2; i++) {
      mixed[2 * i] = interleave_low<T>(rows[i], rows[i + size / 2], lanes);
      mixed[2 * i + 1] = interleave_high<T>(rows[i], rows[i + size / 2], lanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < size; i++) rows[i] = mixed[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < size; i++) std::memcpy(out + i * out_stride, &rows[i], sizeof(Row<T>));
}

template <class T>
TT_INLINE T& at(char* data, int64_t offset) {
  return *reinterpret_cast<T*>(data + offset);
}
template <class T>
TT_INLINE const T& at(const char* data, int64_t offset) {
  return *reinterpret_cast<const T*>(data + offset);
}

template <class T>
void copy_strided(const Tile& tile, int64_t i0, int64_t j0) {
  for (int64_t j = j0; j < tile.n1; j++) {
    char* out = tile.out + j * tile.out1;
    const char* in = tile.in + j * tile.in1;
#pragma GCC ivdep
    for (int64_t i = i0; i < tile.n0; i++) at<T>(out, i * tile.out0) = at<T>(in, i * tile.in0);
  }
}

// The output is contiguous along dimension 0, the input along dimension 1.
template <class T>
void transpose(const Tile& tile) {
  constexpr int64_t size = block_size<T>, item = sizeof(T);
  int64_t whole0 = tile.n0 / size * size, whole1 = tile.n1 / size * size;
  for (int64_t i = 0; i < whole0; i += size)
    for (int64_t j = 0; j < whole1; j += size)
      transpose_block<T>(tile.out + i * item + j * tile.out1, tile.out1, tile.in + i * tile.in0 + j * item,
                         tile.in0);
  Tile left = tile;
  left.n0 = whole0;
  copy_strided<T>(left, 0, whole1);
  copy_strided<T>(tile, whole0, 0);
}

// The input is contiguous along dimension 0, backwards.
template <class T, int... i>
TT_INLINE Row<T> reversed(Row<T> row, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(row, row, (block_size<T> - 1 - i)...);
}
template <class T>
void reverse(const Tile& tile) {
  constexpr int64_t size = block_size<T>, item = sizeof(T);
  int64_t whole = tile.n0 / size * size;
  for (int64_t j = 0; j < tile.n1; j++) {
    char* out = tile.out + j * tile.out1;
    const char* in = tile.in + j * tile.in1;
    for (int64_t i = 0; i < whole; i += size) {
      Row<T> row;
      std::memcpy(&row, in - (i + size - 1) * item, sizeof row);
      row = reversed<T>(row, std::make_integer_sequence<int, size>{});
      std::memcpy(out + i * item, &row, sizeof row);
    }
  }
  copy_strided<T>(tile, whole, 0);
}

// Rows are often too short for the C library's entry to be free.
TT_INLINE void copy_row(char* out, const char* in, int64_t bytes) {
  constexpr int64_t block = vector_bytes;
  if (bytes < block || bytes > 16 * block) {
    std::memcpy(out, in, bytes);
    return;
  }
  for (int64_t i = 0; i < bytes - block; i += block) std::memcpy(out + i, in + i, block);
  std::memcpy(out + bytes - block, in + bytes - block, block);
}

template <class T>
void fill(const Tile& tile) {
  for (int64_t j = 0; j < tile.n1; j++) {
    T value = at<T>(tile.in, j * tile.in1);
    char* out = tile.out + j * tile.out1;
    for (int64_t i = 0; i < tile.n0; i++) at<T>(out, i * int64_t(sizeof(T))) = value;
  }
}

template <class T>
void copy_tile(const Tile& given) {
  constexpr int64_t item = sizeof(T);
  Tile tile = given;
  if (tile.n0 == 1 || (tile.out0 != item && tile.out1 == item))
    tile = {given.out, given.in, given.n1, given.n0, given.out1, given.out0, given.in1, given.in0};
  if (tile.out0 != item) return copy_strided<T>(tile, 0, 0);
  if (tile.in0 == 0) return fill<T>(tile);
  if (tile.in0 == item) {
    for (int64_t j = 0; j < tile.n1; j++)
      copy_row(tile.out + j * tile.out1, tile.in + j * tile.in1, tile.n0 * item);
    return;
  }
  if (tile.in0 == -item) return reverse<T>(tile);
  if (tile.in1 == item && tile.n1 >= block_size<T>) return transpose<T>(tile);
  copy_strided<T>(tile, 0, 0);
}

// Past the caches: memory that is written whole need not be read first. The caller fences.
void stream(char* out, const char* in, int64_t bytes) {
#if defined(__AVX512F__)
  using Line = __m512i;
  auto store = [](char* to, Line line) { _mm512_stream_si512(reinterpret_cast<Line*>(to), line); };
#elif defined(__AVX2__)
  using Line = __m256i;
  auto store = [](char* to, Line line) { _mm256_stream_si256(reinterpret_cast<Line*>(to), line); };
#elif defined(__x86_64__)
  using Line = __m128i;
  auto store = [](char* to, Line line) { _mm_stream_si128(reinterpret_cast<Line*>(to), line); };
#endif
#if defined(__x86_64__)
  int64_t head = -reinterpret_cast<intptr_t>(out) & (sizeof(Line) - 1);
  head = head < bytes ? head : bytes;
  std::memcpy(out, in, head);
  int64_t at = head;
  for (; at + int64_t(sizeof(Line)) <= bytes; at += sizeof(Line)) {
    Line line;
    std::memcpy(&line, in + at, sizeof(Line));
    store(out + at, line);
  }
  std::memcpy(out + at, in + at, bytes - at);
#else
  std::memcpy(out, in, bytes);
#endif
}

template <class T>
bool any_zero(const char* data, int64_t n) {
  constexpr int64_t block = 1024;
  for (int64_t start = 0; start < n; start += block) {
    int64_t count = n - start < block ? n - start : block;
    auto* values = reinterpret_cast<const T*>(data) + start;
    T found = 0;
    for (int64_t i = 0; i < count; i++) found |= T(values[i] == 0);
    if (found) return true;
  }
  return false;
}

}  // namespace

constinit const TileTable tile_table = {
    {&copy_tile<uint8_t>, &copy_tile<uint16_t>, &copy_tile<uint32_t>, &copy_tile<uint64_t>},
    &stream,
    {&any_zero<uint8_t>, &any_zero<uint16_t>, &any_zero<uint32_t>, &any_zero<uint64_t>}};

}  // namespace tt::TT_ISA
