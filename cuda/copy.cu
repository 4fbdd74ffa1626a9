#include "cuda/elements.h"

namespace tt::cuda {
namespace {

struct Copied {
  Space space;
  char* out;
  const char* in;
  DType in_dtype;
};
using CopyKernel = void (*)(Copied);

template <class Body>
__device__ __forceinline__ void for_each_pair(const Copied& c, Body body) {
  int64_t step = int64_t(gridDim.x) * blockDim.x;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < c.space.n; i += step) {
    int64_t at[2];
    locate<2>(c.space, i, at);
    body(c.out + at[0], c.in + at[1]);
  }
}

template <class Bits>
__global__ void move(const __grid_constant__ Copied c) {
  for_each_pair(c, [](char* out, const char* in) {
    *reinterpret_cast<Bits*>(out) = *reinterpret_cast<const Bits*>(in);
  });
}

template <class To>
__global__ void convert_each(const __grid_constant__ Copied c) {
  for_each_pair(
      c, [&](char* out, const char* in) { *reinterpret_cast<To*>(out) = load_as<To>(in, c.in_dtype); });
}

CopyKernel kernel_of(const CopyCall& call) {
  if (call.out.dtype != call.in.dtype)
    return visit(call.out.dtype,
                 [](auto tag) -> CopyKernel { return &convert_each<typename decltype(tag)::type>; });
  switch (size_of(call.in.dtype)) {
    case 1:
      return &move<uint8_t>;
    case 2:
      return &move<uint16_t>;
    case 4:
      return &move<uint32_t>;
    default:
      return &move<uint64_t>;
  }
}

}  // namespace

void copy(const CopyCall& call) {
  const Operand* operands[] = {&call.out, &call.in};
  Walk walk;
  if (!walk.build(call.rank, call.sizes, operands, 2)) return;
  Copied c{space_of(walk), call.out.data, call.in.data, call.in.dtype};
  DeviceScope scope(call.out.data);
  TT_LAUNCH(kernel_of(call), blocks_for(c.space.n), threads_per_block, c);
  check_launch("copy");
}

}  // namespace tt::cuda
