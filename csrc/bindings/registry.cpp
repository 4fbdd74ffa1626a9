#include "bindings/registry.h"
#include "bindings/pybind.h"

#include <pybind11/eval.h>

#include <cstring>

#include <structmember.h>

#include "bindings/autocast.h"
#include "bindings/overrides.h"
#include "bindings/profile.h"

namespace tt {

// ---------------------------------------------------------------- signatures

namespace {

std::string trimmed(const std::string& s) {
  size_t first = s.find_first_not_of(" \n"), last = s.find_last_not_of(" \n");
  return first == std::string::npos ? "" : s.substr(first, last - first + 1);
}

PyObject* parse_default(const std::string& text) {
  if (text == "None") return Py_None;
  if (text == "True") return Py_True;
  if (text == "False") return Py_False;
  // A number, a string, a tuple, a constant of ours as torch.name; kept for good.
  py::dict scope;
  scope["torch"] = py::handle(constants);
  PyObject* value = py::eval(text, scope).release().ptr();
  return value;
}

std::vector<std::string> split_arguments(const std::string& text) {
  std::vector<std::string> parts;
  int depth = 0;
  std::string part;
  for (char c : text) {
    depth += (c == '(' || c == '[') - (c == ')' || c == ']');
    if (c == ',' && depth == 0) parts.push_back(trimmed(part)), part.clear();
    else part += c;
  }
  if (!trimmed(part).empty()) parts.push_back(trimmed(part));
  return parts;
}

Parameter parse_parameter(std::string text) {
  Parameter p{};
  if (text[0] == '*') {
    p.variadic = true;
    text = text.substr(1);
  }
  size_t equals = text.find('=');
  if (equals != std::string::npos) {
    p.fallback = parse_default(trimmed(text.substr(equals + 1)));
    text = trimmed(text.substr(0, equals));
  }
  size_t colon = text.find(':');
  if (colon != std::string::npos) {
    p.annotation = trimmed(text.substr(colon + 1));
    text = trimmed(text.substr(0, colon));
  }
  p.number = p.annotation.find("Number") != std::string::npos;
  p.name = PyUnicode_InternFromString(text.c_str());
  return p;
}

// `options` in a signature is short for the keywords of Argument<Options>.
std::string with_options(std::string text) {
  size_t at = text.find(", options");
  if (at == std::string::npos) return text;
  return text.replace(at, std::strlen(", options"),
                      ", *, dtype: dtype = None, layout: layout = torch.strided, "
                      "device: device = None, pin_memory: bool = False, requires_grad: bool = False");
}

Overload parse(const char* signature) {
  std::string text = with_options(signature);
  Overload overload{};
  overload.text = text;
  size_t open = text.find('(');
  overload.name = PyUnicode_AsUTF8(PyUnicode_InternFromString(text.substr(0, open).c_str()));
  bool keyword_only = false;
  for (const std::string& part : split_arguments(text.substr(open + 1, text.rfind(')') - open - 1))) {
    if (part == "*") {
      keyword_only = true;
      continue;
    }
    Parameter p = parse_parameter(part);
    p.keyword_only = keyword_only;
    if (!keyword_only) overload.positional++;
    overload.parameters.push_back(std::move(p));
  }
  return overload;
}

// ---------------------------------------------------------------- the call

// NumPy's spellings, and `self`, stand for PyTorch's.
const char* canonical(const char* name) {
  if (!std::strcmp(name, "axis")) return "dim";
  if (!std::strcmp(name, "keepdims")) return "keepdim";
  if (!std::strcmp(name, "self") || !std::strcmp(name, "x")) return "input";
  return name;
}

int find_parameter(const Overload& overload, PyObject* keyword) {
  int count = int(overload.parameters.size());
  for (int i = 0; i < count; i++)
    if (overload.parameters[i].name == keyword) return i;
  const char* name = PyUnicode_AsUTF8(keyword);
  for (int i = 0; i < count; i++)
    if (!std::strcmp(PyUnicode_AsUTF8(overload.parameters[i].name), name)) return i;
  name = canonical(name);
  for (int i = 0; i < count; i++)
    if (!std::strcmp(PyUnicode_AsUTF8(overload.parameters[i].name), name)) return i;
  return -1;
}

struct Values {
  PyObject* slots[max_parameters] = {};
  py::object gathered;  // the tuple that a variadic parameter's integers were put in
};

// Puts arguments in their slots. False, with the reason, when they do not fit.
bool fill(const Overload& overload, PyObject* const* args, Py_ssize_t count, PyObject* keywords,
          Values& values, std::string& reason) {
  int slot = 0;
  for (Py_ssize_t i = 0; i < count; i++) {
    if (slot >= overload.positional) {
      reason = text("takes ", overload.positional, " positional arguments but ", count, " were given");
      return false;
    }
    const Parameter& p = overload.parameters[slot];
    if (p.variadic && (is_integer(args[i]) || (p.annotation == "Tensor" && is_tensor(args[i])))) {
      py::tuple rest(count - i);
      for (Py_ssize_t k = i; k < count; k++) PyTuple_SET_ITEM(rest.ptr(), k - i, Py_NewRef(args[k]));
      values.gathered = rest;
      values.slots[slot] = rest.ptr();
      break;
    }
    values.slots[slot++] = args[i];
  }
  Py_ssize_t keyword_count = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  for (Py_ssize_t i = 0; i < keyword_count; i++) {
    PyObject* keyword = PyTuple_GET_ITEM(keywords, i);
    int at = find_parameter(overload, keyword);
    if (at < 0 || values.slots[at]) {
      reason = text(at < 0 ? "got an unexpected keyword argument '" : "got multiple values for argument '",
                    PyUnicode_AsUTF8(keyword), "'");
      return false;
    }
    values.slots[at] = args[count + i];
  }
  for (size_t i = 0; i < overload.parameters.size(); i++) {
    if (values.slots[i]) continue;
    const Parameter& p = overload.parameters[i];
    if (!p.fallback) {
      reason = text("missing required argument '", PyUnicode_AsUTF8(p.name), "'");
      return false;
    }
    values.slots[i] = p.fallback;
  }
  return true;
}

PyObject* deliver_result(const Overload& overload, PyObject* result, PyObject* out) {
  py::object owned = py::reinterpret_steal<py::object>(result);
  if (is_tensor(result)) {
    check_type(is_tensor(out), overload.name, "(): argument 'out' must be Tensor, not ",
               Py_TYPE(out)->tp_name);
    deliver(overload.name, tensor_of(result), Out{&tensor_of(out), false});
    return Py_NewRef(out);
  }
  std::vector<Tensor> targets = tensors_of(out), results = tensors_of(result);
  check_type(targets.size() == results.size(), overload.name, "(): expected ", results.size(),
             " out tensors, got ", targets.size());
  for (size_t i = 0; i < targets.size(); i++) deliver(overload.name, results[i], Out{&targets[i], false});
  return PySequence_Tuple(out);
}

PyObject* run(const Overload& overload, const Values& values) {
  PyObject* result = overload.invoke(values.slots, overload);
  PyObject* out = overload.out >= 0 ? values.slots[overload.out] : Py_None;
  if (out == Py_None || !result) {
    bool native =
        overload.parameters.size() && !std::strcmp(PyUnicode_AsUTF8(overload.parameters.back().name), "out");
    PyObject* target = native ? values.slots[overload.parameters.size() - 1] : Py_None;
    if (target && target != Py_None && overload.out < 0 && result) {
      Py_DECREF(result);
      return Py_NewRef(target);
    }
    return result;
  }
  return deliver_result(overload, result, out);
}

PyObject* named(const Op& op, PyObject* result) {
  if (!op.fields || !result || !PyTuple_CheckExact(result)) return result;
  PyObject* fields = PyStructSequence_New(op.fields);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(result); i++)
    PyStructSequence_SET_ITEM(fields, i, Py_NewRef(PyTuple_GET_ITEM(result, i)));
  Py_DECREF(result);
  return fields;
}

[[noreturn]] void no_overload(const Op& op, const std::string& reason) {
  if (op.overloads.size() == 1) fail(ErrorKind::Type, op.name, "() ", reason);
  std::string all;
  for (const Overload& overload : op.overloads) all += "\n  " + overload.text;
  fail(ErrorKind::Type, op.name, "() received an invalid combination of arguments (", reason,
       "), expected one of:", all);
}

// An error from an op inside another one gets the name of the one that was called.
std::string naming(const std::string& name, const Error& error) {
  if (error.kind == ErrorKind::Type && error.message.rfind("argument '", 0) == 0)
    return name + "(): " + error.message;
  std::string stem = name.substr(0, name.find_last_not_of('_') + 1);
  return error.message.find(stem) == std::string::npos ? name + ": " + error.message : error.message;
}

// What keeps the casts of mixed precision alive; an op that writes into out= has none.
std::vector<py::object> autocast(const Overload& overload, Values& values) {
  size_t count = overload.parameters.size();
  for (size_t i = 0; i < count; i++)
    if (!std::strcmp(PyUnicode_AsUTF8(overload.parameters[i].name), "out") && values.slots[i] != Py_None)
      return {};
  return autocast_arguments(overload.name, values.slots, count);
}

[[gnu::noinline, gnu::cold]] PyObject* run_profiled(const Op& op, const Overload& overload,
                                                    const Values& values) {
  OpEvent event(op.event, values.slots, overload.parameters.size());
  PyObject* result = named(op, run(overload, values));
  event.note_result(result);
  return result;
}

PyObject* call_op(const Op& op, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  std::string reason;
  for (const Overload& overload : op.overloads) {
    Values values;
    if (!fill(overload, args, count, keywords, values, reason)) continue;
    if (op.overloads.size() > 1 && !overload.accepts(values.slots, overload)) {
      if (reason.empty()) reason = "the types do not fit";
      continue;
    }
    std::vector<py::object> casts;
    try {
      if (autocast_active) [[unlikely]]
        casts = autocast(overload, values);
      if (profiling()) [[unlikely]]
        return run_profiled(op, overload, values);
      return named(op, run(overload, values));
    } catch (Error& error) {
      error.message = naming(op.name, error);
      throw;
    }
  }
  no_overload(op, reason);
}

// ---------------------------------------------------------------- the function objects

struct OpObject {
  PyObject_HEAD vectorcallfunc vectorcall;
  Op* op;
};

const Op& op_of(PyObject* function) { return *reinterpret_cast<OpObject*>(function)->op; }

PyObject* call(PyObject* function, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    auto ask = [&] {
      PyObject* result = overridden(function, args, count, keywords);
      if (!result && PyErr_Occurred()) throw_python_error();
      return result;
    };
    if (tensors_override) [[unlikely]]
      if (PyObject* result = ask()) return result;
    try {
      return call_op(op_of(function), args, count, keywords);
    } catch (const Error& error) {
      if (error.kind != ErrorKind::Type) throw;
      if (PyObject* result = ask()) return result;
      throw;
    }
  });
}

