// x[...]: from a Python key to views and index ops.
#include "bindings/pybind.h"

namespace tt {
namespace {

// ---------------------------------------------------------------- the key, entry by entry

enum class Kind : uint8_t { integer, slice, fresh, ellipsis, truth, tensor };

struct Entry {
  Kind kind = Kind::fresh;
  int64_t start = 0, stop = 0, step = 1;  // an integer or a truth has its value in `start`
  Tensor tensor = {};
};
using Entries = Small<Entry, 6>;

bool is_mask(const Tensor& x) { return x.dtype() == DType::Bool || x.dtype() == DType::UInt8; }

void warn(const char* message) {
  if (PyErr_WarnEx(PyExc_UserWarning, message, 1) < 0) throw py::error_already_set();
}

bool is_array(PyObject* o) {
  return Py_TYPE(o) != &PyList_Type && Py_TYPE(o) != &PyTuple_Type && py::isinstance<py::array>(o);
}

// A list or array as an index: bools stay, every other number is a position.
Tensor index_from_data(PyObject* data) {
  check_type(!PyUnicode_Check(data) && !PyBytes_Check(data),
             "index: only integers, slices, ellipsis, None, tensors, lists "
             "and arrays are valid indices, got ",
             Py_TYPE(data)->tp_name, " ", std::string(py::repr(data)));
  py::object held = py::reinterpret_borrow<py::object>(data);
  if (is_array(data) && py::cast<std::string>(held.attr("dtype").attr("kind")) == "u" &&
      py::cast<int>(held.attr("dtype").attr("itemsize")) > 1)
    held = held.attr("astype")("int64");
  Tensor x = tensor_from_data(held.ptr(), std::nullopt, {}, false);
  return is_mask(x) ? x : to_dtype(x, DType::Int64);
}

[[noreturn]] void wrong_key(PyObject* o) {
  fail(ErrorKind::Index,
       "index: only integers, slices (`:`), ellipsis (`...`), None and long or byte tensors are valid "
       "indices, got ",
       Py_TYPE(o)->tp_name, " ", std::string(py::repr(o)));
}

Entry tensor_entry(const Tensor& x) {
  Entry entry;
  if (x.dtype() == DType::UInt8)
    warn("indexing with dtype uint8 is deprecated, use a mask of dtype bool instead");
  entry.kind = x.rank() ? Kind::tensor : is_mask(x) ? Kind::truth : Kind::integer;
  check_index(x.rank() || !x.is_floating(),
              "index: tensors used as indices must be long, int, byte or bool tensors, got ",
              name_of(x.dtype()));
  if (x.rank()) entry.tensor = x;
  else entry.start = item(x).integer;
  return entry;
}

Entry slice_entry(PyObject* o) {
  Entry entry{Kind::slice};
  Py_ssize_t start, stop, step;
  if (PySlice_Unpack(o, &start, &stop, &step) < 0) throw py::error_already_set();
  check_value(step > 0, "index: step must be greater than zero, got ", step);
  entry.start = start;
  entry.stop = stop;
  entry.step = step;
  return entry;
}

Entry integer_entry(PyObject* o) {
  Entry entry{Kind::integer};
  int overflow = 0;
  entry.start = PyLong_AsLongLongAndOverflow(o, &overflow);
  check_value(!overflow, "index: overflow when unpacking long long from ", std::string(py::repr(o)));
  return entry;
}

Entry entry_of(PyObject* o) {
  if (o == Py_None) return {};
  if (o == Py_Ellipsis) return {Kind::ellipsis};
  if (PyBool_Check(o)) return {Kind::truth, o == Py_True};
  if (PyLong_Check(o)) return integer_entry(o);
  if (PySlice_Check(o)) return slice_entry(o);
  if (is_tensor(o)) return tensor_entry(tensor_of(o));
  if (is_array(o) || PyList_Check(o) || PyTuple_Check(o)) return tensor_entry(index_from_data(o));
  if (PyFloat_Check(o) || PyComplex_Check(o)) wrong_key(o);
  if (PyIndex_Check(o)) {
    py::object number = py::reinterpret_steal<py::object>(PyNumber_Index(o));
    if (number) return integer_entry(number.ptr());
    PyErr_Clear();
    wrong_key(o);
  }
  if (PySequence_Check(o) && !PyType_Check(o)) return tensor_entry(index_from_data(o));
  wrong_key(o);
}

// A short list that holds more than numbers still means what a tuple means, as PyTorch reads it.
bool reads_as_tuple(PyObject* key) {
  if (PyTuple_Check(key)) return true;
  if (is_tensor(key) || PyLong_Check(key) || PySlice_Check(key) || !PySequence_Check(key) || is_array(key))
    return false;
  if (PyUnicode_Check(key) || PyBytes_Check(key)) return false;
  py::object items = py::reinterpret_steal<py::object>(PySequence_Fast(key, "index"));
  if (!items) {
    PyErr_Clear();
    return false;
  }
  Py_ssize_t count = PySequence_Fast_GET_SIZE(items.ptr());
  if (count >= 32) return false;
  for (Py_ssize_t i = 0; i < count; i++) {
    PyObject* o = PySequence_Fast_GET_ITEM(items.ptr(), i);
    if (!is_tensor(o) && !PySequence_Check(o) && !PySlice_Check(o) && o != Py_Ellipsis && o != Py_None)
      continue;
    warn(
        "indexing with a list in place of a tuple is deprecated, use x[tuple(list)], or "
        "x[torch.tensor(list)] for an "
        "index tensor");
    return true;
  }
  return false;
}

Entries entries_of(PyObject* key) {
  Entries entries;
  if (!reads_as_tuple(key)) {
    entries.push_back(entry_of(key));
    return entries;
  }
  py::object items = py::reinterpret_steal<py::object>(PySequence_Fast(key, "index"));
  if (!items) throw py::error_already_set();
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.ptr()); i++)
    entries.push_back(entry_of(PySequence_Fast_GET_ITEM(items.ptr(), i)));
  return entries;
}

