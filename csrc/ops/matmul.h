#pragma once
#include "ops/internal.h"

namespace tt {

Tensor matmul(const Tensor& a, const Tensor& b, Out out = {});

}  // namespace tt