PyObject* call_function(PyObject* self, PyObject* const* args, size_t flags, PyObject* keywords) {
  return call(self, args, PyVectorcall_NARGS(flags), keywords);
}

PyObject* call_method(PyObject* self, PyObject* const* args, size_t flags, PyObject* keywords) {
  Py_ssize_t count = PyVectorcall_NARGS(flags);
  if (count == 0 || !is_tensor(args[0])) {
    PyErr_Format(PyExc_TypeError, "descriptor '%s' for 'Tensor' objects needs a Tensor",
                 op_of(self).name.c_str());
    return nullptr;
  }
  return call(self, args, count, keywords);
}

PyObject* bind_method(PyObject* self, PyObject* instance, PyObject*) {
  return instance ? PyMethod_New(self, instance) : Py_NewRef(self);
}

PyObject* get_doc(PyObject* self, void*) {
  const Op& op = op_of(self);
  std::string text;
  for (const Overload& overload : op.overloads) text += overload.text + "\n";
  text += "\n" + op.doc;
  return PyUnicode_FromString(text.c_str());
}
PyObject* get_name(PyObject* self, void*) { return PyUnicode_FromString(op_of(self).name.c_str()); }
PyObject* get_module(PyObject*, void*) { return PyUnicode_FromString("tinytensor"); }
PyObject* represent(PyObject* self) {
  return PyUnicode_FromFormat("<built-in method %s>", op_of(self).name.c_str());
}
PyObject* reduce(PyObject* self, PyObject*) { return get_name(self, nullptr); }

