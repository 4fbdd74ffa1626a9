// __torch_function__: the say that a type has in what ops do with its objects. A type of no kin to Tensor is
// asked where an op cannot take it; a subclass of Tensor before the op runs.
#pragma once
#include <Python.h>

namespace tt {

extern bool
    tensors_override;  // a subclass of Tensor with a __torch_function__ exists: arguments are looked at

// What the first override among the arguments returns for `function`. Null without a Python error: there is
// none.
PyObject* overridden(PyObject* function, PyObject* const* args, Py_ssize_t count, PyObject* keywords);

// Whether a leaves an operator to b, because only b's class is a subclass of Tensor with a say.
bool yields(PyObject* a, PyObject* b);

}  // namespace tt
