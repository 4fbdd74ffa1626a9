// The module of CUDA is imported when a device is first used; without one, the package says why.
#include "core/backend_loader.h"

#include "bindings/pybind.h"

namespace tt {
namespace {

void load_backend(DeviceType type) {
  if (type != DeviceType::CUDA) return;
  py::gil_scoped_acquire lock;
  py::module_::import("tinytensor.cuda").attr("init")();
}

[[maybe_unused]] const bool installed = (set_backend_loader(load_backend), true);

}  // namespace
}  // namespace tt
