// The extension module `_cuda`: importing it registers the backend, if there is a device. Besides that it has
// the few functions that tinytensor.cuda needs.
#include <Python.h>

#include "core/error.h"
#include "cuda/device.h"

namespace tt::cuda {
namespace {

template <class Body>
PyObject* guarded(Body&& body) {
  try {
    return body();
  } catch (const Error& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

// A function of a device's index; `body` returns a new reference.
template <PyObject* (*body)(int index)>
PyObject* of_device(PyObject*, PyObject* argument) {
  long index = PyLong_AsLong(argument);
  if (index == -1 && PyErr_Occurred()) return nullptr;
  return guarded([&] { return body(index < 0 || index >= device_count() ? -1 : int(index)); });
}

template <auto function>
PyObject* call(int index) {
  std::exception_ptr failure;
  Py_BEGIN_ALLOW_THREADS try { function(index); } catch (...) {
    failure = std::current_exception();
  }
  Py_END_ALLOW_THREADS if (failure) std::rethrow_exception(failure);
  Py_RETURN_NONE;
}

PyObject* properties(int index) {
  const cudaDeviceProp& found = properties_of(index);
  return Py_BuildValue(
      "{s:s,s:i,s:i,s:n,s:i,s:i,s:i,s:n,s:i}", "name", found.name, "major", found.major, "minor", found.minor,
      "total_memory", Py_ssize_t(found.totalGlobalMem), "multi_processor_count", found.multiProcessorCount,
      "warp_size", found.warpSize, "max_threads_per_multi_processor", found.maxThreadsPerMultiProcessor,
      "shared_memory_per_block", Py_ssize_t(found.sharedMemPerBlock), "L2_cache_size", found.l2CacheSize);
}

PyObject* memory(int index) {
  MemoryStats stats = memory_stats(index);
  return Py_BuildValue("{s:L,s:L,s:L,s:L}", "allocated_bytes.all.current", (long long)stats.allocated,
                       "allocated_bytes.all.peak", (long long)stats.peak, "reserved_bytes.all.current",
                       (long long)stats.reserved, "reserved_bytes.all.peak", (long long)stats.peak_reserved);
}

PyObject* free_and_total(int index) {
  DeviceScope scope(index);
  size_t free_bytes = 0, total = 0;
  check_status(cudaMemGetInfo(&free_bytes, &total), "mem_get_info");
  return Py_BuildValue("(nn)", Py_ssize_t(free_bytes), Py_ssize_t(total));
}

PyObject* count(PyObject*, PyObject*) { return PyLong_FromLong(device_count()); }
PyObject* current(PyObject*, PyObject*) {
  return guarded([] { return PyLong_FromLong(current_device()); });
}

PyMethodDef methods[] = {
    {"device_count", count, METH_NOARGS, nullptr},
    {"current_device", current, METH_NOARGS, nullptr},
    {"set_device", of_device<call<set_device>>, METH_O, nullptr},
    {"synchronize", of_device<call<synchronize>>, METH_O, nullptr},
    {"properties", of_device<properties>, METH_O, nullptr},
    {"memory_stats", of_device<memory>, METH_O, nullptr},
    {"mem_get_info", of_device<free_and_total>, METH_O, nullptr},
    {"reset_peak_memory_stats", of_device<call<reset_peak_memory_stats>>, METH_O, nullptr},
    {"empty_cache", of_device<call<empty_cache>>, METH_O, nullptr},
    {}};
PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_cuda", nullptr, 0, methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace
}  // namespace tt::cuda

PyMODINIT_FUNC PyInit__cuda() {
  using namespace tt;
  if (cuda::device_count() > 0)
    register_backend(DeviceType::CUDA, {.allocate = cuda::allocate,
                                        .free = cuda::release,
                                        .copy_bytes = cuda::copy_bytes,
                                        .synchronize = cuda::synchronize,
                                        .device_count = cuda::device_count,
                                        .current_device = cuda::current_device,
                                        .kernels = &cuda::kernels()});
  return PyModule_Create(&cuda::definition);
}
