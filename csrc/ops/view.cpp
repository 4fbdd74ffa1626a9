#include "ops/view.h"

#include <numeric>

#include "ops/ops.h"

namespace tt {
namespace {

// The gradient of a view that shows part of x: zeros of x's sizes, with g where the view looks.
template <class View>
Tensor embed(const Tensor& g, const Shape& sizes, View view) {
  GradGuard off(false);
  Tensor whole = zeros(sizes, g.dtype(), g.device());
  copy_values(view(whole), g);
  return whole;
}

// Strides that show memory of (sizes, strides) under new sizes, if there are any.
std::optional<Shape> view_strides(const Shape& sizes, const Shape& strides, const Shape& wanted) {
  if (product(sizes) == 0) return sizes == wanted ? strides : contiguous_strides(wanted);
  Shape out = Shape::filled(wanted.size(), 1);
  int target = wanted.size() - 1;
  for (int i = sizes.size() - 1; i >= 0;) {
    // A run of dimensions that lie in memory like one.
    int64_t stride = strides[i], length = sizes[i];
    while (i > 0 && (sizes[i - 1] == 1 || strides[i - 1] == length * stride)) {
      if (length == 1 && sizes[i - 1] != 1) stride = strides[i - 1];
      length *= sizes[--i];
    }
    i--;
    int64_t covered = 1;
    while (target >= 0 && (covered < length || wanted[target] == 1)) {
      out[target] = covered * stride;
      covered *= wanted[target--];
    }
    if (covered != length) return std::nullopt;
  }
  return out;
}

int64_t clamp_index(int64_t index, int64_t size) {
  return std::clamp<int64_t>(index < 0 ? index + size : index, 0, size);
}

Shape inverse(const Shape& dims) {
  Shape out = Shape::filled(dims.size(), 0);
  for (int i = 0; i < dims.size(); i++) out[int(dims[i])] = i;
  return out;
}

}  // namespace

Shape infer_size(const char* op, const Shape& sizes, int64_t count) {
  Shape out = sizes;
  int unknown = -1;
  int64_t known = 1;
  bool overflow = false;
  for (int i = 0; i < sizes.size(); i++) {
    if (sizes[i] == -1) {
      check(unknown < 0, op, ": only one dimension can be inferred, got ", sizes);
      unknown = i;
      continue;
    }
    check(sizes[i] >= 0, op, ": invalid shape dimension ", sizes[i], " at index ", i, " of shape ", sizes);
    overflow |= __builtin_mul_overflow(known, sizes[i], &known);
  }
  bool fits = !overflow && (unknown < 0 ? known == count : known > 0 && count % known == 0);
  if (unknown >= 0 && known == 0 && count == 0)
    fail(ErrorKind::Runtime, op, ": cannot reshape tensor of 0 elements into shape ", sizes,
         " because the unspecified dimension size -1 can be any value and is ambiguous");
  check(fits, op, ": shape '", sizes, "' is invalid for input of size ", count);
  if (unknown >= 0) out[unknown] = count / known;
  return out;
}

Tensor view_geometry(const Tensor& x, const Shape& sizes, const Shape& strides, int64_t offset,
                     ViewKind kind) {
  Tensor y = tensor_over(x.storage(), sizes, strides, offset, x.dtype());
  Body& body = *y.body();
  Body* base = x.body()->base ? x.body()->base : x.body();
  body.base = Ref<Body>(base).surrender();
  // A view of a view inherits what must not be done to it in place.
  ViewKind inherited = x.body()->view_kind;
  body.view_kind = !grad_enabled() ? ViewKind::NoGrad : inherited > ViewKind::Normal ? inherited : kind;
  body.inference = x.body()->inference;
  return y;
}

// ---------------------------------------------------------------- sizes

static Tensor reshaped_view(const char* name, const Tensor& x, const Shape& sizes, const Shape& strides) {
  Shape from = x.sizes();
  return record_view(name, view_geometry(x, sizes, strides, x.offset()), x, save(from),
                     [](const Tensor& g, const Shape& from) { return reshape(g, from); });
}

Tensor view(const Tensor& x, const Shape& sizes) {
  Shape wanted = infer_size("view", sizes, x.count());
  auto strides = view_strides(x.sizes(), x.strides(), wanted);
  check(strides.has_value(), "view: size ", wanted, " is not compatible with input tensor's size ", x.sizes(),
        " and stride ", x.strides(),
        " (at least one dimension spans across two contiguous subspaces). "
        "Use .reshape(...) instead.");
  return reshaped_view("ViewBackward0", x, wanted, *strides);
}

Tensor view_as_dtype(const Tensor& x, DType dtype) {
  int64_t from = size_of(x.dtype()), to = size_of(dtype);
  Shape sizes = x.sizes(), strides = x.strides();
  int64_t offset = x.offset();
  if (from != to) {
    check(x.rank() > 0, "view: self.dim() cannot be 0 to view ", name_of(x.dtype()), " as ", name_of(dtype),
          " (different element sizes)");
    check(strides.back() == 1 || sizes.back() == 1, "view: the last dimension's stride must be 1 to view ",
          name_of(x.dtype()), " as ", name_of(dtype), " (different element sizes), but got ", strides.back());
    int64_t bytes = sizes.back() * from;
    bool divisible = bytes % to == 0 && offset * from % to == 0;
    for (int i = 0; i + 1 < strides.size(); i++) {
      divisible &= strides[i] * from % to == 0;
      strides[i] = strides[i] * from / to;
    }
    check(divisible, "view: sizes ", x.sizes(), ", strides ", x.strides(), " and offset ", offset,
          " must be divisible by ", to / std::max<int64_t>(from, 1), " to view ", name_of(x.dtype()), " as ",
          name_of(dtype));
    sizes.back() = bytes / to;
    strides.back() = 1;
    offset = offset * from / to;
  }
  return tensor_over(x.storage(), sizes, strides, offset, dtype);
}

Tensor reshape(const Tensor& x, const Shape& sizes) {
  Shape wanted = infer_size("reshape", sizes, x.count());
  auto strides = view_strides(x.sizes(), x.strides(), wanted);
  if (strides) return reshaped_view("ViewBackward0", x, wanted, *strides);
  Tensor packed = contiguous(x);
  return reshaped_view("UnsafeViewBackward0", packed, wanted, contiguous_strides(wanted));
}

Tensor flatten(const Tensor& x, int64_t start, int64_t end) {
  int first = wrap_dim("flatten", start, x.rank()), last = wrap_dim("flatten", end, x.rank());
  check(first <= last, "flatten: start_dim cannot come after end_dim, got ", start, " and ", end);
  if (x.rank() == 0) return reshape(x, {1});
  if (first == last) return x;
  Shape sizes;
  int64_t length = 1;
  for (int i = first; i <= last; i++) length *= x.sizes()[i];
  for (int i = 0; i < x.rank(); i++)
    if (i < first || i > last) sizes.push_back(x.sizes()[i]);
    else if (i == first) sizes.push_back(length);
  return reshape(x, sizes);
}

Tensor unflatten(const Tensor& x, int64_t dim, const Shape& sizes) {
  int at = wrap_dim("unflatten", dim, x.rank());
  check(!sizes.empty(), "unflatten: sizes must be non-empty");
  check(x.rank() > 0, "unflatten: the input has no dimension to unflatten");
  Shape parts = infer_size("unflatten", sizes, x.sizes()[at]), wanted;
  for (int i = 0; i < x.rank(); i++) {
    if (i != at) wanted.push_back(x.sizes()[i]);
    else
      for (int64_t size : parts) wanted.push_back(size);
  }
  return view(x, wanted);
}

Tensor expand(const Tensor& x, const Shape& wanted) {
  Shape sizes = wanted;
  int shift = sizes.size() - x.rank();
  check(shift >= 0, "expand: the number of sizes provided (", sizes.size(),
        ") must be greater or equal to the number of dimensions in the tensor (", x.rank(), ")");
  for (int i = 0; i < sizes.size(); i++) {
    if (sizes[i] == -1) {
      check(
          i >= shift,
          "expand: the expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension ",
          i);
      sizes[i] = x.sizes()[i - shift];
    }
    check(sizes[i] >= 0, "expand: sizes must not be negative, got ", wanted);
    check(i < shift || x.sizes()[i - shift] == sizes[i] || x.sizes()[i - shift] == 1,
          "expand: the expanded size of the tensor (", sizes[i], ") must match the existing size (",
          i < shift ? 1 : x.sizes()[i - shift], ") at non-singleton dimension ", i,
          ". Target sizes: ", wanted, ". Tensor sizes: ", x.sizes());
  }
  element_count("expand", sizes);
  Tensor y = view_geometry(x, sizes, expanded_strides(x, sizes), x.offset());
  // The engine sums a gradient down to the sizes of its input, which is all that expand's derivative does.
  return record_view("ExpandBackward0", y, x, save(), [](const Tensor& g) { return g; });
}

Tensor squeeze(const Tensor& x, const Shape& dims) {
  Shape chosen = wrap_dims("squeeze", dims, x.rank()), sizes, strides, from = x.sizes();
  for (int i = 0; i < x.rank(); i++) {
    if (x.sizes()[i] == 1 && chosen.contains(i)) continue;
    sizes.push_back(x.sizes()[i]);
    strides.push_back(x.strides()[i]);
  }
  return record_view("SqueezeBackward1", view_geometry(x, sizes, strides, x.offset()), x, save(from),
                     [](const Tensor& g, const Shape& from) { return reshape(g, from); });
}

static Shape all_dims(int rank) {
  Shape dims = Shape::filled(rank, 0);
  std::iota(dims.begin(), dims.end(), 0);
  return dims;
}

Tensor squeeze(const Tensor& x) { return squeeze(x, all_dims(x.rank())); }

Tensor unsqueeze(const Tensor& x, int64_t dim) {
  int at = wrap_dim("unsqueeze", dim, x.rank() + 1);
  Shape sizes = x.sizes(), strides = x.strides();
  strides.insert(at, at < x.rank() ? sizes[at] * strides[at] : 1);
  sizes.insert(at, 1);
  return record_view("UnsqueezeBackward0", view_geometry(x, sizes, strides, x.offset()), x, save(at),
                     [](const Tensor& g, const int& at) { return squeeze(g, Shape{at}); });
}

// ---------------------------------------------------------------- order of dimensions

Tensor permute(const Tensor& x, const Shape& dims) {
  check(dims.size() == x.rank(),
        "permute: number of dimensions in the tensor input does not match the length of the "
        "desired ordering of dimensions i.e. input.dim() = ",
        x.rank(), " is not equal to len(dims) = ", dims.size());
  Shape order = wrap_dims("permute", dims, x.rank()), sizes, strides;
  for (int64_t dim : order) {
    sizes.push_back(x.sizes()[int(dim)]);
    strides.push_back(x.strides()[int(dim)]);
  }
  return record_view("PermuteBackward0", view_geometry(x, sizes, strides, x.offset()), x, save(order),
                     [](const Tensor& g, const Shape& order) { return permute(g, inverse(order)); });
}

Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1) {
  int a = wrap_dim("transpose", dim0, x.rank()), b = wrap_dim("transpose", dim1, x.rank());
  Shape sizes = x.sizes(), strides = x.strides();
  if (x.rank() > 0) {
    std::swap(sizes[a], sizes[b]);
    std::swap(strides[a], strides[b]);
  }
  return record_view("TransposeBackward0", view_geometry(x, sizes, strides, x.offset()), x, save(a, b),
                     [](const Tensor& g, const int& a, const int& b) { return transpose(g, a, b); });
}

