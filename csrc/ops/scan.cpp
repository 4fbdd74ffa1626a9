#include "ops/scan.h"

#include <cmath>

#include "ops/reduction.h"

namespace tt {
namespace {

// ---------------------------------------------------------------- the kernel

Tensor scanned(Scan op, const char* name, const Tensor& input, int dim, const Tensor& index = {}) {
  GradGuard off(false);
  Tensor x = contiguous(input), y = empty(x.sizes(), x.dtype(), x.device());
  if (x.count() == 0) return y;
  RowCall call{x.dtype(), 1, 1, 1, x.bytes(), y.bytes()};
  for (int i = 0; i < x.rank(); i++) (i < dim ? call.outer : i == dim ? call.n : call.inner) *= x.sizes()[i];
  if (index.defined()) call.index = index.data<int64_t>();
  auto kernel = kernels_of(x.device()).scan;
  check(kernel, name, ": not implemented on ", x.device());
  kernel(op, call);
  return y;
}

// The input of a running sum or product in the type that it is computed in.
Tensor cast_for_scan(const char* name, const Tensor& x, std::optional<DType> dtype, Out out) {
  if (out.in_place) {
    DType own = out.target->dtype();
    check(!dtype || *dtype == own, name, "_: Bad in-place call: input tensor dtype ", name_of(own),
          " and output tensor dtype ", name_of(dtype.value_or(own)), " should match");
  }
  DType type = accumulated(x.dtype(), dtype, out);
  if (type == DType::Bool) fail(ErrorKind::NotImplemented, name, ": not implemented for 'Bool'");
  return to_dtype(x, type);
}

Tensor reversed_cumsum(const Tensor& x, int64_t dim) { return flip(cumsum(flip(x, {dim}), dim), {dim}); }

// r[k] = g[k] + a[k] r[k + 1], by doubling the distance over which terms have been summed; the last a is not
// read.
Tensor linear_recurrence(Tensor a, Tensor r, int64_t dim) {
  int64_t n = r.size(dim);
  for (int64_t distance = 1; distance < n; distance *= 2) {
    int64_t reached = n - distance;
    Tensor near = narrow(a, dim, 0, reached), tail = narrow(r, dim, reached, distance);
    r = cat({add(narrow(r, dim, 0, reached), mul(near, narrow(r, dim, distance, reached))), tail}, dim);
    a = cat({mul(near, narrow(a, dim, distance, reached)), narrow(a, dim, reached, distance)}, dim);
  }
  return r;
}

// x moved by one towards the front, with `last` at the end.
Tensor next_of(const Tensor& x, int64_t dim) {
  return cat({narrow(x, dim, 1, x.size(dim) - 1), ones_like(narrow(x, dim, 0, 1))}, dim);
}

// The gradient to x[k] is (x[0] ... x[k-1]) r[k], with r[k] = g[k] + x[k+1] r[k+1]; without zeros the sum of
// g[i] y[i] over i >= k, divided by x[k].
Tensor cumprod_gradient(const Tensor& g, const Tensor& x, const Tensor& y, int64_t dim) {
  if (x.rank() == 0 || x.count() == 0) return g;
  if (!any_zero(x)) return div(reversed_cumsum(mul(g, y), dim), x);
  Tensor before = cat({ones_like(narrow(x, dim, 0, 1)), narrow(x, dim, 0, x.size(dim) - 1)}, dim);
  return mul(cumprod(before, dim), linear_recurrence(next_of(x, dim), g, dim));
}

// The gradient to x[k] is the sum of g[i] exp(x[k] - y[i]) over i >= k, which is exp(x[k] - y[k]) r[k] with
// r[k] = g[k] + exp(y[k] - y[k+1]) r[k+1]: no exponential exceeds 1.
Tensor logcumsumexp_gradient(const Tensor& g, const Tensor& x, const Tensor& y, int64_t dim) {
  if (x.rank() == 0 || x.count() == 0) return g;
  Tensor next = next_of(y, dim), nothing = eq(detach(next), wrapped_number(-INFINITY));
  Tensor fall = where(nothing, wrapped_number(0), sub(where(nothing, wrapped_number(0), y), next));
  return mul(exp(sub(x, y)), linear_recurrence(exp(fall), g, dim));
}

}  // namespace

// ---------------------------------------------------------------- running folds

Tensor cumsum(const Tensor& input, int64_t dim, std::optional<DType> dtype, Out out) {
  int64_t along = wrap_dim("cumsum", dim, input.rank());
  Tensor x = cast_for_scan("cumsum", input, dtype, out);
  Tensor y = scanned(Scan::cumsum, "cumsum", x, int(along));
  if (y.is_floating())
    record("CumsumBackward0", y, inputs(x), save(along),
           [](const Tensor& g, const int64_t& dim) { return g.rank() ? reversed_cumsum(g, dim) : g; });
  return deliver("cumsum", y, out);
}

Tensor cumprod(const Tensor& input, int64_t dim, std::optional<DType> dtype, Out out) {
  int64_t along = wrap_dim("cumprod", dim, input.rank());
  Tensor x = cast_for_scan("cumprod", input, dtype, out);
  Tensor y = scanned(Scan::cumprod, "cumprod", x, int(along));
  if (y.is_floating())
    record("CumprodBackward0", y, inputs(x), save(x, y, along),
           [](const Tensor& g, const Tensor& x, const Tensor& y, const int64_t& dim) {
             return cumprod_gradient(g, x, y, dim);
           });
  return deliver("cumprod", y, out);
}

Tensor logcumsumexp(const Tensor& x, int64_t dim) {
  int64_t along = wrap_dim("logcumsumexp", dim, x.rank());
  if (!x.is_floating())
    fail(ErrorKind::NotImplemented, "logcumsumexp: not implemented for '", legacy_name_of(x.dtype()), "'");
  Tensor y = scanned(Scan::logcumsumexp, "logcumsumexp", x, int(along));
  return record("LogcumsumexpBackward0", y, inputs(x), save(x, y, along),
                [](const Tensor& g, const Tensor& x, const Tensor& y, const int64_t& dim) {
                  return logcumsumexp_gradient(g, x, y, dim);
                });
}

static std::tuple<Tensor, Tensor> running_extremum(Scan op, const char* name, const char* node,
                                                   const Tensor& x, int64_t dim) {
  int64_t along = wrap_dim(name, dim, x.rank());
  Tensor index = empty(x.sizes(), DType::Int64, x.device());
  Tensor y = scanned(op, name, x, int(along), index);
  record_selection(node, y, index, x, along, true);
  return {y, index};
}

std::tuple<Tensor, Tensor> cummax(const Tensor& x, int64_t dim) {
  return running_extremum(Scan::cummax, "cummax", "CummaxBackward0", x, dim);
}
std::tuple<Tensor, Tensor> cummin(const Tensor& x, int64_t dim) {
  return running_extremum(Scan::cummin, "cummin", "CumminBackward0", x, dim);
}

// ---------------------------------------------------------------- differences

static void check_joined(const Tensor& x, const Tensor& part, int dim) {
  check(part.rank() == x.rank(), "diff: expects prepend or append to be the same dimension as input, got ",
        part.sizes(), " for input of shape ", x.sizes());
  for (int i = 0; i < x.rank(); i++)
    check(i == dim || part.sizes()[i] == x.sizes()[i],
          "diff: expects the shape of tensor to prepend or append to match "
          "that of input except along the differencing dimension ",
          dim, ", got ", part.sizes(), " and ", x.sizes());
}

Tensor diff(const Tensor& input, int64_t n, int64_t dim, const std::optional<Tensor>& prepend,
            const std::optional<Tensor>& append) {
  check(input.rank() > 0, "diff: expects input to be at least one-dimensional, got shape ()");
  check(n >= 0, "diff: order must be non-negative but got ", n);
  int along = wrap_dim("diff", dim, input.rank());
  std::vector<Tensor> parts;
  if (prepend) parts.push_back(*prepend);
  parts.push_back(input);
  if (append) parts.push_back(*append);
  for (const Tensor& part : parts) check_joined(input, part, along);
  Tensor x = parts.size() > 1 ? cat(parts, along) : input;
  if (n == 0) return record("AliasBackward0", clone(x), inputs(x), save(), [](const Tensor& g) { return g; });
  for (n = std::min(n, x.size(along)); n > 0; n--) {
    int64_t length = x.size(along) - 1;
    Tensor later = narrow(x, along, 1, length), earlier = narrow(x, along, 0, length);
    x = x.dtype() == DType::Bool ? ne(later, earlier) : sub(later, earlier);
  }
  return x;
}

// ---------------------------------------------------------------- areas under sampled curves

namespace {

// The sums of neighbours along dim, and where they stand.
struct Neighbours {
  Tensor sums;
  int dim;
};

Neighbours neighbours(const char* op, const Tensor& y, int64_t dim) {
  check(y.dtype() != DType::Bool, op, ": received a bool input for `y`, but bool is not supported");
  check_index(y.rank() > 0, op, ": Dimension specified as ", dim, " but tensor has no dimensions");
  int along = wrap_dim(op, dim, y.rank());
  int64_t length = std::max<int64_t>(y.size(along) - 1, 0), start = std::min<int64_t>(y.size(along), 1);
  return {add(narrow(y, along, start, length), narrow(y, along, 0, length)), along};
}

// The distances between the points x, shaped to go along dimension `dim` of y.
Tensor gaps(const char* op, const Tensor& y, Tensor x, int dim) {
  check(x.dtype() != DType::Bool, op, ": received a bool input for `x`, but bool is not supported");
  check(x.rank() > 0, op, ": expected x to have at least one dimension, got shape ()");
  if (x.rank() < y.rank()) {
    Shape sizes = Shape::filled(y.rank(), 1);
    if (x.rank() == 1) {
      check(x.count() == y.size(dim), op, ": There must be one `x` value for each sample point, got ",
            x.count(), " for ", y.size(dim));
      sizes[dim] = x.count();
    } else {
      std::copy(x.sizes().begin(), x.sizes().end(), sizes.end() - x.rank());
    }
    x = reshape(x, sizes);
  }
  return diff(x, 1, dim - y.rank());
}

}  // namespace

Tensor trapezoid(const Tensor& y, double dx, int64_t dim) {
  auto [sums, along] = neighbours("trapezoid", y, dim);
  return times(sum(sums, Shape{along}), dx / 2);
}
Tensor trapezoid(const Tensor& y, const Tensor& x, int64_t dim) {
  auto [sums, along] = neighbours("trapezoid", y, dim);
  return times(sum(mul(gaps("trapezoid", y, x, along), sums), Shape{int64_t(along) - y.rank()}), 0.5);
}
Tensor cumulative_trapezoid(const Tensor& y, double dx, int64_t dim) {
  auto [sums, along] = neighbours("cumulative_trapezoid", y, dim);
  return times(cumsum(sums, along), dx / 2);
}
Tensor cumulative_trapezoid(const Tensor& y, const Tensor& x, int64_t dim) {
  auto [sums, along] = neighbours("cumulative_trapezoid", y, dim);
  return times(cumsum(mul(gaps("cumulative_trapezoid", y, x, along), sums), int64_t(along) - y.rank()), 0.5);
}

}  // namespace tt
