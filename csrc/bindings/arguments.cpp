// From Python objects to the arguments of ops.
#include "bindings/pybind.h"
#include "bindings/registry.h"

#include <cstring>

namespace tt {

namespace {

[[noreturn]] void wrong_type(PyObject* o, const Parameter& p, const char* wanted) {
  fail(ErrorKind::Type, "argument '", PyUnicode_AsUTF8(p.name), "' must be ", wanted, ", not ",
       Py_TYPE(o)->tp_name);
}

}  // namespace

PyObject* constants;

Tensor Argument<Tensor>::get(PyObject* o, const Parameter& p) {
  if (is_tensor(o)) return tensor_of(o);
  if (p.number && is_number(o)) return wrapped_number(scalar_of(o));
  wrong_type(o, p, p.number ? "Tensor or Number" : "Tensor");
}

bool Argument<bool>::get(PyObject* o, const Parameter& p) {
  if (o == Py_True) return true;
  if (o == Py_False) return false;
  if (is_integer(o)) return integer_of(o) != 0;
  wrong_type(o, p, "bool");
}

int64_t Argument<int64_t>::get(PyObject* o, const Parameter& p) {
  if (!is_integer(o)) wrong_type(o, p, "int");
  return integer_of(o);
}

double Argument<double>::get(PyObject* o, const Parameter& p) {
  if (!is_number(o)) wrong_type(o, p, "float");
  return scalar_of(o).to<double>();
}

Scalar Argument<Scalar>::get(PyObject* o, const Parameter& p) {
  if (is_number(o)) return scalar_of(o);
  if (is_tensor(o) && tensor_of(o).rank() == 0) return item(tensor_of(o));
  wrong_type(o, p, "Number");
}

Shape Argument<Shape>::get(PyObject* o, const Parameter& p) {
  if (!is_integer(o) && !is_integer_list(o)) wrong_type(o, p, "tuple of ints");
  try {
    return shape_of(o);
  } catch (Error& error) {
    if (error.message.rfind("Overflow", 0) != 0) throw;
    fail(ErrorKind::Type, "argument '", PyUnicode_AsUTF8(p.name), "' does not fit: ", error.message);
  }
}

DType Argument<DType>::get(PyObject* o, const Parameter& p) {
  if (!is_dtype(o)) wrong_type(o, p, "torch.dtype");
  return dtype_of(o);
}

MemoryFormat Argument<MemoryFormat>::get(PyObject* o, const Parameter& p) {
  if (!is_format(o)) wrong_type(o, p, "torch.memory_format");
  return format_of(o);
}

std::shared_ptr<Generator> Argument<std::shared_ptr<Generator>>::get(PyObject* o, const Parameter& p) {
  if (o == Py_None) return default_generator();
  if (!py::isinstance<Generator>(o)) wrong_type(o, p, "torch.Generator");
  return py::cast<std::shared_ptr<Generator>>(py::handle(o));
}

static bool flag_of(PyObject* o, const Parameter& p) {
  if (o != Py_True && o != Py_False && o != Py_None) wrong_type(o, p, "bool");
  return o == Py_True;
}

Options Argument<Options>::get(PyObject* const& first, const Parameter& p) {
  PyObject* const* values = &first;
  const Parameter* parameters = &p;
  Options options;
  options.dtype = Argument<std::optional<DType>>::get(values[0], parameters[0]);
  static PyObject* strided = PyObject_GetAttrString(constants, "strided");
  if (values[1] != Py_None && values[1] != strided) wrong_type(values[1], parameters[1], "torch.strided");
  if (values[2] != Py_None) options.device = device_of(values[2]);
  check(!flag_of(values[3], parameters[3]),
        "pin_memory=True: no pinned memory allocator is available on this system");
  flag_of(values[requires_grad], parameters[requires_grad]);
  return options;
}

void require_grad(PyObject* result) {
  const Tensor& x = tensor_of(result);
  if (!x.is_floating()) {
    Py_DECREF(result);
    fail(ErrorKind::Runtime,
         "requires_grad=True: only tensors of floating point dtype can require gradients");
  }
  x.body()->requires_grad = true;
}

std::string Argument<std::string>::get(PyObject* o, const Parameter& p) {
  if (!PyUnicode_Check(o)) wrong_type(o, p, "str");
  return PyUnicode_AsUTF8(o);
}

bool Argument<std::vector<Tensor>>::accepts(PyObject* o, const Parameter&) {
  return PyTuple_Check(o) || PyList_Check(o);
}
std::vector<Tensor> Argument<std::vector<Tensor>>::get(PyObject* o, const Parameter& p) {
  if (!PyTuple_Check(o) && !PyList_Check(o)) wrong_type(o, p, "tuple of Tensors");
  return tensors_of(o);
}

Out Argument<Out>::get(PyObject* o, const Parameter& p) {
  if (o == Py_None) return {};
  if (!is_tensor(o)) wrong_type(o, p, "Tensor");
  return {&tensor_of(o), false};
}

PyObject* to_python(const std::vector<Tensor>& tensors) {
  PyObject* tuple = PyTuple_New(Py_ssize_t(tensors.size()));
  for (size_t i = 0; i < tensors.size(); i++) PyTuple_SET_ITEM(tuple, Py_ssize_t(i), wrap(tensors[i]));
  return tuple;
}

}  // namespace tt
