// Elements chosen by a mask, and where elements are not zero.
#include "ops/index_places.h"
#include "ops/ops.h"

namespace tt {
namespace {

void check_mask(const char* op, const Tensor& mask) {
  check(mask.dtype() == DType::Bool, op, ": only supports boolean masks, but got mask with dtype ",
        name_of(mask.dtype()));
}

// The row-major sequence of a contiguous tensor's elements at `places`.
Picked picked_at(const Tensor& places) { return {{places.count()}, {0}, places, {1}, 1, 0}; }

Tensor spread_dense(const Tensor& x, const Shape& sizes) {
  GradGuard off(false);
  return contiguous(expand(x, sizes));
}

}  // namespace

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value, Out out) {
  const char* op = "masked_fill";
  check_mask(op, mask);
  check(value.rank() == 0, op, ": only supports a 0-dimensional value tensor, but got tensor with ",
        value.rank(), " dimension(s).");
  Shape sizes = broadcast(op, x.sizes(), mask.sizes());
  Tensor y;
  {
    GradGuard off(false);
    Tensor number = value.device().is_cpu() ? number_for(op, x, item(value)) : to_dtype(value, x.dtype());
    y = out.in_place ? *out.target : empty(sizes, x.dtype(), x.device());
    elementwise_as(Elementwise::where, x.dtype(), {&mask, &number, &x}, Out{&y, true});
    y.storage()->last_writer = op;
  }
  if (!y.is_floating()) return settled(op, y, out);
  y = record(
      "MaskedFillBackward0", y, inputs(x, value), save(mask),
      [](const Tensor& g, const Tensor& mask) { return masked_fill(g, mask, 0); },
      [](const Tensor& g, const Tensor& mask) { return sum(where(mask, g, number_like(g, 0))); });
  return settled(op, y, out);
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Scalar& value, Out out) {
  check_mask("masked_fill", mask);
  return masked_fill(x, mask, number_for("masked_fill", x, value), out);
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  const char* op = "masked_select";
  check_mask(op, mask);
  Shape sizes = broadcast(op, x.sizes(), mask.sizes());
  Tensor whole = spread_dense(x, sizes), places = mask_places(op, dense_mask(mask, sizes));
  Tensor y = empty({places.count()}, x.dtype(), x.device());
  move_picked(op, IndexMode::get, whole, picked_at(places), y, {1});
  return record("MaskedSelectBackward0", y, inputs(x), save(mask, sizes),
                [](const Tensor& g, const Tensor& mask, const Shape& sizes) {
                  return masked_scatter(zeros(sizes, g.dtype(), g.device()), mask, g);
                });
}

Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source, Out out) {
  const char* op = "masked_scatter";
  check_mask(op, mask);
  check(x.dtype() == source.dtype(), op, ": expected self and source to have same dtypes but got ",
        name_of(x.dtype()), " and ", name_of(source.dtype()));
  Shape sizes = broadcast(op, x.sizes(), mask.sizes());
  check(!out.in_place || sizes == x.sizes(), op, ": output with shape ", x.sizes(),
        " doesn't match the broadcast shape ", sizes);
  Tensor places = mask_places(op, dense_mask(mask, sizes));
  check(places.count() <= source.count(), op, ": the source has ", source.count(),
        " elements, fewer than the ", places.count(), " that the mask asks for");
  Tensor y = out.in_place ? *out.target : start_from(expand(x, sizes), {});
  if (out.in_place) check_apart(op, y, source);
  {
    GradGuard off(false);
    Tensor flat = contiguous(y), terms = contiguous(source);
    move_picked(op, IndexMode::set, flat, picked_at(places), terms, {1});
    if (!flat.is(y)) copy_values(y, flat);
  }
  if (out.in_place) bump_version(y, op);
  Shape from = source.sizes();
  y = record(
      "MaskedScatterBackward0", y, inputs(x, source), save(mask, sizes, from),
      [](const Tensor& g, const Tensor& mask, const Shape&, const Shape&) { return masked_fill(g, mask, 0); },
      [](const Tensor& g, const Tensor& mask, const Shape& sizes, const Shape& from) {
        Tensor used = masked_select(expand(g, sizes), mask);
        Tensor unused = zeros({product(from) - used.count()}, g.dtype(), g.device());
        return reshape(unused.count() ? cat({used, unused}, 0) : used, from);
      });
  return settled(op, y, out);
}

// The coordinates lie column by column, so that each column is contiguous.
Tensor nonzero(const Tensor& x) {
  Tensor columns = coordinates("nonzero", dense_mask(x, x.sizes()));
  int64_t hits = columns.sizes()[1];
  return tensor_over(columns.storage(), {hits, x.rank()}, {1, std::max<int64_t>(hits, 1)}, 0, DType::Int64);
}

std::vector<Tensor> nonzero_columns(const Tensor& x) {
  Tensor places = nonzero(at_least_1d(x));
  std::vector<Tensor> columns;
  for (int64_t d = 0; d < places.sizes()[1]; d++)
    columns.push_back(
        tensor_over(places.storage(), {places.sizes()[0]}, {1}, d * places.sizes()[0], DType::Int64));
  return columns;
}

}  // namespace tt
