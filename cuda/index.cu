// Gathering and scattering. Elements that may meet in one place are the work of one thread, in row-major
// order, so that the result is always the same.
#include <limits>

#include "cuda/elements.h"
#include "kernels/formulas.h"
#include "kernels/index_walk.h"

namespace tt::cuda {
namespace {

enum { dense, indexed, index_at };

void append(Space& space, int64_t size, const int64_t (&strides)[3]) {
  check(space.rank < kernel_rank, "index: more than ", kernel_rank, " dimensions that do not merge");
  space.sizes[space.rank] = size;
  for (int k = 0; k < 3; k++) space.strides[k][space.rank] = strides[k];
  space.rank++;
  space.n *= size;
}

struct Indexing {
  Space apart, together;  // dimensions along which elements never meet, and those along which they may
  char *dense, *indexed;
  const char* index;
  int64_t step, size;
};
using IndexKernel = void (*)(Indexing);

__device__ __forceinline__ int64_t shift(const char* index, int64_t step, int64_t size) {
  int64_t i = *reinterpret_cast<const int64_t*>(index);
  return (i < 0 ? i + size : i) * step;
}

struct Get {
  template <class T>
  __device__ void operator()(T* element, T* place) const {
    *element = *place;
  }
};
struct Set {
  template <class T>
  __device__ void operator()(T* element, T* place) const {
    *place = *element;
  }
};
template <class Formula>
struct Combine {
  template <class T>
  __device__ void operator()(T* element, T* place) const {
    *place = convert<T>(Formula{}(number_of(*place), number_of(*element)));
  }
};

template <class Move, class T>
__global__ void move_indexed(const __grid_constant__ Indexing x) {
  int64_t stride = int64_t(gridDim.x) * blockDim.x;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < x.apart.n; i += stride) {
    int64_t start[3], at[3];
    locate<3>(x.apart, i, start);
    for (int64_t j = 0; j < x.together.n; j++) {
      locate<3>(x.together, j, at);
      int64_t moved = shift(x.index + start[index_at] + at[index_at], x.step, x.size);
      Move{}(reinterpret_cast<T*>(x.dense + start[dense] + at[dense]),
             reinterpret_cast<T*>(x.indexed + start[indexed] + at[indexed] + moved));
    }
  }
}

template <class Move>
IndexKernel by_size(DType dtype) {
  switch (size_of(dtype)) {
    case 1:
      return &move_indexed<Move, uint8_t>;
    case 2:
      return &move_indexed<Move, uint16_t>;
    case 4:
      return &move_indexed<Move, uint32_t>;
    default:
      return &move_indexed<Move, uint64_t>;
  }
}
template <class Formula>
IndexKernel by_type(DType dtype) {
  return visit(dtype, [](auto tag) -> IndexKernel {
    return &move_indexed<Combine<Formula>, typename decltype(tag)::type>;
  });
}

IndexKernel kernel_of(IndexMode mode, DType dtype) {
  switch (mode) {
    case IndexMode::get:
      return by_size<Get>(dtype);
    case IndexMode::set:
      return by_size<Set>(dtype);
    case IndexMode::add:
      return by_type<formula::Add>(dtype);
    case IndexMode::multiply:
      return by_type<formula::Mul>(dtype);
    case IndexMode::maximum:
      return by_type<formula::Maximum>(dtype);
    default:
      return by_type<formula::Minimum>(dtype);
  }
}

// ---- the places that several indices name together

struct Placing {
  Space space;
  char* out;
  const char* index;
  int64_t step, size;
  bool accumulate;
};

__global__ void add_places(const __grid_constant__ Placing p) {
  int64_t stride = int64_t(gridDim.x) * blockDim.x;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < p.space.n; i += stride) {
    int64_t at[2];
    locate<2>(p.space, i, at);
    auto* place = reinterpret_cast<int64_t*>(p.out + at[0]);
    *place = (p.accumulate ? *place : 0) + shift(p.index + at[1], p.step, p.size);
  }
}

// ---- bounds

