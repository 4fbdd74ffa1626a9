// An op is bound by one line: its C++ function and its Python signature.
//
//   registry.op<sum>("sum(input, dim: int | tuple = None, keepdim=False, *, dtype=None, out=None)", both);
//
// The names and defaults come from the text, the types from the function; the text is also the docstring's
// first line and the source of the type stub. Function, method and in-place form come from the same line.
// Several lines with one name are overloads, tried in order.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "bindings/python.h"
#include "core/random.h"

namespace tt {

enum Forms {
  function = 1,
  method = 2,
  both = 3,
  inplace_function =
      32,  // with one of those below: the function name_(x, ...), and the method if there is a method name
  unlisted = 64  // not a name of the package's top level: nn.functional and other modules offer it
};

// x.name_(...), by what the derivative needs of the old values: a type each, so that only the code of the
// forms that an op has is made.
enum class Keeps { never, always, for_others };
template <Keeps keeps>
struct InPlace {
  int forms = 0;
};
constexpr InPlace<Keeps::always> inplace;             // the derivative may need them
constexpr InPlace<Keeps::never> inplace_free;         // the derivative never reads the input
constexpr InPlace<Keeps::for_others> inplace_linear;  // only the derivative for another input reads it
template <Keeps keeps>
constexpr InPlace<keeps> operator|(InPlace<keeps> place, int forms) {
  return {place.forms | forms};
}
template <Keeps keeps>
constexpr InPlace<keeps> operator|(int forms, InPlace<keeps> place) {
  return {place.forms | forms};
}

struct Parameter {
  PyObject* name;          // interned
  PyObject* fallback;      // the default, or null
  std::string annotation;  // as written
  bool keyword_only = false;
  bool variadic = false;  // *size: integers, or one list of them
  bool number = false;    // a Python number will do for a tensor
};

constexpr int max_parameters = 24;

struct Overload;
using Accepts = bool (*)(PyObject* const* values, const Overload& overload);
using Invoke = PyObject* (*)(PyObject* const* values, const Overload& overload);

struct Overload {
  std::string text;  // name(...)
  const char* name;
  std::vector<Parameter> parameters;
  int positional = 0;
  int out = -1;  // the parameter out= that the C++ function does not take itself
  Accepts accepts;
  Invoke invoke;
};

struct Op {
  std::string name;
  std::string doc;
  std::vector<Overload> overloads;
  PyTypeObject* fields = nullptr;  // the named tuple that several results come in
  const char* event = nullptr;     // the profiler's name of it, null if it takes no notice
};

// ---------------------------------------------------------------- one argument

template <class T>
struct Argument;

template <>
struct Argument<Tensor> {
  static bool accepts(PyObject* o, const Parameter& p) { return is_tensor(o) || (p.number && is_number(o)); }
  static Tensor get(PyObject* o, const Parameter& p);
};
template <>
struct Argument<std::optional<Tensor>> {
  static bool accepts(PyObject* o, const Parameter& p) {
    return o == Py_None || Argument<Tensor>::accepts(o, p);
  }
  static std::optional<Tensor> get(PyObject* o, const Parameter& p) {
    if (o == Py_None) return std::nullopt;
    return Argument<Tensor>::get(o, p);
  }
};
template <>
struct Argument<bool> {
  static bool accepts(PyObject* o, const Parameter&) { return PyBool_Check(o); }
  static bool get(PyObject* o, const Parameter& p);
};
template <>
struct Argument<int64_t> {
  static bool accepts(PyObject* o, const Parameter&) { return is_integer(o); }
  static int64_t get(PyObject* o, const Parameter& p);
};
template <>
struct Argument<double> {
  static bool accepts(PyObject* o, const Parameter&) { return is_number(o); }
  static double get(PyObject* o, const Parameter& p);
};
template <>
struct Argument<Scalar> {
  static bool accepts(PyObject* o, const Parameter&) {
    return is_number(o) || (is_tensor(o) && tensor_of(o).rank() == 0);
  }
  static Scalar get(PyObject* o, const Parameter& p);
};
template <>
struct Argument<Shape> {
  static bool accepts(PyObject* o, const Parameter&) { return is_integer(o) || is_integer_list(o); }
  static Shape get(PyObject* o, const Parameter& p);
};
template <>
struct Argument<DType> {
  static bool accepts(PyObject* o, const Parameter&) { return is_dtype(o); }
  static DType get(PyObject* o, const Parameter& p);
};
template <>
struct Argument<Device> {
  static bool accepts(PyObject* o, const Parameter&) { return !is_tensor(o) && !is_dtype(o); }
  static Device get(PyObject* o, const Parameter&) { return device_of(o); }
};
template <>
struct Argument<MemoryFormat> {
  static bool accepts(PyObject* o, const Parameter&) { return is_format(o); }
  static MemoryFormat get(PyObject* o, const Parameter& p);
};
template <>
struct Argument<py::object> {  // anything: the op looks at it itself
  static bool accepts(PyObject*, const Parameter&) { return true; }
  static py::object get(PyObject* o, const Parameter&) { return py::reinterpret_borrow<py::object>(o); }
};
template <>
struct Argument<std::shared_ptr<Generator>> {  // None is the default generator
  static bool accepts(PyObject*, const Parameter&) { return true; }
  static std::shared_ptr<Generator> get(PyObject* o, const Parameter& p);
};
// Written `options` in a signature; it stands for the keywords dtype, layout, device, pin_memory and
// requires_grad.
template <>
struct Argument<Options> {
  static constexpr int slots = 5;
  static constexpr int requires_grad = 4;
  static bool accepts(PyObject*, const Parameter&) { return true; }
  // The references lead to the first of the slots and its parameter, the others follow them.
  static Options get(PyObject* const& first, const Parameter& p);
};
template <>
struct Argument<std::string> {
  static bool accepts(PyObject* o, const Parameter&) { return PyUnicode_Check(o); }
  static std::string get(PyObject* o, const Parameter& p);
};
template <>
struct Argument<std::vector<Tensor>> {
  static bool accepts(PyObject* o, const Parameter&);
  static std::vector<Tensor> get(PyObject* o, const Parameter& p);
};
template <>
struct Argument<Out> {
  static bool accepts(PyObject* o, const Parameter&) { return o == Py_None || is_tensor(o); }
  static Out get(PyObject* o, const Parameter& p);
};
template <class T>
struct Argument<std::optional<T>> {
  static bool accepts(PyObject* o, const Parameter& p) { return o == Py_None || Argument<T>::accepts(o, p); }
  static std::optional<T> get(PyObject* o, const Parameter& p) {
    if (o == Py_None) return std::nullopt;
    return Argument<T>::get(o, p);
  }
};

// ---------------------------------------------------------------- results

inline PyObject* to_python(const Tensor& x) { return wrap(x); }
inline PyObject* to_python(bool value) { return PyBool_FromLong(value); }
inline PyObject* to_python(int64_t value) { return PyLong_FromLongLong(value); }
inline PyObject* to_python(double value) { return PyFloat_FromDouble(value); }
PyObject* to_python(const Scalar& value);
inline PyObject* to_python(const py::object& value) { return Py_NewRef(value.ptr()); }
inline PyObject* to_python(const Shape& shape) { return size_object(shape); }
inline PyObject* to_python(DType type) { return Py_NewRef(dtype_object(type)); }
PyObject* to_python(const std::vector<Tensor>& tensors);
template <class... T>
PyObject* to_python(const std::tuple<T...>& results) {
  PyObject* tuple = PyTuple_New(sizeof...(T));
  std::apply(
      [&](const auto&... r) {
        int i = 0;
        (PyTuple_SET_ITEM(tuple, i++, to_python(r)), ...);
      },
      results);
  return tuple;
}

// ---------------------------------------------------------------- one call

template <class T>
constexpr size_t slots_of = 1;
template <>
inline constexpr size_t slots_of<Options> = Argument<Options>::slots;
template <class Arguments, size_t... I>
constexpr size_t slots_before(std::index_sequence<I...>) {
  return (size_t(0) + ... + slots_of<std::tuple_element_t<I, Arguments>>);
}

void require_grad(PyObject* result);

template <auto F>
struct Function;

template <class R, class... A, R (*F)(A...)>
struct Function<F> {
  static constexpr size_t count = sizeof...(A);
  using Arguments = std::tuple<std::decay_t<A>...>;
  template <size_t I>
  using Kind = Argument<std::tuple_element_t<I, Arguments>>;
  // The slot where argument I starts.
  template <size_t I>
  static constexpr size_t slot = slots_before<Arguments>(std::make_index_sequence<I>{});
  static constexpr size_t slots = slot<count>;
  static constexpr bool takes_out =
      count > 0 && std::is_same_v<std::tuple_element_t<count ? count - 1 : 0, Arguments>, Out>;
  using Indices = std::make_index_sequence<count>;

