// Elements along a dimension, named one by one: gather and the scatters.
#include "ops/index_places.h"
#include "ops/ops.h"

namespace tt {
namespace {

// The index fits x, and a source that is read along with it; a tensor of 0 dimensions stands for one of one
// element.
void check_shapes(const char* op, const Tensor& x, int dim, const Tensor& index, const Tensor* source) {
  auto rank = [](const Tensor& t) { return std::max(t.rank(), 1); };
  check(rank(index) == rank(x), op,
        ": index tensor must have the same number of dimensions as input tensor, got ", index.sizes(),
        " and ", x.sizes());
  check(!source || rank(*source) == rank(index), op,
        ": index tensor must have the same number of dimensions as src "
        "tensor, got ",
        index.sizes(), " and ", source ? source->sizes() : Shape{});
  for (int d = 0; d < index.rank(); d++) {
    int64_t size = index.sizes()[d], own = x.rank() ? x.sizes()[d] : 1, held = size;
    if (source) held = source->rank() ? source->sizes()[d] : 1;
    check((d == dim || size <= own) && size <= held, op, ": size does not match at dimension ", d,
          ": expected index ", index.sizes(), " to be no larger than self ", x.sizes(),
          " apart from dimension ", dim,
          source ? text(" and to be no larger than src ", source->sizes()) : std::string());
  }
}

// The index as the kernels take it, with the shape, and then with the values, checked against x.
Tensor fitting_index(const char* op, const Tensor& x, int dim, const Tensor& index,
                     const Tensor* source = nullptr) {
  check_index_type(op, index, true);
  if (index.count()) check_shapes(op, x, dim, index, source);
  return as_int64(index, x.device());
}

Tensor checked_index(const char* op, const Tensor& x, int dim, const Tensor& index,
                     const Tensor* source = nullptr) {
  Tensor places = fitting_index(op, x, dim, index, source);
  check_bounds(op, ErrorKind::Runtime, places, 0, x.rank() ? x.sizes()[dim] : 1, dim);
  return places;
}

// The part of src that the index reaches; what lies beyond has no part in the result.
Tensor reached(const Tensor& src, const Tensor& index) {
  if (src.sizes() == index.sizes()) return src;
  if (index.count() == 0) return reshape(slice(reshape(src, {-1}), 0, 0, 0), index.sizes());
  Tensor part = src.rank() < index.rank() ? unsqueeze(src, 0) : src;
  for (int d = 0; d < index.rank(); d++)
    if (part.sizes()[d] != index.sizes()[d]) part = slice(part, d, 0, index.sizes()[d]);
  return index.rank() < part.rank() ? reshape(part, index.sizes()) : part;
}

void write(const char* op, IndexMode mode, const Tensor& y, int dim, const Tensor& index,
           const Tensor& source, Out out) {
  if (index.count() == 0) return;
  Tensor flat = at_least_1d(y);
  write_picked(op, mode, flat, picked_elements(flat, dim, at_least_1d(index)), source, out);
}

void check_types(const char* op, const Tensor& x, const Tensor& src) {
  check(x.dtype() == src.dtype(), op, ": expected self.dtype to be equal to src.dtype, got ",
        name_of(x.dtype()), " and ", name_of(src.dtype()));
}

// With the word that scatter has for a combination, as scatter_reduce spells it.
std::string reduction_of(const std::string& combination) {
  check(combination == "add" || combination == "multiply",
        "scatter: reduce argument must be either add or multiply, got ", combination);
  return combination == "add" ? "sum" : "prod";
}

}  // namespace

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  int at = wrap_dim("gather", dim, x.rank());
  Tensor places = fitting_index("gather", x, at, index);
  Tensor y = empty(index.sizes(), x.dtype(), x.device());
  Tensor whole = at_least_1d(x);
  if (index.count())
    read_picked("gather", ErrorKind::Runtime, whole, picked_elements(whole, at, at_least_1d(places)),
                at_least_1d(y), at);
  Shape from = x.sizes();
  return record("GatherBackward0", y, inputs(x), save(from, at, places),
                [](const Tensor& g, const Shape& from, const int& at, const Tensor& index) {
                  return scatter_add(zeros(from, g.dtype(), g.device()), at, index, g);
                });
}

