// Values by rank: the k-th, the median, the most frequent, quantiles.
#include <cmath>

#include "ops/rows.h"
#include "ops/sort.h"

namespace tt {
namespace {

// Of each row the element that `rank` means, with its position; both keep the dimension, with size 1.
std::tuple<Tensor, Tensor> select_by_rank(const char* op, const Tensor& x, int dim, int64_t k, Rank rank) {
  GradGuard off(false);
  Tensor rows = rows_along(x, dim);
  Shape sizes = rows.sizes();
  if (x.rank()) sizes.back() = 1;
  Tensor values = empty(sizes, x.dtype(), x.device()), index = empty(sizes, DType::Int64, x.device());
  int64_t n = row_length(rows);
  KthCall call{x.dtype(), values.count(), n, k, rank, rows.bytes(), values.bytes(), index.data<int64_t>()};
  auto kernel = kernels_of(x.device()).kth;
  check(kernel, op, ": not implemented on ", x.device());
  kernel(call);
  return {rows_back(values, dim), rows_back(index, dim)};
}

void check_numeric(const char* op, const Tensor& x) {
  if (x.dtype() == DType::Bool) fail(ErrorKind::NotImplemented, op, ": not implemented for 'Bool'");
}

std::tuple<Tensor, Tensor> finished(const char* node, Tensor values, Tensor index, const Tensor& x,
                                    int64_t dim, bool keepdim) {
  if (!keepdim && x.rank()) {
    Shape sizes = x.sizes();
    sizes.erase(int(dim));
    values = resized(values, sizes);
    index = resized(index, sizes);
  }
  record_selection(node, values, index, x, dim, keepdim);
  return {values, index};
}

Tensor median_of_all(const char* op, const char* node, const Tensor& x, Rank rank) {
  check_numeric(op, x);
  if (x.count() == 0) return to_dtype(full({}, NAN, DType::Float64, x.device()), x.dtype());
  Tensor y;
  {
    GradGuard off(false);
    y = resized(std::get<0>(select_by_rank(op, reshape(x, {-1}), 0, 0, rank)), {});
  }
  if (!x.is_floating()) return y;
  return record(node, y, inputs(x), save(x, y), [](const Tensor& g, const Tensor& x, const Tensor& y) {
    return share_among_all_ties(g, x, y);
  });
}

std::tuple<Tensor, Tensor> median_along(const char* op, const char* node, const Tensor& x, int64_t dim,
                                        bool keepdim, Rank rank) {
  check_numeric(op, x);
  Reduced r = reduced_nonempty(op, x, Shape{dim}, keepdim);
  int along = int(r.dims[0]);
  auto [values, index] = select_by_rank(op, x, along, 0, rank);
  return finished(node, values, index, x, along, keepdim);
}

}  // namespace

std::tuple<Tensor, Tensor> kthvalue(const Tensor& x, int64_t k, int64_t dim, bool keepdim) {
  check_numeric("kthvalue", x);
  Reduced r = reduced_nonempty("kthvalue", x, Shape{dim}, keepdim);
  check(k >= 1 && k <= r.count, "kthvalue: selected number k out of range for dimension ", r.dims[0],
        ", got k = ", k, " for size ", r.count);
  int along = int(r.dims[0]);
  auto [values, index] = select_by_rank("kthvalue", x, along, k, Rank::kth);
  return finished("KthvalueBackward0", values, index, x, along, keepdim);
}

Tensor median(const Tensor& x) { return median_of_all("median", "MedianBackward0", x, Rank::median); }
Tensor nanmedian(const Tensor& x) {
  return median_of_all("nanmedian", "NanmedianBackward0", x, Rank::nanmedian);
}
std::tuple<Tensor, Tensor> median(const Tensor& x, int64_t dim, bool keepdim) {
  return median_along("median", "MedianBackward1", x, dim, keepdim, Rank::median);
}
std::tuple<Tensor, Tensor> nanmedian(const Tensor& x, int64_t dim, bool keepdim) {
  return median_along("nanmedian", "NanmedianBackward1", x, dim, keepdim, Rank::nanmedian);
}

// The longest run of equal values in sorted order, the first of several; its last element stands for it.
std::tuple<Tensor, Tensor> mode(const Tensor& x, int64_t dim, bool keepdim) {
  Reduced r = reduced_nonempty("mode", x, Shape{dim}, keepdim);
  int along = int(r.dims[0]);
  Tensor values, index;
  {
    GradGuard off(false);
    Tensor flat = x.rank() ? x : reshape(x, {1});
    std::tie(values, index) = sort(flat, along);
    int64_t n = flat.sizes()[along];
    Shape along_dim = Shape::filled(flat.rank(), 1);
    along_dim[along] = n;
    Tensor position = reshape(arange(0, n, 1, DType::Int64, x.device()), along_dim);
    Tensor repeats = eq(narrow(values, along, 1, n - 1), narrow(values, along, 0, n - 1));
    Tensor first = zeros_like(narrow(index, along, 0, 1));
    Tensor starts = cat({first, where(repeats, wrapped_number(0), narrow(position, along, 1, n - 1))}, along);
    Tensor length = sub(position, std::get<0>(cummax(starts, along)));
    Tensor at = argmax(length, along, true);
    values = gather(values, along, at);
    index = gather(index, along, at);
    if (x.rank() == 0) values = resized(values, {}), index = resized(index, {});
  }
  return finished("ModeBackward0", values, index, x, along, keepdim);
}

// ---------------------------------------------------------------- quantiles

namespace {

void check_quantile(const char* op, const Tensor& x, const Tensor& q, const std::string& interpolation) {
  check(x.count() > 0, op, ": input tensor must be non-empty, got shape ", x.sizes());
  check(q.rank() <= 1, op, ": q must be a scalar or 1D tensor, got shape ", q.sizes());
  check(x.dtype() == DType::Float32 || x.dtype() == DType::Float64, op,
        ": input tensor must be either float or double dtype, got ", legacy_name_of(x.dtype()));
  check(q.dtype() == x.dtype(), op, ": q tensor must be same dtype as the input tensor, got ",
        legacy_name_of(q.dtype()), " and ", legacy_name_of(x.dtype()));
  for (const char* known : {"linear", "lower", "higher", "midpoint", "nearest"})
    if (interpolation == known) return;
  fail(ErrorKind::Runtime, op,
       ": interpolation must be one of linear, lower, higher, midpoint or nearest, but got ", interpolation);
}

// Where in its sorted row each quantile lies, a fraction: a row with NaNs ends in them.
Tensor fractional_ranks(const Tensor& rows, const Tensor& q, bool ignore_nan) {
  GradGuard off(false);
  Tensor values = detach(rows), last = wrapped_number(rows.sizes().back() - 1), missing = ne(values, values);
  Shape row{-1};
  if (!ignore_nan) {
    Tensor ranks = mul(q, last);
    return where(any(missing, row, true), last, ranks);
  }
  Tensor numbers = sum(eq(values, values), row, true);
  Tensor ranks = mul(q, sub(numbers, wrapped_number(1)));
  return where(lt(ranks, wrapped_number(0)), wrapped_number(0), ranks);
}

Tensor at_ranks(const Tensor& rows, const Tensor& ranks) {
  return gather(rows, -1, to_dtype(ranks, DType::Int64));
}

Tensor interpolated(const Tensor& rows, const Tensor& ranks, const std::string& how) {
  Tensor below = unary(Elementwise::floor, ranks), above = unary(Elementwise::ceil, ranks);
  if (how == "lower") return at_ranks(rows, below);
  if (how == "higher") return at_ranks(rows, above);
  if (how == "nearest") return at_ranks(rows, unary(Elementwise::round, ranks));
  Tensor low = at_ranks(rows, below), high = at_ranks(rows, above);
  Tensor weight = how == "midpoint" ? wrapped_number(0.5) : sub(ranks, below);
  return lerp(low, high, weight);
}

Tensor quantile_along(const char* op, const Tensor& x, const Tensor& number, std::optional<int64_t> dim,
                      bool keepdim, const std::string& how, bool ignore_nan) {
  Tensor q = number.body()->wrapped_number ? number_like(x, item(number)) : detach(number);
  check_quantile(op, x, q, how);
  Tensor inside = bitwise_and(ge(q, wrapped_number(0)), le(q, wrapped_number(1)));
  check(item(all(inside)).integer != 0, op, ": q values must be in the range [0, 1], got ",
        q.count() == 1 ? text(item(q)) : text(q.count(), " values"));
  int along = dim ? wrap_dim(op, *dim, x.rank()) : 0;
  Tensor rows = dim && x.rank() ? movedim(x, {along}, {-1}) : reshape(x, {-1});
  rows = std::get<0>(sort(rows, -1));
  Tensor y = interpolated(rows, fractional_ranks(rows, reshape(q, {-1}), ignore_nan), how);
  // y: the kept dimensions, then q
  Shape sizes;
  if (q.rank()) sizes.push_back(q.count());
  Reduced r = reduced(op, x, dim ? Dims(Shape{along}) : Dims(), keepdim);
  for (int64_t size : r.sizes) sizes.push_back(size);
  return reshape(movedim(y, {-1}, {0}), sizes);
}

}  // namespace

Tensor quantile(const Tensor& x, const Tensor& q, std::optional<int64_t> dim, bool keepdim,
                const std::string& interpolation) {
  return quantile_along("quantile", x, q, dim, keepdim, interpolation, false);
}
Tensor nanquantile(const Tensor& x, const Tensor& q, std::optional<int64_t> dim, bool keepdim,
                   const std::string& interpolation) {
  return quantile_along("nanquantile", x, q, dim, keepdim, interpolation, true);
}

}  // namespace tt