PyGetSetDef op_getset[] = {{"__doc__", get_doc, nullptr, nullptr, nullptr},
                           {"__name__", get_name, nullptr, nullptr, nullptr},
                           {"__qualname__", get_name, nullptr, nullptr, nullptr},
                           {"__module__", get_module, nullptr, nullptr, nullptr},
                           {}};
PyMethodDef op_methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr}, {}};
PyMemberDef op_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(OpObject, vectorcall), READONLY, nullptr}, {}};

PyTypeObject* make_op_type(const char* name, bool is_method) {
  std::vector<PyType_Slot> slots = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                                    {Py_tp_getset, op_getset},
                                    {Py_tp_methods, op_methods},
                                    {Py_tp_members, op_members},
                                    {Py_tp_repr, reinterpret_cast<void*>(represent)}};
  if (is_method) slots.push_back({Py_tp_descr_get, reinterpret_cast<void*>(bind_method)});
  slots.push_back({0, nullptr});
  unsigned flags =
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | (is_method ? Py_TPFLAGS_METHOD_DESCRIPTOR : 0);
  PyType_Spec spec{name, sizeof(OpObject), 0, flags, slots.data()};
  return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
}

py::object op_object(const char* name, bool is_method) {
  static PyTypeObject* function_type = make_op_type("tinytensor._C.OpFunction", false);
  static PyTypeObject* method_type = make_op_type("tinytensor._C.OpMethod", true);
  auto* object = PyObject_New(OpObject, is_method ? method_type : function_type);
  object->vectorcall = is_method ? call_method : call_function;
  object->op = new Op{name, "", {}, nullptr, event_name(name)};
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(object));
}

