// dtype, Size, device, and the ways from Python objects to C++ values.
#include <algorithm>
#include <cstring>

#include "bindings/pybind.h"

namespace tt {

// ---------------------------------------------------------------- errors

void raise_python(const Error& error) {
  PyObject* kinds[] = {PyExc_RuntimeError,        PyExc_IndexError,  PyExc_TypeError,    PyExc_ValueError,
                       PyExc_NotImplementedError, PyExc_MemoryError, PyExc_OverflowError};
  PyErr_SetString(kinds[int(error.kind)], error.message.c_str());
}

void throw_python_error() { throw py::error_already_set(); }

PyObject* raise_current() {
  try {
    throw;
  } catch (const Error& error) {
    raise_python(error);
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

// ---------------------------------------------------------------- dtype

namespace {

// Types that no tensor here has. Programs compare with them and ask for their facts; making a tensor of one
// fails.
struct AbsentType {
  const char* name;
  int itemsize;
  bool floating, complex, has_sign;
};
constexpr AbsentType absent_types[] = {
    {"complex32", 4, false, true, true},        {"complex64", 8, false, true, true},
    {"complex128", 16, false, true, true},      {"float8_e4m3fn", 1, true, false, true},
    {"float8_e4m3fnuz", 1, true, false, true},  {"float8_e5m2", 1, true, false, true},
    {"float8_e5m2fnuz", 1, true, false, true},  {"float8_e8m0fnu", 1, true, false, false},
    {"float4_e2m1fn_x2", 1, true, false, true}, {"uint16", 2, false, false, false},
    {"uint32", 4, false, false, false},         {"uint64", 8, false, false, false}};
constexpr int absent_count = std::size(absent_types), complex_count = 3;

struct PyDType {
  int index;  // a DType; from dtype_count on, an absent type

  bool absent() const { return index >= dtype_count; }
  DType type() const { return DType(index); }
  const AbsentType& facts() const { return absent_types[index - dtype_count]; }
  const char* name() const { return absent() ? facts().name : name_of(type()); }
  bool complex() const { return absent() && facts().complex; }
};

PyObject* dtypes[dtype_count + absent_count];
PyTypeObject* size_type;

// Float16, Float32 and Float64 stand in the order of the complex types made of them.
constexpr DType real_parts[complex_count] = {DType::Float16, DType::Float32, DType::Float64};

py::object complex_of(PyDType d) {
  if (d.complex()) return py::reinterpret_borrow<py::object>(dtypes[d.index]);
  DType part = d.type() == DType::BFloat16 ? DType::Float32 : d.type();
  auto found = std::find(real_parts, real_parts + complex_count, part);
  check(!d.absent() && found != real_parts + complex_count, "to_complex: no complex type is made of ",
        d.name());
  return py::reinterpret_borrow<py::object>(dtypes[dtype_count + (found - real_parts)]);
}

py::object real_of(PyDType d) {
  int index = d.complex() ? int(real_parts[d.index - dtype_count]) : d.index;
  return py::reinterpret_borrow<py::object>(dtypes[index]);
}

void define_dtypes(py::module_& module) {
  py::class_<PyDType> cls(module, "dtype", "The type of a tensor's elements.");
  cls.def("__repr__", [](PyDType d) { return std::string("torch.") + d.name(); })
      .def("__reduce__", [](PyDType d) { return std::string(d.name()); })
      .def("__hash__", [](PyDType d) { return d.index + 1; })
      .def("__deepcopy__", [](py::object self, py::handle) { return self; })
      .def("__copy__", [](py::object self) { return self; })
      .def_property_readonly(
          "is_floating_point",
          [](PyDType d) { return d.absent() ? d.facts().floating : is_floating(d.type()); })
      .def_property_readonly("is_complex", [](PyDType d) { return d.complex(); })
      .def_property_readonly("is_signed",
                             [](PyDType d) { return d.absent() ? d.facts().has_sign : is_signed(d.type()); })
      .def_property_readonly("itemsize",
                             [](PyDType d) { return d.absent() ? d.facts().itemsize : size_of(d.type()); })
      .def("to_complex", complex_of, "The complex type whose parts have this type.")
      .def("to_real", real_of, "The type of a complex type's parts; any other type itself.");
  for (int i = 0; i < dtype_count + absent_count; i++) {
    PyDType type{i};
    dtypes[i] = py::cast(type).release().ptr();
    module.attr(type.name()) = py::handle(dtypes[i]);
  }
  const std::pair<const char*, const char*> aliases[] = {
      {"float", "float32"},   {"double", "float64"},   {"half", "float16"},
      {"int", "int32"},       {"long", "int64"},       {"short", "int16"},
      {"chalf", "complex32"}, {"cfloat", "complex64"}, {"cdouble", "complex128"}};
  for (auto& [alias, name] : aliases) module.attr(alias) = module.attr(name);
}

}  // namespace

PyObject* dtype_object(DType type) { return dtypes[int(type)]; }

static int dtype_index(PyObject* object) {
  for (int i = 0; i < dtype_count + absent_count; i++)
    if (dtypes[i] == object) return i;
  if (object == reinterpret_cast<PyObject*>(&PyFloat_Type)) return int(DType::Float64);
  if (object == reinterpret_cast<PyObject*>(&PyLong_Type)) return int(DType::Int64);
  if (object == reinterpret_cast<PyObject*>(&PyBool_Type)) return int(DType::Bool);
  return -1;
}

bool is_dtype(PyObject* object) { return dtype_index(object) >= 0; }
DType dtype_of(PyObject* object) {
  PyDType found{dtype_index(object)};
  if (found.absent()) fail(ErrorKind::NotImplemented, "torch.", found.name(), ": no tensors of this type");
  return found.type();
}

// ---------------------------------------------------------------- Size

namespace {

PyObject* size_repr(PyObject* self) {
  std::string text = "torch.Size([";
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self); i++) {
    PyObject* part = PyObject_Repr(PyTuple_GET_ITEM(self, i));
    if (!part) return nullptr;
    text += (i ? ", " : "") + std::string(PyUnicode_AsUTF8(part));
    Py_DECREF(part);
  }
  return PyUnicode_FromString((text + "])").c_str());
}

PyObject* size_numel(PyObject* self, PyObject*) {
  return guarded([&] { return PyLong_FromLongLong(product(shape_of(self))); });
}

PyObject* as_size(PyObject* tuple) {  // steals
  if (!tuple || !PyTuple_Check(tuple)) return tuple;
  PyObject* size = size_type->tp_alloc(size_type, PyTuple_GET_SIZE(tuple));
  for (Py_ssize_t i = 0; size && i < PyTuple_GET_SIZE(tuple); i++)
    PyTuple_SET_ITEM(size, i, Py_NewRef(PyTuple_GET_ITEM(tuple, i)));
  Py_DECREF(tuple);
  return size;
}

// Slices and sums of sizes are sizes.
PyObject* size_subscript(PyObject* self, PyObject* key) {
  PyObject* part = PyTuple_Type.tp_as_mapping->mp_subscript(self, key);
  return PySlice_Check(key) ? as_size(part) : part;
}
PyObject* size_concat(PyObject* a, PyObject* b) {
  return as_size(PyTuple_Type.tp_as_sequence->sq_concat(a, b));
}
PyObject* size_repeat(PyObject* a, Py_ssize_t n) {
  return as_size(PyTuple_Type.tp_as_sequence->sq_repeat(a, n));
}

PyObject* size_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  PyObject* tuple = PyTuple_Type.tp_new(type, args, kwargs);
  for (Py_ssize_t i = 0; tuple && i < PyTuple_GET_SIZE(tuple); i++) {
    PyObject* entry = PyTuple_GET_ITEM(tuple, i);
    if (PyLong_Check(entry)) continue;
    PyObject* number = PyNumber_Index(entry);
    if (!number) {
      PyErr_Format(PyExc_TypeError, "torch.Size() takes an iterable of 'int' (item %zd is '%s')", i,
                   Py_TYPE(entry)->tp_name);
      Py_DECREF(tuple);
      return nullptr;
    }
    PyTuple_SET_ITEM(tuple, i, number);
    Py_DECREF(entry);
  }
  return tuple;
}

PyObject* size_reduce(PyObject* self, PyObject*) {
  PyObject* plain = PySequence_List(self);
  return Py_BuildValue("(O(N))", size_type, plain);
}

void define_size(py::module_& module) {
  static PyMethodDef methods[] = {{"numel", size_numel, METH_NOARGS, "The product of all sizes."},
                                  {"__reduce__", size_reduce, METH_NOARGS, nullptr},
                                  {}};
  PyType_Slot slots[] = {{Py_tp_base, &PyTuple_Type},
                         {Py_tp_repr, reinterpret_cast<void*>(size_repr)},
                         {Py_tp_new, reinterpret_cast<void*>(size_new)},
                         {Py_tp_methods, methods},
                         {Py_mp_subscript, reinterpret_cast<void*>(size_subscript)},
                         {Py_sq_concat, reinterpret_cast<void*>(size_concat)},
                         {Py_sq_repeat, reinterpret_cast<void*>(size_repeat)},
                         {0, nullptr}};
  PyType_Spec spec{"tinytensor.Size", 0, 0, Py_TPFLAGS_DEFAULT, slots};
  size_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!size_type) throw py::error_already_set();
  module.attr("Size") = py::handle(reinterpret_cast<PyObject*>(size_type));
}

