#include "bindings/registry.h"
#include "ops/pictures.h"

namespace tt {

void bind_pictures(Registry& r) {
  r.op<take_pictures>(
      "take_pictures(pictures, numbers, table, fill, walks, height: int, width: int)", function | unlisted,
      "Some of the pictures in an array of bytes, cropped, mirrored and looked up in a table.");
}

}  // namespace tt
