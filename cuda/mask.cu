// Where masks are true, and triangles.
#include <vector>

#include "cuda/elements.h"
#include "kernels/index_walk.h"

namespace tt::cuda {
namespace {

constexpr int per_thread = 8, warps = threads_per_block / 32;
constexpr int64_t chunk = int64_t(per_thread) * threads_per_block;  // of a mask, the work of one block

struct Hits {
  const char* mask;
  int64_t n, chunks;
  int64_t*
      starts;  // per chunk: its hits when they are counted, the number of its first one when they are written
  int64_t* out;
  int64_t pitch;
  int rank;
  int64_t sizes[max_rank];
};

__device__ __forceinline__ int hits_of_thread(const Hits& hits, int64_t first) {
  int count = 0;
  for (int64_t i = first; i < first + per_thread && i < hits.n; i++) count += read<bool>(hits.mask + i);
  return count;
}

__global__ void count_hits(const __grid_constant__ Hits hits) {
  __shared__ int sums[warps];
  int thread = int(threadIdx.x);
  for (int64_t block = blockIdx.x; block < hits.chunks; block += gridDim.x) {
    int count = hits_of_thread(hits, block * chunk + int64_t(thread) * per_thread);
    for (int delta = 16; delta > 0; delta /= 2)
      count += __shfl_down_sync(0xffffffffu, count, unsigned(delta));
    if (thread % 32 == 0) sums[thread / 32] = count;
    __syncthreads();
    if (thread == 0) {
      int64_t total = 0;
      for (int warp = 0; warp < warps; warp++) total += sums[warp];
      hits.starts[block] = total;
    }
    __syncthreads();
  }
}

__global__ void write_hits(const __grid_constant__ Hits hits) {
  __shared__ int sums[threads_per_block];
  int thread = int(threadIdx.x);
  for (int64_t block = blockIdx.x; block < hits.chunks; block += gridDim.x) {
    int64_t first = block * chunk + int64_t(thread) * per_thread;
    int own = hits_of_thread(hits, first);
    sums[thread] = own;
    for (int reach = 1; reach < threads_per_block; reach *= 2) {  // sums[i] becomes the sum of all up to i
      __syncthreads();
      int before = thread >= reach ? sums[thread - reach] : 0;
      __syncthreads();
      sums[thread] += before;
    }
    int64_t k = hits.starts[block] + sums[thread] - own;
    for (int64_t i = first; i < first + per_thread && i < hits.n; i++) {
      if (!read<bool>(hits.mask + i)) continue;
      int64_t rest = i;
      for (int d = hits.rank - 1; d >= 0; d--) {
        hits.out[d * hits.pitch + k] = rest % hits.sizes[d];
        rest /= hits.sizes[d];
      }
      k++;
    }
    __syncthreads();
  }
}

struct Triangle {
  Space space;  // columns, rows, matrices
  char* data;
  int64_t diagonal;
  bool keeps_lower;
};

template <class Bits>
__global__ void zero_triangle(const __grid_constant__ Triangle t) {
  int64_t stride = int64_t(gridDim.x) * blockDim.x;
  for (int64_t k = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; k < t.space.n; k += stride) {
    int64_t column = k % t.space.sizes[0], row = k / t.space.sizes[0] % t.space.sizes[1];
    bool keeps = t.keeps_lower ? column <= row + t.diagonal : column >= row + t.diagonal;
    if (keeps) continue;
    int64_t at[1];
    locate<1>(t.space, k, at);
    *reinterpret_cast<Bits*>(t.data + at[0]) = 0;
  }
}

}  // namespace

int64_t nonzero(const NonzeroCall& call) {
  Hits hits{};
  hits.mask = reinterpret_cast<const char*>(call.mask), hits.n = 1;
  hits.out = call.out, hits.pitch = call.pitch, hits.rank = call.rank;
  for (int d = 0; d < call.rank; d++) hits.n *= hits.sizes[d] = call.sizes[d];
  hits.chunks = (hits.n + chunk - 1) / chunk;
  if (hits.n == 0) return 0;

  DeviceScope scope(call.mask);
  Workspace workspace(8 * hits.chunks, current_device());
  hits.starts = reinterpret_cast<int64_t*>(workspace.data());
  unsigned blocks = blocks_for(hits.chunks * threads_per_block);
  TT_LAUNCH(count_hits, blocks, threads_per_block, hits);
  check_launch("nonzero");
  std::vector<int64_t> starts(size_t(hits.chunks));
  check_status(cudaMemcpy(starts.data(), hits.starts, size_t(8 * hits.chunks), cudaMemcpyDefault), "nonzero");
  int64_t total = 0;
  for (int64_t& start : starts) {
    int64_t count = start;
    start = total;
    total += count;
  }
  if (!call.out || call.rank == 0) return total;
  check_status(cudaMemcpy(hits.starts, starts.data(), size_t(8 * hits.chunks), cudaMemcpyDefault), "nonzero");
  TT_LAUNCH(write_hits, blocks, threads_per_block, hits);
  check_launch("nonzero");
  return total;
}

void triangle(const TriangleCall& call) {
  int64_t sizes[max_rank], item = size_of(call.x->dtype);
  for (int d = 0; d < call.rank; d++) sizes[d] = d < call.rank - 2 ? call.sizes[d] : 1;
  IndexWalk<1> matrices;
  const Operand* operands[] = {call.x};
  if (!matrices.build(call.rank, sizes, operands, false)) return;
  Triangle t{{}, matrices.data[0], call.diagonal, call.keeps_lower};
  t.space.n = 1;
  auto append = [&](int64_t size, int64_t stride) {
    check(t.space.rank < kernel_rank, "triangle: more than ", kernel_rank, " dimensions that do not merge");
    t.space.n *= t.space.sizes[t.space.rank] = size;
    t.space.strides[0][t.space.rank++] = stride;
  };
  for (int d = call.rank - 1; d >= call.rank - 2; d--) append(call.sizes[d], call.x->strides[d] * item);
  for (int d = matrices.rank - 1; d >= 0; d--) append(matrices.sizes[d], matrices.strides[0][d]);
  if (t.space.n == 0) return;
  void (*kernel)(Triangle) = item == 1   ? &zero_triangle<uint8_t>
                             : item == 2 ? &zero_triangle<uint16_t>
                             : item == 4 ? &zero_triangle<uint32_t>
                                         : &zero_triangle<uint64_t>;
  DeviceScope scope(t.data);
  TT_LAUNCH(kernel, blocks_for(t.space.n), threads_per_block, t);
  check_launch("triangle");
}

}  // namespace tt::cuda
