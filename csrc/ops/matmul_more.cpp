// Products along other lines: outer, inner, Kronecker and cross products, distances, chains and powers.
#include "ops/matmul.h"
#include "ops/ops.h"
#include "ops/products.h"

namespace tt {

Tensor outer(const Tensor& a, const Tensor& b, Out out) {
  check_rank("outer", "input", a, 1);
  check_rank("outer", "vec2", b, 1);
  return mul(unsqueeze(a, 1), b, out);
}

static Shape without_last(const Tensor& x) { return Shape(x.sizes().data(), x.rank() - 1); }

Tensor inner(const Tensor& a, const Tensor& b, Out out) {
  if (a.rank() == 0 || b.rank() == 0) return mul(a, b, out);
  check_factors("inner", a, b);
  check(a.size(-1) == b.size(-1), "inner: the last dimensions must match, got ", a.sizes(), " and ",
        b.sizes());
  Shape sizes = without_last(a), columns = without_last(b);
  Tensor y = mm(reshape(a, {product(sizes), a.size(-1)}), t(reshape(b, {product(columns), b.size(-1)})));
  for (int64_t size : columns) sizes.push_back(size);
  return deliver("inner", reshape(y, sizes), out);
}

// a[i, 1, j, 1] * b[1, k, 1, l], read as [i k, j l].
Tensor kron(const Tensor& a, const Tensor& b, Out out) {
  int rank = std::max(a.rank(), b.rank());
  Shape left, right, sizes;
  for (int i = 0; i < rank; i++) {
    int in_a = i - (rank - a.rank()), in_b = i - (rank - b.rank());
    int64_t rows = in_a < 0 ? 1 : a.sizes()[in_a], columns = in_b < 0 ? 1 : b.sizes()[in_b];
    for (int64_t size : {rows, int64_t(1)}) left.push_back(size);
    for (int64_t size : {int64_t(1), columns}) right.push_back(size);
    sizes.push_back(rows * columns);
  }
  return deliver("kron", reshape(mul(reshape(a, left), reshape(b, right)), sizes), out);
}

// ---------------------------------------------------------------- cross

static int cross_dim(const Tensor& a, const Tensor& b, std::optional<int64_t> dim) {
  if (!dim) {
    check(a.rank() == b.rank(), "cross: input and other must have the same number of dimensions, got ",
          a.sizes(), " and ", b.sizes());
    int found = 0;
    while (found < a.rank() && a.sizes()[found] != 3) found++;
    check(found < a.rank(), "cross: no dimension of size 3 in input of shape ", a.sizes());
    return found - a.rank();
  }
  check(a.rank() == b.rank(), "cross: inputs must have the same number of dimensions, got ", a.sizes(),
        " and ", b.sizes());
  return wrap_dim("cross", *dim, a.rank()) - a.rank();
}

Tensor cross(const Tensor& a, const Tensor& b, std::optional<int64_t> given_dim, Out out) {
  int64_t dim = cross_dim(a, b, given_dim);
  check(a.size(dim) == 3 && b.size(dim) == 3, "cross: inputs must have length 3 along dimension ", dim,
        ", got ", a.sizes(), " and ", b.sizes());
  DType type = result_type({&a, &b});
  Shape sizes = broadcast("cross", a.sizes(), b.sizes());
  for (const Tensor* x : {&a, &b})
    check(!out || !grad_enabled() || !needs_grad(*x),
          "cross(): functions with out=... arguments don't support automatic "
          "differentiation, but one of the arguments requires grad.");
  Tensor y = empty(sizes, type, common_device("cross", {&a, &b}));
  {
    GradGuard off(false);
    for (int64_t i = 0; i < 3; i++) {
      int64_t j = (i + 1) % 3, k = (i + 2) % 3;
      Tensor part = mul(select(a, dim, j), select(b, dim, k));
      copy_values(select(y, dim, i), sub(part, mul(select(a, dim, k), select(b, dim, j))));
    }
  }
  return record(
      "LinalgCrossBackward0", settle("cross", y, out), inputs(a, b), save(kept(a, b), kept(b, a), dim),
      [](const Tensor& g, const Tensor&, const Tensor& b, const int64_t& dim) { return cross(b, g, dim); },
      [](const Tensor& g, const Tensor& a, const Tensor&, const int64_t& dim) { return cross(g, a, dim); });
}

// ---------------------------------------------------------------- distances

namespace {

constexpr int64_t most_differences = 1 << 22;  // held at a time

Tensor euclidean_distances(const Tensor& a, const Tensor& b, const Shape& sizes) {
  GradGuard off(false);
  Tensor y = empty(sizes, a.dtype(), a.device());
  const int64_t rows = a.size(-2),
                per_row = std::max<int64_t>(product(sizes) / std::max<int64_t>(rows, 1) * a.size(-1), 1);
  const int64_t step = std::max<int64_t>(1, most_differences / per_row);
  for (int64_t start = 0; start < rows; start += step) {
    int64_t length = std::min(step, rows - start);
    Tensor gaps = sub(unsqueeze(narrow(a, -2, start, length), -2), unsqueeze(b, -3));
    copy_values(narrow(y, -2, start, length), vector_norm(gaps, 2, Shape{-1}));
  }
  return y;
}

// The gradient of the norm of x - y is (x - y) / norm for x, and 0 where they are equal; summed over all y,
// each with its weight g, that is x * sum(w) - w @ y with w = g / norm.
Tensor distance_gradient(const Tensor& g, const Tensor& x, const Tensor& y, const Tensor& distances) {
  Tensor zero = number_like(distances, 0), weights = where(eq(distances, zero), zero, div(g, distances));
  return sub(mul(x, sum(weights, Shape{-1}, true)), matmul(weights, y));
}

}  // namespace

Tensor cdist(const Tensor& a, const Tensor& b, double p) {
  check(a.rank() >= 2 && b.rank() >= 2, "cdist: only supports at least 2D tensors, got ", a.sizes(), " and ",
        b.sizes());
  check(a.is_floating() && b.is_floating(), "cdist: only supports floating-point dtypes, got ",
        name_of(a.dtype()), " and ", name_of(b.dtype()));
  check_factors("cdist", a, b);
  check(a.size(-1) == b.size(-1), "cdist: inputs must have the same number of columns, got ", a.sizes(),
        " and ", b.sizes());
  check(p >= 0, "cdist: only supports non-negative p values, got ", p);
  Shape sizes =
      broadcast("cdist", Shape(a.sizes().data(), a.rank() - 2), Shape(b.sizes().data(), b.rank() - 2));
  sizes.push_back(a.size(-2));
  sizes.push_back(b.size(-2));
  if (p != 2) return vector_norm(sub(unsqueeze(a, -2), unsqueeze(b, -3)), p, Shape{-1});
  Tensor y = euclidean_distances(a, b, sizes);
  return record(
      "CdistBackward0", y, inputs(a, b), save(a, b, y),
      [](const Tensor& g, const Tensor& a, const Tensor& b, const Tensor& y) {
        return distance_gradient(g, a, b, y);
      },
      [](const Tensor& g, const Tensor& a, const Tensor& b, const Tensor& y) {
        return distance_gradient(transpose(g, -2, -1), b, a, transpose(y, -2, -1));
      });
}

// ---------------------------------------------------------------- many factors

namespace {

// cost[i][j] multiplications make the product of factors i..j, cut after factor cut[i][j].
struct Chain {
  const std::vector<Tensor>& factors;
  std::vector<std::vector<size_t>> cut;

