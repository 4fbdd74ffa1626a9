// Rows of elements moved to or from the places that an index names.
#include <type_traits>

#include <cstring>

#include "kernels/index.h"

namespace tt::TT_ISA {
namespace {

enum { dense, indexed, index_at };

// ---------------------------------------------------------------- one element

template <class T>
constexpr bool is_half_type = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

TT_INLINE float number(Half x) { return to_float(x); }
TT_INLINE float number(BFloat16 x) { return to_float(x); }
template <class T>
TT_INLINE T number(T x) {
  return x;
}

template <class T>
TT_INLINE T rounded(float x) {
  if constexpr (std::is_same_v<T, Half>) return to_half(x);
  else return to_bfloat16(x);
}

template <class T>
TT_INLINE T sum_of(T a, T b) {
  if constexpr (std::is_same_v<T, bool>) return a | b;
  else if constexpr (is_half_type<T>) return rounded<T>(number(a) + number(b));
  else if constexpr (std::is_integral_v<T>) return T(uint64_t(a) + uint64_t(b));
  else return a + b;
}

template <class T>
TT_INLINE T product_of(T a, T b) {
  if constexpr (std::is_same_v<T, bool>) return a & b;
  else if constexpr (is_half_type<T>) return rounded<T>(number(a) * number(b));
  else if constexpr (std::is_integral_v<T>) return T(uint64_t(a) * uint64_t(b));
  else return a * b;
}

// NaN wins.
template <class T>
TT_INLINE T larger(T a, T b) {
  return number(b) > number(a) || number(b) != number(b) ? b : a;
}
template <class T>
TT_INLINE T smaller(T a, T b) {
  return number(b) < number(a) || number(b) != number(b) ? b : a;
}

template <IndexMode mode, class T>
TT_INLINE void move(T* from_dense, T* place) {
  if constexpr (mode == IndexMode::get) *from_dense = *place;
  else if constexpr (mode == IndexMode::set) *place = *from_dense;
  else if constexpr (mode == IndexMode::add) *place = sum_of(*place, *from_dense);
  else if constexpr (mode == IndexMode::multiply) *place = product_of(*place, *from_dense);
  else if constexpr (mode == IndexMode::maximum) *place = larger(*place, *from_dense);
  else *place = smaller(*place, *from_dense);
}

// ---------------------------------------------------------------- one row

template <class T>
TT_INLINE T* as(char* data) {
  return reinterpret_cast<T*>(data);
}

// Copies a row while the memory of the next one, at some random place, is on its way.
TT_INLINE void copy_and_fetch(char* to, const char* from, const char* next, int64_t bytes) {
  constexpr int64_t line = 64, chunk = 16 * line;
  if (bytes < 4 * line || !next) {
    std::memcpy(to, from, bytes);
    return;
  }
  for (int64_t start = 0; start < bytes; start += chunk) {
    int64_t n = bytes - start < chunk ? bytes - start : chunk;
    for (int64_t i = 0; i < n; i += line) __builtin_prefetch(next + start + i, 0, 2);
    std::memcpy(to + start, from + start, n);
  }
}

// All elements of the row are moved by the same index.
template <IndexMode mode, class T>
void run_block(const IndexRow& row, char* place) {
  constexpr int64_t item = sizeof(T);
  char* from = row.data[dense];
  if (row.steps[dense] != item || row.steps[indexed] != item) {
    for (int64_t i = 0; i < row.n; i++)
      move<mode>(as<T>(from + i * row.steps[dense]), as<T>(place + i * row.steps[indexed]));
    return;
  }
  if constexpr (mode == IndexMode::get) {
    copy_and_fetch(from, place, row.next, row.n * item);
  } else if constexpr (mode == IndexMode::set) {
    std::memcpy(place, from, row.n * item);
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < row.n; i++) move<mode>(as<T>(from) + i, as<T>(place) + i);
  }
}

// Every element has an index of its own, side by side in memory.
template <IndexMode mode, class T>
void run_dense(const IndexRow& row) {
  T* __restrict from = as<T>(row.data[dense]);
  auto* __restrict index = reinterpret_cast<const int64_t*>(row.data[index_at]);
  T* base = as<T>(row.data[indexed]);
  int64_t step = row.step / int64_t(sizeof(T)), along = row.steps[indexed] / int64_t(sizeof(T)), n = row.n,
          size = row.size;
  if (along == 0 && step == 1 && size == 0) {
#pragma GCC unroll 4
    for (int64_t i = 0; i < n; i++) move<mode>(from + i, base + index[i]);
  } else if (along == 0) {
    for (int64_t i = 0; i < n; i++)
      move<mode>(from + i, base + (index[i] + ((index[i] >> 63) & size)) * step);
  } else {
    for (int64_t i = 0; i < n; i++)
      move<mode>(from + i, base + (index[i] + ((index[i] >> 63) & size)) * step + i * along);
  }
}

TT_INLINE int64_t shift(const char* index, const IndexRow& row) {
  int64_t i = *reinterpret_cast<const int64_t*>(index);
  return (i + ((i >> 63) & row.size)) * row.step;
}

template <IndexMode mode, class T>
void run_row(const IndexRow& row) {
  constexpr int64_t item = sizeof(T);
  if (row.steps[index_at] == 0)
    return run_block<mode, T>(row, row.data[indexed] + shift(row.data[index_at], row));
  if (row.steps[index_at] == sizeof(int64_t) && row.steps[dense] == item) return run_dense<mode, T>(row);
  for (int64_t i = 0; i < row.n; i++)
    move<mode>(as<T>(row.data[dense] + i * row.steps[dense]),
               as<T>(row.data[indexed] + i * row.steps[indexed] +
                     shift(row.data[index_at] + i * row.steps[index_at], row)));
}

// An index i is outside when i - low, taken as unsigned, is high - low or more. What cannot compare 64 bits
// at once collects the signs of i - low and high - 1 - i instead.
bool outside(const char* data, int64_t stride, int64_t n, int64_t low, int64_t high) {
  uint64_t least = uint64_t(low), most = uint64_t(high - 1), found = 0;
  auto* index = reinterpret_cast<const uint64_t*>(data);
  int64_t step = stride / int64_t(sizeof(int64_t));
#if defined(__AVX512F__)
  if (step == 1)
    for (int64_t i = 0; i < n; i++) found = index[i] - least > found ? index[i] - least : found;
  else
    for (int64_t i = 0; i < n; i++) found = index[i * step] - least > found ? index[i * step] - least : found;
  return n > 0 && found > most - least;
#else
  if (step == 1)
    for (int64_t i = 0; i < n; i++) found |= (index[i] - least) | (most - index[i]);
  else
    for (int64_t i = 0; i < n; i++) found |= (index[i * step] - least) | (most - index[i * step]);
  return found >> 63;
#endif
}

#define TT_BY_SIZE(mode)                                                                                   \
  {&run_row<mode, uint8_t>,  &run_row<mode, uint8_t>,  &run_row<mode, uint8_t>,  &run_row<mode, uint16_t>, \
   &run_row<mode, uint32_t>, &run_row<mode, uint64_t>, &run_row<mode, uint16_t>, &run_row<mode, uint16_t>, \
   &run_row<mode, uint32_t>, &run_row<mode, uint64_t>}
#define TT_BY_TYPE(mode)                                                                               \
  {&run_row<mode, bool>,    &run_row<mode, uint8_t>, &run_row<mode, int8_t>, &run_row<mode, int16_t>,  \
   &run_row<mode, int32_t>, &run_row<mode, int64_t>, &run_row<mode, Half>,   &run_row<mode, BFloat16>, \
   &run_row<mode, float>,   &run_row<mode, double>}

}  // namespace

constinit const IndexTable index_table = {
    {TT_BY_SIZE(IndexMode::get), TT_BY_SIZE(IndexMode::set), TT_BY_TYPE(IndexMode::add),
     TT_BY_TYPE(IndexMode::multiply), TT_BY_TYPE(IndexMode::maximum), TT_BY_TYPE(IndexMode::minimum)},
    &outside};

}  // namespace tt::TT_ISA
