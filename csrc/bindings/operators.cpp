// Python's operators as slots of the type: the shortest way from a + b to add().
#include "bindings/autocast.h"
#include "bindings/overrides.h"
#include "bindings/profile.h"
#include "bindings/pybind.h"
#include "bindings/registry.h"

namespace tt {
namespace {

bool is_operand(PyObject* object) { return is_tensor(object) || is_number(object); }

bool left_to(PyObject* other, PyObject* self) { return tensors_override && yields(self, other); }

// A change in place is the other's affair too, but there is no reflected form of it.
template <class... Arguments>
PyObject* ask_other(const char* method, Arguments... arguments) {
  PyObject* all[] = {arguments...};
  PyObject* function = PyObject_GetAttrString(reinterpret_cast<PyObject*>(tensor_type), method);
  if (!function) return nullptr;
  PyObject* result = overridden(function, all, sizeof...(arguments), nullptr);
  Py_DECREF(function);
  return result;
}

using BinaryOp = Tensor (*)(const Tensor&, const Tensor&);

template <BinaryOp op>
PyObject* binary_slot(PyObject* a, PyObject* b) {
  if (!is_operand(a) || !is_operand(b) || left_to(b, a)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] {
    if (is_tensor(a) && is_tensor(b)) return wrap(op(tensor_of(a), tensor_of(b)));
    return wrap(op(operand_from(a), operand_from(b)));
  });
}

template <Tensor (*op)(const Tensor&, const Tensor&, Out)>
constexpr const char* inplace_name() {
  if (op == mul) return "mul_";
  if (op == div) return "div_";
  if (op == pow) return "pow_";
  if (op == floor_divide) return "floor_divide_";
  if (op == remainder) return "remainder_";
  if (op == bitwise_and) return "bitwise_and_";
  if (op == bitwise_or) return "bitwise_or_";
  if (op == bitwise_xor) return "bitwise_xor_";
  if (op == shift_left) return "__ilshift__";
  return "__irshift__";
}

template <class F>
PyObject* inplace_slot(const char* name, PyObject* self, PyObject* other, Keeps keeps, F op) {
  if (!is_operand(other)) Py_RETURN_NOTIMPLEMENTED;
  if (left_to(other, self)) return ask_other(name, self, other);
  return guarded([&] {
    const Tensor x = tensor_of(self);
    Tensor y = operand_from(other);
    bool recording = grad_enabled() && (needs_grad(x) || needs_grad(y));
    if (recording) y = apart_from(name, x, y);
    bool kept = keeps == Keeps::always || y.is(x) || (keeps == Keeps::for_others && needs_grad(y));
    in_place(name, x, kept, recording,
             [&](const Tensor& input, Out out) { return op(input, y.is(x) ? input : y, out); });
    return Py_NewRef(self);
  });
}

Tensor plus(const Tensor& a, const Tensor& b) { return add(a, b); }
Tensor minus(const Tensor& a, const Tensor& b) { return sub(a, b); }
template <Tensor (*op)(const Tensor&, const Tensor&, Out)>
Tensor plain(const Tensor& a, const Tensor& b) {
  return op(a, b, {});
}
Tensor floor_quotient(const Tensor& a, const Tensor& b) { return floor_divide(a, b); }

PyObject* negative(PyObject* self) {
  return guarded([&] { return wrap(neg(tensor_of(self))); });
}
PyObject* unchanged(PyObject* self) {
  return guarded([&] {
    check(tensor_of(self).dtype() != DType::Bool, "The `+` operator, on a bool tensor is not supported.");
    return Py_NewRef(self);
  });
}

template <Tensor (*op)(const Tensor&, const Tensor&, const Scalar&, Out)>
PyObject* sum_into(PyObject* a, PyObject* b) {
  return inplace_slot(op == add ? "add_" : "sub_", a, b, Keeps::never,
                      [](auto& x, auto& y, Out out) { return op(x, y, 1, out); });
}
template <Tensor (*op)(const Tensor&, const Tensor&, Out)>
PyObject* into(PyObject* a, PyObject* b) {
  const Keeps keeps = op == mul || op == div || op == remainder ? Keeps::for_others : Keeps::always;
  return inplace_slot(inplace_name<op>(), a, b, keeps,
                      [](auto& x, auto& y, Out out) { return op(x, y, out); });
}
PyObject* power_into(PyObject* a, PyObject* b, PyObject*) { return into<pow>(a, b); }
PyObject* power_slot(PyObject* a, PyObject* b, PyObject*) { return binary_slot<plain<pow>>(a, b); }

PyObject* invert(PyObject* self) {
  return guarded([&] {
    const Tensor& x = tensor_of(self);
    check_type(!x.is_floating(),
               "~ (operator.invert) is only implemented on integer and Boolean-type tensors, not ",
               name_of(x.dtype()));
    return wrap(bitwise_not(x));
  });
}
PyObject* absolute(PyObject* self) {
  return guarded([&] { return wrap(abs(tensor_of(self))); });
}

PyObject* product_slot(PyObject* a, PyObject* b) {
  if (!is_tensor(a) || !is_tensor(b) || left_to(b, a)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] {
    PyObject* operands[] = {a, b};
    std::vector<py::object> casts;
    if (autocast_active) [[unlikely]]
      casts = autocast_arguments("matmul", operands, 2);
    return wrap(matmul(tensor_of(operands[0]), tensor_of(operands[1])));
  });
}