// ---------------------------------------------------------------- what the key means for x

// The view that integers, slices, None and Ellipsis ask for, and the index tensors for its dimensions.
struct Selection {
  Shape sizes, strides;
  int64_t offset = 0;
  Indices indices;  // one per entry of the key that is advanced, undefined for dimensions in between
  bool advanced = false;
  bool same = true;  // the view is x as it is
};

void check_rank(const Tensor& x, const Entries& entries, int& whole) {
  int named = 0;
  for (const Entry& entry : entries) {
    if (entry.kind == Kind::integer || entry.kind == Kind::slice) named++;
    if (entry.kind == Kind::tensor) named += is_mask(entry.tensor) ? entry.tensor.rank() : 1;
  }
  whole = x.rank() - named;
  if (whole >= 0) return;
  check_index(x.rank() > 0 || entries.size() > 1 || entries[0].kind != Kind::integer,
              "index: invalid index of a 0-dim tensor. "
              "Use tensor.item() to convert a 0-dim tensor to a Python number");
  fail(ErrorKind::Index, "index: too many indices for tensor of dimension ", x.rank(), ", got ", named);
}

class Selecting {
 public:
  Selecting(const Tensor& x, Selection& s) : x_(x), s_(s) {}
  void take(const Entry& entry) {
    switch (entry.kind) {
      case Kind::integer:
        return integer(entry.start);
      case Kind::slice:
        return slice(entry);
      case Kind::fresh:
        return fresh();
      case Kind::truth:
        return truth(entry.start != 0);
      case Kind::tensor:
        return tensor(entry.tensor);
      case Kind::ellipsis:
        return;
    }
  }
  void whole(int count) {
    for (; count > 0; count--, dim_++) keep(x_.sizes()[dim_], x_.strides()[dim_]);
  }