Tensor take_along_dim(const Tensor& x, const Tensor& indices, std::optional<int64_t> dim) {
  const char* op = "take_along_dim";
  check(indices.dtype() == DType::Int64, op, ": dtype of indices should be Long but got ",
        name_of(indices.dtype()));
  if (!dim) return take_along_dim(reshape(x, {-1}), reshape(indices, {-1}), 0);
  int at = wrap_dim(op, *dim, x.rank());
  check(x.rank() == indices.rank(), op,
        ": input and indices should have the same number of dimensions, but got ", x.rank(),
        " dimensions for input, and ", indices.rank(), " dimensions for indices");
  if (x.rank() == 0) return gather(x, 0, indices);
  Shape a = x.sizes(), b = indices.sizes();
  int64_t size = a[at], count = b[at];
  a[at] = b[at] = 1;
  Shape common = broadcast(op, a, b), picked = common;
  common[at] = size;
  picked[at] = count;
  Tensor forward = where(lt(indices, wrapped_number(0)), plus(indices, size), indices);
  return gather(expand(x, common), at, expand(forward, picked));
}

Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
               const Combination& reduce, Out out) {
  if (reduce) return scatter_reduce(x, dim, index, src, reduction_of(*reduce), true, out);
  const char* op = "scatter";
  int at = wrap_dim(op, dim, x.rank());
  check_types(op, x, src);
  Tensor places = checked_index(op, x, at, index, &src);
  Tensor part = reached(src, places);
  Tensor y = start_from(x, out);
  write(op, IndexMode::set, y, at, places, part, out);
  y = record(
      "ScatterBackward0", y, inputs(x, part), save(at, places),
      [](const Tensor& g, const int& at, const Tensor& index) { return scatter(g, at, index, 0); },
      [](const Tensor& g, const int& at, const Tensor& index) { return gather(g, at, index); });
  return settled(op, y, out);
}

Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Scalar& value,
               const Combination& reduce, Out out) {
  const char* op = "scatter";
  Tensor number = number_for(op, x, value);
  if (reduce)
    return scatter_reduce(x, dim, index, expand(number, index.sizes()), reduction_of(*reduce), true, out);
  int at = wrap_dim(op, dim, x.rank());
  Tensor places = checked_index(op, x, at, index);
  Tensor y = start_from(x, out);
  write(op, IndexMode::set, y, at, places, number, out);
  y = record("ScatterBackward1", y, inputs(x), save(at, places),
             [](const Tensor& g, const int& at, const Tensor& index) { return scatter(g, at, index, 0); });
  return settled(op, y, out);
}

Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src, Out out) {
  const char* op = "scatter_add";
  int at = wrap_dim(op, dim, x.rank());
  check_types(op, x, src);
  Tensor places = checked_index(op, x, at, index, &src);
  Tensor part = reached(src, places);
  Tensor y = start_from(x, out);
  write(op, IndexMode::add, y, at, places, part, out);
  y = record(
      "ScatterAddBackward0", y, inputs(x, part), save(at, places),
      [](const Tensor& g, const int&, const Tensor&) { return g; },
      [](const Tensor& g, const int& at, const Tensor& index) { return gather(g, at, index); });
  return settled(op, y, out);
}

// ---------------------------------------------------------------- scatter_reduce

