#include "kernels/index.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/index_walk.h"

namespace tt {
namespace {

constexpr int64_t grain = 32768;  // elements worth a thread's while

enum { dense, indexed, index_at };

// ---------------------------------------------------------------- one element

template <class T>
TT_INLINE T sum_of(T a, T b) {
  if constexpr (std::is_same_v<T, bool>) return a | b;
  else if constexpr (std::is_same_v<T, Half>) return to_half(to_float(a) + to_float(b));
  else if constexpr (std::is_same_v<T, BFloat16>) return to_bfloat16(to_float(a) + to_float(b));
  else if constexpr (std::is_integral_v<T>) return T(uint64_t(a) + uint64_t(b));
  else return a + b;
}

template <class T>
TT_INLINE T product_of(T a, T b) {
  if constexpr (std::is_same_v<T, bool>) return a & b;
  else if constexpr (std::is_same_v<T, Half>) return to_half(to_float(a) * to_float(b));
  else if constexpr (std::is_same_v<T, BFloat16>) return to_bfloat16(to_float(a) * to_float(b));
  else if constexpr (std::is_integral_v<T>) return T(uint64_t(a) * uint64_t(b));
  else return a * b;
}

template <class T>
TT_INLINE auto number(T x) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) return to_float(x);
  else return x;
}

// NaN wins.
template <class T>
TT_INLINE T larger(T a, T b) {
  auto x = number(a), y = number(b);
  return y > x || y != y ? b : a;
}
template <class T>
TT_INLINE T smaller(T a, T b) {
  auto x = number(a), y = number(b);
  return y < x || y != y ? b : a;
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

struct Row {
  char* data[3];
  int64_t steps[3];
  int64_t n, step, size;
};

// All elements of the row are moved by the same index.
template <IndexMode mode, class T>
void run_block(const Row& row, char* place) {
  constexpr int64_t item = sizeof(T);
  if (row.steps[dense] == item && row.steps[indexed] == item) {
    if constexpr (mode == IndexMode::get) std::memcpy(row.data[dense], place, row.n * item);
    else if constexpr (mode == IndexMode::set) std::memcpy(place, row.data[dense], row.n * item);
    else {
      T* __restrict to = reinterpret_cast<T*>(place);
      T* __restrict from = reinterpret_cast<T*>(row.data[dense]);
      for (int64_t i = 0; i < row.n; i++) move<mode>(from + i, to + i);
    }
    return;
  }
  for (int64_t i = 0; i < row.n; i++)
    move<mode>(reinterpret_cast<T*>(row.data[dense] + i * row.steps[dense]),
               reinterpret_cast<T*>(place + i * row.steps[indexed]));
}

TT_INLINE int64_t shift(const char* index, const Row& row) {
  int64_t i = *reinterpret_cast<const int64_t*>(index);
  return (i + ((i >> 63) & row.size)) * row.step;
}

template <IndexMode mode, class T>
void run_row(const Row& row) {
  if (row.steps[index_at] == 0) return run_block<mode, T>(row, row.data[indexed] + shift(row.data[index_at], row));
  for (int64_t i = 0; i < row.n; i++)
    move<mode>(reinterpret_cast<T*>(row.data[dense] + i * row.steps[dense]),
               reinterpret_cast<T*>(row.data[indexed] + i * row.steps[indexed] +
                                    shift(row.data[index_at] + i * row.steps[index_at], row)));
}

using RunRow = void (*)(const Row&);

template <IndexMode mode>
RunRow by_size(DType dtype) {
  switch (size_of(dtype)) {
    case 1: return run_row<mode, uint8_t>;
    case 2: return run_row<mode, uint16_t>;
    case 4: return run_row<mode, uint32_t>;
    default: return run_row<mode, uint64_t>;
  }
}

template <IndexMode mode>
RunRow by_type(DType dtype) {
  return visit(dtype, [](auto tag) -> RunRow { return run_row<mode, typename decltype(tag)::type>; });
}

RunRow row_of(IndexMode mode, DType dtype) {
  switch (mode) {
    case IndexMode::get: return by_size<IndexMode::get>(dtype);
    case IndexMode::set: return by_size<IndexMode::set>(dtype);
    case IndexMode::add: return by_type<IndexMode::add>(dtype);
    case IndexMode::multiply: return by_type<IndexMode::multiply>(dtype);
    case IndexMode::maximum: return by_type<IndexMode::maximum>(dtype);
    default: return by_type<IndexMode::minimum>(dtype);
  }
}

// ---------------------------------------------------------------- threads

// A dimension to share out among threads: one along which no two elements can meet in one place. -1: there is none.
int shared_dimension(const IndexWalk<3>& walk, IndexMode mode) {
  int best = -1;
  for (int d = 0; d < walk.rank; d++) {
    if (mode != IndexMode::get && walk.strides[indexed][d] == 0) continue;
    if (best < 0 || (walk.sizes[best] < 64 && walk.sizes[d] > walk.sizes[best])) best = d;
  }
  return best;
}

}  // namespace

