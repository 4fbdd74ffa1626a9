// x[...]: from a Python key to views and index ops.
#include "bindings/python.h"

namespace tt {

PyObject* get_item(PyObject* self, PyObject* key) {
  return guarded([&] { return wrap(select(tensor_of(self), 0, integer_of(key))); });
}

int set_item(PyObject* self, PyObject* key, PyObject* value) {
  PyErr_SetString(PyExc_NotImplementedError, "x[...] = y");
  return -1;
}

}  // namespace tt