PyObject* compare(PyObject* a, PyObject* b, int relation) {
  static constexpr BinaryOp relations[] = {plain<lt>, plain<le>, plain<eq>, plain<ne>, plain<gt>, plain<ge>};
  if (!is_operand(b) || left_to(b, a)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] { return wrap(relations[relation](tensor_of(a), operand_from(b))); });
}

Scalar only_value(PyObject* self) {
  const Tensor& x = tensor_of(self);
  check_value(x.count() == 1, "only one element tensors can be converted to Python scalars, got ", x.count(),
              " elements");
  return item(x);
}

int truth(PyObject* self) {
  PyObject* value = guarded([&]() -> PyObject* {
    const Tensor& x = tensor_of(self);
    check(x.count() > 0, "Boolean value of Tensor with no values (0 elements) is ambiguous");
    check(x.count() == 1, "Boolean value of Tensor with more than one value is ambiguous");
    Scalar s = item(x);
    return s.is_real() ? (s.real != 0 ? Py_True : Py_False) : (s.integer ? Py_True : Py_False);
  });
  return value ? value == Py_True : -1;
}

PyObject* float_value(PyObject* self) {
  return guarded([&] { return PyFloat_FromDouble(only_value(self).to<double>()); });
}
PyObject* to_int(PyObject* self) {
  return guarded([&] {
    Scalar s = only_value(self);
    return s.is_real() ? PyLong_FromDouble(s.real) : PyLong_FromLongLong(s.integer);
  });
}
PyObject* to_index(PyObject* self) {
  return guarded([&] { return PyLong_FromLongLong(integer_of(self)); });
}

Py_ssize_t length(PyObject* self) {
  const Tensor& x = tensor_of(self);
  if (x.rank()) return x.sizes()[0];
  PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
  return -1;
}

Py_hash_t identity_hash(PyObject* self) { return _Py_HashPointer(self); }

PyObject* iterate(PyObject* self) {
  return guarded([&]() -> PyObject* {
    const Tensor& x = tensor_of(self);
    check_type(x.rank() > 0, "iteration over a 0-d tensor");
    py::object parts = py::reinterpret_steal<py::object>(to_python(unbind(x, 0)));
    return PyObject_GetIter(parts.ptr());
  });
}

int contains(PyObject* self, PyObject* value) {
  PyObject* found = guarded([&]() -> PyObject* {
    check(is_operand(value), "Tensor.__contains__ only supports Tensor or scalar, but you passed in a ",
          Py_TYPE(value)->tp_name, ".");
    return item(any(eq(tensor_of(self), operand_from(value)))).integer ? Py_True : Py_False;
  });
  return found ? found == Py_True : -1;
}

// What PyTorch calls the ops that x[key] consists of, by the one that says most.
enum class Part { fresh, single, range, listed };

Part part_of(PyObject* key) {
  if (PyTuple_Check(key)) {
    Part most = Part::fresh;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); i++)
      most = std::max(most, part_of(PyTuple_GET_ITEM(key, i)));
    return most;
  }
  if (key == Py_None || key == Py_Ellipsis) return Part::fresh;
  if (PySlice_Check(key)) return Part::range;
  return PyLong_Check(key) && !PyBool_Check(key) ? Part::single : Part::listed;
}

constexpr auto reading_event = [](PyObject*, PyObject* key) {
  static constexpr const char* names[] = {"aten::unsqueeze", "aten::select", "aten::slice", "aten::index"};
  return names[int(part_of(key))];
};
constexpr auto writing_event = [](PyObject*, PyObject* key, PyObject* value) {
  if (part_of(key) == Part::listed) return "aten::index_put_";
  return value && is_tensor(value) ? "aten::copy_" : "aten::fill_";
};
constexpr auto relation_event = [](PyObject*, PyObject*, int relation) {
  static constexpr const char* names[] = {"aten::lt", "aten::le", "aten::eq",
                                          "aten::ne", "aten::gt", "aten::ge"};
  return names[relation];
};

