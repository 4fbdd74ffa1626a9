#include "bindings/autocast.h"
#include "bindings/pybind.h"
#include "bindings/registry.h"

namespace tt {

void define_storage(py::module_& module);
void define_sharing(py::module_& module);
void define_quick_module(py::module_& module);
void define_profile(py::module_& module);
void bind_arithmetic(Registry& registry);
void bind_unary(Registry& registry);
void bind_autograd(Registry& registry);
void bind_activation(Registry& registry);
void bind_index(Registry& registry);
void bind_reduce(Registry& registry);
void bind_sort(Registry& registry);
void bind_matmul(Registry& registry);
void bind_convolution(Registry& registry);
void bind_loss(Registry& registry);
void bind_normalize(Registry& registry);
void bind_pooling(Registry& registry);
void bind_create(Registry& registry);
void bind_random(Registry& registry);
void bind_distributions(Registry& registry);
void bind_attention(Registry& registry);
void bind_recurrent(Registry& registry);
void bind_view(Registry& registry);
void bind_pictures(Registry& registry);
void bind_vision(Registry& registry);
void bind_optimizer(Registry& registry);

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
  define_dlpack(module);
  define_storage(module);
  define_sharing(module);
  define_quick_module(module);
  define_autograd(module);
  define_autocast(module);
  define_runtime(module);
  define_profile(module);
  define_random(module);
  define_overrides(module);
  Registry registry(module.ptr(), tensor_type);
  bind_arithmetic(registry);
  bind_unary(registry);
  bind_autograd(registry);
  bind_activation(registry);
  bind_index(registry);
  bind_reduce(registry);
  bind_sort(registry);
  bind_matmul(registry);
  bind_convolution(registry);
  bind_loss(registry);
  bind_normalize(registry);
  bind_pooling(registry);
  bind_create(registry);
  bind_random(registry);
  bind_distributions(registry);
  bind_attention(registry);
  bind_recurrent(registry);
  bind_view(registry);
  bind_pictures(registry);
  bind_vision(registry);
  bind_optimizer(registry);
  registry.list_names();
}
