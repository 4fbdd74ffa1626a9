#include "ops/reduction.h"

namespace tt {

Tensor share_among_ties(const Tensor& g, const Tensor& ties, const Shape& dims, bool keepdim) {
  return mul(ties, div(with_kept_dims(g, dims, ties.sizes(), keepdim), sum(ties, dims, true)));
}

Tensor share_among_all_ties(const Tensor& g, const Tensor& x, const Tensor& y) {
  Tensor values = detach(x), chosen = detach(y);
  Tensor ties = any_nan(chosen) ? ne(values, values) : eq(values, chosen);
  return div(mul(ties, g), sum(ties));
}

namespace {

Tensor extremum(Reduction op, const Tensor& x, const Reduced& r) {
  Tensor y = empty(r.sizes, x.dtype(), x.device());
  if (y.count()) reduce_into(op, working_type(x.dtype()), y, x, r);
  return y;
}

Tensor extremum_of_all(Reduction op, const char* name, const char* node, const Tensor& x, Out out) {
  Tensor y = extremum(op, x, reduced_nonempty(name, x, {}, false));
  if (x.is_floating())
    record(node, y, inputs(x), save(x, y),
           [](const Tensor& g, const Tensor& x, const Tensor& y) { return share_among_all_ties(g, x, y); });
  return deliver(name, y, out);
}

ValuesAndIndices extremum_along(Reduction op, const char* name, const char* node, const Tensor& x,
                                int64_t dim, bool keepdim) {
  Reduced r = reduced_nonempty(name, x, Shape{dim}, keepdim);
  Tensor y = empty(r.sizes, x.dtype(), x.device()), index = empty(r.sizes, DType::Int64, x.device());
  if (y.count()) reduce_into(op, working_type(x.dtype()), y, x, r, index);
  record_selection(node, y, index, x, r.dims[0], keepdim);
  return {y, index};
}

Tensor ties_with(const Tensor& x, const Tensor& y, const Shape& dims, bool keepdim) {
  return eq(detach(x), detach(with_kept_dims(y, dims, x.sizes(), keepdim)));
}

Tensor amax_or_amin(Reduction op, const char* name, const char* node, const Tensor& x, const Dims& dims,
                    bool keepdim, Out out) {
  Reduced r = reduced_nonempty(name, x, dims, keepdim);
  Tensor y = extremum(op, x, r);
  if (x.is_floating())
    record(node, y, inputs(x), save(x, y, r.dims, keepdim),
           [](const Tensor& g, const Tensor& x, const Tensor& y, const Shape& dims, const bool& keepdim) {
             return share_among_ties(g, ties_with(x, y, dims, keepdim), dims, keepdim);
           });
  return deliver(name, y, out);
}

Tensor position_of_extremum(Reduction op, const char* name, const Tensor& x, std::optional<int64_t> dim,
                            bool keepdim, Out out) {
  check(x.dtype() != DType::Bool, name, ": does not support bool input");
  Reduced r = reduced_nonempty(name, x, dim ? Dims(Shape{*dim}) : Dims(), keepdim, ErrorKind::Index);
  Tensor index = empty(r.sizes, DType::Int64, x.device());
  if (index.count()) reduce_into(op, working_type(x.dtype()), {}, x, r, index);
  return deliver(name, index, out);
}

}  // namespace

Tensor max(const Tensor& x, Out out) {
  return extremum_of_all(Reduction::max, "max", "MaxBackward1", x, out);
}
Tensor min(const Tensor& x, Out out) {
  return extremum_of_all(Reduction::min, "min", "MinBackward1", x, out);
}

ValuesAndIndices max(const Tensor& x, int64_t dim, bool keepdim) {
  return extremum_along(Reduction::max, "max", "MaxBackward0", x, dim, keepdim);
}
ValuesAndIndices min(const Tensor& x, int64_t dim, bool keepdim) {
  return extremum_along(Reduction::min, "min", "MinBackward0", x, dim, keepdim);
}

Tensor amax(const Tensor& x, const Dims& dims, bool keepdim, Out out) {
  return amax_or_amin(Reduction::max, "amax", "AmaxBackward0", x, dims, keepdim, out);
}
Tensor amin(const Tensor& x, const Dims& dims, bool keepdim, Out out) {
  return amax_or_amin(Reduction::min, "amin", "AminBackward0", x, dims, keepdim, out);
}

std::tuple<Tensor, Tensor> aminmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  Reduced r = reduced_nonempty("aminmax", x, dim ? Dims(Shape{*dim}) : Dims(), keepdim);
  Tensor least = extremum(Reduction::min, x, r), greatest = extremum(Reduction::max, x, r);
  record_many("AminmaxBackward0", {least, greatest}, inputs(x), save(x, least, greatest, r.dims, keepdim),
              [](const Gradients& g, Wanted, const Tensor& x, const Tensor& least, const Tensor& greatest,
                 const Shape& dims, const bool& keepdim) {
                Tensor total;
                for (int i = 0; i < 2; i++) {
                  if (!g[i].defined()) continue;
                  Tensor part = share_among_ties(g[i], ties_with(x, i ? greatest : least, dims, keepdim),
                                                 dims, keepdim);
                  total = total.defined() ? add(total, part) : part;
                }
                return Gradients{total};
              });
  return {least, greatest};
}

Tensor argmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim, Out out) {
  return position_of_extremum(Reduction::max, "argmax", x, dim, keepdim, out);
}
Tensor argmin(const Tensor& x, std::optional<int64_t> dim, bool keepdim, Out out) {
  return position_of_extremum(Reduction::min, "argmin", x, dim, keepdim, out);
}

}  // namespace tt