struct Bounds {
  Space space;
  const char* index;
  int64_t low, high;
  long long* first;  // the position of the first index outside
};

__global__ void find_outside(const __grid_constant__ Bounds b) {
  int64_t stride = int64_t(gridDim.x) * blockDim.x;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < b.space.n; i += stride) {
    int64_t at[1];
    locate<1>(b.space, i, at);
    int64_t index = *reinterpret_cast<const int64_t*>(b.index + at[0]);
    if (index < b.low || index >= b.high) atomicMin(b.first, static_cast<long long>(i));
  }
}

template <int operands>
Space space_of(const IndexWalk<operands>& walk) {
  Space space;
  space.n = 1;
  space.rank = walk.rank;
  check(walk.rank <= kernel_rank, "index: more than ", kernel_rank, " dimensions that do not merge");
  for (int d = 0; d < walk.rank; d++) {
    int from = walk.rank - 1 - d;
    space.n *= space.sizes[d] = walk.sizes[from];
    for (int k = 0; k < operands; k++) space.strides[k][d] = walk.strides[k][from];
  }
  return space;
}

}  // namespace

void index(const IndexCall& call) {
  IndexWalk<3> walk;
  const Operand* operands[] = {call.dense, call.indexed, call.index};
  bool gets = call.mode == IndexMode::get;
  if (!walk.build(call.rank, call.sizes, operands, gets)) return;
  Indexing x{};
  x.apart.n = x.together.n = 1;
  for (int d = walk.rank - 1; d >= 0; d--)
    append(gets || walk.strides[indexed][d] ? x.apart : x.together, walk.sizes[d],
           {walk.strides[dense][d], walk.strides[indexed][d], walk.strides[index_at][d]});
  x.dense = walk.data[dense], x.indexed = walk.data[indexed], x.index = walk.data[index_at];
  x.step = call.step * walk.item[indexed], x.size = call.size;
  DeviceScope scope(x.indexed);
  TT_LAUNCH(kernel_of(call.mode, call.dense->dtype), blocks_for(x.apart.n), threads_per_block, x);
  check_launch("index");
}

void places(const PlacesCall& call) {
  int64_t strides[max_rank], stride = 1;
  for (int d = call.rank - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= call.sizes[d];
  }
  Operand out{reinterpret_cast<char*>(call.out), strides, DType::Int64};
  const Operand* operands[] = {&out, call.index};
  IndexWalk<2> walk;
  if (!walk.build(call.rank, call.sizes, operands, false)) return;
  Placing p{space_of(walk), walk.data[0], walk.data[1], call.step, call.size, call.accumulate};
  DeviceScope scope(call.out);
  TT_LAUNCH(add_places, blocks_for(p.space.n), threads_per_block, p);
  check_launch("index");
}

bool outside(OutsideCall& call) {
  constexpr long long nowhere = std::numeric_limits<long long>::max();
  IndexWalk<1> walk;
  const Operand* operands[] = {call.index};
  if (!walk.build(call.rank, call.sizes, operands, false)) return false;
  DeviceScope scope(walk.data[0]);
  Workspace found(sizeof nowhere, current_device());
  check_status(cudaMemcpy(found.data(), &nowhere, sizeof nowhere, cudaMemcpyDefault), "index");
  Bounds b{space_of(walk), walk.data[0], call.low, call.high, reinterpret_cast<long long*>(found.data())};
  TT_LAUNCH(find_outside, blocks_for(b.space.n), threads_per_block, b);
  check_launch("index");
  long long first;
  check_status(cudaMemcpy(&first, found.data(), sizeof first, cudaMemcpyDefault), "index");
  if (first == nowhere) return false;
  const char* at = b.index;
  for (int d = 0; d < b.space.rank; d++) {
    at += first % b.space.sizes[d] * b.space.strides[0][d];
    first /= b.space.sizes[d];
  }
  check_status(cudaMemcpy(&call.found, at, sizeof call.found, cudaMemcpyDefault), "index");
  return true;
}

}  // namespace tt::cuda
