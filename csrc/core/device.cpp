#include "core/device.h"

#include "core/backend_loader.h"
#include "core/error.h"

namespace tt {

static Backend backends[device_type_count];
static void (*load)(DeviceType) = nullptr;

const char* name_of(DeviceType type) {
  constexpr const char* names[device_type_count] = {"cpu", "cuda", "meta"};
  return names[int(type)];
}

std::ostream& operator<<(std::ostream& stream, Device device) {
  stream << name_of(device.type);
  if (device.is_cuda()) stream << ':' << int(device.index);
  return stream;
}

void register_backend(DeviceType type, const Backend& backend) { backends[int(type)] = backend; }
void set_backend_loader(void (*loader)(DeviceType)) { load = loader; }
bool has_backend(DeviceType type) { return backends[int(type)].kernels != nullptr; }

const Backend& backend_of(Device device) {
  const Backend& backend = backends[int(device.type)];
  if (!backend.kernels && load) [[unlikely]]
    load(device.type);
  check(backend.kernels != nullptr, "tinytensor was built without support for device ", device,
        ", or no such device is present");
  return backend;
}

}  // namespace tt
