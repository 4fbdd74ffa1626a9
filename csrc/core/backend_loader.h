// Devices whose module is brought in when they are first asked for.
#pragma once
#include "core/device.h"

namespace tt {

// Called for a device that has no backend: registers one, or throws what the program is to see.
void set_backend_loader(void (*loader)(DeviceType type));

}  // namespace tt