Tensor t(const Tensor& x) {
  check(x.rank() <= 2, "t: expects a tensor with <= 2 dimensions, but self is ", x.rank(), "D");
  return x.rank() < 2 ? alias(x) : transpose(x, 0, 1);
}

Tensor numpy_T(const Tensor& x) {
  Shape order = all_dims(x.rank());
  std::reverse(order.begin(), order.end());
  return permute(x, order);
}

Tensor movedim(const Tensor& x, const Shape& source, const Shape& destination) {
  check(source.size() == destination.size(), "movedim: source dims ", source,
        " should contain the same number of dims "
        "as the destination dims ",
        destination);
  Shape from = wrap_dims("movedim", source, x.rank()), to = wrap_dims("movedim", destination, x.rank());
  if (x.rank() == 0) return alias(x);
  Shape order = Shape::filled(x.rank(), -1);
  for (int i = 0; i < from.size(); i++) order[int(to[i])] = from[i];
  int next = 0;
  for (int64_t& dim : order) {
    if (dim >= 0) continue;
    while (from.contains(next)) next++;
    dim = next++;
  }
  return permute(x, order);
}

// ---------------------------------------------------------------- parts

Tensor select(const Tensor& x, int64_t dim, int64_t index) {
  check_index(x.rank() > 0, "select: select() cannot be applied to a 0-dim tensor.");
  int at = wrap_dim("select", dim, x.rank());
  int64_t size = x.sizes()[at];
  check_index(index >= -size && index < size, "select: index ", index, " is out of range for tensor of size ",
              x.sizes(), " at dimension ", at);
  int64_t place = index < 0 ? index + size : index;
  Shape sizes = x.sizes(), strides = x.strides(), from = x.sizes();
  int64_t offset = x.offset() + place * strides[at];
  sizes.erase(at);
  strides.erase(at);
  return record_view(
      "SelectBackward0", view_geometry(x, sizes, strides, offset), x, save(from, at, place),
      [](const Tensor& g, const Shape& from, const int& at, const int64_t& place) {
        Tensor y = embed(g, from, [&](const Tensor& whole) { return select(whole, at, place); });
        return record(
            "SelectBackwardBackward0", y, inputs(g), save(at, place),
            [](const Tensor& g, const int& at, const int64_t& place) { return select(g, at, place); });
      });
}

