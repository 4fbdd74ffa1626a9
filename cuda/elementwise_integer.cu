#include "cuda/elementwise.h"

namespace tt::cuda {

const KernelColumn bool_column = column_of<bool>();
const KernelColumn uint8_column = column_of<uint8_t>();
const KernelColumn int8_column = column_of<int8_t>();
const KernelColumn int16_column = column_of<int16_t>();
const KernelColumn int32_column = column_of<int32_t>();
const KernelColumn int64_column = column_of<int64_t>();
const KernelColumn half_column = column_of<Half>();
const KernelColumn bfloat16_column = column_of<BFloat16>();

}  // namespace tt::cuda
