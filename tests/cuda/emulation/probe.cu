// Kernels that try the emulation itself, and what the tests ask it.
#include <cuda_runtime.h>

namespace {

__global__ void sum_warps(const int* in, int* out, int n) {
  int i = int(threadIdx.x), value = i < n ? in[i] : 0;
  for (int delta = warpSize / 2; delta > 0; delta /= 2)
    value += __shfl_down_sync(0xffffffffu, value, unsigned(delta));
  if (i % warpSize == 0) out[i / warpSize] = value;
}

__global__ void exchange(int* out) {
  int lane = int(threadIdx.x), neighbour = __shfl_xor_sync(0xffffffffu, lane, 1);
  int first = __shfl_sync(0xffffffffu, lane + 100, 0), before = __shfl_up_sync(0xffffffffu, lane, 1);
  out[lane] = neighbour * 10000 + first * 100 + before;
}

__global__ void reverse(int* data) {
  __shared__ int shared[256];
  shared[threadIdx.x] = data[threadIdx.x];
  __syncthreads();
  data[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

__global__ void histogram(const int* in, int* counts, int* largest, int n) {
  for (int i = int(blockIdx.x * blockDim.x + threadIdx.x); i < n; i += int(gridDim.x * blockDim.x)) {
    atomicAdd(&counts[in[i]], 1);
    atomicMax(largest, in[i]);
  }
}

}  // namespace

#define PROBE extern "C" __attribute__((visibility("default")))
PROBE void probe_sum_warps(const int* in, int* out, int n) { TT_LAUNCH(sum_warps, 1, 128, in, out, n); }
PROBE void probe_exchange(int* out) { TT_LAUNCH(exchange, 1, 32, out); }
PROBE void probe_reverse(int* data, int threads) { TT_LAUNCH(reverse, 3, unsigned(threads), data); }
PROBE void probe_histogram(const int* in, int* counts, int* largest, int n) {
  TT_LAUNCH(histogram, 3, 64, in, counts, largest, n);
}
PROBE long long emulation_launches() { return emulation::counts.launches; }
PROBE long long emulation_threads() { return emulation::counts.threads; }
PROBE long long emulation_waits() { return emulation::counts.barriers; }