// Zeros of sizes `from`, with g in the slice: the gradient of slice, and slice is its own in turn.
static Tensor slice_gradient(const Tensor& g, const Shape& from, int at, int64_t first, int64_t last,
                             int64_t step) {
  Tensor y = embed(g, from, [&](const Tensor& whole) { return slice(whole, at, first, last, step); });
  return record("SliceBackwardBackward0", y, inputs(g), save(at, first, last, step),
                [](const Tensor& g, const int& at, const int64_t& first, const int64_t& last,
                   const int64_t& step) { return slice(g, at, first, last, step); });
}

Tensor slice(const Tensor& x, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
             int64_t step) {
  check_index(x.rank() > 0, "slice: slice() cannot be applied to a 0-dim tensor.");
  check_value(step > 0, "slice: step must be greater than zero, got ", step);
  int at = wrap_dim("slice", dim, x.rank());
  Shape sizes = x.sizes(), strides = x.strides(), from = x.sizes();
  int64_t size = sizes[at], first = clamp_index(start.value_or(0), size),
          last = clamp_index(end.value_or(size), size);
  last = std::max(first, last);
  sizes[at] = (last - first + step - 1) / step;
  int64_t offset = x.offset() + first * strides[at];
  strides[at] *= step;
  return record_view(
      "SliceBackward0", view_geometry(x, sizes, strides, offset), x, save(from, at, first, last, step),
      [](const Tensor& g, const Shape& from, const int& at, const int64_t& first, const int64_t& last,
         const int64_t& step) { return slice_gradient(g, from, at, first, last, step); });
}

Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  check(x.rank() > 0, "narrow: narrow() cannot be applied to a 0-dim tensor.");
  check(length >= 0, "narrow: length must be non-negative, got ", length);
  int at = wrap_dim("narrow", dim, x.rank());
  int64_t size = x.sizes()[at];
  check_index(start >= -size && start <= size, "narrow: start out of range (expected to be in range of [",
              -size, ", ", size, "], but got ", start, ")");
  int64_t first = start < 0 ? start + size : start;
  check(length <= size - first, "narrow: start (", first, ") + length (", length,
        ") exceeds dimension size (", size, ").");
  return slice(x, at, first, first + length);
}

