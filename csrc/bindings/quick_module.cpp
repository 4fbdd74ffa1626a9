// nn.Module is written in Python; its two hottest methods also stand here. A class that keeps Module's
// __getattr__ and __call__ gets these functions in their slots: same results, without a Python frame for
// `self.weight` or `layer(x)`.
#include "bindings/pybind.h"
#include "bindings/registry.h"
#include "core/profile.h"

namespace tt {
namespace {

// The names that slots look up, interned once.
struct Names {
  PyObject* own[3];
  PyObject *hooked, *call_with_hooks, *forward, *getattr, *getattribute, *call;
  Names() {
    own[0] = PyUnicode_InternFromString("_parameters");
    own[1] = PyUnicode_InternFromString("_modules");
    own[2] = PyUnicode_InternFromString("_buffers");
    hooked = PyUnicode_InternFromString("_hooked");
    call_with_hooks = PyUnicode_InternFromString("_call_with_hooks");
    forward = PyUnicode_InternFromString("forward");
    getattr = PyUnicode_InternFromString("__getattr__");
    getattribute = PyUnicode_InternFromString("__getattribute__");
    call = PyUnicode_InternFromString("__call__");
  }
};

const Names& names() {
  static const Names* all = new Names;
  return *all;
}

// An attribute of the instance alone, then an entry of _parameters, _modules or _buffers. Borrowed; null if
// there is none.
PyObject* find_in_instance(PyObject* attributes, PyObject* name) {
  if (PyObject* found = PyDict_GetItemWithError(attributes, name)) return found;
  for (PyObject* kind : names().own) {
    PyObject* members = PyDict_GetItemWithError(attributes, kind);
    if (!members || !PyDict_Check(members)) continue;
    if (PyObject* found = PyDict_GetItemWithError(members, name)) return found;
  }
  return nullptr;
}

PyObject* get_attribute(PyObject* self, PyObject* name) {
  if (!_PyType_Lookup(Py_TYPE(self), name)) {
    PyObject* attributes = PyObject_GenericGetDict(self, nullptr);
    if (!attributes) return nullptr;
    PyObject* found = find_in_instance(attributes, name);
    Py_XINCREF(found);
    Py_DECREF(attributes);
    if (found || PyErr_Occurred()) return found;
  }
  return PyObject_GenericGetAttr(self, name);
}

PyObject* call_plain(PyObject* self, PyObject* args, PyObject* kwargs) {
  PyObject* hooked = PyObject_GetAttr(self, names().hooked);
  if (!hooked) return nullptr;
  int is_hooked = PyObject_IsTrue(hooked);
  Py_DECREF(hooked);
  if (is_hooked < 0) return nullptr;
  if (is_hooked) {
    PyObject* keywords = kwargs ? Py_NewRef(kwargs) : PyDict_New();
    if (!keywords) return nullptr;
    PyObject* result = PyObject_CallMethodObjArgs(self, names().call_with_hooks, args, keywords, nullptr);
    Py_DECREF(keywords);
    return result;
  }
  PyObject* forward = PyObject_GetAttr(self, names().forward);
  if (!forward) return nullptr;
  PyObject* result = PyObject_Call(forward, args, kwargs);
  Py_DECREF(forward);
  return result;
}

PyObject* call_profiled(PyObject* self, PyObject* args, PyObject* kwargs) {
  OpenEvent event = open_range(EventKind::Module, Py_TYPE(self)->tp_name);
  PyObject* result = call_plain(self, args, kwargs);
  close_event(event);
  return result;
}

PyObject* call(PyObject* self, PyObject* args, PyObject* kwargs) {
  if (profiling() && profile_options().modules) [[unlikely]]
    return call_profiled(self, args, kwargs);
  return call_plain(self, args, kwargs);
}

// Gives a class the slots, unless it has methods of its own in their place.
void quicken(py::handle cls, py::handle getattr, py::handle call_method) {
  auto* type = reinterpret_cast<PyTypeObject*>(cls.ptr());
  PyObject* plain = _PyType_Lookup(&PyBaseObject_Type, names().getattribute);
  bool reads_as_module = _PyType_Lookup(type, names().getattr) == getattr.ptr() &&
                         _PyType_Lookup(type, names().getattribute) == plain;
  if (reads_as_module) type->tp_getattro = get_attribute;
  if (_PyType_Lookup(type, names().call) == call_method.ptr()) type->tp_call = call;
  PyType_Modified(type);
}

}  // namespace

void define_quick_module(py::module_& module) {
  module.def("_quicken", quicken, py::arg("cls"), py::arg("getattr"), py::arg("call"));
}

}  // namespace tt
