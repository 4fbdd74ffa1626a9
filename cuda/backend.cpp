// The device as a backend: which there are, their memory, and copies.
#include <algorithm>
#include <bit>
#include <map>
#include <mutex>

#include "core/error.h"
#include "cuda/device.h"

namespace tt::cuda {

void check_status(cudaError_t status, const char* what) {
  if (status == cudaSuccess) [[likely]]
    return;
  cudaGetLastError();  // an error that is reported is over, unless it broke the device
  fail(ErrorKind::Runtime, what, ": CUDA error: ", cudaGetErrorString(status));
}

// ---------------------------------------------------------------- devices

int device_count() {
  static const int count = [] {
    int found = 0;
    if (cudaGetDeviceCount(&found) == cudaSuccess) return found;
    cudaGetLastError();
    return 0;
  }();
  return count;
}

static void check_device(int index) {
  check(index >= 0 && index < device_count(), "CUDA error: invalid device ordinal ", index, ", ",
        device_count(), " present");
}

int current_device() {
  int index = 0;
  check_status(cudaGetDevice(&index), "current_device");
  return index;
}

void set_device(int index) {
  check_device(index);
  check_status(cudaSetDevice(index), "set_device");
}

void synchronize(int index) {
  DeviceScope scope(index);
  check_status(cudaDeviceSynchronize(), "synchronize");
}

const cudaDeviceProp& properties_of(int index) {
  check_device(index);
  static std::mutex mutex;
  static std::map<int, cudaDeviceProp> known;
  std::lock_guard lock(mutex);
  auto [found, fresh] = known.try_emplace(index);
  if (fresh) check_status(cudaGetDeviceProperties(&found->second, index), "get_device_properties");
  return found->second;
}

DeviceScope::DeviceScope(int index) {
  check_device(index);
  if (device_count() == 1) return;
  int current = current_device();
  if (current == index) return;
  set_device(index);
  previous_ = current;
}

static int device_of(const void* data) {
  if (device_count() == 1) return 0;
  cudaPointerAttributes attributes;
  check_status(cudaPointerGetAttributes(&attributes, data), "device_of");
  return attributes.device;
}

DeviceScope::DeviceScope(const void* data) : DeviceScope(device_of(data)) {}

DeviceScope::~DeviceScope() {
  if (previous_ >= 0) cudaSetDevice(previous_);
}

// ---------------------------------------------------------------- memory

namespace {

constexpr int64_t smallest = 512;
constexpr int64_t small_limit = 64 << 10;
constexpr int64_t chunk_bytes = 2 << 20;

// Sizes are rounded to an eighth of their power of two: at most an eighth of a block is wasted.
int64_t round_up(int64_t bytes) {
  if (bytes <= smallest) return smallest;
  int64_t step = std::max<int64_t>(smallest, int64_t(std::bit_floor(uint64_t(bytes - 1))) / 8);
  return (bytes + step - 1) / step * step;
}

// Blocks that were given back wait here by size. All work on a device is in order, so that a block may be
// reused while the kernels that read it are still under way. Small blocks are cut from chunks, which stay.
struct Cache {
  std::mutex mutex;
  std::multimap<int64_t, void*> blocks;
  char* chunk = nullptr;
  int64_t chunk_left = 0;
  MemoryStats stats{};
};

Cache& cache_of(int index) {
  static Cache* caches =
      new Cache[size_t(std::max(1, device_count()))];  // tensors may outlive static destructors
  check_device(index);
  return caches[index];
}

void release_large(Cache& cache) {
  auto first = cache.blocks.upper_bound(small_limit);
  if (first == cache.blocks.end()) return;
  cudaDeviceSynchronize();
  for (auto block = first; block != cache.blocks.end(); ++block) {
    cudaFree(block->second);
    cache.stats.reserved -= block->first;
  }
  cache.blocks.erase(first, cache.blocks.end());
}

void* ask_system(Cache& cache, int64_t bytes, int64_t wanted) {
  void* data = nullptr;
  cudaError_t status = cudaMalloc(&data, size_t(bytes));
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    release_large(cache);
    status = cudaMalloc(&data, size_t(bytes));
  }
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    fail(ErrorKind::Runtime, "CUDA out of memory. Tried to allocate ", wanted, " bytes; ",
         cache.stats.allocated, " bytes are allocated and ", cache.stats.reserved, " reserved");
  }
  check_status(status, "allocate");
  cache.stats.reserved += bytes;
  cache.stats.peak_reserved = std::max(cache.stats.peak_reserved, cache.stats.reserved);
  return data;
}

void* fresh_block(Cache& cache, int64_t bytes, int64_t wanted) {
  if (bytes > small_limit) return ask_system(cache, bytes, wanted);
  if (cache.chunk_left < bytes) {
    cache.chunk = static_cast<char*>(ask_system(cache, chunk_bytes, wanted));
    cache.chunk_left = chunk_bytes;
  }
  void* block = cache.chunk;
  cache.chunk += bytes;
  cache.chunk_left -= bytes;
  return block;
}

}  // namespace

void* allocate(int64_t bytes, int index) {
  Cache& cache = cache_of(index);
  DeviceScope scope(index);
  std::lock_guard lock(cache.mutex);
  int64_t rounded = round_up(bytes);
  auto found = cache.blocks.find(rounded);
  void* data;
  if (found != cache.blocks.end()) {
    data = found->second;
    cache.blocks.erase(found);
  } else {
    data = fresh_block(cache, rounded, bytes);
  }
  cache.stats.allocated += rounded;
  cache.stats.peak = std::max(cache.stats.peak, cache.stats.allocated);
  return data;
}

void release(void* data, int64_t bytes, int index) {
  Cache& cache = cache_of(index);
  std::lock_guard lock(cache.mutex);
  int64_t rounded = round_up(bytes);
  cache.stats.allocated -= rounded;
  cache.blocks.emplace(rounded, data);
}

void copy_bytes(void* to, Device, const void* from, Device, int64_t bytes) {
  if (bytes == 0) return;
  check_status(cudaMemcpy(to, from, size_t(bytes), cudaMemcpyDefault), "copy");
}

MemoryStats memory_stats(int index) {
  Cache& cache = cache_of(index);
  std::lock_guard lock(cache.mutex);
  return cache.stats;
}

void reset_peak_memory_stats(int index) {
  Cache& cache = cache_of(index);
  std::lock_guard lock(cache.mutex);
  cache.stats.peak = cache.stats.allocated;
  cache.stats.peak_reserved = cache.stats.reserved;
}

void empty_cache(int index) {
  Cache& cache = cache_of(index);
  DeviceScope scope(index);
  std::lock_guard lock(cache.mutex);
  release_large(cache);
}

}  // namespace tt::cuda
