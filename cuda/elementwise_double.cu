#include "cuda/elementwise.h"

namespace tt::cuda {

const KernelColumn double_column = column_of<double>();

}  // namespace tt::cuda