int assign(PyObject* self, PyObject* key, PyObject* value) {
  if (!value || !left_to(value, self)) return set_item(self, key, value);
  PyObject* done = ask_other("__setitem__", self, key, value);
  Py_XDECREF(done);
  return done ? 0 : -1;
}

template <class F>
PyType_Slot slot(int id, F* function) {
  return {id, reinterpret_cast<void*>(function)};
}

}  // namespace

std::vector<PyType_Slot> operator_slots() {
  return {slot(Py_nb_add, watched<called<"aten::add">, binary_slot<plus>>),
          slot(Py_nb_subtract, watched<called<"aten::sub">, binary_slot<minus>>),
          slot(Py_nb_multiply, watched<called<"aten::mul">, binary_slot<plain<mul>>>),
          slot(Py_nb_true_divide, watched<called<"aten::div">, binary_slot<plain<div>>>),
          slot(Py_nb_floor_divide, watched<called<"aten::floor_divide">, binary_slot<floor_quotient>>),
          slot(Py_nb_remainder, watched<called<"aten::remainder">, binary_slot<plain<remainder>>>),
          slot(Py_nb_power, watched<called<"aten::pow">, power_slot>),
          slot(Py_nb_matrix_multiply, watched<called<"aten::matmul">, product_slot>),
          slot(Py_nb_and, watched<called<"aten::bitwise_and">, binary_slot<plain<bitwise_and>>>),
          slot(Py_nb_or, watched<called<"aten::bitwise_or">, binary_slot<plain<bitwise_or>>>),
          slot(Py_nb_xor, watched<called<"aten::bitwise_xor">, binary_slot<plain<bitwise_xor>>>),
          slot(Py_nb_lshift, watched<called<"aten::__lshift__">, binary_slot<plain<shift_left>>>),
          slot(Py_nb_rshift, watched<called<"aten::__rshift__">, binary_slot<plain<shift_right>>>),
          slot(Py_nb_inplace_add, watched<called<"aten::add_">, sum_into<add>>),
          slot(Py_nb_inplace_subtract, watched<called<"aten::sub_">, sum_into<sub>>),
          slot(Py_nb_inplace_multiply, watched<called<"aten::mul_">, into<mul>>),
          slot(Py_nb_inplace_true_divide, watched<called<"aten::div_">, into<div>>),
          slot(Py_nb_inplace_floor_divide, watched<called<"aten::floor_divide_">, into<floor_divide>>),
          slot(Py_nb_inplace_remainder, watched<called<"aten::remainder_">, into<remainder>>),
          slot(Py_nb_inplace_power, watched<called<"aten::pow_">, power_into>),
          slot(Py_nb_inplace_and, watched<called<"aten::bitwise_and_">, into<bitwise_and>>),
          slot(Py_nb_inplace_or, watched<called<"aten::bitwise_or_">, into<bitwise_or>>),
          slot(Py_nb_inplace_xor, watched<called<"aten::bitwise_xor_">, into<bitwise_xor>>),
          slot(Py_nb_inplace_lshift, watched<called<"aten::__ilshift__">, into<shift_left>>),
          slot(Py_nb_inplace_rshift, watched<called<"aten::__irshift__">, into<shift_right>>),
          slot(Py_nb_negative, watched<called<"aten::neg">, negative>),
          slot(Py_nb_positive, unchanged),
          slot(Py_nb_absolute, watched<called<"aten::abs">, absolute>),
          slot(Py_nb_invert, watched<called<"aten::bitwise_not">, invert>),
          slot(Py_nb_bool, watched<called<"aten::is_nonzero">, truth>),
          slot(Py_nb_float, watched<called<"aten::item">, float_value>),
          slot(Py_nb_int, watched<called<"aten::item">, to_int>),
          slot(Py_nb_index, watched<called<"aten::item">, to_index>),
          slot(Py_mp_length, length),
          slot(Py_mp_subscript, watched<reading_event, get_item>),
          slot(Py_mp_ass_subscript, watched<writing_event, assign>),
          slot(Py_sq_contains, contains),
          slot(Py_tp_iter, watched<called<"aten::unbind">, iterate>),
          slot(Py_tp_richcompare, watched<relation_event, compare>),
          slot(Py_tp_hash, identity_hash)};
}

}  // namespace tt