namespace {

enum class Fold { sum, prod, mean, amax, amin };

Fold fold_of(const std::string& name) {
  static constexpr const char* names[] = {"sum", "prod", "mean", "amax", "amin"};
  for (int i = 0; i < 5; i++)
    if (name == names[i]) return Fold(i);
  fail(ErrorKind::Runtime,
       "scatter_reduce: reduce argument must be either sum, prod, mean, amax or amin, got ", name);
}

IndexMode mode_of(Fold fold) {
  static constexpr IndexMode modes[] = {IndexMode::add, IndexMode::multiply, IndexMode::add,
                                        IndexMode::maximum, IndexMode::minimum};
  return modes[int(fold)];
}

// What leaves the first value that arrives as it is.
Tensor neutral(Fold fold, const Tensor& x) {
  if (fold == Fold::prod) return number_like(x, 1);
  if (fold == Fold::sum || fold == Fold::mean) return number_like(x, 0);
  bool lowest = fold == Fold::amax;
  if (x.is_floating())
    return number_like(
        x, lowest ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity());
  if (x.dtype() == DType::Bool) return number_like(x, !lowest);
  int bits = int(size_of(x.dtype())) * 8 - is_signed(x.dtype());
  int64_t most = bits == 63 ? INT64_MAX : (int64_t(1) << bits) - 1;
  return number_like(x, lowest ? (is_signed(x.dtype()) ? -most - 1 : 0) : most);
}

// How many values went into each element.
Tensor counts_of(const Tensor& x, int dim, const Tensor& index, bool include_self) {
  Tensor start = include_self ? ones_like(x) : zeros_like(x);
  return scatter_add(start, dim, index, expand(number_like(x, 1), index.sizes()));
}

struct Folded {
  Fold fold;
  int dim;
  bool include_self;
};

Tensor at_places(const Tensor& t, const Folded& f, const Tensor& index) { return gather(t, f.dim, index); }

// Gradients of x and src for extrema: equal candidates share.
std::pair<Tensor, Tensor> extremum_gradients(const Tensor& g, const Folded& f, const Tensor& x,
                                             const Tensor& index, const Tensor& src, const Tensor& y) {
  Tensor from_self = to_dtype(eq(x, y), g.dtype());
  if (!f.include_self) from_self = scatter(from_self, f.dim, index, 0);
  Tensor from_src = to_dtype(eq(src, at_places(y, f, index)), g.dtype());
  Tensor share = div(g, scatter_add(from_self, f.dim, index, from_src));
  return {mul(from_self, share), mul(from_src, at_places(share, f, index))};
}

// For products: the product of all other factors. Zeros are counted apart: a single one leaves its own
// element a gradient, two leave none.
std::pair<Tensor, Tensor> product_gradients(const Tensor& g, const Folded& f, const Tensor& x,
                                            const Tensor& index, const Tensor& src) {
  Tensor zero = wrapped_number(0), one = wrapped_number(1);
  Tensor self_zero = eq(x, zero), src_zero = eq(src, zero);
  Tensor self_rest = where(self_zero, one, x), src_rest = where(src_zero, one, src);
  Tensor zeros_held = to_dtype(self_zero, g.dtype());
  if (!f.include_self) {
    self_rest = scatter(self_rest, f.dim, index, 1);
    zeros_held = scatter(zeros_held, f.dim, index, 0);
  }
  Tensor rest = scatter_reduce(to_dtype(self_rest, g.dtype()), f.dim, index, src_rest, "prod", true);
  zeros_held = scatter_add(zeros_held, f.dim, index, to_dtype(src_zero, g.dtype()));
  auto slope = [&](const Tensor& is_zero, const Tensor& factor, const Tensor& others, const Tensor& zeros) {
    Tensor own = to_dtype(is_zero, g.dtype());
    return where(eq(zeros, own), div(others, factor), zero);  // no zero but perhaps its own
  };
  Tensor self_slope = slope(self_zero, self_rest, rest, zeros_held);
  Tensor src_slope = slope(src_zero, src_rest, at_places(rest, f, index), at_places(zeros_held, f, index));
  Tensor for_self = mul(g, self_slope);
  if (!f.include_self) for_self = scatter(for_self, f.dim, index, 0);
  return {for_self, mul(at_places(g, f, index), src_slope)};
}

Gradients fold_gradients(const Tensor& g, const Folded& f, const Tensor& x, const Tensor& index,
                         const Tensor& src, const Tensor& y) {
  if (f.fold == Fold::amax || f.fold == Fold::amin) {
    auto [for_self, for_src] = extremum_gradients(g, f, x, index, src, y);
    return {for_self, for_src};
  }
  if (f.fold == Fold::prod) {
    auto [for_self, for_src] = product_gradients(g, f, x, index, src);
    return {for_self, for_src};
  }
  Tensor shared = g;
  if (f.fold == Fold::mean) {
    Tensor counts = counts_of(g, f.dim, index, f.include_self);
    shared = div(g, where(eq(counts, wrapped_number(0)), wrapped_number(1), counts));
  }
  Tensor for_self = f.include_self ? shared : scatter(shared, f.dim, index, 0);
  return {for_self, at_places(shared, f, index)};
}

// The mean of what was summed up in y.
void divide_by_counts(const Tensor& y, int dim, const Tensor& index, bool include_self) {
  GradGuard off(false);
  Tensor like = y.dtype() == DType::Bool ? to_dtype(y, DType::Int64) : y;
  Tensor counts = counts_of(like, dim, index, include_self);
  counts = where(eq(counts, wrapped_number(0)), wrapped_number(1), counts);
  copy_values(y, y.is_floating() ? div(y, counts) : floor_divide(y, counts));
}

}  // namespace

Tensor scatter_reduce(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                      const std::string& reduce, bool include_self, Out out) {
  const char* op = "scatter_reduce";
  Fold fold = fold_of(reduce);
  int at = wrap_dim(op, dim, x.rank());
  check_types(op, x, src);
  Tensor places = checked_index(op, x, at, index, &src);
  Tensor part = reached(src, places);
  Tensor y = start_from(x, out);
  if (out.in_place) check_apart(op, y, part);
  if (!include_self) write(op, IndexMode::set, y, at, places, neutral(fold, x), {});
  write(op, mode_of(fold), y, at, places, part, {});
  if (fold == Fold::mean) divide_by_counts(y, at, places, include_self);
  if (out.in_place) bump_version(y, op);
  Folded folded{fold, at, include_self};
  bool keeps = fold != Fold::sum && fold != Fold::mean, extremum = fold == Fold::amax || fold == Fold::amin;
  y = record_joint(
      "ScatterReduceBackward0", y, inputs(x, part),
      save(folded, kept_if(keeps, x), places, kept_if(keeps, part), kept_if(extremum, y)),
      [](const Gradients& gs, Wanted, const Folded& f, const Tensor& x, const Tensor& index,
         const Tensor& src, const Tensor& y) { return fold_gradients(gs[0], f, x, index, src, y); });
  return settled(op, y, out);
}

}  // namespace tt