// The op of this name where it is defined already, else a new one.
Op& find_or_make(PyObject* owner, const char* name, bool is_method) {
  py::object own = py::reinterpret_borrow<py::object>(
      is_method ? reinterpret_cast<PyTypeObject*>(owner)->tp_dict : PyModule_GetDict(owner));
  py::object found = py::reinterpret_borrow<py::object>(PyDict_GetItemString(own.ptr(), name));
  if (!found) {
    found = op_object(name, is_method);
    PyObject_SetAttrString(owner, name, found.ptr());
  }
  return *reinterpret_cast<OpObject*>(found.ptr())->op;
}

// One field a line, as tensors take several.
PyObject* represent_fields(PyObject* self) {
  return guarded([&] {
    auto fields = py::handle(self).attr("__match_args__").cast<py::tuple>();
    std::string text = std::string(Py_TYPE(self)->tp_name) + "(";
    for (size_t i = 0; i < fields.size(); i++)
      text += (i ? ",\n" : "\n") + py::str(fields[i]).cast<std::string>() + "=" +
              py::repr(PyTuple_GET_ITEM(self, Py_ssize_t(i))).cast<std::string>();
    return PyUnicode_FromString((text + ")").c_str());
  });
}

PyTypeObject* named_tuple(const char* name, const char* fields) {
  auto* names = new std::vector<std::string>(split_arguments(fields));  // the type keeps pointers to them
  auto* members = new std::vector<PyStructSequence_Field>;
  for (const std::string& field : *names) members->push_back({field.c_str(), nullptr});
  members->push_back({nullptr, nullptr});
  auto* type_name = new std::string(std::string("torch.return_types.") + name);
  PyStructSequence_Desc description{type_name->c_str(), nullptr, members->data(), int(names->size())};
  PyTypeObject* type = PyStructSequence_NewType(&description);
  type->tp_repr = represent_fields;
  return type;
}

}  // namespace

PyObject* to_python(const Scalar& value) { return py::cast(value).release().ptr(); }

Registry::Registry(PyObject* module, PyTypeObject* tensor) : module_(module), tensor_(tensor) {
  constants = module;
}

void Registry::add(const char* signature, int forms, const char* doc, const char* fields, Accepts accepts,
                   Invoke invoke, size_t count) {
  Overload overload = parse(signature);
  overload.accepts = accepts;
  overload.invoke = invoke;
  if (overload.parameters.size() == count + 1) overload.out = int(count);
  else if (overload.parameters.size() != count) {
    PyErr_Format(PyExc_SystemError, "the signature %s does not fit its function of %zu parameters", signature,
                 count);
    throw py::error_already_set();
  }
  PyTypeObject* type = nullptr;
  for (int form : {function, method}) {
    if (!(forms & form)) continue;
    PyObject* owner = form == method ? reinterpret_cast<PyObject*>(tensor_) : module_;
    Op& op = find_or_make(owner, overload.name, form == method);
    if (op.doc.empty()) op.doc = doc;
    if (fields && !type) type = named_tuple(overload.name, fields);
    if (fields) op.fields = type;
    op.overloads.push_back(overload);
  }
}

void Registry::add_inplace(const char* signature, int forms, const char* doc, Accepts accepts,
                           Invoke invoke) {
  std::string text = signature;
  text.insert(text.find('('), "_");
  Overload overload = parse(text.c_str());
  overload.accepts = accepts;
  overload.invoke = invoke;
  // The tensor itself is the destination: the slot of out= stays, for the call's layout, under a name nobody
  // can pass.
  if (!std::strcmp(PyUnicode_AsUTF8(overload.parameters.back().name), "out")) {
    overload.parameters.back().name = PyUnicode_InternFromString(" ");
    size_t out = overload.text.find(", *, out=None");
    if (out != std::string::npos) overload.text.erase(out, 13);
    else if ((out = overload.text.find(", out=None")) != std::string::npos) overload.text.erase(out, 10);
  }
  for (bool as_function : {false, true}) {
    bool wanted = as_function ? forms & inplace_function : (forms & method) || !(forms & inplace_function);
    if (!wanted) continue;
    Op& op = find_or_make(as_function ? module_ : reinterpret_cast<PyObject*>(tensor_), overload.name,
                          !as_function);
    if (op.doc.empty()) op.doc = doc;
    op.overloads.push_back(overload);
  }
}

void Registry::leave_out(const char* signature, int forms) {
  std::string name(signature, std::strchr(signature, '('));
  if (forms & function) unlisted_.insert(name);
  if (forms & inplace_function) unlisted_.insert(name + "_");
}

void Registry::list_names() {
  py::list names;
  for (auto [name, value] : py::reinterpret_borrow<py::dict>(PyModule_GetDict(module_))) {
    auto text = name.cast<std::string>();
    if (!text.starts_with("_") && !unlisted_.contains(text)) names.append(name);
  }
  py::setattr(module_, "__all__", names);
}

}  // namespace tt
