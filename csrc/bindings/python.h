// The Python side of a Tensor, and the way between Python objects and the types that ops take.
#pragma once
#include <pybind11/pytypes.h>

#include "core/format.h"
#include "ops/ops.h"

namespace tt {

namespace py = pybind11;

// ---- the Tensor object: a heap type of our own, because a slot call on it costs a tenth of a pybind11
// operator
struct PyTensor {
  PyObject_HEAD Tensor tensor;  // holds the body unless the body owns this object
  PyObject* dict;
  PyObject* weak_references;
};

extern PyTypeObject* tensor_type;

inline bool is_tensor(PyObject* object) {
  return Py_TYPE(object) == tensor_type || PyType_IsSubtype(Py_TYPE(object), tensor_type);
}
inline const Tensor& tensor_of(PyObject* object) { return reinterpret_cast<PyTensor*>(object)->tensor; }
PyObject* wrap(const Tensor& x);                         // a new reference; None for an undefined tensor
PyObject* wrap_as(const Tensor& x, PyTypeObject* type);  // the Python object of a body that has none yet

py::object node_object(const Ref<Node>& node);  // None for a null node

// ---- singletons and small types
PyObject* dtype_object(DType type);  // borrowed
bool is_dtype(PyObject* object);
DType dtype_of(PyObject* object);  // also Python's bool, int and float
PyObject* size_object(const Shape& sizes);
bool is_format(PyObject* object);  // torch.contiguous_format and its like
MemoryFormat format_of(PyObject* object);
Device device_of(PyObject* object);  // a device, a string or an index

void raise_python(const Error& error);   // sets the Python exception
[[noreturn]] void throw_python_error();  // Python's error indicator is set: it becomes a C++ exception
PyObject* raise_current();  // the same for the C++ exception being handled, whatever it is; returns null

// Runs body, turning C++ exceptions into Python's.
template <class Body>
PyObject* guarded(Body&& body) {
  try {
    return body();
  } catch (...) {
    return raise_current();
  }
}

// ---- arguments
bool is_number(PyObject* object);  // bool, int, float, and NumPy's scalars
Scalar scalar_of(PyObject* object);
int64_t integer_of(PyObject* object);  // anything with __index__
bool is_integer(PyObject* object);
bool is_integer_list(PyObject* object);  // a tuple or list of integers
Shape shape_of(PyObject* object);        // an integer or a list of them
std::vector<Tensor> tensors_of(PyObject* object);
Tensor operand_from(PyObject* object);  // a tensor, or a number wrapped in one

// ---- data
Tensor tensor_from_data(PyObject* data, std::optional<DType> dtype, Device device, bool copy);
Tensor from_numpy(PyObject* array);
DType dtype_of_numpy(const py::object& dtype);
Tensor from_array(PyObject* array);  // anything with the buffer protocol or __array__

// ---- indexing
PyObject* get_item(PyObject* self, PyObject* key);
int set_item(PyObject* self, PyObject* key, PyObject* value);

class Registry;
std::vector<PyType_Slot> operator_slots();

}  // namespace tt
