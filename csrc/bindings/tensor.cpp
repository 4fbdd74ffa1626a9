// The Tensor type: its life, its attributes.
#include "bindings/hooks.h"
#include "bindings/pybind.h"

#include <structmember.h>

#include "engine/backward.h"

namespace tt {

PyTypeObject* tensor_type = nullptr;

namespace {

// ---------------------------------------------------------------- life

PyTensor* cast(PyObject* object) { return reinterpret_cast<PyTensor*>(object); }

PyObject* allocate(PyTypeObject* type, const Tensor& x) {
  PyObject* object = type->tp_alloc(type, 0);
  if (!object) return nullptr;
  new (&cast(object)->tensor) Tensor(x);
  x.body()->python = object;
  return object;
}

// Somebody in C++ still holds the body, and the object has something to lose (a subclass, attributes, weak
// references): from now on the body owns the object, which waits to be handed out again.
bool survives(PyObject* self) {
  PyTensor* object = cast(self);
  if (!object->tensor.defined() || object->tensor.unique()) return false;
  if (Py_TYPE(self) == tensor_type && !object->dict && !object->weak_references) return false;
  Py_INCREF(self);
  object->tensor.body()->python_owned = true;
  object->tensor = Tensor();
  return true;
}

void deallocate(PyObject* self) {
  if (survives(self)) return;
  PyTypeObject* type = Py_TYPE(self);
  if (type->tp_finalize && PyObject_CallFinalizerFromDealloc(self) < 0) return;
  PyObject_GC_UnTrack(self);
  PyTensor* object = cast(self);
  if (object->weak_references) PyObject_ClearWeakRefs(self);
  Py_CLEAR(object->dict);
  if (object->tensor.defined()) object->tensor.body()->python = nullptr;
  object->tensor.~Tensor();
  type->tp_free(self);
  Py_DECREF(type);
}

// Nobody in C++ could still run the hooks of this tensor.
bool owns_hooks(PyObject* self) { return cast(self)->tensor.defined() && cast(self)->tensor.unique(); }

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(cast(self)->dict);
  Py_VISIT(Py_TYPE(self));
  return owns_hooks(self) ? visit_hooks(cast(self)->tensor, visit, arg) : 0;
}

int clear(PyObject* self) {
  Py_CLEAR(cast(self)->dict);
  if (owns_hooks(self)) clear_hooks(cast(self)->tensor);
  return 0;
}

// A body that owned its Python object is gone.
void release_python_object(void* object) {
  PyGILState_STATE state = PyGILState_Ensure();
  Py_DECREF(static_cast<PyObject*>(object));
  PyGILState_Release(state);
}

// Subclasses made in Python must end the way Tensor does, or they would lose their attributes before
// `survives`.
int init_subclass(PyObject* cls, PyObject* args, PyObject* kwargs) {
  if (PyType_Type.tp_init(cls, args, kwargs) < 0) return -1;
  reinterpret_cast<PyTypeObject*>(cls)->tp_dealloc = deallocate;
  return 0;
}

PyTypeObject* make_metaclass() {
  PyType_Slot slots[] = {
      {Py_tp_base, &PyType_Type}, {Py_tp_init, reinterpret_cast<void*>(init_subclass)}, {0, nullptr}};
  PyType_Spec spec{"tinytensor._C.TensorMeta", int(PyType_Type.tp_basicsize), 0,
                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
}

// Tensor(), Tensor(2, 3), Tensor([1, 2]): the legacy constructor, always of the default type.
PyObject* construct(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    check_type(!kwargs || PyDict_Size(kwargs) == 0 || PyDict_GetItemString(kwargs, "device"),
               "Tensor(): takes no "
               "keyword arguments other than device");
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    PyObject* first = count == 1 ? PyTuple_GET_ITEM(args, 0) : nullptr;
    if (count == 0) return wrap_as(empty({0}, default_dtype()), type);
    if (first && is_tensor(first)) return wrap_as(alias(tensor_of(first)), type);
    bool sizes = (first && Py_TYPE(first) != &PyTuple_Type && PyTuple_Check(first)) || is_integer_list(args);
    if (sizes)
      return wrap_as(empty(shape_of(first && !is_integer(first) ? first : args), default_dtype()), type);
    check_type(count == 1, "Tensor(): expected a sequence or integer sizes");
    return wrap_as(tensor_from_data(first, default_dtype(), {}, true), type);
  });
}

