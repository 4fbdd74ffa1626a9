#include "ops/sort.h"

#include "ops/rows.h"

namespace tt {
namespace {

void check_kernel(bool present, const char* op, const Tensor& x) {
  check(present, op, ": not implemented on ", x.device());
}

// Values and positions along `dim`; without `values` the positions alone.
std::tuple<Tensor, Tensor> sorted_rows(const char* op, const Tensor& x, int dim, bool descending,
                                       bool want_values) {
  GradGuard off(false);
  Tensor rows = rows_along(x, dim), values, index = empty(rows.sizes(), DType::Int64, x.device());
  if (want_values) values = empty(rows.sizes(), x.dtype(), x.device());
  int64_t n = row_length(rows);
  SortCall call{x.dtype(),
                n ? rows.count() / n : 0,
                n,
                rows.bytes(),
                want_values ? values.bytes() : nullptr,
                index.data<int64_t>(),
                descending};
  auto kernel = kernels_of(x.device()).sort;
  check_kernel(kernel, op, x);
  kernel(call);
  return {want_values ? rows_back(values, dim) : values, rows_back(index, dim)};
}

}  // namespace

std::tuple<Tensor, Tensor> sort(const Tensor& x, int64_t dim, bool descending, bool) {
  int along = wrap_dim("sort", dim, x.rank());
  auto [values, index] = sorted_rows("sort", x, along, descending, true);
  record_selection("SortBackward0", values, index, x, along, true);
  return {values, index};
}

Tensor argsort(const Tensor& x, int64_t dim, bool descending, bool) {
  return std::get<1>(sorted_rows("argsort", x, wrap_dim("argsort", dim, x.rank()), descending, false));
}

Tensor msort(const Tensor& x) { return std::get<0>(sort(x, 0)); }

std::tuple<Tensor, Tensor> topk(const Tensor& x, int64_t k, int64_t dim, bool largest, bool sorted) {
  int along = wrap_dim("topk", dim, x.rank());
  check(x.dtype() != DType::Bool, "topk: does not support bool dtypes");
  int64_t n = x.rank() ? x.sizes()[along] : 1;
  check(k >= 0 && k <= n, "topk: selected index k out of range, got k = ", k, " for dimension ", dim,
        " of size ", n);
  Tensor values, index;
  {
    GradGuard off(false);
    Tensor rows = rows_along(x, along);
    Shape sizes = rows.sizes();
    if (x.rank()) sizes.back() = k;
    values = empty(sizes, x.dtype(), x.device());
    index = empty(sizes, DType::Int64, x.device());
    TopkCall call{x.dtype(),      n ? rows.count() / n : 0, n,       k,     rows.bytes(),
                  values.bytes(), index.data<int64_t>(),    largest, sorted};
    auto kernel = kernels_of(x.device()).topk;
    check_kernel(kernel, "topk", x);
    kernel(call);
    values = rows_back(values, along);
    index = rows_back(index, along);
  }
  record_selection("TopkBackward0", values, index, x, along, true);
  return {values, index};
}

// ---------------------------------------------------------------- sets

namespace {

// The distinct among the slices of x along its first dimension, of which equal ones follow each other. Slice
// i came from position order[i], where that is given.
std::vector<Tensor> distinct(const Tensor& x, const Tensor& order, bool return_inverse, bool return_counts) {
  int64_t n = x.sizes()[0];
  Tensor changes = ne(narrow(x, 0, 1, n - 1), narrow(x, 0, 0, n - 1));
  if (x.rank() > 1) changes = any(reshape(changes, {n - 1, x.count() / n}), Shape{1});
  auto beginning_with = [&](bool value) {
    return cat({full({1}, value, DType::Bool, x.device()), changes}, 0);
  };
  Tensor firsts = reshape(nonzero(beginning_with(true)), {-1});
  std::vector<Tensor> results{index_select(x, 0, firsts)};
  if (return_inverse) {
    Tensor group = cumsum(beginning_with(false), 0);
    results.push_back(order.defined() ? scatter_add(zeros_like(group), 0, order, group) : group);
  }
  if (return_counts) results.push_back(diff(firsts, 1, 0, {}, full({1}, n, DType::Int64, x.device())));
  return results;
}

std::vector<Tensor> nothing(const Tensor& values, const Shape& inverse, bool return_inverse,
                            bool return_counts) {
  std::vector<Tensor> results{values};
  if (return_inverse) results.push_back(empty(inverse, DType::Int64, values.device()));
  if (return_counts) results.push_back(empty({0}, DType::Int64, values.device()));
  return results;
}

// The order of the rows of x by their first column, then their second, and so on: stable sorts from the last
// on.
Tensor lexicographic_order(const Tensor& x) {
  Tensor order;
  for (int64_t column = x.sizes()[1] - 1; column >= 0; column--) {
    Tensor keys = select(x, 1, column);
    if (order.defined()) keys = index_select(keys, 0, order);
    Tensor step = argsort(keys, 0);
    order = order.defined() ? index_select(order, 0, step) : step;
  }
  return order;
}

std::vector<Tensor> unique_elements(const Tensor& x, bool ordered, bool return_inverse, bool return_counts) {
  if (x.count() == 0)
    return nothing(empty({0}, x.dtype(), x.device()), x.sizes(), return_inverse, return_counts);
  Tensor values = reshape(x, {-1}), order;
  if (ordered) std::tie(values, order) = sort(values, 0);
  std::vector<Tensor> results = distinct(values, order, return_inverse, return_counts);
  if (return_inverse) results[1] = reshape(results[1], x.sizes());
  return results;
}

std::vector<Tensor> unique_slices(const char* op, const Tensor& x, int64_t dim, bool ordered,
                                  bool return_inverse, bool return_counts) {
  check_index(x.rank() > 0, op, ": Dimension specified as ", dim, " but tensor has no dimensions");
  int along = wrap_dim(op, dim, x.rank());
  if (x.count() == 0) {
    bool only = x.sizes()[along] == 0 && std::count(x.sizes().begin(), x.sizes().end(), 0) == 1;
    check(only, op,
          ": There are 0 sized dimensions, and they aren't selected, so unique cannot be applied, got shape ",
          x.sizes(), " and dim ", dim);
    return nothing(clone(x), {0}, return_inverse, return_counts);
  }
  Tensor slices = contiguous(movedim(x, {along}, {0})), order;
  if (ordered) {
    int64_t n = slices.sizes()[0];
    order = lexicographic_order(reshape(slices, {n, slices.count() / n}));
    slices = index_select(slices, 0, order);
  }
  std::vector<Tensor> results = distinct(slices, order, return_inverse, return_counts);
  results[0] = contiguous(movedim(results[0], {0}, {along}));
  return results;
}

std::vector<Tensor> without_derivative(const char* node, const Tensor& x, std::vector<Tensor> results) {
  if (x.is_floating())
    record(node, results[0], inputs(x), save(), [](const Tensor&) -> Tensor {
      fail(ErrorKind::NotImplemented, "unique: the derivative is not implemented");
    });
  return results;
}

}  // namespace

std::vector<Tensor> unique(const Tensor& x, bool, bool return_inverse, bool return_counts,
                           std::optional<int64_t> dim) {
  std::vector<Tensor> results;
  {
    GradGuard off(false);
    results = dim ? unique_slices("unique", x, *dim, true, return_inverse, return_counts)
                  : unique_elements(x, true, return_inverse, return_counts);
  }
  return without_derivative(dim ? "UniqueDimBackward0" : "Unique2Backward0", x, std::move(results));
}

std::vector<Tensor> unique_consecutive(const Tensor& x, bool return_inverse, bool return_counts,
                                       std::optional<int64_t> dim) {
  std::vector<Tensor> results;
  {
    GradGuard off(false);
    results = dim ? unique_slices("unique_consecutive", x, *dim, false, return_inverse, return_counts)
                  : unique_elements(x, false, return_inverse, return_counts);
  }
  return without_derivative("UniqueConsecutiveBackward0", x, std::move(results));
}

}  // namespace tt
