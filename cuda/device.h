// What the CUDA sources share: launches, errors, and the device that memory belongs to.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "core/device.h"
#include "kernels/table.h"

// The one way in which kernels are started, so that the sources are plain C++ for other compilers but for
// this line.
#ifndef TT_LAUNCH
#define TT_LAUNCH(kernel, blocks, threads, ...) kernel<<<blocks, threads>>>(__VA_ARGS__)
#endif

namespace tt::cuda {

void check_status(cudaError_t status, const char* what);
inline void check_launch(const char* kernel) { check_status(cudaGetLastError(), kernel); }

int device_count();  // 0 without a driver
int current_device();
void set_device(int index);
void synchronize(int index);
const cudaDeviceProp& properties_of(int index);

// Makes a device the current one for a while.
class DeviceScope {
 public:
  explicit DeviceScope(int index);
  explicit DeviceScope(const void* data);  // the device that holds this memory
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;

 private:
  int previous_ = -1;
};

struct MemoryStats {
  int64_t allocated, peak, reserved, peak_reserved;
};
void* allocate(int64_t bytes, int index);
void release(void* data, int64_t bytes, int index);
void copy_bytes(void* to, Device to_device, const void* from, Device from_device, int64_t bytes);
MemoryStats memory_stats(int index);
void reset_peak_memory_stats(int index);
void empty_cache(int index);

// Memory that a kernel needs while it runs. It may be reused as soon as this is gone: work on a device is in
// order.
class Workspace {
 public:
  Workspace(int64_t bytes, int index) : bytes_(bytes), index_(index), data_(allocate(bytes, index)) {}
  ~Workspace() { release(data_, bytes_, index_); }
  Workspace(const Workspace&) = delete;
  char* data() const { return static_cast<char*>(data_); }

 private:
  int64_t bytes_;
  int index_;
  void* data_;
};

void elementwise(const ElementwiseCall& call);
void copy(const CopyCall& call);
void index(const IndexCall& call);
void places(const PlacesCall& call);
bool outside(OutsideCall& call);
int64_t nonzero(const NonzeroCall& call);
void triangle(const TriangleCall& call);
void reduce(const ReduceCall& call);
const Kernels& kernels();

// How many blocks of `threads` serve n elements: enough to fill the device, the rest in a stride loop.
constexpr int threads_per_block = 256;
inline unsigned blocks_for(int64_t n) {
  constexpr int64_t most = 16384;
  int64_t blocks = (n + threads_per_block - 1) / threads_per_block;
  return unsigned(blocks < most ? blocks : most);
}

}  // namespace tt::cuda
