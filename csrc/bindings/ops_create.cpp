// Tensors out of sizes, out of values, and out of Python's data.
#include "bindings/pybind.h"
#include "bindings/registry.h"

namespace tt {
namespace {

void warn(const char* message) {
  if (PyErr_WarnEx(PyExc_UserWarning, message, 1) < 0) throw py::error_already_set();
}

// ---- data

Tensor from_data(const char* op, const py::object& data, std::optional<DType> dtype,
                 std::optional<Device> device) {
  bool tensor = is_tensor(data.ptr());
  if (tensor)
    warn(text(op,
              ": to copy a tensor, source.clone().detach() says what is meant (with requires_grad_(True) "
              "where wanted)")
             .c_str());
  Device where = device.value_or(tensor ? tensor_of(data.ptr()).device() : default_device());
  return tensor_from_data(data.ptr(), dtype, where, true);
}

Tensor tensor(const py::object& data, const Options& options) {
  return from_data("tensor", data, options.dtype, options.device);
}

Tensor new_tensor(const Tensor& x, const py::object& data, const Options& options) {
  return from_data("new_tensor", data, options.dtype.value_or(x.dtype()),
                   options.device.value_or(x.device()));
}

Tensor as_tensor(const py::object& data, std::optional<DType> dtype, std::optional<Device> device) {
  if (!is_tensor(data.ptr()))
    return tensor_from_data(data.ptr(), dtype, device.value_or(default_device()), false);
  const Tensor& x = tensor_of(data.ptr());
  return to_device(to_dtype(x, dtype.value_or(x.dtype())), device.value_or(x.device()));
}

bool shares_memory(const Tensor& x, PyObject* data) {
  if (is_tensor(data)) return x.storage()->memory_owner() == tensor_of(data).storage()->memory_owner();
  return x.storage()->free_external != nullptr;
}

// A storage as the tensor over all of it, whose bytes are read as the given type.
py::object over_storage(const py::object& storage, const std::optional<DType>& dtype) {
  py::object flat = storage.attr("_flat")();
  return dtype ? flat.attr("view")(py::handle(dtype_object(*dtype))) : flat;
}

Tensor asarray(const py::object& given, std::optional<DType> dtype, std::optional<Device> device,
               std::optional<bool> copy, std::optional<bool> requires_grad) {
  py::object data = py::hasattr(given, "_flat") ? over_storage(given, dtype) : given;
  Tensor x = as_tensor(data, dtype, device);
  bool shared = shares_memory(x, data.ptr());
  check_value(shared || copy.value_or(true), "asarray: copy=False, but this ", Py_TYPE(data.ptr())->tp_name,
              " cannot be aliased as a tensor of dtype ", name_of(x.dtype()), " on ", x.device());
  if (copy.value_or(false) && shared) x = clone(x);
  if (!requires_grad) return x;
  if (*requires_grad && needs_grad(x)) return x;
  x = detach(x);
  check(!*requires_grad || x.is_floating(),
        "asarray: only tensors of floating point dtype can require gradients");
  x.body()->requires_grad = *requires_grad;
  return x;
}

// ---- a tensor over a buffer

void release_buffer(void* context) {
  PyGILState_STATE state = PyGILState_Ensure();
  auto* buffer = static_cast<Py_buffer*>(context);
  PyBuffer_Release(buffer);
  delete buffer;
  PyGILState_Release(state);
}

struct BufferDeleter {
  void operator()(Py_buffer* buffer) const { release_buffer(buffer); }
};
using Buffer = std::unique_ptr<Py_buffer, BufferDeleter>;

Buffer buffer_of(PyObject* object) {
  check_value(PyObject_CheckBuffer(object),
              "frombuffer: object does not implement Python buffer protocol: ", Py_TYPE(object)->tp_name);
  auto view = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(object, view.get(), PyBUF_WRITABLE) < 0) {
    PyErr_Clear();
    if (PyObject_GetBuffer(object, view.get(), PyBUF_SIMPLE) < 0) throw py::error_already_set();
    Buffer readable(view.release());
    warn(
        "frombuffer: the buffer is not writable, and tensors do not support that: writing to this one is "
        "undefined");
    return readable;
  }
  return Buffer(view.release());
}

Tensor frombuffer(const py::object& object, DType dtype, int64_t count, int64_t offset, bool requires_grad) {
  check(!requires_grad || is_floating(dtype),
        "frombuffer: only tensors of floating point dtype can require gradients");
  Buffer buffer = buffer_of(object.ptr());
  const int64_t length = buffer->len, size = size_of(dtype);
  check_value(length > 0 && count != 0, "frombuffer: both buffer length (", length, ") and count (", count,
              ") must not be 0");
  check_value(offset >= 0 && offset < length, "frombuffer: offset (", offset,
              " bytes) must be non-negative and no greater "
              "than buffer length (",
              length, " bytes) minus 1");
  check_value(count > 0 || (length - offset) % size == 0, "frombuffer: buffer length (", length,
              " bytes) after offset (", offset, " bytes) must be a multiple of element size (", size, ")");
  int64_t elements = count < 0 ? (length - offset) / size : count;
  check_value(elements <= (length - offset) / size, "frombuffer: requested buffer length (", elements, " * ",
              size, " bytes) after offset (", offset,
              " bytes) must not be greater than actual buffer length (", length, " bytes)");
  char* data = static_cast<char*>(buffer->buf) + offset;
  Tensor x = tensor_over(external_storage(data, elements * size, {}, release_buffer, buffer.get()),
                         {elements}, {1}, 0, dtype);
  buffer.release();
  x.body()->requires_grad = requires_grad;
  return x;
}

// ---- sequences and windows

Tensor arange_to(const Scalar& end, const Options& options, Out out) {
  return make::arange(0, end, 1, options, out);
}

Tensor deprecated_range(const Scalar& start, const Scalar& end, const Scalar& step, const Options& options,
                        Out out) {
  warn("range is deprecated: its end is included, other than Python's; use arange instead");
  return make::range(start, end, step, options, out);
}
Tensor deprecated_range_to(const Scalar& end, const Options& options, Out out) {
  return deprecated_range(0, end, 1, options, out);
}

template <auto indices>
Tensor triangle(int64_t row, int64_t col, int64_t offset, const Options& options) {
  return indices(row, col, offset, options.dtype.value_or(DType::Int64),
                 options.device.value_or(default_device()));
}

template <auto window, class... T>
Tensor make_window(int64_t length, bool periodic, T... shape, const Options& options) {
  return window(length, periodic, shape..., options.dtype.value_or(default_dtype()),
                options.device.value_or(default_device()));
}

// ---- defaults

void set_dtype(DType type) {
  check_type(is_floating(type),
             "set_default_dtype: only floating-point types are supported as the default type, got ",
             name_of(type));
  set_default_dtype(type);
}

void set_device(std::optional<Device> device) { set_default_device(device.value_or(Device{})); }
py::object get_device() { return py::cast(default_device()); }

thread_local std::vector<Device> outer_devices;

void define_device_context() {  // with torch.device("cuda"): ...
  py::object cls = py::type::of<Device>();
  cls.attr("__enter__") = py::cpp_function(
      [](py::object self) {
        outer_devices.push_back(default_device());
        set_default_device(py::cast<Device>(self));
        return self;
      },
      py::is_method(cls));
  cls.attr("__exit__") = py::cpp_function(
      [](py::handle, py::args) {
        set_default_device(outer_devices.back());
        outer_devices.pop_back();
      },
      py::is_method(cls));
}

void bind_defaults(Registry& registry) {
  registry
      .op<set_dtype>("set_default_dtype(d)", function, "The dtype that floating-point tensors are made with.")
      .op<default_dtype>("get_default_dtype()", function,
                         "The dtype that floating-point tensors are made with.")
      .op<set_device>("set_default_device(device)", function, "Where tensors are made; None is the CPU.")
      .op<get_device>("get_default_device()", function, "Where tensors are made.");
  define_device_context();
}

void bind_sequences(Registry& registry) {
  registry
      .op<arange_to>("arange(end: Number, options, out=None)", function,
                     "start, start + step, ... before end.")
      .op<make::arange>("arange(start: Number, end: Number, step: Number = 1, options, out=None)", function)
      .op<deprecated_range_to>("range(end: Number, options, out=None)", function,
                               "start, start + step, ... up to end.")
      .op<deprecated_range>("range(start: Number, end: Number, step: Number = 1, options, out=None)",
                            function)
      .op<make::linspace>("linspace(start: Number, end: Number, steps: int, options, out=None)", function,
                          "Evenly spaced values from start to end.")
      .op<make::logspace>(
          "logspace(start: Number, end: Number, steps: int, base: float = 10.0, options, out=None)", function,
          "Powers of base, their exponents evenly spaced from start to end.")
      .op<make::eye>("eye(n: int, m: int = None, options, out=None)", function,
                     "Ones on the diagonal, zeros elsewhere.")
      .op<triangle<tril_indices>>("tril_indices(row: int, col: int, offset: int = 0, options)", function,
                                  "Rows and columns of the elements on and below a diagonal.")
      .op<triangle<triu_indices>>("triu_indices(row: int, col: int, offset: int = 0, options)", function,
                                  "Rows and columns of the elements on and above a diagonal.");
  registry
      .op<make_window<hann_window>>("hann_window(window_length: int, periodic: bool = True, options)",
                                    function, "A raised cosine.")
      .op<make_window<hamming_window, double, double>>(
          "hamming_window(window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = "
          "0.46, options)",
          function, "alpha - beta * cosine.")
      .op<make_window<blackman_window>>("blackman_window(window_length: int, periodic: bool = True, options)",
                                        function, "A sum of two cosines.")
      .op<make_window<bartlett_window>>("bartlett_window(window_length: int, periodic: bool = True, options)",
                                        function, "A triangle.")
      .op<make_window<kaiser_window, double>>(
          "kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, options)", function,
          "The Kaiser window of the shape parameter beta.");
}

}  // namespace

