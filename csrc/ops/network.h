// The kernels of layers and losses of a device.
#pragma once
#include "kernels/network.h"
#include "ops/internal.h"

namespace tt {

// The entry of the device's table, or an error that names the op.
template <class Kernel>
Kernel network_kernel(const char* op, Device device, Kernel NetworkKernels::* entry) {
  const NetworkKernels* network = kernels_of(device).network;
  check(network && network->*entry, op, ": not implemented on ", device);
  return network->*entry;
}

// The elements of x in the order in which they lie in the memory of `model`, which is dense; not recorded.
inline Tensor laid_out_like(const Tensor& x, const Tensor& model) {
  if (x.strides() == model.strides() || (x.is_contiguous() && model.is_contiguous())) return x;
  Tensor y = empty_strided(model.sizes(), model.strides(), x.dtype(), x.device());
  copy_values(y, x);
  return y;
}

// Fresh memory for a result in the order of x, which is dense.
inline Tensor result_like(const Tensor& x) {
  return empty_strided(x.sizes(), x.is_contiguous() ? contiguous_strides(x.sizes()) : x.strides(), x.dtype(),
                       x.device());
}

}  // namespace tt
