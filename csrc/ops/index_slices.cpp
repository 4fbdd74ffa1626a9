// Slices along a dimension, named by a vector of indices; elements in row-major order; rows of an embedding.
#include "ops/index_places.h"
#include "ops/ops.h"

namespace tt {
namespace {

void check_vector(const char* op, const Tensor& index, ErrorKind kind) {
  if (index.rank() > 1)
    fail(kind, op, ": index is supposed to be a vector or a number, got shape ", index.sizes());
}

// The vector of indices as int64, each inside [low, size of the dimension).
Tensor checked_vector(const char* op, ErrorKind kind, const Tensor& x, int dim, const Tensor& index,
                      bool from_end = false) {
  Tensor vector = as_int64(index, x.device());
  int64_t size = x.rank() ? x.sizes()[dim] : 1;
  check_bounds(op, kind, vector, from_end ? -size : 0, size, dim);
  return vector;
}

void check_slices(const char* op, const Tensor& x, int dim, const Tensor& index, const Tensor& source) {
  check(x.dtype() == source.dtype(), op, ": self and source expected to have the same dtype, but got (self) ",
        name_of(x.dtype()), " and (source) ", name_of(source.dtype()));
  Shape wanted = x.sizes();
  if (x.rank()) wanted[dim] = index.count();
  int64_t held = source.rank() ? source.sizes()[std::min(dim, source.rank() - 1)] : 1;
  bool numbers = x.rank() == 0 && source.rank() == 0 && index.count() == 1;
  bool same_rank = x.rank() == source.rank();
  check(!same_rank || index.count() == held, op, ": number of indices (", index.count(),
        ") should be equal to source.size(dim): (", held, "), for dim: ", dim);
  check(numbers || (same_rank && source.sizes() == wanted), op,
        ": the source's shape must match the shape of self, "
        "excluding the specified dimension. Got self.shape = ",
        x.sizes(), " source.shape = ", source.sizes());
}

}  // namespace

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  const char* op = "index_select";
  check_vector(op, index, ErrorKind::Index);
  check_index_type(op, index, true);
  int at = wrap_dim(op, dim, x.rank());
  if (x.rank() == 0) check(index.count() == 1, op, ": a 0-dim tensor takes one index, got ", index.count());
  Tensor vector = checked_vector(op, ErrorKind::Index, x, at, index);
  Tensor whole = at_least_1d(x);
  Picked picked = picked_slices(whole, at, vector);
  Tensor y = empty(x.rank() ? picked.sizes : Shape{}, x.dtype(), x.device());
  move_picked(op, IndexMode::get, whole, picked, y, at_least_1d(y).strides());
  Shape from = x.sizes();
  return record("IndexSelectBackward0", y, inputs(x), save(from, at, vector),
                [](const Tensor& g, const Shape& from, const int& at, const Tensor& index) {
                  Tensor none = zeros(from, g.dtype(), g.device());
                  return index_add(none, at, from.empty() ? reshape(index, {}) : reshape(index, {-1}), g, 1);
                });
}

Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source, const Scalar& alpha,
                 Out out) {
  const char* op = "index_add";
  int at = wrap_dim(op, dim, x.rank());
  check_vector(op, index, ErrorKind::Index);
  check_index_type(op, index, true);
  check_slices(op, x, at, index, source);
  Tensor vector = checked_vector(op, x.rank() > 1 ? ErrorKind::Runtime : ErrorKind::Index, x, at, index);
  bool whole = alpha.to<double>() == 1;
  check(whole || !alpha.is_real() || is_floating(x.dtype()), op,
        ": For integral input tensors, argument alpha must not "
        "be a floating point number.");
  Tensor terms = source;
  if (!whole) {
    GradGuard off(false);
    terms = mul(source, number_like(source, alpha));
  }
  Tensor y = start_from(x, out);
  Tensor flat = at_least_1d(y);
  write_picked(op, IndexMode::add, flat, picked_slices(flat, at, vector), at_least_1d(terms), out);
  y = record(
      "IndexAddBackward0", y, inputs(x, source), save(at, vector, alpha),
      [](const Tensor& g, const int&, const Tensor&, const Scalar&) { return g; },
      [](const Tensor& g, const int& at, const Tensor& index, const Scalar& alpha) {
        Tensor part = index_select(g, at, index);
        return alpha.to<double>() == 1 ? part : times(part, alpha);
      });
  return settled(op, y, out);
}

Tensor index_add_(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                  const Scalar& alpha) {
  return in_place("index_add_", self, false, false,
                  [&](const Tensor& x, Out out) { return index_add(x, dim, index, source, alpha, out); });
}

