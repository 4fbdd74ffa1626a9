// The whole of pybind11, for files that define classes and functions by it. It costs seconds in every file
// that includes it, and the lines that bind ops do without.
#pragma once
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/python.h"

namespace tt {

void define_tensor_type(py::module_& module);
void define_types(py::module_& module);
void define_autograd(py::module_& module);
void define_arrays(py::module_& module);
void define_dlpack(py::module_& module);
void define_runtime(py::module_& module);
void define_random(py::module_& module);
void define_overrides(py::module_& module);

}  // namespace tt

namespace pybind11::detail {

template <>
struct type_caster<tt::Tensor> {
  PYBIND11_TYPE_CASTER(tt::Tensor, const_name("Tensor"));
  bool load(handle source, bool) {
    if (source.is_none()) return true;
    if (!tt::is_tensor(source.ptr())) return false;
    value = tt::tensor_of(source.ptr());
    return true;
  }
  static handle cast(const tt::Tensor& x, return_value_policy, handle) { return tt::wrap(x); }
};

template <>
struct type_caster<tt::Shape> {
  PYBIND11_TYPE_CASTER(tt::Shape, const_name("tuple[int, ...]"));
  bool load(handle source, bool) {
    if (!tt::is_integer(source.ptr()) && !tt::is_integer_list(source.ptr())) return false;
    value = tt::shape_of(source.ptr());
    return true;
  }
  static handle cast(const tt::Shape& shape, return_value_policy, handle) { return tt::size_object(shape); }
};

template <>
struct type_caster<tt::DType> {
  PYBIND11_TYPE_CASTER(tt::DType, const_name("dtype"));
  bool load(handle source, bool) {
    if (!tt::is_dtype(source.ptr())) return false;
    value = tt::dtype_of(source.ptr());
    return true;
  }
  static handle cast(tt::DType type, return_value_policy, handle) {
    return Py_NewRef(tt::dtype_object(type));
  }
};

template <>
struct type_caster<tt::Scalar> {
  PYBIND11_TYPE_CASTER(tt::Scalar, const_name("float"));
  bool load(handle source, bool) {
    if (!tt::is_number(source.ptr())) return false;
    value = tt::scalar_of(source.ptr());
    return true;
  }
  static handle cast(const tt::Scalar& value, return_value_policy, handle) {
    if (value.dtype == tt::DType::Bool) return PyBool_FromLong(value.integer);
    return value.is_real() ? PyFloat_FromDouble(value.real) : PyLong_FromLongLong(value.integer);
  }
};

}  // namespace pybind11::detail
