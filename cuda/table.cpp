// What this device has of the kernels; the rest stays null, and ops say so.
#include "cuda/device.h"

namespace tt::cuda {

const Kernels& kernels() {
  static constexpr Kernels table{.elementwise = elementwise,
                                 .copy = copy,
                                 .index = index,
                                 .places = places,
                                 .outside = outside,
                                 .nonzero = nonzero,
                                 .triangle = triangle,
                                 .reduce = reduce};
  return table;
}

}  // namespace tt::cuda
