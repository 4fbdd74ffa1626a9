#include "bindings/registry.h"

namespace tt {

void bind_random(Registry& registry) {}

}  // namespace tt