Tensor unfold(const Tensor& x, int64_t dim, int64_t size, int64_t step) {
  int at = wrap_dim("unfold", dim, x.rank());
  int64_t length = x.rank() ? x.sizes()[at] : 1, stride = x.rank() ? x.strides()[at] : 1;
  check(size >= 0, "unfold: size is ", size, " but must be >= 0");
  check(size <= length, "unfold: maximum size for tensor at dimension ", at, " is ", length, " but size is ",
        size);
  check(step > 0, "unfold: step is ", step, " but must be > 0");
  Shape sizes = x.sizes(), strides = x.strides(), from = x.sizes();
  if (x.rank()) {
    sizes[at] = (length - size) / step + 1;
    strides[at] = step * stride;
  }
  sizes.push_back(size);
  strides.push_back(stride);
  return record_view(
      "UnfoldBackward0", view_geometry(x, sizes, strides, x.offset()), x, save(from, at, size, step),
      [](const Tensor& g, const Shape& from, const int& at, const int64_t& size, const int64_t& step) {
        // Position k of every window is a slice of the input: add them one k at a time.
        if (from.empty()) return reshape(g, from);
        Tensor whole = zeros(from, g.dtype(), g.device());
        int64_t windows = g.sizes()[at];
        for (int64_t k = 0; k < size; k++)
          whole =
              add(whole, slice_gradient(select(g, -1, k), from, at, k, k + (windows - 1) * step + 1, step));
        return whole;
      });
}

Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  int a = wrap_dim("diagonal", dim1, x.rank()), b = wrap_dim("diagonal", dim2, x.rank());
  check(a != b, "diagonal: dimensions cannot be identical ", dim1, ", ", dim2);
  Shape sizes = x.sizes(), strides = x.strides(), from = x.sizes();
  int64_t length =
      offset >= 0 ? std::min(sizes[a], sizes[b] - offset) : std::min(sizes[a] + offset, sizes[b]);
  length = std::max<int64_t>(length, 0);
  int64_t start = x.offset();
  if (length > 0) start += offset >= 0 ? offset * strides[b] : -offset * strides[a];
  int64_t stride = strides[a] + strides[b];
  sizes.erase(std::max(a, b)), sizes.erase(std::min(a, b));
  strides.erase(std::max(a, b)), strides.erase(std::min(a, b));
  sizes.push_back(length);
  strides.push_back(stride);
  return record_view(
      "DiagonalBackward0", view_geometry(x, sizes, strides, start), x, save(from, offset, a, b),
      [](const Tensor& g, const Shape& from, const int64_t& offset, const int& a, const int& b) {
        Tensor y = embed(g, from, [&](const Tensor& whole) { return diagonal(whole, offset, a, b); });
        return record("DiagonalBackwardBackward0", y, inputs(g), save(offset, a, b),
                      [](const Tensor& g, const int64_t& offset, const int& a, const int& b) {
                        return diagonal(g, offset, a, b);
                      });
      });
}

