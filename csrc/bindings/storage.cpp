// Storages as Python sees them: a flat uint8 tensor over all the bytes, from which tensors of any kind are
// made.
#include "bindings/pybind.h"

namespace tt {
namespace {

// The storage whose memory this is: `x.data` has a storage of its own over the same memory.
Ref<Storage> owner_of(const Tensor& x) {
  Storage* storage = x.storage().get();
  while (storage->root) storage = storage->root;
  return Ref<Storage>(storage);
}

Tensor storage_bytes(const Tensor& x) {
  Ref<Storage> owner = owner_of(x);
  int64_t bytes = owner->bytes;
  return tensor_over(owner, {bytes}, {1}, 0, DType::UInt8);
}

// How many elements a storage must hold for this geometry; an error where that does not fit a number.
int64_t elements_needed(int64_t offset, const Shape& sizes, const Shape& strides) {
  check(sizes.size() == strides.size(), "tensor over a storage: ", sizes.size(), " sizes but ",
        strides.size(), " strides");
  check(offset >= 0, "tensor over a storage: negative offset ", offset);
  bool is_empty = false, overflows = false;
  int64_t last = offset;
  for (int i = 0; i < sizes.size(); i++) {
    check(sizes[i] >= 0 && strides[i] >= 0,
          "tensor over a storage: sizes and strides must not be negative, got ", sizes, " and ", strides);
    is_empty |= sizes[i] == 0;
    int64_t reach = 0;
    overflows |= __builtin_mul_overflow(std::max<int64_t>(sizes[i] - 1, 0), strides[i], &reach);
    overflows |= __builtin_add_overflow(last, reach, &last);
  }
  if (is_empty) return 0;
  check(!overflows && last < std::numeric_limits<int64_t>::max() / 16, "tensor over a storage: sizes ", sizes,
        " and strides ", strides, " are out of bounds");
  return last + 1;
}

int64_t checked_count(const Shape& sizes) {
  int64_t count = 1;
  bool overflows = false, is_empty = false;
  for (int64_t size : sizes) {
    is_empty |= size == 0;
    overflows |= __builtin_mul_overflow(count, std::max<int64_t>(size, 1), &count);
  }
  check(!overflows, "tensor over a storage: sizes ", sizes, " have too many elements");
  return is_empty ? 0 : count;
}

Tensor tensor_over_storage(const Tensor& bytes, DType dtype, int64_t offset, const Shape& sizes,
                           const Shape& strides) {
  Ref<Storage> owner = owner_of(bytes);
  int64_t needed = elements_needed(offset, sizes, strides), held = owner->bytes / size_of(dtype);
  check(needed <= held, "setStorage: sizes ", sizes, ", strides ", strides, ", storage offset ", offset,
        ", and itemsize ", size_of(dtype), " requiring a storage size of ", needed * size_of(dtype),
        " are out of bounds for storage of size ", owner->bytes);
  checked_count(sizes);
  check(reinterpret_cast<uintptr_t>(owner->data) % size_of(dtype) == 0, "tensor over a storage: memory at ",
        reinterpret_cast<uintptr_t>(owner->data), " is not aligned for ", name_of(dtype));
  return tensor_over(owner, sizes, strides, offset <= held ? offset : 0, dtype);
}

}  // namespace

void define_storage(py::module_& module) {
  module.def("_storage_bytes", storage_bytes);
  module.def("_storage_id", [](const Tensor& x) { return reinterpret_cast<int64_t>(owner_of(x).get()); });
  module.def("_storage_nbytes", [](const Tensor& x) { return owner_of(x)->bytes; });
  module.def("_storage_data_ptr",
             [](const Tensor& x) { return reinterpret_cast<int64_t>(owner_of(x)->data); });
  module.def("_storage_resize", [](const Tensor& x, int64_t bytes) {
    Ref<Storage> owner = owner_of(x);
    check(bytes >= owner->bytes, "resize_: a storage of ", owner->bytes, " bytes cannot shrink to ", bytes,
          ": tensors may look into it");
    resize_storage(*owner, bytes);
  });
  module.def("_tensor_over_storage", tensor_over_storage, py::arg("bytes"), py::arg("dtype"),
             py::arg("storage_offset"), py::arg("size"), py::arg("stride"));
}

}  // namespace tt