 private:
  void keep(int64_t size, int64_t stride) {
    s_.sizes.push_back(size);
    s_.strides.push_back(stride);
  }
  void advance(const Tensor& index, int covered) {
    s_.indices.resize(s_.sizes.size() - masked_);
    s_.indices.push_back(index);
    masked_ += covered - 1;
    s_.advanced = true;
  }
  void integer(int64_t index) {
    int64_t size = x_.sizes()[dim_];
    check_index(index >= -size && index < size, "index: index ", index, " is out of bounds for dimension ",
                dim_, " with size ", size);
    s_.offset += (index < 0 ? index + size : index) * x_.strides()[dim_++];
    s_.same = false;
  }
  void slice(const Entry& entry) {
    int64_t size = x_.sizes()[dim_], stride = x_.strides()[dim_];
    int64_t first = entry.start < 0 ? std::max<int64_t>(entry.start + size, 0) : std::min(entry.start, size);
    int64_t last = entry.stop < 0 ? entry.stop + size : std::min(entry.stop, size);
    int64_t length = last > first ? (last - first - 1) / entry.step + 1 : 0;
    s_.same &= length == size && entry.step == 1;
    s_.offset += first * stride;
    keep(length, entry.step > 1 ? saturated(stride, entry.step) : stride);
    dim_++;
  }
  static int64_t saturated(int64_t stride, int64_t step) {
    int64_t product;
    return __builtin_mul_overflow(stride, step, &product) ? stride
                                                          : product;  // a step that long takes one element
  }
  void fresh() {
    keep(1, dim_ < x_.rank() ? x_.sizes()[dim_] * x_.strides()[dim_] : 1);
    s_.same = false;
  }
  // True and False are a new dimension, indexed by [0] or by nothing.
  void truth(bool value) {
    advance(zeros({int64_t(value)}, DType::Int64), 1);
    fresh();
  }
  void tensor(const Tensor& index) {
    int covered = is_mask(index) ? index.rank() : 1;
    for (int i = 0; i < covered && is_mask(index); i++)
      check_index(index.sizes()[i] == x_.sizes()[dim_ + i], "index: the shape of the mask ", index.sizes(),
                  " at dimension ", i, " does not match the shape of the indexed tensor ", x_.sizes(),
                  " at dimension ", dim_ + i);
    advance(index, covered);
    whole(covered);
  }

  const Tensor& x_;
  Selection& s_;
  int dim_ = 0;
  int masked_ = 0;  // dimensions of the view beyond one per entry of `indices`
};

Selection select_by(const Tensor& x, const Entries& entries) {
  int whole = 0;
  check_rank(x, entries, whole);
  Selection s;
  s.offset = x.offset();
  Selecting selecting(x, s);
  for (const Entry& entry : entries) {
    if (entry.kind != Kind::ellipsis) {
      selecting.take(entry);
      continue;
    }
    selecting.whole(whole);
    whole = 0;
  }
  selecting.whole(whole);
  return s;
}

// The same view as recorded ops, one per entry. A slice that takes all is left out, but where it is the whole
// key.
Tensor recorded_view(const Tensor& x, const Entries& entries, bool bare_slice) {
  Tensor y = x;
  int dim = 0, named = 0;
  for (const Entry& entry : entries) {
    if (entry.kind == Kind::tensor) named += is_mask(entry.tensor) ? entry.tensor.rank() : 1;
    else named += entry.kind == Kind::integer || entry.kind == Kind::slice;
  }
  int whole = x.rank() - named;
  for (const Entry& entry : entries) {
    if (entry.kind == Kind::integer) {
      y = select(y, dim, entry.start);
    } else if (entry.kind == Kind::slice) {
      bool whole_dim = entry.start == 0 && entry.step == 1 && entry.stop >= y.sizes()[dim];
      if (!whole_dim || bare_slice) y = slice(y, dim, entry.start, entry.stop, entry.step);
      dim++;
    } else if (entry.kind == Kind::ellipsis) {
      dim += whole;
      whole = 0;
    } else if (entry.kind == Kind::tensor) {
      dim += is_mask(entry.tensor) ? entry.tensor.rank() : 1;
    } else {
      y = unsqueeze(y, dim++);
    }
  }
  return y;
}

