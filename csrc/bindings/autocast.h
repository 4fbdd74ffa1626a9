// Mixed precision: while autocast is on for a device, ops named in its lists get their arguments cast.
#pragma once
#include <vector>

#include "bindings/pybind.h"

namespace tt {

struct AutocastMode {
  bool enabled = false;
  DType dtype;
};
inline thread_local AutocastMode autocast_cpu{false, DType::BFloat16}, autocast_cuda{false, DType::Float16};
inline thread_local bool autocast_active = false;  // on either device

// Puts casts in the place of tensors, and of lists of them; who calls keeps the result as long as the slots
// are used.
std::vector<py::object> autocast_arguments(const char* op, PyObject** slots, size_t count);

void define_autocast(py::module_& module);

}  // namespace tt