// ---------------------------------------------------------------- attributes

PyObject* get_shape(PyObject* self, void*) { return size_object(tensor_of(self).sizes()); }
PyObject* get_dtype(PyObject* self, void*) { return Py_NewRef(dtype_object(tensor_of(self).dtype())); }
PyObject* get_device(PyObject* self, void*) {
  return guarded([&] { return py::cast(tensor_of(self).device()).release().ptr(); });
}
PyObject* get_rank(PyObject* self, void*) { return PyLong_FromLong(tensor_of(self).rank()); }
PyObject* get_item_size(PyObject* self, void*) {
  return PyLong_FromLongLong(size_of(tensor_of(self).dtype()));
}
PyObject* get_bytes(PyObject* self, void*) {
  const Tensor& x = tensor_of(self);
  return PyLong_FromLongLong(x.count() * size_of(x.dtype()));
}
PyObject* get_version(PyObject* self, void*) { return PyLong_FromUnsignedLong(tensor_of(self).version()); }
PyObject* get_is_cuda(PyObject* self, void*) { return PyBool_FromLong(tensor_of(self).device().is_cuda()); }
PyObject* get_is_meta(PyObject* self, void*) { return PyBool_FromLong(tensor_of(self).device().is_meta()); }
PyObject* get_is_cpu(PyObject* self, void*) { return PyBool_FromLong(tensor_of(self).device().is_cpu()); }
PyObject* get_false(PyObject*, void*) { Py_RETURN_FALSE; }
PyObject* get_none(PyObject*, void*) { Py_RETURN_NONE; }
PyObject* get_self(PyObject* self, void*) { return Py_NewRef(self); }
PyObject* get_imag(PyObject*, void*) {
  PyErr_SetString(PyExc_RuntimeError, "imag is not implemented for tensors with non-complex dtypes.");
  return nullptr;
}

PyObject* get_T(PyObject* self, void*) {
  return guarded([&] { return wrap(numpy_T(tensor_of(self))); });
}
PyObject* get_mT(PyObject* self, void*) {
  return guarded([&] {
    const Tensor& x = tensor_of(self);
    check(x.rank() >= 2, "tensor.mT is only supported on matrices or batches of matrices. Got ", x.rank(),
          "-D tensor.");
    return wrap(transpose(x, -2, -1));
  });
}
PyObject* get_H(PyObject* self, void*) {
  return guarded([&] {
    const Tensor& x = tensor_of(self);
    check(x.rank() == 2 || x.rank() == 0, "tensor.H is only supported on matrices (2-D tensors). Got ",
          x.rank(), "-D tensor.");
    return wrap(x.rank() ? transpose(x, 0, 1) : alias(x));
  });
}

PyObject* get_requires_grad(PyObject* self, void*) { return PyBool_FromLong(needs_grad(tensor_of(self))); }
int set_requires_grad(PyObject* self, PyObject* value, void*) {
  PyObject* done = guarded([&]() -> PyObject* {
    const Tensor& x = tensor_of(self);
    check_type(value && PyBool_Check(value), "requires_grad must be a bool");
    bool wanted = value == Py_True;
    check(!wanted || x.is_floating(), "only Tensors of floating point dtype can require gradients");
    check(is_leaf(x) || wanted,
          "you can only change requires_grad flags of leaf variables. If you want to use a computed "
          "variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().");
    check(!x.body()->inference || !wanted || inference_mode,
          "Setting requires_grad=True on inference tensor "
          "outside InferenceMode is not allowed.");
    if (is_leaf(x)) x.body()->requires_grad = wanted;
    return Py_None;
  });
  return done ? 0 : -1;
}

