// Views that come in lists.
#include "ops/view.h"

#include "ops/ops.h"

namespace tt {

// The gradients of all parts; a part that was not used has zeros.
static std::vector<Tensor> with_zeros(const Gradients& gs, const std::vector<Shape>& shapes) {
  std::vector<Tensor> pieces;
  const Tensor& some = *std::find_if(gs.begin(), gs.end(), [](const Tensor& g) { return g.defined(); });
  for (int i = 0; i < gs.size(); i++)
    pieces.push_back(gs[i].defined() ? gs[i] : zeros(shapes[i], some.dtype(), some.device()));
  return pieces;
}

static std::vector<Tensor> parts(const char* name, const Tensor& x, int at, const Shape& bounds) {
  std::vector<Tensor> out;
  std::vector<Shape> shapes;
  for (int i = 0; i + 1 < bounds.size(); i++) {
    Shape sizes = x.sizes();
    sizes[at] = bounds[i + 1] - bounds[i];
    shapes.push_back(sizes);
    out.push_back(view_geometry(x, sizes, x.strides(), x.offset() + bounds[i] * x.strides()[at],
                                ViewKind::MultiOutput));
  }
  record_many(name, out, inputs(x), save(shapes, at),
              [](const Gradients& gs, Wanted, const std::vector<Shape>& shapes, const int& at) {
                return Gradients{cat(with_zeros(gs, shapes), at)};
              });
  return out;
}

std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t dim) {
  check(x.rank() > 0, "split: expects at least a 1-dimensional tensor");
  check(size >= 0, "split: expects split_size be non-negative, but got split_size=", size);
  int at = wrap_dim("split", dim, x.rank());
  int64_t length = x.sizes()[at];
  check(size > 0 || length == 0,
        "split: split_size can only be 0 if dimension size is 0, but got dimension size of ", length);
  Shape bounds{0};
  do bounds.push_back(std::min(length, bounds.back() + size));
  while (bounds.back() < length);
  return parts("SplitBackward0", x, at, bounds);
}

std::vector<Tensor> split(const Tensor& x, const Shape& sizes, int64_t dim) {
  check(x.rank() > 0, "split: expects at least a 1-dimensional tensor");
  int at = wrap_dim("split", dim, x.rank());
  Shape bounds{0};
  for (int64_t size : sizes) {
    check(
        size >= 0,
        "split_with_sizes: expects split_sizes have only non-negative entries, but got split_sizes=", sizes);
    bounds.push_back(bounds.back() + size);
  }
  check(bounds.back() == x.sizes()[at], "split_with_sizes: expects split_sizes to sum exactly to ",
        x.sizes()[at], " (input tensor's size at dimension ", at, "), but got split_sizes=", sizes);
  return parts("SplitWithSizesBackward0", x, at, bounds);
}

std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim) {
  check(x.rank() > 0, "chunk: expects at least a 1-dimensional tensor");
  check(chunks > 0, "chunk: expects `chunks` to be greater than 0, got: ", chunks);
  int64_t length = x.size(dim), size = (length + chunks - 1) / chunks;
  if (size == 0) {
    Shape sizes = Shape::filled(int(chunks), 0);
    return split(x, sizes, dim);
  }
  return split(x, size, dim);
}

std::vector<Tensor> tensor_split(const Tensor& x, const Shape& indices, int64_t dim) {
  check(x.rank() > 0, "tensor_split: expected at least a 1-dimensional tensor, but got a tensor with 0 dims");
  int at = wrap_dim("tensor_split", dim, x.rank());
  std::vector<Tensor> out;
  int64_t start = 0;
  for (int64_t index : indices) {
    out.push_back(slice(x, at, start, index));
    start = index;
  }
  out.push_back(slice(x, at, start, std::nullopt));
  return out;
}

std::vector<Tensor> tensor_split(const Tensor& x, int64_t sections, int64_t dim) {
  check(x.rank() > 0, "tensor_split: expected at least a 1-dimensional tensor, but got a tensor with 0 dims");
  check(sections > 0, "tensor_split: number of sections must be larger than 0, got ", sections);
  int64_t length = x.size(dim);
  Shape indices;
  for (int64_t i = 1; i < sections; i++)
    indices.push_back(i * (length / sections) + std::min(i, length % sections));
  return tensor_split(x, indices, dim);
}

std::vector<Tensor> unbind(const Tensor& x, int64_t dim) {
  check_index(x.rank() > 0, "unbind: Dimension specified as ", dim, " but tensor has no dimensions");
  int at = wrap_dim("unbind", dim, x.rank());
  std::vector<Tensor> out;
  Shape sizes = x.sizes(), strides = x.strides();
  sizes.erase(at);
  strides.erase(at);
  for (int64_t i = 0; i < x.sizes()[at]; i++)
    out.push_back(view_geometry(x, sizes, strides, x.offset() + i * x.strides()[at], ViewKind::MultiOutput));
  std::vector<Shape> shapes(out.size(), sizes);
  record_many("UnbindBackward0", out, inputs(x), save(shapes, at),
              [](const Gradients& gs, Wanted, const std::vector<Shape>& shapes, const int& at) {
                return Gradients{stack(with_zeros(gs, shapes), at)};
              });
  return out;
}

}  // namespace tt
