// Values in and out: nested lists, NumPy arrays, buffers.
#include "bindings/pybind.h"

namespace tt {
namespace {

// ---------------------------------------------------------------- nested lists

constexpr int max_depth = 64;

bool is_sequence(PyObject* o) {
  return PyList_Check(o) || PyTuple_Check(o) ||
         (PySequence_Check(o) && !PyUnicode_Check(o) && !is_tensor(o) && !PyBytes_Check(o));
}

Shape list_sizes(PyObject* data) {
  Shape sizes;
  py::object level = py::reinterpret_borrow<py::object>(data);
  while (is_sequence(level.ptr())) {
    check_value(sizes.size() < max_depth, "tensor: too many dimensions (", sizes.size() + 1,
                " or more) in nested data");
    Py_ssize_t length = PySequence_Size(level.ptr());
    if (length < 0) throw py::error_already_set();
    sizes.push_back(length);
    if (length == 0) break;
    level = py::reinterpret_steal<py::object>(PySequence_GetItem(level.ptr(), 0));
    if (!level) throw py::error_already_set();
    if (is_tensor(level.ptr())) {
      for (int64_t size : tensor_of(level.ptr()).sizes()) sizes.push_back(size);
      break;
    }
  }
  return sizes;
}

DType scalar_dtype(PyObject* o) {
  if (PyBool_Check(o)) return DType::Bool;
  if (PyFloat_CheckExact(o)) return default_dtype();
  if (PyLong_Check(o)) return DType::Int64;
  check_type(!PyComplex_Check(o), "tensor: complex numbers are not supported");
  check_type(!PyUnicode_Check(o), "tensor: invalid data type '", Py_TYPE(o)->tp_name, "'");
  check(is_number(o), "tensor: Could not infer dtype of ", Py_TYPE(o)->tp_name);
  if (py::hasattr(o, "dtype")) return dtype_of_numpy(py::getattr(o, "dtype"));
  return PyIndex_Check(o) ? DType::Int64 : default_dtype();
}

// The type that holds all entries; a bool, an int and a float promote as in any other place.
std::optional<DType> list_dtype(PyObject* data) {
  if (is_tensor(data)) return tensor_of(data).dtype();
  if (!is_sequence(data)) return scalar_dtype(data);
  py::object fast = py::reinterpret_steal<py::object>(PySequence_Fast(data, "tensor: expected a sequence"));
  if (!fast) throw py::error_already_set();
  std::optional<DType> found;
  PyTypeObject* last = nullptr;  // a run of plain numbers of one type is looked at once
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.ptr()); i++) {
    PyObject* entry = PySequence_Fast_GET_ITEM(fast.ptr(), i);
    check_value(!PyUnicode_Check(entry), "tensor: too many dimensions 'str'");
    if (Py_TYPE(entry) == last && (PyFloat_CheckExact(entry) || PyLong_CheckExact(entry))) continue;
    last = Py_TYPE(entry);
    std::optional<DType> type = list_dtype(entry);
    if (type) found = found ? promote(*found, *type) : *type;
  }
  return found;
}

// Appends the entries, row by row, as numbers of type T.
template <class T>
T number_as(PyObject* o) {
  if (PyFloat_Check(o)) {
    if constexpr (std::is_same_v<T, bool>) return PyFloat_AS_DOUBLE(o) != 0;
    else return static_cast<T>(PyFloat_AS_DOUBLE(o));
  }
  if constexpr (std::is_floating_point_v<T>) {
    if (PyLong_Check(o)) {  // of any size
      double value = PyLong_AsDouble(o);
      if (value == -1 && PyErr_Occurred()) throw py::error_already_set();
      return static_cast<T>(value);
    }
  } else if (PyLong_Check(o)) {
    int overflow = 0;
    PyLong_AsLongLongAndOverflow(o, &overflow);
    check_value(!overflow, "tensor: Overflow when unpacking long long: ", std::string(py::str(o)));
  }
  Scalar s = is_tensor(o) ? item(tensor_of(o)) : scalar_of(o);
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
    check(s.is_real() ||
              (s.integer >= int64_t(std::numeric_limits<T>::min()) &&
               uint64_t(s.integer) <= uint64_t(std::numeric_limits<T>::max())) ||
              s.integer < 0,
          "value cannot be converted to type ", name_of(DType::Int64), " without overflow: ", s);
  if constexpr (std::is_same_v<T, bool>) return s.is_real() ? s.real != 0 : s.integer != 0;
  else return s.to<T>();
}

