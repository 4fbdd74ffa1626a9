// The CPU as a device like any other: memory, copies and the table of kernels.
#include <cstring>

#include "core/allocator.h"
#include "core/device.h"
#include "kernels/elementwise.h"
#include "kernels/gemm.h"
#include "kernels/index.h"
#include "kernels/network.h"
#include "kernels/reduce.h"
#include "kernels/rows.h"
#include "kernels/sort.h"
#include "kernels/table.h"

namespace tt {

const Kernels& cpu_kernels() {
  static constexpr Kernels kernels{.elementwise = cpu_elementwise,
                                   .copy = cpu_copy,
                                   .index = cpu_index,
                                   .checked_get = cpu_checked_get,
                                   .places = cpu_places,
                                   .outside = cpu_outside,
                                   .nonzero = cpu_nonzero,
                                   .triangle = cpu_triangle,
                                   .search = cpu_search,
                                   .reduce = cpu_reduce,
                                   .gemm = cpu_gemm,
                                   .softmax = cpu_softmax,
                                   .log_softmax = cpu_log_softmax,
                                   .softmax_backward = cpu_softmax_backward,
                                   .log_softmax_backward = cpu_log_softmax_backward,
                                   .scan = cpu_scan,
                                   .sort = cpu_sort,
                                   .topk = cpu_topk,
                                   .kth = cpu_kth,
                                   .network = &cpu_network_kernels};
  return kernels;
}

namespace {

[[maybe_unused]] const bool registered = [] {
  register_backend(DeviceType::CPU, {.allocate = [](int64_t bytes, int) { return allocate_bytes(bytes); },
                                     .free = [](void* data, int64_t bytes, int) { free_bytes(data, bytes); },
                                     .copy_bytes = [](void* to, Device, const void* from, Device,
                                                      int64_t bytes) { std::memcpy(to, from, bytes); },
                                     .synchronize = [](int) {},
                                     .device_count = [] { return 1; },
                                     .current_device = [] { return 0; },
                                     .kernels = &cpu_kernels()});
  return true;
}();

}  // namespace
}  // namespace tt