// ---------------------------------------------------------------- the same values

Tensor detach(const Tensor& x) {
  Tensor y = tensor_over(x.storage(), x.sizes(), x.strides(), x.offset(), x.dtype());
  y.body()->inference = x.body()->inference;
  return y;
}

Tensor alias(const Tensor& x) {
  return record_view("AliasBackward0", view_geometry(x, x.sizes(), x.strides(), x.offset()), x, save(),
                     [](const Tensor& g) { return g; });
}

// ---------------------------------------------------------------- in-place

// Takes the geometry and the history of a view of itself.
static Tensor become(const char* op, const Tensor& self, const Tensor& shown) {
  check_inplace(op, self);
  Ref<Node> node = grad_enabled() ? producer_of(shown) : Ref<Node>();
  set_geometry(self, shown.sizes(), shown.strides(), shown.offset());
  bump_version(self, op);
  if (node) set_producer(self, node, autograd_if_any(shown)->producer.output);
  return self;
}

Tensor squeeze_(const Tensor& self, const Dims& dims) {
  return become("squeeze_", self, dims ? squeeze(self, *dims) : squeeze(self));
}
Tensor unsqueeze_(const Tensor& self, int64_t dim) {
  return become("unsqueeze_", self, unsqueeze(self, dim));
}
Tensor transpose_(const Tensor& self, int64_t dim0, int64_t dim1) {
  return become("transpose_", self, transpose(self, dim0, dim1));
}
Tensor t_(const Tensor& self) { return become("t_", self, t(self)); }

Tensor detach_(const Tensor& self) {
  check(!self.body()->base || !needs_grad(self),
        "detach_: can't detach views in-place. Use detach() instead.");
  if (Autograd* state = autograd_if_any(self)) state->producer = {};
  self.body()->requires_grad = false;
  return self;
}

}  // namespace tt