PyObject* get_grad(PyObject* self, void*) {
  Autograd* state = autograd_if_any(tensor_of(self));
  return wrap(state ? state->grad : Tensor());
}
int set_grad(PyObject* self, PyObject* value, void*) {
  PyObject* done = guarded([&]() -> PyObject* {
    const Tensor& x = tensor_of(self);
    if (!value || value == Py_None) {
      if (Autograd* state = autograd_if_any(x)) state->grad = Tensor();
      return Py_None;
    }
    check_type(is_tensor(value), "assigned grad expected to be a Tensor or None but got ",
               Py_TYPE(value)->tp_name);
    const Tensor& g = tensor_of(value);
    check(!g.is(x), "can't assign Variable as its own grad");
    check(g.dtype() == x.dtype(), "assigned grad has data of a different type: ", name_of(g.dtype()), " for ",
          name_of(x.dtype()));
    check(g.device() == x.device(), "assigned grad has data located on a different device");
    check(g.sizes() == x.sizes(), "assigned grad has data of a different size: ", g.sizes(), " for ",
          x.sizes());
    autograd_of(x).grad = g;
    return Py_None;
  });
  return done ? 0 : -1;
}

PyObject* get_data(PyObject* self, void*) {
  return guarded([&] {
    const Tensor& x = tensor_of(self);
    return wrap(tensor_over(alias_storage(x.storage()), x.sizes(), x.strides(), x.offset(), x.dtype()));
  });
}
int set_data(PyObject* self, PyObject* value, void*) {
  PyObject* done = guarded([&]() -> PyObject* {
    check_type(value && is_tensor(value), "Variable data has to be a tensor, but got ",
               value ? Py_TYPE(value)->tp_name : "nothing");
    const Tensor &x = tensor_of(self), &y = tensor_of(value);
    check(!needs_grad(x) || y.is_floating(),
          "data set to a tensor that requires gradients must be floating point");
    x.body()->storage = y.storage();
    x.body()->dtype = y.dtype();
    set_geometry(x, y.sizes(), y.strides(), y.offset());
    // The collected gradient's node described the old value.
    if (Autograd* state = autograd_if_any(x); state && state->accumulator) {
      AccumulateGrad& node = *state->accumulator;
      node.outputs[0] = {y.sizes(), y.dtype(), y.device()};
    }
    return Py_None;
  });
  return done ? 0 : -1;
}

PyObject* get_is_leaf(PyObject* self, void*) {
  return guarded([&] { return PyBool_FromLong(is_leaf(tensor_of(self))); });
}
PyObject* get_grad_fn(PyObject* self, void*) {
  return guarded([&] { return node_object(producer_of(tensor_of(self))).release().ptr(); });
}
PyObject* get_output_nr(PyObject* self, void*) {
  Autograd* state = autograd_if_any(tensor_of(self));
  return PyLong_FromLong(state ? long(state->producer.output) : 0);
}
PyObject* get_retains_grad(PyObject* self, void*) {
  Autograd* state = autograd_if_any(tensor_of(self));
  return PyBool_FromLong(state && state->retains_grad);
}
PyObject* get_base(PyObject* self, void*) {
  Body* base = tensor_of(self).body()->base;
  return wrap(base ? Tensor{Ref<Body>(base)} : Tensor());
}

