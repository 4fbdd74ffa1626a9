#include "bindings/registry.h"

namespace tt {

void bind_create(Registry& registry) {}

}  // namespace tt
