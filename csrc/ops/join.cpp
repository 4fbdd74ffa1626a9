#include "ops/join.h"

#include "ops/ops.h"

namespace tt {

static bool is_legacy_empty(const Tensor& x) { return x.rank() == 1 && x.count() == 0; }

Tensor cat(const std::vector<Tensor>& tensors, int64_t dim, Out out) {
  check_value(!tensors.empty(), "cat: expected a non-empty list of Tensors");
  // A 1-dim tensor without elements joins anything.
  const Tensor* shaped = &tensors[0];
  for (const Tensor& x : tensors)
    if (is_legacy_empty(*shaped) && !is_legacy_empty(x)) shaped = &x;
  const Tensor& model = *shaped;
  for (size_t i = 0; i < tensors.size(); i++)
    check(tensors[i].rank() > 0, "cat: zero-dimensional tensor (at position ", i, ") cannot be concatenated");
  int at = wrap_dim("cat", dim, model.rank());
  Shape sizes = model.sizes(), bounds{0};
  DType dtype = model.dtype();
  for (size_t i = 0; i < tensors.size(); i++) {
    const Tensor& x = tensors[i];
    dtype = promote(dtype, x.dtype());
    check(x.device() == model.device(), "cat: expected all tensors to be on the same device, got ", model.device(),
          " and ", x.device());
    bounds.push_back(bounds.back());
    if (is_legacy_empty(x)) continue;
    Shape rest = x.sizes();
    check(rest.size() == sizes.size(), "cat: tensors must have same number of dimensions: got ", sizes.size(), " and ",
          rest.size());
    bounds.back() += rest[at];
    rest[at] = sizes[at];
    check(rest == sizes, "cat: sizes of tensors must match except in dimension ", at, ". Expected ", model.sizes(),
          " but got ", x.sizes(), " for tensor number ", i, " in the list.");
  }
  sizes[at] = bounds.back();
  if (out) check(!any_needs_grad(tensors), "cat(): functions with out=... arguments don't support automatic "
                 "differentiation, but one of the arguments requires grad.");
  std::vector<Shape> strides;
  for (const Tensor& x : tensors)
    if (!is_legacy_empty(x)) strides.push_back(x.strides());
  bool alike = std::all_of(strides.begin(), strides.end(), [&](const Shape& s) {
    return preferred_strides(sizes, {s}) == preferred_strides(sizes, {strides[0]});
  });
  Tensor y = out              ? result_tensor("cat", out, sizes, dtype, model.device())
             : strides.empty() || !alike ? empty(sizes, dtype, model.device())
                              : empty_strided(sizes, preferred_strides(sizes, {strides[0]}), dtype, model.device());
  for (size_t i = 0; i < tensors.size(); i++) {
    if (out) check_no_overlap("cat", y, tensors[i]);
    if (tensors[i].count() == 0) continue;
    GradGuard off(false);
    copy_values(slice(y, at, bounds[int(i)], bounds[int(i) + 1]), tensors[i]);
  }
  if (out) {
    bump_version(y, "cat");
    return y;
  }
  std::vector<Shape> shapes;
  for (const Tensor& x : tensors) shapes.push_back(x.sizes());
  return record_joint("CatBackward0", y, tensors, save(bounds, shapes, at),
                      [](const Gradients& gs, Wanted wanted, const Shape& bounds, const std::vector<Shape>& shapes,
                         const int& at) {
                        Gradients out(bounds.size() - 1);
                        for (int i = 0; i < out.size(); i++)
                          if (wanted[i]) out[i] = reshape(slice(gs[0], at, bounds[i], bounds[i + 1]), shapes[i]);
                        return out;
                      });
}

Tensor stack(const std::vector<Tensor>& tensors, int64_t dim, Out out) {
  check(!tensors.empty(), "stack: expects a non-empty TensorList");
  int at = wrap_dim("stack", dim, tensors[0].rank() + 1);
  std::vector<Tensor> raised;
  for (const Tensor& x : tensors) {
    check(x.sizes() == tensors[0].sizes(), "stack: expects each tensor to be equal size, but got ", tensors[0].sizes(),
          " at entry 0 and ", x.sizes(), " at entry ", raised.size());
    raised.push_back(unsqueeze(x, at));
  }
  return cat(raised, at, out);
}

}  // namespace tt
