// Shared memory for the Python side: files, stretches of them, and tensors in these.
#include "core/shared_memory.h"

#include "bindings/pybind.h"

namespace tt {
namespace {

using File = std::shared_ptr<SharedFile>;
using Memory = std::shared_ptr<SharedMemory>;

Tensor tensor_in(const Memory& memory, const Shape& sizes, const Shape& strides, int64_t offset,
                 DType dtype) {
  int64_t extent = element_count("shared memory", sizes) ? 1 : 0;
  check(sizes.size() == strides.size() && offset >= 0, "shared memory: no tensor has sizes ", sizes,
        ", strides ", strides, " and offset ", offset);
  for (int i = 0; extent && i < sizes.size(); i++) {
    check(strides[i] >= 0, "shared memory: no tensor has strides ", strides);
    extent += (sizes[i] - 1) * strides[i];
  }
  check((offset + extent) * size_of(dtype) <= memory->bytes() || !extent, "shared memory: ", memory->bytes(),
        " bytes do not hold a tensor of sizes ", sizes, ", strides ", strides, " and offset ", offset);
  return tensor_over(storage_in(memory), sizes, strides, offset, dtype);
}

Tensor new_tensor(const File& file, const Shape& sizes, DType dtype) {
  int64_t bytes = element_count("shared memory", sizes) * size_of(dtype);
  return tensor_in(new_shared_memory(file, bytes, true), sizes, contiguous_strides(sizes), 0, dtype);
}

// The shared memory of a tensor, moved there first if need be: to the given file, or to one of its own.
Memory share(const Tensor& x, const std::optional<File>& file) {
  check_type(x.defined(), "shared memory: expected a tensor, got None");
  check(x.device().is_cpu(), "shared memory: expected a tensor in host memory, got one on ", x.device());
  Storage& storage = *x.storage();
  if (Memory memory = shared_memory_of(storage)) return memory;
  int64_t bytes = storage.memory_owner()->bytes;
  Memory memory = new_shared_memory(file ? *file : std::make_shared<SharedFile>(), bytes, true);
  move_to_shared(storage, memory);
  if (!file) memory->list();
  return memory;
}

}  // namespace

void define_sharing(py::module_& module) {
  py::class_<SharedFile, File>(module, "_SharedFile", "A file in memory, without a name.")
      .def(py::init<>())
      .def(py::init<int>(), py::arg("descriptor"))
      .def("fileno", &SharedFile::descriptor)
      .def("close", &SharedFile::close)
      .def("tensor", new_tensor, py::arg("sizes"), py::arg("dtype"))
      .def(
          "map",
          [](const File& file, int64_t offset, int64_t bytes) {
            return std::make_shared<SharedMemory>(file, offset, bytes, true);
          },
          py::arg("offset"), py::arg("bytes"));
  py::class_<SharedMemory, Memory>(module, "_SharedMemory", "A stretch of a file in memory, mapped here.")
      .def_property_readonly("file", [](SharedMemory& memory) { return memory.file(); })
      .def_property_readonly("offset", &SharedMemory::offset)
      .def_property_readonly("bytes", &SharedMemory::bytes)
      .def("tensor", tensor_in, py::arg("sizes"), py::arg("strides"), py::arg("offset"), py::arg("dtype"));
  module.def("_share_memory", share, py::arg("x"), py::arg("file") = py::none());
  module.def("_is_shared",
             [](const Tensor& x) { return x.defined() && shared_memory_of(*x.storage()) != nullptr; });
  module.def("_open_shared_memory", open_shared_memory, py::arg("descriptor"), py::arg("offset"),
             py::arg("bytes"));
}

}  // namespace tt