template <class T, class Store>
void fill_from(PyObject* data, const Shape& sizes, int level, Store& store) {
  if (level == sizes.size()) {
    check_type(!is_sequence(data) || is_tensor(data),
               "tensor: only one element tensors can be converted to Python scalars");
    return store(number_as<T>(data));
  }
  if (is_tensor(data)) {
    const Tensor& x = tensor_of(data);
    bool fits = x.rank() == sizes.size() - level;
    for (int i = 0; fits && i < x.rank(); i++) fits = x.sizes()[i] == sizes[level + i];
    check_value(fits, "tensor: expected a tensor of ", sizes.size() - level,
                " dimensions in nested data, got shape ", x.sizes());
    if (x.rank() == 0) return store(number_as<T>(data));
    GradGuard off(false);
    for (const Tensor& row : unbind(x, 0)) {
      py::object part = py::reinterpret_steal<py::object>(wrap(row));
      fill_from<T>(part.ptr(), sizes, level + 1, store);
    }
    return;
  }
  check_value(is_sequence(data), "tensor: expected sequence of length ", sizes[level], " at dim ", level,
              " (got a ", Py_TYPE(data)->tp_name, ")");
  py::object fast = py::reinterpret_steal<py::object>(PySequence_Fast(data, "tensor: expected a sequence"));
  if (!fast) throw py::error_already_set();
  Py_ssize_t length = PySequence_Fast_GET_SIZE(fast.ptr());
  check_value(length == sizes[level], "tensor: expected sequence of length ", sizes[level], " at dim ", level,
              " (got ", length, ")");
  for (Py_ssize_t i = 0; i < length; i++)
    fill_from<T>(PySequence_Fast_GET_ITEM(fast.ptr(), i), sizes, level + 1, store);
}

Tensor from_nested(PyObject* data, std::optional<DType> dtype) {
  Shape sizes = list_sizes(data);
  DType type = dtype ? *dtype : list_dtype(data).value_or(default_dtype());
  DType working = is_half(type) ? DType::Float64 : type;
  Tensor x = empty(sizes, working);
  visit(working, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, Half> && !std::is_same_v<T, BFloat16>) {
      T* place = x.data<T>();
      auto store = [&](T value) { *place++ = value; };
      if (x.count() || sizes.size() > 1 || sizes.empty()) fill_from<T>(data, sizes, 0, store);
    }
  });
  GradGuard off(false);
  return to_dtype(x, type);
}

// ---------------------------------------------------------------- NumPy

const char* numpy_codes[dtype_count] = {"?", "u1", "i1", "i2", "i4", "i8", "f2", nullptr, "f4", "f8"};

py::dtype numpy_dtype(DType type) {
  check_type(numpy_codes[int(type)], "numpy: Got unsupported ScalarType ", legacy_name_of(type));
  return py::dtype(numpy_codes[int(type)]);
}

void drop_object(void* context) {
  PyGILState_STATE state = PyGILState_Ensure();
  Py_DECREF(static_cast<PyObject*>(context));
  PyGILState_Release(state);
}

}  // namespace

DType dtype_of_numpy(const py::object& type) {
  py::dtype dtype = py::dtype::from_args(type);
  char kind = dtype.kind();
  int64_t size = dtype.itemsize();
  for (int i = 0; i < dtype_count; i++)
    if (numpy_codes[i] && kind == (numpy_codes[i][0] == '?' ? 'b' : numpy_codes[i][0]) &&
        size_of(DType(i)) == size)
      return DType(i);
  fail(ErrorKind::Type, "from_numpy: can't convert np.ndarray of type numpy.", std::string(py::str(type)),
       ". The only supported types "
       "are: float64, float32, float16, int64, int32, int16, int8, uint8, and bool.");
}

Tensor from_numpy(PyObject* object) {
  py::array array = py::reinterpret_borrow<py::array>(object);
  DType type = dtype_of_numpy(array.attr("dtype"));
  check_value(py::cast<bool>(array.attr("dtype").attr("isnative")),
              "given numpy array has byte order different from the "
              "native byte order. Conversion between byte orders is currently not supported.");
  Shape sizes, strides;
  int64_t extent = array.size() ? 1 : 0;
  for (py::ssize_t i = 0; i < array.ndim(); i++) {
    int64_t stride = array.strides(i);
    check_value(stride >= 0 || array.shape(i) < 2,
                "At least one stride in the given numpy array is negative, and tensors with "
                "negative strides are not currently supported. (You can probably work around this by making "
                "a copy of "
                "your array with array.copy().)");
    check_value(stride % size_of(type) == 0 || array.shape(i) < 2,
                "given numpy array strides not a multiple of the element byte size. "
                "Copy the numpy array to reallocate the memory.");
    sizes.push_back(array.shape(i));
    strides.push_back(stride / size_of(type));
    if (extent) extent += (array.shape(i) - 1) * (stride / size_of(type));
  }
  auto* data = static_cast<char*>(const_cast<void*>(array.data()));
  Ref<Storage> storage = external_storage(data, extent * size_of(type), {}, drop_object, Py_NewRef(object));
  return tensor_over(storage, sizes, strides, 0, type);
}

