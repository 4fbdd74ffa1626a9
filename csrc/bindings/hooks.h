// The hooks of a tensor as Python's garbage collector sees them: a hook often refers to its own tensor.
#pragma once
#include "bindings/python.h"

namespace tt {

int visit_hooks(const Tensor& x, visitproc visit, void* argument);
void clear_hooks(const Tensor& x);

}  // namespace tt