Tensor index_copy(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source, Out out) {
  const char* op = "index_copy";
  int at = wrap_dim(op, dim, x.rank());
  check_vector(op, index, ErrorKind::Index);
  check_index_type(op, index, false);
  check_index(x.rank() == source.rank() || x.rank() == 0 || source.rank() == 0, op,
              ": when source and destination are "
              "not scalars, their dimensionality must match. Source dimensionality (",
              source.rank(), "), destination dimensionality (", x.rank(), ")");
  int64_t held = source.rank() ? source.sizes()[at] : 1;
  check_index(index.count() == held, op, ": number of indices (", index.count(),
              ") should be equal to source.size(dim) (", held, ")");
  Shape wanted = x.sizes();
  if (x.rank()) wanted[at] = held;
  check(source.sizes() == wanted || source.count() == product(wanted), op,
        ": source/destination tensor must have same "
        "slice shapes. Destination shape: ",
        x.sizes(), " and source shape: ", source.sizes());
  check(x.dtype() == source.dtype(), op, ": self and source expected to have the same dtype, but got (self) ",
        name_of(x.dtype()), " and (source) ", name_of(source.dtype()));
  Tensor shaped = source.sizes() == wanted ? source : reshape(source, wanted);
  Tensor vector = checked_vector(op, ErrorKind::Index, x, at, index);
  Tensor y = start_from(x, out);
  Tensor flat = at_least_1d(y);
  write_picked(op, IndexMode::set, flat, picked_slices(flat, at, vector), at_least_1d(shaped), out);
  y = record(
      "IndexCopyBackward0", y, inputs(x, shaped), save(at, vector),
      [](const Tensor& g, const int& at, const Tensor& index) { return index_fill(g, at, index, 0); },
      [](const Tensor& g, const int& at, const Tensor& index) { return index_select(g, at, index); });
  return settled(op, y, out);
}

Tensor index_fill(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& value, Out out) {
  const char* op = "index_fill";
  check(value.rank() == 0, op, ": only supports a 0-dimensional value tensor, but got tensor with ",
        value.rank(), " dimension(s).");
  if (index.dtype() != DType::Int64)
    fail(ErrorKind::Index, op, ": expected dtype int64 for index, got ", name_of(index.dtype()));
  check_vector(op, index, ErrorKind::Runtime);
  int at = wrap_dim(op, dim, x.rank());
  Tensor vector = checked_vector(op, ErrorKind::Index, x, at, index, true);
  Tensor number;
  {
    GradGuard off(false);
    number = to_device(to_dtype(value, x.dtype()), x.device());
  }
  Tensor y = start_from(x, out, Order::kept);
  Tensor flat = at_least_1d(y);
  write_picked(op, IndexMode::set, flat, picked_slices(flat, at, vector, true), number, out);
  if (!y.is_floating()) return settled(op, y, out);
  y = record(
      "IndexFillBackward0", y, inputs(x, value), save(at, vector),
      [](const Tensor& g, const int& at, const Tensor& index) { return index_fill(g, at, index, 0); },
      [](const Tensor& g, const int& at, const Tensor& index) {
        Tensor forward = where(lt(index, wrapped_number(0)), plus(index, g.size(at)), index);
        return sum(index_select(g, at, forward));
      });
  return settled(op, y, out);
}

Tensor index_fill(const Tensor& x, int64_t dim, const Tensor& index, const Scalar& value, Out out) {
  return index_fill(x, dim, index, number_for("index_fill", x, value), out);
}

Tensor index_reduce(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                    const std::string& reduce, bool include_self, Out out) {
  const char* op = "index_reduce";
  check(reduce == "prod" || reduce == "mean" || reduce == "amax" || reduce == "amin", op,
        ": reduce argument must be either prod, mean, amax or amin, got ", reduce);
  int at = wrap_dim(op, dim, x.rank());
  check_vector(op, index, ErrorKind::Index);
  check_index_type(op, index, true);
  check_slices(op, x, at, index, source);
  if (x.dtype() == DType::Bool) fail(ErrorKind::NotImplemented, op, ": not implemented for bool");
  checked_vector(op, ErrorKind::Index, x, at, index);
  Shape spread = Shape::filled(source.rank(), 1);
  if (source.rank()) spread[at] = index.count();
  return scatter_reduce(x, at, expand(reshape(index, spread), source.sizes()), source, reduce, include_self,
                        out);
}

// ---------------------------------------------------------------- rows of an embedding

