// DLPack: memory shared with other array libraries, both ways. The structures are those of the protocol's
// version 0.8.
#include "bindings/pybind.h"

namespace tt {
namespace {

struct DLDevice {
  int32_t type, index;
};
struct DLDataType {
  uint8_t code, bits;
  uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  int32_t rank;
  DLDataType dtype;
  int64_t *sizes, *strides;
  uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor tensor;
  void* context;
  void (*deleter)(DLManagedTensor*);
};

enum Code : uint8_t { Int = 0, UInt = 1, Float = 2, BFloat = 4, Boolean = 6 };

Code code_of(DType type) {
  if (type == DType::Bool) return Boolean;
  if (type == DType::BFloat16) return BFloat;
  if (is_floating(type)) return Float;
  return type == DType::UInt8 ? UInt : Int;
}

DType dtype_from(DLDataType given) {
  for (int i = 0; i < dtype_count; i++)
    if (code_of(DType(i)) == given.code && size_of(DType(i)) * 8 == given.bits && given.lanes == 1)
      return DType(i);
  fail(ErrorKind::Runtime, "from_dlpack: unsupported data type (code ", int(given.code), ", ",
       int(given.bits), " bits, ", given.lanes, " lanes)");
}

struct Export {
  DLManagedTensor managed;
  Tensor tensor;
};

void delete_export(DLManagedTensor* managed) { delete static_cast<Export*>(managed->context); }

void delete_unused(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, "dltensor")) return;
  auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
  if (managed->deleter) managed->deleter(managed);
}

py::object to_dlpack(const Tensor& x) {
  auto* e = new Export{{}, x};
  Body& body = *x.body();
  e->managed.tensor = {x.bytes(),
                       {x.device().is_cpu() ? 1 : 2, x.device().index},
                       x.rank(),
                       {code_of(x.dtype()), uint8_t(size_of(x.dtype()) * 8), 1},
                       body.sizes.data(),
                       body.strides.data(),
                       0};
  e->managed.context = e;
  e->managed.deleter = delete_export;
  return py::reinterpret_steal<py::object>(PyCapsule_New(&e->managed, "dltensor", delete_unused));
}

Tensor from_dlpack(py::object capsule) {
  check_value(PyCapsule_IsValid(capsule.ptr(), "dltensor"),
              "from_dlpack: expected a capsule 'dltensor' that was not used yet");
  auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
  const DLTensor& t = managed->tensor;
  DType type = dtype_from(t.dtype);
  check(t.device.type == 1 || t.device.type == 2, "from_dlpack: unsupported device type ", t.device.type);
  Device device{t.device.type == 1 ? DeviceType::CPU : DeviceType::CUDA, int8_t(t.device.index)};
  Shape sizes(t.sizes, t.rank), strides = t.strides ? Shape(t.strides, t.rank) : contiguous_strides(sizes);
  int64_t extent = product(sizes) ? 1 : 0;
  for (int i = 0; extent && i < t.rank; i++) {
    check(strides[i] >= 0, "from_dlpack: negative strides are not supported, got ", strides);
    extent += (sizes[i] - 1) * strides[i];
  }
  auto drop = [](void* context) {
    auto* managed = static_cast<DLManagedTensor*>(context);
    if (managed->deleter) managed->deleter(managed);
  };
  char* data = static_cast<char*>(t.data) + t.byte_offset;
  Ref<Storage> storage = external_storage(data, extent * size_of(type), device, drop, managed);
  PyCapsule_SetName(capsule.ptr(), "used_dltensor");
  return tensor_over(storage, sizes, strides, 0, type);
}

}  // namespace

void define_dlpack(py::module_& module) {
  module.def("_to_dlpack", to_dlpack);
  module.def("_from_dlpack", from_dlpack);
}

}  // namespace tt
