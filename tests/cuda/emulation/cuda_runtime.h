// The part of the CUDA runtime that the kernels use, on the CPU: found in place of the real header, it makes
// the .cu files plain C++. Blocks run one after the other. The threads of a block are fibers, which take
// turns at barriers and shuffles; a block whose first thread met none runs its other threads as plain calls.
#pragma once
#include <ucontext.h>

#include <algorithm>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __shared__ static
#define __launch_bounds__(...)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct uint3 {
  unsigned x, y, z;
};
inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
constexpr int warpSize = 32;

namespace emulation {

[[noreturn]] inline void broken(const char* rule) {
  std::fprintf(stderr, "CUDA emulation: %s\n", rule);
  std::abort();
}

// What the tests read: that kernels ran, and how.
struct Counts {
  int64_t launches = 0, threads = 0, barriers = 0;
};
inline Counts counts;

class Block {
 public:
  static constexpr size_t stack_bytes = 256 << 10;

  // Runs body() in every thread of the current block.
  void run(const std::function<void()>& body) {
    body_ = &body;
    size_ = int(blockDim.x * blockDim.y * blockDim.z);
    prepare(0);
    resume(0);
    if (finished_[0]) {
      plain_ = true;
      for (int i = 1; i < size_; i++) {
        become(i);
        body();
      }
      plain_ = false;
      return;
    }
    for (int i = 1; i < size_; i++) prepare(i);
    for (int i = 1; i < size_; i++) resume(i);
    while (release()) {
      for (int i = 0; i < size_; i++)
        if (!waiting(i)) resume(i);
    }
  }

  // Waits for the threads of a group: the whole block, or the warp's lanes of a mask.
  void wait(bool whole, uint32_t mask) {
    if (plain_) broken("a thread waits for others where the block's first thread did not");
    int me = current_;
    whole_[me] = whole, mask_[me] = mask, arrived_[me] = true;
    counts.barriers++;
    swapcontext(&fibers_[me]->context, &scheduler_);
  }

  int lane() const { return current_ % warpSize; }
  int lane_thread(int lane) const { return current_ / warpSize * warpSize + lane; }
  int size() const { return size_; }
  uint64_t& slot(int thread) { return slots_[size_t(thread)]; }
  int current() const { return current_; }

 private:
  struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack{new char[stack_bytes]};
  };

  static void enter() {
    Block& block = the();
    (*block.body_)();
    int me = block.current_;
    block.finished_[size_t(me)] = true;
    swapcontext(&block.fibers_[size_t(me)]->context, &block.scheduler_);
  }

  void prepare(int i) {
    if (int(fibers_.size()) <= i) {
      fibers_.push_back(std::make_unique<Fiber>());
      for (auto* flags : {&whole_, &arrived_, &finished_}) flags->push_back(0);
      mask_.push_back(0);
      slots_.push_back(0);
    }
    finished_[i] = arrived_[i] = false;
    Fiber& fiber = *fibers_[i];
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = stack_bytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, enter, 0);
  }

  void become(int i) {
    current_ = i;
    unsigned u = unsigned(i);
    threadIdx = {u % blockDim.x, u / blockDim.x % blockDim.y, u / (blockDim.x * blockDim.y)};
  }

  void resume(int i) {
    become(i);
    swapcontext(&scheduler_, &fibers_[i]->context);
  }

  bool waiting(int i) const { return finished_[i] || arrived_[i]; }

  // Lets every group go whose threads have all arrived. False when all threads are done.
  bool release() {
    std::vector<int> go;
    bool any_left = false;
    for (int i = 0; i < size_; i++) {
      if (finished_[i]) continue;
      any_left = true;
      bool complete = true;
      int first = whole_[i] ? 0 : i / warpSize * warpSize,
          last = whole_[i] ? size_ : std::min(size_, first + warpSize);
      for (int j = first; j < last && complete; j++) {
        if (!whole_[i] && !(mask_[i] >> (j - first) & 1)) continue;
        complete = finished_[j] || (arrived_[j] && whole_[j] == whole_[i] && mask_[j] == mask_[i]);
      }
      if (complete) go.push_back(i);
    }
    if (!any_left) return false;
    if (go.empty()) broken("the threads of a block wait for each other");
    for (int i : go) arrived_[i] = false;
    return true;
  }

 public:
  static Block& the() {
    static Block block;
    return block;
  }

 private:
  const std::function<void()>* body_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<char> whole_, arrived_, finished_;
  std::vector<uint32_t> mask_;
  std::vector<uint64_t> slots_;
  ucontext_t scheduler_;
  int size_ = 0, current_ = 0;
  bool plain_ = false;
};

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 blocks, dim3 threads, const Arguments&... arguments) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  if (threads.x * threads.y * threads.z > 1024 || threads.x == 0) broken("a block has 1 to 1024 threads");
  gridDim = blocks, blockDim = threads;
  counts.launches++;
  const std::function<void()> body = [&] { kernel(arguments...); };
  for (unsigned z = 0; z < blocks.z; z++)
    for (unsigned y = 0; y < blocks.y; y++)
      for (unsigned x = 0; x < blocks.x; x++) {
        blockIdx = {x, y, z};
        counts.threads += threads.x * threads.y * threads.z;
        Block::the().run(body);
      }
}