// ---------------------------------------------------------------- device

Device parse_device(const std::string& text) {
  size_t colon = text.find(':');
  std::string type = text.substr(0, colon);
  check(type == "cpu" || type == "cuda" || type == "meta",
        "Expected one of cpu, cuda, meta device type at start of device string: ", text);
  int index = 0;
  if (colon != std::string::npos) {
    std::string digits = text.substr(colon + 1);
    bool numeric =
        !digits.empty() && digits.size() < 4 && digits.find_first_not_of("0123456789") == std::string::npos;
    check(numeric, "Invalid device string: '", text, "'");
    index = std::stoi(digits);
  }
  if (type == "cuda" && colon == std::string::npos && has_backend(DeviceType::CUDA))
    index = backend_of({DeviceType::CUDA, 0}).current_device();
  if (type == "meta") return {DeviceType::Meta, 0};
  return {type == "cpu" ? DeviceType::CPU : DeviceType::CUDA, int8_t(index)};
}

void define_device(py::module_& module) {
  py::class_<Device>(module, "device", "Where a tensor lives: device('cpu'), device('cuda', 0).")
      .def(py::init([](const std::string& type, std::optional<int> index) {
             return parse_device(index ? type + ":" + std::to_string(*index) : type);
           }),
           py::arg("type"), py::arg("index") = py::none())
      .def(py::init([](int index) { return Device{DeviceType::CUDA, int8_t(index)}; }))
      .def(py::init([](const Device& other) { return other; }))
      .def_property_readonly("type", [](const Device& d) { return name_of(d.type); })
      .def_property_readonly("index",
                             [](const Device& d) -> std::optional<int> {
                               if (!d.is_cuda()) return std::nullopt;
                               return d.index;
                             })
      .def("__repr__",
           [](const Device& d) {
             std::string index = d.is_cuda() ? text(", index=", int(d.index)) : "";
             return text("device(type='", name_of(d.type), "'", index, ")");
           })
      .def("__str__", [](const Device& d) { return text(d); })
      .def("__eq__",
           [](const Device& a, py::handle b) { return py::isinstance<Device>(b) && a == b.cast<Device>(); })
      .def("__ne__", [](const Device& a,
                        py::handle b) { return !py::isinstance<Device>(b) || !(a == b.cast<Device>()); })
      .def("__hash__", [](const Device& d) { return int(d.type) * 256 + (d.is_cpu() ? 0 : d.index); })
      .def("__reduce__",
           [](py::object self) { return py::make_tuple(py::type::of(self), py::make_tuple(py::str(self))); });
}