void cpu_index(const IndexCall& call) {
  IndexWalk<3> walk;
  const Operand* operands[] = {call.dense, call.indexed, call.index};
  if (!walk.build(call.rank, call.sizes, operands, call.mode == IndexMode::get)) return;
  RunRow run = row_of(call.mode, call.dense->dtype);
  int64_t step = call.step * walk.item[indexed];
  auto run_part = [&](const IndexWalk<3>& part) {
    Row row;
    row.n = part.inner();
    row.step = step;
    row.size = call.size;
    for (int k = 0; k < 3; k++) row.steps[k] = part.inner_stride(k);
    part.each_row([&](char* const* data) {
      std::copy(data, data + 3, row.data);
      run(row);
    });
  };
  int d = shared_dimension(walk, call.mode);
  int64_t count = walk.count();
  if (count <= grain || d < 0 || walk.sizes[d] == 1) return run_part(walk);
  int64_t least = std::max<int64_t>(1, grain / (count / walk.sizes[d]));
  if (d == walk.rank - 1) least = (least + 63) / 64 * 64;  // whole cache lines
  parallel_for(0, walk.sizes[d], least, [&](int64_t first, int64_t last) { run_part(walk.part(d, first, last)); });
}

void cpu_places(const PlacesCall& call) {
  int64_t strides[max_rank], stride = 1;
  for (int d = call.rank - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= call.sizes[d];
  }
  Operand out{reinterpret_cast<char*>(call.out), strides, DType::Int64};
  const Operand* operands[] = {&out, call.index};
  IndexWalk<2> walk;
  if (!walk.build(call.rank, call.sizes, operands, false)) return;
  int64_t n = walk.inner(), to = walk.inner_stride(0), from = walk.inner_stride(1);
  walk.each_row([&](char* const* data) {
    for (int64_t k = 0; k < n; k++) {
      int64_t i = *reinterpret_cast<const int64_t*>(data[1] + k * from);
      auto* place = reinterpret_cast<int64_t*>(data[0] + k * to);
      int64_t moved = (i + ((i >> 63) & call.size)) * call.step;
      *place = call.accumulate ? *place + moved : moved;
    }
  });
}

// An index i is outside when i - low or high - 1 - i is negative: their signs are collected without a branch.
bool cpu_outside(OutsideCall& call) {
  const Operand* operands[] = {call.index};
  IndexWalk<1> walk;
  if (!walk.build(call.rank, call.sizes, operands, false)) return false;
  uint64_t low = uint64_t(call.low), high = uint64_t(call.high - 1);
  int64_t n = walk.inner(), step = walk.inner_stride(0) / 8;
  bool outside = false;
  walk.each_row([&](char* const* data) {
    auto* index = reinterpret_cast<const int64_t*>(data[0]);
    uint64_t signs = 0;
    if (step == 1)
      for (int64_t k = 0; k < n; k++) signs |= (uint64_t(index[k]) - low) | (high - uint64_t(index[k]));
    else
      for (int64_t k = 0; k < n; k++) signs |= (uint64_t(index[k * step]) - low) | (high - uint64_t(index[k * step]));
    if (outside || !(signs >> 63)) return;
    outside = true;
    for (int64_t k = 0; k < n; k++) {
      call.found = index[k * step];
      if (call.found < call.low || call.found >= call.high) return;
    }
  });
  return outside;
}

}  // namespace tt
