#include "cuda/elementwise.h"

namespace tt::cuda {

const KernelColumn float_column = column_of<float>();

}  // namespace tt::cuda
