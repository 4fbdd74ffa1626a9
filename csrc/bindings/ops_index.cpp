#include "bindings/registry.h"

namespace tt {

void bind_index(Registry& registry) {}

}  // namespace tt