  static bool accepts(PyObject* const* v, const Overload& o) { return accepts_each(v, o, Indices{}); }
  static PyObject* invoke(PyObject* const* v, const Overload& o) { return invoke_with(v, o, Indices{}); }
  // The in-place form: the result of F replaces the values of its first argument.
  template <Keeps keeps>
  static PyObject* replace(PyObject* const* v, const Overload& o) {
    return replace_with<keeps>(v, o, std::make_index_sequence<count - (takes_out ? 2 : 1)>{});
  }

 private:
  template <size_t... I>
  static bool accepts_each([[maybe_unused]] PyObject* const* v, const Overload& o,
                           std::index_sequence<I...>) {
    return (Kind<I>::accepts(v[slot<I>], o.parameters[slot<I>]) && ...);
  }
  template <size_t... I>
  static PyObject* invoke_with(PyObject* const* v, const Overload& o, std::index_sequence<I...>) {
    if constexpr (std::is_void_v<R>) {
      F(Kind<I>::get(v[slot<I>], o.parameters[slot<I>])...);
      return Py_NewRef(Py_None);
    } else {
      PyObject* result = to_python(F(Kind<I>::get(v[slot<I>], o.parameters[slot<I>])...));
      ((grad_wanted<I>(v) ? require_grad(result) : void()), ...);
      return result;
    }
  }
  template <Keeps keeps, size_t... I>
  static PyObject* replace_with(PyObject* const* v, const Overload& o, std::index_sequence<I...>) {
    const Tensor self = Kind<0>::get(v[0], o.parameters[0]);
    std::tuple<std::tuple_element_t<I + 1, Arguments>...> rest{
        Kind<I + 1>::get(v[slot<I + 1>], o.parameters[slot<I + 1>])...};
    bool others = (false || ... || wants_grad(std::get<I>(rest)));
    bool itself = (false || ... || is_tensor_itself(std::get<I>(rest), self));  // x.mul_(x)
    bool kept = keeps == Keeps::always || itself || (keeps == Keeps::for_others && others);
    bool recording = grad_enabled() && (others || needs_grad(self));
    if (recording) (keep_apart(o.name, self, std::get<I>(rest)), ...);
    in_place(o.name, self, kept, recording, [&](const Tensor& input, Out out) {
      if (itself) (use_instead(std::get<I>(rest), self, input), ...);
      if constexpr (takes_out) return F(input, std::get<I>(rest)..., out);
      else return F(input, std::get<I>(rest)...);
    });
    return Py_NewRef(v[0]);
  }
  template <size_t I>
  static bool grad_wanted(PyObject* const* v) {
    constexpr bool has_options = std::is_same_v<std::tuple_element_t<I, Arguments>, Options>;
    return has_options && v[slot<I> + (has_options ? Argument<Options>::requires_grad : 0)] == Py_True;
  }
  template <class T>
  static bool is_tensor_itself(const T& value, const Tensor& self) {
    if constexpr (std::is_same_v<T, Tensor>) return value.is(self);
    else return false;
  }
  template <class T>
  static void use_instead(T& value, const Tensor& self, const Tensor& input) {
    if constexpr (std::is_same_v<T, Tensor>)
      if (value.is(self)) value = input;
  }
  template <class T>
  static void keep_apart(const char* op, const Tensor& self, T& value) {
    if constexpr (std::is_same_v<T, Tensor>) value = apart_from(op, self, value);
    else if constexpr (std::is_same_v<T, std::optional<Tensor>>) {
      if (value) value = apart_from(op, self, *value);
    }
  }
  template <class T>
  static bool wants_grad(const T& value) {
    if constexpr (std::is_same_v<T, Tensor>) return needs_grad(value);
    else if constexpr (std::is_same_v<T, std::optional<Tensor>>) return value && needs_grad(*value);
    else return false;
  }
};

// ---------------------------------------------------------------- the registry

extern PyObject* constants;  // the module, where a default like torch.contiguous_format is looked up

class Registry {
 public:
  Registry(PyObject* module, PyTypeObject* tensor);

  // `fields` names the parts of a tuple result: "values, indices".
  template <auto F>
  Registry& op(const char* signature, int forms, const char* doc = "", const char* fields = nullptr) {
    using Fn = Function<F>;
    if (forms & both) add(signature, forms & both, doc, fields, Fn::accepts, Fn::invoke, Fn::slots);
    if (forms & unlisted) leave_out(signature, forms);
    return *this;
  }
  template <auto F, Keeps keeps>
  Registry& op(const char* signature, InPlace<keeps> place, const char* doc = "") {
    add_inplace(signature, place.forms, doc, Function<F>::accepts, Function<F>::template replace<keeps>);
    return op<F>(signature, place.forms, doc);
  }

  void list_names();  // sets the module's __all__, once every op is there

 private:
  void leave_out(const char* signature, int forms);
  void add(const char* signature, int forms, const char* doc, const char* fields, Accepts accepts,
           Invoke invoke, size_t count);
  void add_inplace(const char* signature, int forms, const char* doc, Accepts accepts, Invoke invoke);
  PyObject* module_;
  PyTypeObject* tensor_;
  std::set<std::string> unlisted_;
};

}  // namespace tt