// The value that another lane of the warp holds; one's own where that lane is not there.
template <class T>
T exchange(uint32_t mask, T value, int source) {
  static_assert(sizeof(T) <= 8);
  Block& block = Block::the();
  int me = block.current();
  std::memcpy(&block.slot(me), &value, sizeof(T));
  block.wait(false, mask);
  int from = source < 0 || source >= warpSize ? me : block.lane_thread(source);
  T result = value;
  if (from < block.size()) std::memcpy(&result, &block.slot(from), sizeof(T));
  block.wait(false, mask);
  return result;
}

}  // namespace emulation

#define TT_LAUNCH(kernel, blocks, threads, ...) emulation::launch(kernel, blocks, threads, __VA_ARGS__)

inline void __syncthreads() { emulation::Block::the().wait(true, 0); }
inline void __syncwarp(uint32_t mask = 0xffffffffu) { emulation::Block::the().wait(false, mask); }
template <class T>
T __shfl_sync(uint32_t mask, T value, int lane) {
  return emulation::exchange(mask, value, lane);
}
template <class T>
T __shfl_down_sync(uint32_t mask, T value, unsigned delta) {
  return emulation::exchange(mask, value, emulation::Block::the().lane() + int(delta));
}
template <class T>
T __shfl_up_sync(uint32_t mask, T value, unsigned delta) {
  return emulation::exchange(mask, value, emulation::Block::the().lane() - int(delta));
}
template <class T>
T __shfl_xor_sync(uint32_t mask, T value, int lanes) {
  return emulation::exchange(mask, value, emulation::Block::the().lane() ^ lanes);
}

// Threads take turns only at barriers, so that plain memory operations are atomic.
template <class T>
T atomicExch(T* at, T value) {
  T old = *at;
  *at = value;
  return old;
}
template <class T>
T atomicAdd(T* at, T value) {
  return atomicExch(at, T(*at + value));
}
template <class T>
T atomicMax(T* at, T value) {
  return atomicExch(at, *at < value ? value : *at);
}
template <class T>
T atomicMin(T* at, T value) {
  return atomicExch(at, value < *at ? value : *at);
}
template <class T>
T atomicCAS(T* at, T expected, T value) {
  return *at == expected ? atomicExch(at, value) : *at;
}

// ---- memory and devices

enum cudaError_t { cudaSuccess = 0, cudaErrorMemoryAllocation = 2, cudaErrorInvalidDevice = 101 };
enum cudaMemcpyKind { cudaMemcpyDefault };
struct cudaDeviceProp {
  char name[256];
  int major, minor, multiProcessorCount, warpSize, maxThreadsPerMultiProcessor, l2CacheSize;
  size_t totalGlobalMem, sharedMemPerBlock;
};
struct cudaPointerAttributes {
  int device;
};

namespace emulation {
constexpr size_t memory_bytes = size_t(1) << 30;  // so that programs can run out of it
inline size_t memory_used = 0;
}  // namespace emulation

inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorMemoryAllocation ? "out of memory"
         : error == cudaSuccess             ? "no error"
                                            : "invalid device ordinal";
}
inline cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
inline cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }
inline cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; }
inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {"Emulation", 8, 0, 1, 32, 2048, 0, emulation::memory_bytes, 48 << 10};
  return cudaSuccess;
}
inline cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void*) {
  return attributes->device = 0, cudaSuccess;
}
template <class T>
cudaError_t cudaMalloc(T** data, size_t bytes) {
  if (emulation::memory_used + bytes > emulation::memory_bytes) return cudaErrorMemoryAllocation;
  char* block = static_cast<char*>(std::aligned_alloc(256, (bytes + 256 + 255) / 256 * 256));
  if (!block) return cudaErrorMemoryAllocation;
  std::memcpy(block, &bytes, sizeof bytes);
  emulation::memory_used += bytes;
  *data = reinterpret_cast<T*>(block + 256);
  std::memset(*data, 0xa5, bytes);  // nobody may count on fresh memory being zero
  return cudaSuccess;
}
inline cudaError_t cudaFree(void* data) {
  if (!data) return cudaSuccess;
  char* block = static_cast<char*>(data) - 256;
  size_t bytes;
  std::memcpy(&bytes, block, sizeof bytes);
  emulation::memory_used -= bytes;
  std::free(block);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind) {
  std::memmove(to, from, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total) {
  *total = emulation::memory_bytes;
  *free_bytes = *total - emulation::memory_used;
  return cudaSuccess;
}
