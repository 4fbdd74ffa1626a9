#pragma once
#include "kernels/padding_call.h"

namespace tt {

void cpu_constant_pad(const ConstantPadCall& call);

}  // namespace tt
