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

}  // namespace tt