void bind_create(Registry& registry) {
  registry
      .op<make::empty>("empty(*size, options, memory_format=None, out=None)", function,
                       "Uninitialised memory.")
      .op<make::zeros>("zeros(*size, options, out=None)", function, "Filled with 0.")
      .op<make::ones>("ones(*size, options, out=None)", function, "Filled with 1.")
      .op<make::full>("full(size, fill_value: Number, options, out=None)", function,
                      "Filled with a value, whose type decides the dtype.")
      .op<make::empty_strided>("empty_strided(size, stride, options)", function,
                               "Uninitialised memory with these strides.")
      .op<make::empty_permuted>(
          "empty_permuted(size, physical_layout, options)", function,
          "Uninitialised memory whose dimensions lie in this order, the outermost first.")
      .op<make::empty_like>("empty_like(input, options, memory_format=None)", function,
                            "Uninitialised memory of the shape and dtype of input.")
      .op<make::zeros_like>("zeros_like(input, options, memory_format=None)", function,
                            "Zeros of the shape and dtype of input.")
      .op<make::ones_like>("ones_like(input, options, memory_format=None)", function,
                           "Ones of the shape and dtype of input.")
      .op<make::full_like>("full_like(input, fill_value: Number, options, memory_format=None)", function,
                           "One value, in the shape and dtype of input.")
      .op<make::scalar_tensor>("scalar_tensor(s: Number, options)", function, "A tensor without dimensions.");
  registry
      .op<make::new_empty>("new_empty(input, *size, options)", method,
                           "Uninitialised memory of input's dtype.")
      .op<make::new_zeros>("new_zeros(input, *size, options)", method, "Zeros of input's dtype.")
      .op<make::new_ones>("new_ones(input, *size, options)", method, "Ones of input's dtype.")
      .op<make::new_full>("new_full(input, size, fill_value: Number, options)", method,
                          "One value, of input's dtype.")
      .op<make::new_empty_strided>("new_empty_strided(input, size, stride, options)", method,
                                   "Uninitialised memory of input's dtype with these strides.")
      .op<new_tensor>("new_tensor(input, data, options)", method,
                      "A tensor with this data, of input's dtype.");
  registry.op<tensor>("tensor(data, options)", function, "A tensor with a copy of the data.")
      .op<as_tensor>("as_tensor(data, dtype=None, device=None)", function,
                     "A tensor with the data, which shares its memory where it can.")
      .op<asarray>("asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=None)", function,
                   "A tensor with the data, which shares its memory where it can, or as copy says.")
      .op<frombuffer>("frombuffer(buffer, *, dtype, count: int = -1, offset: int = 0, requires_grad=False)",
                      function,
                      "A one-dimensional tensor over the memory of an object with the buffer protocol.");
  bind_sequences(registry);
  bind_defaults(registry);
}

}  // namespace tt