// The gradient of the table: every use of a row adds up. Rows for padding stay zero.
static Tensor embedding_gradient(const Tensor& g, const Tensor& indices, int64_t rows, int64_t padding,
                                 bool by_frequency) {
  Tensor flat = reshape(indices, {-1}), parts = reshape(g, {flat.count(), g.size(-1)});
  if (by_frequency) {
    Tensor counts = to_dtype(index_select(bincount(flat, {}, rows), 0, flat), g.dtype());
    parts = div(parts, unsqueeze(counts, 1));
  }
  if (padding >= 0) parts = masked_fill(parts, unsqueeze(eq(flat, wrapped_number(padding)), 1), 0);
  return index_add(zeros({rows, g.size(-1)}, g.dtype(), g.device()), 0, flat, parts, 1);
}

Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding, bool scale_by_frequency) {
  const char* op = "embedding";
  check(weight.rank() == 2, op, ": 'weight' must be 2-D, got shape ", weight.sizes());
  check_index_type(op, indices, true);
  Tensor places = as_int64(indices, weight.device());
  int64_t rows = weight.sizes()[0], width = weight.sizes()[1];
  check_bounds(op, ErrorKind::Index, places, 0, rows, 0);
  Tensor vector = reshape(places, {-1});
  Shape sizes = indices.sizes();
  sizes.push_back(width);
  Tensor y = empty(sizes, weight.dtype(), weight.device());
  move_picked(op, IndexMode::get, weight, picked_slices(weight, 0, vector), y, {width, 1});
  return record(
      "EmbeddingBackward0", y, inputs(weight), save(places, rows, padding, scale_by_frequency),
      [](const Tensor& g, const Tensor& indices, const int64_t& rows, const int64_t& padding,
         const bool& by_frequency) { return embedding_gradient(g, indices, rows, padding, by_frequency); });
}

Tensor embedding_renorm_(const Tensor& weight, const Tensor& indices, double max_norm, double norm_type) {
  const char* op = "embedding_renorm_";
  check(weight.rank() == 2, op, ": 'weight' must be 2-D, got shape ", weight.sizes());
  check_index_type(op, indices, true);
  check_inplace(op, weight);
  GradGuard off(false);
  Tensor used = unique(reshape(as_int64(indices, weight.device()), {-1}), true, false, false, {})[0];
  Tensor rows = index_select(weight, 0, used), norms = vector_norm(rows, norm_type, Shape{1}, true);
  Tensor limit = wrapped_number(max_norm), shrunk = div(limit, plus(norms, 1e-7));
  Tensor scale = where(gt(norms, limit), shrunk, wrapped_number(1.0));
  return in_place(op, weight, false, false, [&](const Tensor& x, Out out) {
    return index_copy(x, 0, used, to_dtype(mul(rows, scale), x.dtype()), out);
  });
}

// ---------------------------------------------------------------- elements in row-major order

static void check_flat_index(const char* op, const Tensor& x, const Tensor& index) {
  check_index_type(op, index, false);
  check_index(x.count() || !index.count(), op, ": tried to take from an empty tensor");
  auto kernel = kernels_of(index.device()).outside;
  check(kernel, op, ": not implemented on ", index.device());
  Operand operand = operand_of(index, index.strides());
  OutsideCall call{index.rank(), index.sizes().data(), &operand, -x.count(), x.count()};
  if (index.count() && kernel(call))
    fail(ErrorKind::Index, op, ": out of range: tried to access index ", call.found, " on a tensor of ",
         x.count(), " elements");
}

// A contiguous tensor as one row, in which index[...] picks.
static Picked picked_flat(const Tensor& flat, const Tensor& index) {
  return {index.sizes(), Shape::filled(index.rank(), 0), index, index.strides(), 1, flat.count(), true};
}

Tensor take(const Tensor& x, const Tensor& index) {
  check_flat_index("take", x, index);
  Tensor y = empty(index.sizes(), x.dtype(), x.device());
  {
    GradGuard off(false);
    Tensor flat = contiguous(x);
    move_picked("take", IndexMode::get, flat, picked_flat(flat, index), y, y.strides());
  }
  Shape from = x.sizes();
  return record("TakeBackward0", y, inputs(x), save(from, index),
                [](const Tensor& g, const Shape& from, const Tensor& index) {
                  return put(zeros(from, g.dtype(), g.device()), index, g, true);
                });
}

Tensor put(const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate, Out out) {
  const char* op = "put";
  check(x.dtype() == source.dtype(), op,
        ": self and source expected to have the same dtype, but got self.dtype = ", name_of(x.dtype()),
        " and source.dtype = ", name_of(source.dtype()));
  check_index(index.count() == source.count(), op,
              ": expected source and index to have the same number of elements, but "
              "got source.numel() = ",
              source.count(), ", index.numel() = ", index.count());
  check_flat_index(op, x, index);
  Tensor y = start_from(x, out, Order::kept);
  if (out.in_place) check_apart(op, y, source);
  {
    GradGuard off(false);
    Tensor flat = contiguous(y), terms = contiguous(source);
    move_picked(op, accumulate ? IndexMode::add : IndexMode::set, flat, picked_flat(flat, index), terms,
                contiguous_strides(index.sizes()));
    if (!flat.is(y)) copy_values(y, flat);
  }
  if (out.in_place) bump_version(y, op);
  Shape from = source.sizes();
  y = record(
      "PutBackward0", y, inputs(x, source), save(index, accumulate, from),
      [](const Tensor& g, const Tensor& index, const bool& accumulate, const Shape&) {
        return accumulate ? g : put(g, index, zeros(index.sizes(), g.dtype(), g.device()), false);
      },
      [](const Tensor& g, const Tensor& index, const bool&, const Shape& from) {
        return reshape(take(g, index), from);
      });
  return settled(op, y, out);
}

}  // namespace tt