// ---------------------------------------------------------------- memory format, layout

PyObject* formats[4];

struct PyFormat {
  MemoryFormat format;
};
struct Layout {};

void define_formats(py::module_& module) {
  py::class_<PyFormat>(module, "memory_format", "The order in memory of a result's dimensions.")
      .def("__repr__", [](PyFormat f) { return std::string("torch.") + name_of(f.format); })
      .def("__reduce__", [](PyFormat f) { return std::string(name_of(f.format)); });
  for (int i = 0; i < 4; i++) {
    formats[i] = py::cast(PyFormat{MemoryFormat(i)}).release().ptr();
    module.attr(name_of(MemoryFormat(i))) = py::handle(formats[i]);
  }
  py::class_<Layout>(module, "layout", "How a tensor's values are laid out: always strided.")
      .def("__repr__", [](const Layout&) { return "torch.strided"; })
      .def("__reduce__", [](const Layout&) { return "strided"; });
  module.attr("strided") = py::cast(Layout{});
}

}  // namespace

bool is_format(PyObject* object) { return std::find(formats, formats + 4, object) != formats + 4; }
MemoryFormat format_of(PyObject* object) {
  return MemoryFormat(std::find(formats, formats + 4, object) - formats);
}

PyObject* size_object(const Shape& sizes) {
  PyObject* size = size_type->tp_alloc(size_type, sizes.size());
  for (int i = 0; size && i < sizes.size(); i++) PyTuple_SET_ITEM(size, i, PyLong_FromLongLong(sizes[i]));
  return size;
}

Device device_of(PyObject* object) {
  if (PyUnicode_Check(object)) return parse_device(PyUnicode_AsUTF8(object));
  if (PyLong_Check(object)) return {DeviceType::CUDA, int8_t(integer_of(object))};
  check_type(py::isinstance<Device>(object), "argument 'device' must be torch.device, not ",
             Py_TYPE(object)->tp_name);
  return py::cast<Device>(py::handle(object));
}

