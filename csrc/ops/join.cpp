#include "ops/join.h"

#include "core/format.h"
#include "ops/ops.h"

namespace tt {
namespace {

bool is_legacy_empty(const Tensor& x) { return x.rank() == 1 && x.count() == 0; }  // joins anything

struct Joined {
  int at;
  DType dtype;
  Device device;
  Shape sizes;
  Shape bounds{0};  // where each tensor starts along `at`, and the end
};

Joined joined(const std::vector<Tensor>& tensors, int64_t dim) {
  check_value(!tensors.empty(), "cat: expected a non-empty list of Tensors");
  for (size_t i = 0; i < tensors.size(); i++)
    check(tensors[i].rank() > 0, "cat: zero-dimensional tensor (at position ", i, ") cannot be concatenated");
  auto shaped = std::find_if_not(tensors.begin(), tensors.end(), is_legacy_empty);
  const Tensor& model = shaped == tensors.end() ? tensors[0] : *shaped;
  // Where there is nothing but such tensors, any dimension will do.
  int at = wrap_dim("cat", is_legacy_empty(model) ? 0 : dim, model.rank());
  Joined j{at, model.dtype(), model.device(), model.sizes()};
  for (size_t i = 0; i < tensors.size(); i++) {
    const Tensor& x = tensors[i];
    j.dtype = promote(j.dtype, x.dtype());
    check(x.device() == j.device, "cat: expected all tensors to be on the same device, got ", j.device,
          " and ", x.device());
    j.bounds.push_back(j.bounds.back());
    if (is_legacy_empty(x)) continue;
    check(x.rank() == model.rank(), "cat: tensors must have same number of dimensions: got ", model.rank(),
          " and ", x.rank());
    for (int d = 0; d < x.rank(); d++)
      check(d == j.at || x.sizes()[d] == model.sizes()[d],
            "cat: sizes of tensors must match except in dimension ", j.at, ". Expected ", model.sizes(),
            " but got ", x.sizes(), " for tensor number ", i, " in the list.");
    j.bounds.back() += x.sizes()[j.at];
  }
  j.sizes[j.at] = j.bounds.back();
  return j;
}

// Images whose channels lie innermost stay so; any other result is row-major.
bool is_channels_last(const Tensor& x) {
  int rank = x.rank();
  if ((rank != 4 && rank != 5) || x.strides()[1] == 0) return false;
  int64_t least = 0;
  for (int i = 0; i < rank; i++) {
    int d = i == 0 ? 1 : i == rank - 1 ? 0 : rank - i;
    int64_t size = x.sizes()[d], stride = x.strides()[d];
    bool ambiguous = d == 0 && least == x.strides()[1];  // nothing but channels: row-major as well
    if (size == 0 || stride < least || ambiguous) return false;
    least = stride * size;
  }
  return true;
}

Tensor fresh(const std::vector<Tensor>& tensors, const Joined& j) {
  if (!std::all_of(tensors.begin(), tensors.end(), is_channels_last))
    return empty(j.sizes, j.dtype, j.device);
  MemoryFormat format = j.sizes.size() == 4 ? MemoryFormat::ChannelsLast : MemoryFormat::ChannelsLast3d;
  return empty_strided(j.sizes, format_strides("cat", j.sizes, format), j.dtype, j.device);
}

void copy_parts(const Tensor& y, const std::vector<Tensor>& tensors, const Joined& j) {
  for (size_t i = 0; i < tensors.size(); i++) {
    const Tensor& x = tensors[i];
    if (x.count() == 0) continue;
    Operand part = operand_of(y, y.strides());
    part.data += j.bounds[int(i)] * y.strides()[j.at] * size_of(y.dtype());
    kernels_of(y.device()).copy({x.rank(), x.sizes().data(), part, operand_of(x, x.strides())});
  }
}

}  // namespace

Tensor cat(const std::vector<Tensor>& tensors, int64_t dim, Out out) {
  Joined j = joined(tensors, dim);
  if (out) {
    check(!any_needs_grad(tensors),
          "cat(): functions with out=... arguments don't support automatic differentiation, but "
          "one of the arguments requires grad.");
    Tensor y = result_tensor("cat", out, j.sizes, j.dtype, j.device);
    for (const Tensor& x : tensors) check_no_overlap("cat", y, x);
    copy_parts(y, tensors, j);
    bump_version(y, "cat");
    return y;
  }
  Tensor y = fresh(tensors, j);
  copy_parts(y, tensors, j);
  if (!any_needs_grad(tensors)) return y;
  std::vector<Shape> shapes;
  for (const Tensor& x : tensors) shapes.push_back(x.sizes());
  return record_joint("CatBackward0", y, tensors, save(j.bounds, shapes, j.at),
                      [](const Gradients& gs, Wanted wanted, const Shape& bounds,
                         const std::vector<Shape>& shapes, const int& at) {
                        Gradients out(bounds.size() - 1);
                        for (int i = 0; i < out.size(); i++)
                          if (wanted[i])
                            out[i] = reshape(slice(gs[0], at, bounds[i], bounds[i + 1]), shapes[i]);
                        return out;
                      });
}

Tensor stack(const std::vector<Tensor>& tensors, int64_t dim, Out out) {
  check(!tensors.empty(), "stack: expects a non-empty TensorList");
  int at = wrap_dim("stack", dim, tensors[0].rank() + 1);
  std::vector<Tensor> raised;
  for (const Tensor& x : tensors) {
    check(x.sizes() == tensors[0].sizes(), "stack: expects each tensor to be equal size, but got ",
          tensors[0].sizes(), " at entry 0 and ", x.sizes(), " at entry ", raised.size());
    raised.push_back(unsqueeze(x, at));
  }
  return cat(raised, at, out);
}

// ---------------------------------------------------------------- along a fixed dimension

template <class Raise>
static std::vector<Tensor> raised(const char* op, const std::vector<Tensor>& tensors, Raise raise) {
  check(!tensors.empty(), op, ": expects a non-empty TensorList");
  std::vector<Tensor> out;
  for (const Tensor& x : tensors) out.push_back(raise(x));
  return out;
}

static Tensor as_row(const Tensor& x) {
  return x.rank() == 0 ? reshape(x, {1, 1}) : x.rank() == 1 ? unsqueeze(x, 0) : x;
}

Tensor hstack(const std::vector<Tensor>& tensors, Out out) {
  std::vector<Tensor> parts =
      raised("hstack", tensors, [](const Tensor& x) { return x.rank() ? x : reshape(x, {1}); });
  return cat(parts, parts[0].rank() == 1 ? 0 : 1, out);
}

Tensor vstack(const std::vector<Tensor>& tensors, Out out) {
  return cat(raised("vstack", tensors, as_row), 0, out);
}

Tensor dstack(const std::vector<Tensor>& tensors, Out out) {
  return cat(
      raised("dstack", tensors, [](const Tensor& x) { return x.rank() < 3 ? unsqueeze(as_row(x), 2) : x; }),
      2, out);
}

Tensor column_stack(const std::vector<Tensor>& tensors, Out out) {
  return hstack(raised("column_stack", tensors,
                       [](const Tensor& x) { return x.rank() < 2 ? reshape(x, {x.count(), 1}) : x; }),
                out);
}

}  // namespace tt