// Anything that NumPy can look at: arrays, buffers, __array__.
Tensor from_array(PyObject* object) {
  py::array array = py::array::ensure(py::handle(object));
  check_type(bool(array), "tensor: cannot read an array from ", Py_TYPE(object)->tp_name);
  bool readable = true;
  for (py::ssize_t i = 0; i < array.ndim(); i++) readable &= array.strides(i) >= 0;
  if (!readable || !py::cast<bool>(array.attr("dtype").attr("isnative")))
    array = py::module_::import("numpy").attr("ascontiguousarray")(
        array, array.attr("dtype").attr("newbyteorder")("="));
  return from_numpy(array.ptr());
}

Tensor tensor_from_data(PyObject* data, std::optional<DType> dtype, Device device, bool copy) {
  GradGuard off(false);
  if (is_tensor(data)) {
    const Tensor& x = tensor_of(data);
    Tensor y = to_device(to_dtype(x, dtype.value_or(x.dtype())), device);
    return copy && y.is(x) ? clone(x) : y;
  }
  bool array =
      py::isinstance<py::array>(data) || (!is_sequence(data) && !is_number(data) &&
                                          (PyObject_CheckBuffer(data) || py::hasattr(data, "__array__")));
  if (!array) return to_device(from_nested(data, dtype), device);
  Tensor x = from_array(data);
  Tensor y = to_device(to_dtype(x, dtype.value_or(x.dtype())), device);
  return copy && y.is(x) ? contiguous(clone(x)) : y;
}

// ---------------------------------------------------------------- out

namespace {

py::object to_list(const Tensor& x, int64_t offset, int level) {
  if (level == x.rank()) {
    Tensor element = tensor_over(x.storage(), {}, {}, offset, x.dtype());
    return py::cast(item(element));
  }
  py::list list(x.sizes()[level]);
  for (int64_t i = 0; i < x.sizes()[level]; i++)
    PyList_SET_ITEM(list.ptr(), i, to_list(x, offset + i * x.strides()[level], level + 1).release().ptr());
  return list;
}

py::array to_numpy(const Tensor& x, py::handle owner) {
  check_type(x.device().is_cpu(), "can't convert ", x.device(),
             " device type tensor to numpy. Use Tensor.cpu() to copy the "
             "tensor to host memory first.");
  check(!needs_grad(x),
        "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
  py::dtype dtype = numpy_dtype(x.dtype());
  std::vector<py::ssize_t> sizes(x.sizes().begin(), x.sizes().end()), strides;
  for (int64_t stride : x.strides()) strides.push_back(stride * size_of(x.dtype()));
  return py::array(dtype, sizes, strides, x.bytes(), owner);
}

}  // namespace

void define_arrays(py::module_& module) {
  module.def("_tensor_from_data",
             [](py::handle data, std::optional<DType> dtype, py::object device, bool copy) {
               std::optional<Device> where;
               if (!device.is_none()) where = device_of(device.ptr());
               if (!where && is_tensor(data.ptr())) where = tensor_of(data.ptr()).device();
               return tensor_from_data(data.ptr(), dtype, where.value_or(Device{}), copy);
             });
  module.def(
      "from_numpy",
      [](py::handle array) {
        check_type(py::isinstance<py::array>(array), "from_numpy(): expected np.ndarray (got ",
                   Py_TYPE(array.ptr())->tp_name, ")");
        return from_numpy(array.ptr());
      },
      "from_numpy(ndarray)\n\nA tensor that shares the memory of a NumPy array.");
  module.def("_to_numpy", [](py::handle self) { return to_numpy(tensor_of(self.ptr()), self); });
  module.def("_to_list", [](const Tensor& x) {
    Tensor host = to_device(detach(x), {});
    return to_list(host, host.offset(), 0);
  });
  module.def("_item", [](const Tensor& x) { return item(x); });
}

}  // namespace tt
