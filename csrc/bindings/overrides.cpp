#include "bindings/overrides.h"

#include <vector>

#include "bindings/pybind.h"

namespace tt {

bool tensors_override = false;

namespace {

thread_local int switched_off = 0;  // depth of the blocks that want ops to be only themselves

PyObject* name() {
  static PyObject* interned = PyUnicode_InternFromString("__torch_function__");
  return interned;
}

PyObject*
    no_override;  // what a class sets __torch_function__ to if its objects are to pass for plain tensors

bool has_say(PyTypeObject* type) {
  PyObject* function = _PyType_Lookup(type, name());
  return function && function != no_override;
}

// Ops inside the block take their arguments for plain tensors.
struct Disabled {
  void enter() { switched_off++; }
  void exit(py::args) { switched_off--; }
};

// The arguments that take part, one of a type, subclasses before their bases.
struct Overrides {
  std::vector<PyObject*> arguments;

  void look_at(PyObject* o) {
    PyTypeObject* type = Py_TYPE(o);
    if (type == tensor_type || type == &PyLong_Type || type == &PyFloat_Type || o == Py_None) return;
    if (type == &PyTuple_Type || type == &PyList_Type) {
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); i++) {
        PyObject* item = PySequence_Fast_GET_ITEM(o, i);
        if (Py_TYPE(item) != &PyTuple_Type && Py_TYPE(item) != &PyList_Type) look_at(item);
      }
      return;
    }
    if (!has_say(type)) return;
    size_t place = arguments.size();
    for (size_t i = arguments.size(); i-- > 0;) {
      if (Py_TYPE(arguments[i]) == type) return;
      if (PyType_IsSubtype(type, Py_TYPE(arguments[i]))) place = i;
    }
    arguments.insert(arguments.begin() + long(place), o);
  }
};

PyObject* dict_of(PyObject* const* values, PyObject* keywords) {
  PyObject* dict = PyDict_New();
  for (Py_ssize_t i = 0; keywords && i < PyTuple_GET_SIZE(keywords); i++)
    PyDict_SetItem(dict, PyTuple_GET_ITEM(keywords, i), values[i]);
  return dict;
}

py::tuple tuple_of(PyObject* const* values, Py_ssize_t count) {
  py::tuple tuple(count);
  for (Py_ssize_t i = 0; i < count; i++) PyTuple_SET_ITEM(tuple.ptr(), i, Py_NewRef(values[i]));
  return tuple;
}

PyObject* ask(const Overrides& overrides, PyObject* function, const py::tuple& args,
              const py::object& kwargs) {
  py::tuple types(overrides.arguments.size());
  for (size_t i = 0; i < types.size(); i++)
    types[i] = py::handle(reinterpret_cast<PyObject*>(Py_TYPE(overrides.arguments[i])));
  for (PyObject* argument : overrides.arguments) {
    py::object method = py::getattr(argument, name());
    py::object result = method(py::handle(function), types, args, kwargs);
    if (result.ptr() != Py_NotImplemented) return result.release().ptr();
  }
  fail(ErrorKind::Type, "no implementation found for '",
       std::string(py::str(py::handle(function).attr("__name__"))),
       "' on types that implement __torch_function__: ", std::string(py::str(types)));
}

}  // namespace

PyObject* overridden(PyObject* function, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  if (switched_off) return nullptr;
  Overrides overrides;
  Py_ssize_t all = count + (keywords ? PyTuple_GET_SIZE(keywords) : 0);
  for (Py_ssize_t i = 0; i < all; i++) overrides.look_at(args[i]);
  if (overrides.arguments.empty()) return nullptr;
  return guarded([&] {
    py::object kwargs = py::reinterpret_steal<py::object>(dict_of(args + count, keywords));
    return ask(overrides, function, tuple_of(args, count), kwargs);
  });
}

bool yields(PyObject* a, PyObject* b) {
  auto say = [](PyObject* o) { return Py_TYPE(o) != tensor_type && is_tensor(o) && has_say(Py_TYPE(o)); };
  return !switched_off && say(b) && !say(a);
}

void define_overrides(py::module_& module) {
  module.def("_disabled_torch_function_impl",
             [](py::args, py::kwargs) { return py::handle(Py_NotImplemented); });
  no_override = py::object(module.attr("_disabled_torch_function_impl")).release().ptr();
  module.def("_tensors_override", [] { tensors_override = true; });
  module.def("_overrides", [](py::handle o) {
    return !switched_off && Py_TYPE(o.ptr()) != tensor_type && has_say(Py_TYPE(o.ptr()));
  });
  py::class_<Disabled>(module, "DisableTorchFunctionSubclass",
                       "Inside the block, ops take their arguments for plain tensors.")
      .def(py::init())
      .def("__enter__", &Disabled::enter)
      .def("__exit__", &Disabled::exit);
  module.def(
      "_overridden",
      [](py::handle function, py::tuple relevant, py::tuple args, py::dict kwargs) {
        Overrides overrides;
        if (!switched_off) overrides.look_at(relevant.ptr());
        if (overrides.arguments.empty()) return py::object(function(*args, **kwargs));
        return py::reinterpret_steal<py::object>(ask(overrides, function.ptr(), args, kwargs));
      },
      py::arg("function"), py::arg("relevant"), py::arg("args"), py::arg("kwargs"),
      "What the overrides of the relevant arguments make of function(*args, **kwargs); without one, the call "
      "itself.");
}

}  // namespace tt
