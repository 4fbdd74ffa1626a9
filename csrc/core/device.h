// Devices plug in by presence: a backend registers its memory functions and its table of kernels.
#pragma once
#include <cstdint>
#include <ostream>

namespace tt {

struct Kernels;  // kernels/table.h

// Meta has sizes and types and no values: memory and kernels do nothing.
enum class DeviceType : uint8_t { CPU, CUDA, Meta };
constexpr int device_type_count = 3;

struct Device {
  DeviceType type = DeviceType::CPU;
  int8_t index = 0;
  bool is_cpu() const { return type == DeviceType::CPU; }
  bool is_cuda() const { return type == DeviceType::CUDA; }
  bool is_meta() const { return type == DeviceType::Meta; }
  bool operator==(const Device& other) const {
    return type == other.type && (is_cpu() || index == other.index);
  }
};

const char* name_of(DeviceType type);
std::ostream& operator<<(std::ostream& stream, Device device);  // cpu, cuda:0

struct Backend {
  void* (*allocate)(int64_t bytes, int index) = nullptr;
  void (*free)(void* data, int64_t bytes, int index) = nullptr;
  // Copies between this device and the host, or within the device.
  void (*copy_bytes)(void* to, Device to_device, const void* from, Device from_device,
                     int64_t bytes) = nullptr;
  void (*synchronize)(int index) = nullptr;
  int (*device_count)() = nullptr;
  int (*current_device)() = nullptr;
  const Kernels* kernels = nullptr;
};

void register_backend(DeviceType type, const Backend& backend);
bool has_backend(DeviceType type);
const Backend& backend_of(Device device);  // an error that says so when the device is absent
inline const Kernels& kernels_of(Device device) { return *backend_of(device).kernels; }

}  // namespace tt
