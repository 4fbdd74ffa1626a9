// Elements of any dtype inside a kernel: where operand k of index i lies, and conversion on the way in and
// out.
#pragma once
#include <type_traits>

#include "core/error.h"
#include "cuda/device.h"
#include "kernels/iterate.h"

namespace tt::cuda {

// Dimensions that a kernel walks, after merging. Each is longer than 1 and has memory of its own in the
// result: no device holds a result with more.
constexpr int kernel_rank = 40;

// The index space of a kernel, dimension 0 innermost; strides in bytes.
struct Space {
  int64_t n;
  int rank;
  int64_t sizes[kernel_rank];
  int64_t strides[max_operands][kernel_rank];
};

template <int operands>
__device__ __noinline__ void locate_strided(const Space& space, int64_t i, int64_t* at) {
  for (int k = 0; k < operands; k++) at[k] = 0;
  for (int d = 0; d < space.rank; d++) {
    int64_t size = space.sizes[d], rest;
    int64_t quotient = d + 1 == space.rank     ? 0
                       : space.n <= 0xffffffff ? int64_t(uint32_t(i) / uint32_t(size))
                                               : i / size;
    rest = i - quotient * size;
    for (int k = 0; k < operands; k++) at[k] += rest * space.strides[k][d];
    i = quotient;
  }
}

// at[k]: the bytes from operand k's start to its element i.
template <int operands>
__device__ __forceinline__ void locate(const Space& space, int64_t i, int64_t* at) {
  if (space.rank > 1) return locate_strided<operands>(space, i, at);
  for (int k = 0; k < operands; k++) at[k] = i * space.strides[k][0];
}

inline Space space_of(const Walk& walk) {
  Space space;
  space.n = space.rank = 1;
  for (int d = 0; d < walk.rank; d++) {
    check(d < kernel_rank, "cuda: more than ", kernel_rank, " dimensions that do not merge, got ", walk.rank);
    space.n *= walk.sizes[d];
    space.sizes[d] = walk.sizes[d];
    for (int k = 0; k < walk.operands; k++) space.strides[k][d] = walk.strides[k][d];
    if (walk.sizes[d] > 1) space.rank = d + 1;
  }
  return space;
}

TT_INLINE bool number_of(bool x) { return x; }
TT_INLINE float number_of(Half x) { return to_float(x); }
TT_INLINE float number_of(BFloat16 x) { return to_float(x); }
template <class T>
TT_INLINE T number_of(T x) {
  return x;
}

// Narrow integers are cut out of int32, as on the CPU.
template <class To, class From>
TT_INLINE To convert(From element) {
  auto x = number_of(element);
  using Number = decltype(x);
  if constexpr (std::is_same_v<To, From>) return element;
  else if constexpr (std::is_same_v<To, bool>) return x != Number(0);
  else if constexpr (std::is_same_v<To, Half>) return to_half(float(x));
  else if constexpr (std::is_same_v<To, BFloat16>) return to_bfloat16(float(x));
  else if constexpr (std::is_floating_point_v<Number> && std::is_integral_v<To> && sizeof(To) < 4)
    return To(int32_t(x));
  else return To(x);
}

// A bool is a byte, any value of which but 0 is true.
template <class T>
TT_INLINE T read(const char* data) {
  if constexpr (std::is_same_v<T, bool>) return *reinterpret_cast<const uint8_t*>(data) != 0;
  else return *reinterpret_cast<const T*>(data);
}

// The cases of a switch on dtype. (visit() of core/dtype.h is host code.)
#define TT_FOR_EACH_DTYPE(X)                                                                   \
  X(Bool, bool)                                                                                \
  X(UInt8, uint8_t)                                                                            \
  X(Int8, int8_t)                                                                              \
  X(Int16, int16_t)                                                                            \
  X(Int32, int32_t) X(Int64, int64_t) X(Float16, Half) X(BFloat16, BFloat16) X(Float32, float) \
      X(Float64, double)

template <class T>
__host__ __device__ T load_as(const char* data, DType from) {
  switch (from) {
#define TT_LOAD(name, Stored) \
  case DType::name:           \
    return convert<T>(read<Stored>(data));
    TT_FOR_EACH_DTYPE(TT_LOAD)
#undef TT_LOAD
  }
  return T{};
}

template <class T>
__device__ void store_as(char* data, DType to, T value) {
  switch (to) {
#define TT_STORE(name, Stored)                                 \
  case DType::name:                                            \
    *reinterpret_cast<Stored*>(data) = convert<Stored>(value); \
    return;
    TT_FOR_EACH_DTYPE(TT_STORE)
#undef TT_STORE
  }
}

// size_of() of core/dtype.h, whose table is in host memory.
TT_INLINE int64_t dtype_size(DType type) {
  switch (type) {
#define TT_SIZE(name, Stored) \
  case DType::name:           \
    return sizeof(Stored);
    TT_FOR_EACH_DTYPE(TT_SIZE)
#undef TT_SIZE
  }
  return 0;
}

template <class T>
struct DTypeOf;
#define TT_DTYPE_OF(name, T)                    \
  template <>                                   \
  struct DTypeOf<T> {                           \
    static constexpr DType value = DType::name; \
  };
TT_FOR_EACH_DTYPE(TT_DTYPE_OF)
#undef TT_DTYPE_OF

// Kept out of line, so that the many kernels that rarely convert stay small.
template <class T>
__device__ __noinline__ T load_converted(const char* data, DType from) {
  return load_as<T>(data, from);
}
template <class T>
__device__ __noinline__ void store_converted(char* data, DType to, T value) {
  store_as(data, to, value);
}

}  // namespace tt::cuda
