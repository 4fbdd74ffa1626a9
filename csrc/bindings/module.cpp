#include "bindings/registry.h"

namespace tt {

void bind_arithmetic(Registry& registry);

}  // namespace tt

PYBIND11_MODULE(_C, module) {
  using namespace tt;
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const Error& error) {
      raise_python(error);
    }
  });
  define_types(module);
  define_tensor_type(module);
  define_arrays(module);
  define_autograd(module);
  Registry registry(module.ptr(), tensor_type);
  bind_arithmetic(registry);
}
