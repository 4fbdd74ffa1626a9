#include "bindings/registry.h"

namespace tt {

void bind_activation(Registry& registry) {}

}  // namespace tt