  explicit Chain(const std::vector<Tensor>& factors) : factors(factors) {
    const size_t count = factors.size();
    std::vector<std::vector<double>> cost(count, std::vector<double>(count));
    cut.assign(count, std::vector<size_t>(count));
    for (size_t length = 1; length < count; length++)
      for (size_t i = 0; i + length < count; i++) {
        size_t j = i + length;
        for (size_t k = i; k < j; k++) {
          double work =
              double(factors[i].sizes()[0]) * double(factors[k].sizes()[1]) * double(factors[j].sizes()[1]);
          double total = cost[i][k] + cost[k + 1][j] + work;
          if (k > i && total >= cost[i][j]) continue;
          cost[i][j] = total;
          cut[i][j] = k;
        }
      }
  }
  Tensor product(size_t i, size_t j) const {
    return i == j ? factors[i] : mm(product(i, cut[i][j]), product(cut[i][j] + 1, j));
  }
};

}  // namespace

Tensor multi_dot(const std::vector<Tensor>& given, Out out) {
  check(given.size() >= 2, "multi_dot: expected at least 2 tensors, got ", given.size());
  std::vector<Tensor> factors = given;
  bool row = factors.front().rank() == 1, column = factors.back().rank() == 1;
  if (row) factors.front() = unsqueeze(factors.front(), 0);
  if (column) factors.back() = unsqueeze(factors.back(), 1);
  for (size_t i = 0; i < factors.size(); i++) {
    check(factors[i].rank() == 2, "multi_dot: tensor ", i, " must be a matrix, got shape ", given[i].sizes());
    if (i == 0) continue;
    check_factors("multi_dot", factors[0], factors[i]);
    check(factors[i - 1].sizes()[1] == factors[i].sizes()[0], "multi_dot: tensors ", i - 1, " and ", i,
          " with shapes ", given[i - 1].sizes(), " and ", given[i].sizes(), " cannot be multiplied");
  }
  Tensor y = Chain(factors).product(0, factors.size() - 1);
  if (row) y = squeeze(y, {0});
  if (column) y = squeeze(y, {-1});
  return deliver("multi_dot", y, out);
}

Tensor matrix_power(const Tensor& a, int64_t n, Out out) {
  check(a.rank() >= 2, "matrix_power: the input tensor must have at least 2 dimensions, got shape ",
        a.sizes());
  check(a.size(-1) == a.size(-2), "matrix_power: must be batches of square matrices, got shape ", a.sizes());
  if (n < 0) fail(ErrorKind::NotImplemented, "matrix_power: negative powers are not implemented, got ", n);
  if (n == 0) {
    Tensor one = empty(a.sizes(), a.dtype(), a.device());
    copy_(one, eye(a.size(-1), a.size(-1), a.dtype(), a.device()));
    return deliver("matrix_power", one, out);
  }
  Tensor square = a, y;
  for (int64_t rest = n; rest; rest >>= 1) {
    if (rest & 1) y = y.defined() ? matmul(y, square) : square;
    if (rest > 1) square = matmul(square, square);
  }
  return deliver("matrix_power", y.is(a) ? clone(a) : y, out);
}

}  // namespace tt
