#pragma once
#include "ops/internal.h"

namespace tt {

}  // namespace tt
