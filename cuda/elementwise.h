// One kernel over any formula: operands are read where they lie, converted to the type that the formula
// computes in.
#pragma once
#include "cuda/elements.h"
#include "kernels/formula_info.h"

namespace tt::cuda {

struct Source {
  const char* data;
  uint64_t number;  // the bits of a number that the host knew, already in the kernel's type
  DType dtype;
  bool is_number;
};

struct Elements {
  Space space;
  char* out;
  DType out_dtype;
  Source in[max_inputs];
};
using ElementKernel = void (*)(Elements);

template <class T>
__device__ __forceinline__ T load(const Source& source, int64_t at) {
  if (source.is_number) {
    T value;
    __builtin_memcpy(&value, &source.number, sizeof(T));
    return value;
  }
  if (source.dtype == DTypeOf<T>::value) return read<T>(source.data + at);
  return load_converted<T>(source.data + at, source.dtype);
}

template <class T>
__device__ __forceinline__ void store(const Elements& e, int64_t at, T value) {
  if (e.out_dtype == DTypeOf<T>::value) *reinterpret_cast<T*>(e.out + at) = value;
  else store_converted(e.out + at, e.out_dtype, value);
}

template <class F, class T, class R, int inputs>
__global__ void apply(const __grid_constant__ Elements e) {
  using First = std::conditional_t<std::is_same_v<F, formula::Where>, bool, T>;
  int64_t step = int64_t(gridDim.x) * blockDim.x;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < e.space.n; i += step) {
    int64_t at[inputs + 1];
    locate<inputs + 1>(e.space, i, at);
    First first = load<First>(e.in[0], at[1]);
    if constexpr (inputs == 1) store<R>(e, at[0], F{}(first));
    else if constexpr (inputs == 2) store<R>(e, at[0], F{}(first, load<T>(e.in[1], at[2])));
    else store<R>(e, at[0], F{}(first, load<T>(e.in[1], at[2]), load<T>(e.in[2], at[3])));
  }
}

template <class F, class T, int inputs, Types types, Result result>
constexpr ElementKernel kernel_of() {
  if constexpr (!computes(types, DTypeOf<T>::value)) return nullptr;
  else return &apply<F, T, std::conditional_t<result == Result::boolean, bool, T>, inputs>;
}

struct KernelColumn {  // the kernels that compute in one dtype; null where the op has none
  ElementKernel kernel[elementwise_count];
};

template <class T>
constexpr KernelColumn column_of() {
  return {{
#define TT_KERNEL(name, functor, inputs, types, result, cost) \
  kernel_of<formula::functor, T, inputs, Types::types, Result::result>(),
      TT_ELEMENTWISE(TT_KERNEL)
#undef TT_KERNEL
  }};
}

extern const KernelColumn bool_column, uint8_column, int8_column, int16_column, int32_column, int64_column,
    half_column, bfloat16_column, float_column, double_column;

}  // namespace tt::cuda