// ---------------------------------------------------------------- numbers

bool is_integer(PyObject* object) {
  if (PyLong_Check(object)) return true;
  if (is_tensor(object)) return tensor_of(object).count() == 1 && !tensor_of(object).is_floating();
  return PyIndex_Check(object) && !PyFloat_Check(object) && !PySequence_Check(object);
}

static bool is_numpy_scalar(PyObject* object) {
  return PyNumber_Check(object) && !PySequence_Check(object) && !is_tensor(object) &&
         Py_TYPE(object)->tp_as_number &&
         (Py_TYPE(object)->tp_as_number->nb_float || PyIndex_Check(object)) && !PyComplex_Check(object);
}

bool is_number(PyObject* object) {
  return PyFloat_Check(object) || PyLong_Check(object) || is_numpy_scalar(object);
}

int64_t integer_of(PyObject* object) {
  if (PyLong_CheckExact(object)) {  // the common case, without a detour
    int overflow = 0;
    int64_t value = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (!overflow) return value;
  }
  if (is_tensor(object)) {
    const Tensor& x = tensor_of(object);
    check_type(!x.is_floating() && x.count() == 1,
               "only integer tensors of a single element can be converted to an index");
    return item(x).integer;
  }
  py::object number = py::reinterpret_steal<py::object>(PyNumber_Index(object));
  if (!number) throw py::error_already_set();
  int overflow = 0;
  int64_t value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  check(!overflow, "Overflow when unpacking long long: ", std::string(py::str(number)));
  return value;
}

// An integer that is an operand, where PyTorch calls what does not fit an OverflowError.
static int64_t number_of(PyObject* object) {
  if (!PyLong_CheckExact(object)) return integer_of(object);
  int overflow = 0;
  int64_t value = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow) [[unlikely]]
    fail(ErrorKind::Overflow, "int too big to convert to int64: ", std::string(py::str(object)));
  return value;
}

Scalar scalar_of(PyObject* object) {
  if (PyBool_Check(object)) return object == Py_True;
  if (PyFloat_Check(object)) return PyFloat_AS_DOUBLE(object);
  if (PyIndex_Check(object)) return number_of(object);
  // NumPy's bool has neither index nor float kind.
  if (!std::strcmp(Py_TYPE(object)->tp_name, "numpy.bool") ||
      !std::strcmp(Py_TYPE(object)->tp_name, "numpy.bool_"))
    return PyObject_IsTrue(object) == 1;
  py::object number = py::reinterpret_steal<py::object>(PyNumber_Float(object));
  if (!number) throw py::error_already_set();
  return PyFloat_AS_DOUBLE(number.ptr());
}

bool is_integer_list(PyObject* object) {
  if (!PyTuple_Check(object) && !PyList_Check(object)) return false;
  Py_ssize_t count = PySequence_Fast_GET_SIZE(object);
  for (Py_ssize_t i = 0; i < count; i++)
    if (!is_integer(PySequence_Fast_GET_ITEM(object, i))) return false;
  return true;
}

Shape shape_of(PyObject* object) {
  if (!PyTuple_Check(object) && !PyList_Check(object)) return {integer_of(object)};
  Py_ssize_t count = PySequence_Fast_GET_SIZE(object);
  check(count <= max_rank, "tensors have at most ", max_rank, " dimensions, got ", count);
  Shape shape;
  for (Py_ssize_t i = 0; i < count; i++) {
    PyObject* entry = PySequence_Fast_GET_ITEM(object, i);
    shape.push_back(integer_of(entry));
  }
  return shape;
}

std::vector<Tensor> tensors_of(PyObject* object) {
  py::object sequence =
      py::reinterpret_steal<py::object>(PySequence_Fast(object, "expected a sequence of tensors"));
  if (!sequence) throw py::error_already_set();
  std::vector<Tensor> tensors;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence.ptr()); i++) {
    PyObject* entry = PySequence_Fast_GET_ITEM(sequence.ptr(), i);
    check_type(is_tensor(entry), "expected Tensor as element ", i, " of a list of tensors, but got ",
               Py_TYPE(entry)->tp_name);
    tensors.push_back(tensor_of(entry));
  }
  return tensors;
}

Tensor operand_from(PyObject* object) {
  return is_tensor(object) ? tensor_of(object) : wrapped_number(scalar_of(object));
}

void define_types(py::module_& module) {
  define_dtypes(module);
  define_size(module);
  define_device(module);
  define_formats(module);
}

}  // namespace tt