Tensor view_of(const Tensor& x, const Entries& entries, const Selection& s, PyObject* key) {
  if (!grad_enabled() || !needs_grad(x)) return view_geometry(x, s.sizes, s.strides, s.offset);
  Tensor y = recorded_view(x, entries, PySlice_Check(key));
  return y.is(x) && !s.advanced ? alias(x) : y;
}

// ---------------------------------------------------------------- writing

// The one mask of the indices, spread over the dimensions of x, where there is nothing but it.
std::optional<Tensor> only_mask(const Tensor& x, const Indices& indices) {
  int before = int(indices.size()) - 1;
  for (int i = 0; i < before; i++)
    if (indices[i].defined()) return std::nullopt;
  const Tensor& mask = indices.back();
  if (!is_mask(mask)) return std::nullopt;
  Shape sizes = mask.sizes();
  sizes.resize(x.rank() - before, 1);
  GradGuard off(false);
  return to_device(reshape(to_dtype(mask, DType::Bool), sizes), x.device());
}

void write_number(const Tensor& target, const Selection& s, const Scalar& value) {
  if (!s.advanced) {
    fill_(target, value);
    return;
  }
  if (auto mask = only_mask(target, s.indices)) {
    in_place("masked_fill_", target, false, false,
             [&](const Tensor& x, Out out) { return masked_fill(x, *mask, value, out); });
    return;
  }
  Tensor number = empty({}, target.dtype());
  fill_values("index_put_", number, value);
  in_place("index_put_", target, false, false, [&](const Tensor& x, Out out) {
    return index_put(x, s.indices, to_device(number, x.device()), false, out);
  });
}

// Leading dimensions of size 1 are more than a target needs.
Tensor trimmed(const Tensor& value) {
  int extra = 0;
  while (extra < value.rank() && value.sizes()[extra] == 1) extra++;
  return extra ? reshape(value, Shape(value.sizes().data() + extra, value.rank() - extra)) : value;
}

void write_tensor(const Tensor& target, const Selection& s, const Tensor& value) {
  if (!s.advanced) {
    copy_(target, value.rank() > target.rank() ? trimmed(value) : value);
    return;
  }
  std::optional<Tensor> mask = value.count() == 1 ? only_mask(target, s.indices) : std::nullopt;
  if (mask) {
    Tensor number = value.rank() ? reshape(value, {}) : value;
    in_place("masked_fill_", target, false, false,
             [&](const Tensor& x, Out out) { return masked_fill(x, *mask, number, out); });
    return;
  }
  in_place("index_put_", target, false, false,
           [&](const Tensor& x, Out out) { return index_put(x, s.indices, value, false, out); });
}

void write_whole(const Tensor& x, PyObject* value) {
  Selection all;
  if (is_tensor(value)) write_tensor(x, all, tensor_of(value));
  else write_number(x, all, scalar_of(value));
}

}  // namespace

PyObject* get_item(PyObject* self, PyObject* key) {
  return guarded([&] {
    const Tensor& x = tensor_of(self);
    Entries entries = entries_of(key);
    Selection s = select_by(x, entries);
    if (!s.advanced) return wrap(view_of(x, entries, s, key));
    return wrap(index(s.same ? x : view_of(x, entries, s, key), s.indices));
  });
}

int set_item(PyObject* self, PyObject* key, PyObject* value) {
  PyObject* done = guarded([&]() -> PyObject* {
    check_type(value, "Tensor does not support deleting items");
    const Tensor x = tensor_of(self);
    check_type(is_tensor(value) || is_number(value), "index: can't assign a ", Py_TYPE(value)->tp_name,
               " to a tensor of dtype ", name_of(x.dtype()));
    if (PyBool_Check(key)) {  // all of x, or nothing
      if (key == Py_True) write_whole(x, value);
      return Py_None;
    }
    Selection s = select_by(x, entries_of(key));
    Tensor target = s.same ? x : view_geometry(x, s.sizes, s.strides, s.offset);
    if (is_tensor(value)) write_tensor(target, s, tensor_of(value));
    else write_number(target, s, scalar_of(value));
    return Py_None;
  });
  return done ? 0 : -1;
}

}  // namespace tt
