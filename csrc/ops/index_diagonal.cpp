// Diagonals and triangles, and tensors with one part replaced.
#include "ops/index_places.h"
#include "ops/ops.h"

namespace tt {

// ---------------------------------------------------------------- diagonals

Tensor diag_embed(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const char* op = "diag_embed";
  int rank = x.rank() + 1, a = wrap_dim(op, dim1, rank), b = wrap_dim(op, dim2, rank);
  check(a != b, op, ": diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  int64_t length = x.sizes().back() + std::abs(offset);
  Shape sizes = x.sizes();
  sizes.resize(x.rank() - 1);
  sizes.insert(std::min(a, b), length);
  sizes.insert(std::max(a, b), length);
  Tensor y = zeros(sizes, x.dtype(), x.device());
  {
    GradGuard off(false);
    copy_values(diagonal(y, offset, a, b), x);
  }
  return record("DiagEmbedBackward0", y, inputs(x), save(offset, a, b),
                [](const Tensor& g, const int64_t& offset, const int& a, const int& b) {
                  return diagonal(g, offset, a, b);
                });
}

Tensor diag(const Tensor& x, int64_t offset) {
  check(x.rank() == 1 || x.rank() == 2, "diag: supports 1D or 2D tensors, got ", x.rank(), "D");
  return x.rank() == 1 ? diag_embed(x, offset, 0, 1) : clone(diagonal(x, offset, 0, 1));
}

Tensor diagflat(const Tensor& x, int64_t offset) { return diag_embed(reshape(x, {-1}), offset, 0, 1); }

Tensor trace(const Tensor& x) {
  check(x.rank() == 2, "trace: expected a matrix, but got a tensor with ", x.rank(), " dimensions");
  if (x.dtype() == DType::Bool) fail(ErrorKind::NotImplemented, "trace: not implemented for bool");
  return sum(diagonal(x, 0, 0, 1));
}

Tensor fill_diagonal_(const Tensor& self, const Scalar& value, bool wrap) {
  const char* op = "fill_diagonal_";
  check(self.rank() >= 2, op, ": the tensor must have more than 1 dimension, got shape ", self.sizes());
  if (self.rank() > 2) {
    int64_t stride = 0;
    for (int i = 0; i < self.rank(); i++) {
      check(self.sizes()[i] == self.sizes()[0], op,
            ": all dimensions of the input must be of equal length, got ", self.sizes());
      stride += self.strides()[i];
    }
    fill_(as_strided(self, {self.sizes()[0]}, {stride}), value);
    return self;
  }
  int64_t rows = self.sizes()[0], columns = self.sizes()[1];
  fill_(diagonal(self, 0, 0, 1), value);
  // A tall matrix starts anew after every square, one empty row in between.
  for (int64_t start = columns + 1; wrap && columns && start < rows; start += columns + 1)
    fill_(diagonal(slice(self, 0, start, std::nullopt), 0, 0, 1), value);
  return self;
}

// ---------------------------------------------------------------- triangles

static Tensor triangle(const char* op, const Tensor& x, int64_t diagonal, bool lower, Out out) {
  check(x.rank() >= 2, op, ": input tensor must have at least 2 dimensions, got shape ", x.sizes());
  auto kernel = kernels_of(x.device()).triangle;
  check(kernel, op, ": not implemented on ", x.device());
  Tensor y = start_from(x, out);
  // Further out there is nothing to zero, or everything: the sum in the kernel must not overflow.
  int64_t reach = x.sizes()[x.rank() - 1] + x.sizes()[x.rank() - 2];
  Operand operand = operand_of(y, y.strides());
  kernel({y.rank(), y.sizes().data(), &operand, std::clamp(diagonal, -reach, reach), lower});
  if (out.in_place) bump_version(y, op);
  return y;
}

Tensor tril(const Tensor& x, int64_t diagonal, Out out) {
  Tensor y = triangle("tril", x, diagonal, true, out);
  y = record("TrilBackward0", y, inputs(x), save(diagonal),
             [](const Tensor& g, const int64_t& diagonal) { return tril(g, diagonal); });
  return settled("tril", y, out);
}

Tensor triu(const Tensor& x, int64_t diagonal, Out out) {
  Tensor y = triangle("triu", x, diagonal, false, out);
  y = record("TriuBackward0", y, inputs(x), save(diagonal),
             [](const Tensor& g, const int64_t& diagonal) { return triu(g, diagonal); });
  return settled("triu", y, out);
}

// ---------------------------------------------------------------- one part replaced

// A copy of x with src in the part that `view` shows.
template <class View>
static Tensor replaced(const char* op, const Tensor& x, const Tensor& src, View view) {
  GradGuard off(false);
  bool repeats = false;
  for (int d = 0; d < x.rank(); d++) repeats |= x.strides()[d] == 0 && x.sizes()[d] > 1;
  Tensor y = repeats ? clone(x) : empty_strided(x.sizes(), x.strides(), x.dtype(), x.device()),
         part = view(y);
  check(part.sizes() == src.sizes(), op,
        ": expected src to have a size equal to the slice of self. src size = ", src.sizes(),
        ", slice size = ", part.sizes());
  if (!repeats) copy_values(y, x);
  copy_values(part, src);
  return y;
}

Tensor select_scatter(const Tensor& x, const Tensor& src, int64_t dim, int64_t index) {
  Tensor y = replaced("select_scatter", x, src, [&](const Tensor& y) { return select(y, dim, index); });
  if (!y.is_floating()) return y;
  return record(
      "SelectScatterBackward0", y, inputs(x, src), save(dim, index),
      [](const Tensor& g, const int64_t& dim, const int64_t& index) {
        return select_scatter(g, zeros_like(select(g, dim, index)), dim, index);
      },
      [](const Tensor& g, const int64_t& dim, const int64_t& index) { return select(g, dim, index); });
}

Tensor slice_scatter(const Tensor& x, const Tensor& src, int64_t dim, std::optional<int64_t> start,
                     std::optional<int64_t> end, int64_t step) {
  Tensor y =
      replaced("slice_scatter", x, src, [&](const Tensor& y) { return slice(y, dim, start, end, step); });
  using Bound = std::optional<int64_t>;
  if (!y.is_floating()) return y;
  return record(
      "SliceScatterBackward0", y, inputs(x, src), save(dim, start, end, step),
      [](const Tensor& g, const int64_t& dim, const Bound& start, const Bound& end, const int64_t& step) {
        return slice_scatter(g, zeros_like(slice(g, dim, start, end, step)), dim, start, end, step);
      },
      [](const Tensor& g, const int64_t& dim, const Bound& start, const Bound& end, const int64_t& step) {
        return slice(g, dim, start, end, step);
      });
}

Tensor diagonal_scatter(const Tensor& x, const Tensor& src, int64_t offset, int64_t dim1, int64_t dim2) {
  Tensor y =
      replaced("diagonal_scatter", x, src, [&](const Tensor& y) { return diagonal(y, offset, dim1, dim2); });
  if (!y.is_floating()) return y;
  return record(
      "DiagonalScatterBackward0", y, inputs(x, src), save(offset, dim1, dim2),
      [](const Tensor& g, const int64_t& offset, const int64_t& a, const int64_t& b) {
        return diagonal_scatter(g, zeros_like(diagonal(g, offset, a, b)), offset, a, b);
      },
      [](const Tensor& g, const int64_t& offset, const int64_t& a, const int64_t& b) {
        return diagonal(g, offset, a, b);
      });
}

}  // namespace tt