PyGetSetDef attributes[] = {
    {"shape", get_shape, nullptr, "The sizes, as a torch.Size.", nullptr},
    {"dtype", get_dtype, nullptr, "The element type.", nullptr},
    {"device", get_device, nullptr, "Where the values are.", nullptr},
    {"ndim", get_rank, nullptr, "How many dimensions.", nullptr},
    {"itemsize", get_item_size, nullptr, "Bytes of one element.", nullptr},
    {"nbytes", get_bytes, nullptr, "Bytes of all elements.", nullptr},
    {"_version", get_version, nullptr, "How often the memory was changed in place.", nullptr},
    {"is_cuda", get_is_cuda, nullptr, "Whether the values are on a GPU.", nullptr},
    {"is_cpu", get_is_cpu, nullptr, "Whether the values are in host memory.", nullptr},
    {"is_sparse", get_false, nullptr, "Always False: tensors here are dense.", nullptr},
    {"is_sparse_csr", get_false, nullptr, "Always False: tensors here are dense.", nullptr},
    {"is_quantized", get_false, nullptr, "Always False.", nullptr},
    {"is_nested", get_false, nullptr, "Always False.", nullptr},
    {"is_meta", get_is_meta, nullptr, "Whether there are no values, only sizes and types.", nullptr},
    {"is_mps", get_false, nullptr, "Always False.", nullptr},
    {"is_xpu", get_false, nullptr, "Always False.", nullptr},
    {"is_mkldnn", get_false, nullptr, "Always False.", nullptr},
    {"name", get_none, nullptr, "Always None.", nullptr},
    {"real", get_self, nullptr, "The tensor itself: it has no imaginary part.", nullptr},
    {"imag", get_imag, nullptr, "An error: the tensor has no imaginary part.", nullptr},
    {"T", get_T, nullptr, "A view with all dimensions reversed.", nullptr},
    {"mT", get_mT, nullptr, "A view with the last two dimensions swapped.", nullptr},
    {"mH", get_mT, nullptr, "A view with the last two dimensions swapped.", nullptr},
    {"H", get_H, nullptr, "The transposed matrix.", nullptr},
    {"requires_grad", get_requires_grad, set_requires_grad, "Whether gradients are wanted.", nullptr},
    {"grad", get_grad, set_grad, "The gradient collected by backward().", nullptr},
    {"data", get_data, set_data, "The same memory, out of autograd's sight.", nullptr},
    {"is_leaf", get_is_leaf, nullptr, "Whether no recorded operation made this tensor.", nullptr},
    {"grad_fn", get_grad_fn, nullptr, "The node of the graph that made this tensor.", nullptr},
    {"output_nr", get_output_nr, nullptr, "Which result of grad_fn this is.", nullptr},
    {"retains_grad", get_retains_grad, nullptr, "Whether a non-leaf keeps its gradient.", nullptr},
    {"_base", get_base, nullptr, "The tensor that this one is a view of, or None.", nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, "Attributes set from Python.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(PyTensor, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PyTensor, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

PyObject* make_subclass(PyTypeObject* type, const Tensor& x, bool requires_grad) {
  Tensor y = detach(x);
  check(!requires_grad || y.is_floating(), "Only Tensors of floating point dtype can require gradients");
  y.body()->requires_grad = requires_grad;
  return wrap_as(y, type);
}

}  // namespace

PyObject* wrap_as(const Tensor& x, PyTypeObject* type) { return allocate(type, x); }

PyObject* wrap(const Tensor& x) {
  if (!x.defined()) return Py_NewRef(Py_None);
  Body& body = *x.body();
  if (!body.python) return allocate(tensor_type, x);
  auto* object = static_cast<PyObject*>(body.python);
  if (!body.python_owned) return Py_NewRef(object);
  body.python_owned = false;  // the body's reference to the object passes to the caller
  cast(object)->tensor = x;
  return object;
}

void define_tensor_type(py::module_& module) {
  set_python_release(release_python_object);
  PyTypeObject* metaclass = make_metaclass();
  std::vector<PyType_Slot> slots = operator_slots();
  slots.insert(slots.end(),
               {{Py_tp_new, reinterpret_cast<void*>(construct)},
                {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
                {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                {Py_tp_clear, reinterpret_cast<void*>(clear)},
                {Py_tp_getset, attributes},
                {Py_tp_members, members},
                {Py_tp_doc, const_cast<char*>("An n-dimensional array with automatic differentiation.")},
                {0, nullptr}});
  PyType_Spec spec{"tinytensor.Tensor", sizeof(PyTensor), 0,
                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots.data()};
  tensor_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!tensor_type) throw py::error_already_set();
  // PyType_FromMetaclass is younger than the oldest Python we serve.
  Py_SET_TYPE(reinterpret_cast<PyObject*>(tensor_type), metaclass);
  module.attr("Tensor") = py::handle(reinterpret_cast<PyObject*>(tensor_type));
  module.def("_as_subclass", [](py::handle type, const Tensor& x) {
    return py::reinterpret_steal<py::object>(wrap_as(alias(x), reinterpret_cast<PyTypeObject*>(type.ptr())));
  });
  module.def(
      "_make_subclass",
      [](py::handle type, const Tensor& x, bool requires_grad) {
        return py::reinterpret_steal<py::object>(
            make_subclass(reinterpret_cast<PyTypeObject*>(type.ptr()), x, requires_grad));
      },
      py::arg("type"), py::arg("x"), py::arg("requires_grad") = false);
}

}  // namespace tt
