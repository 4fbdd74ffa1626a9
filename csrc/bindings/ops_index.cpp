#include "bindings/registry.h"

namespace tt {
namespace {

// One tensor, or a tuple of its columns.
struct Places {
  bool as_tuple;
  Tensor rows;
  std::vector<Tensor> columns;
};
PyObject* to_python(const Places& places) {
  return places.as_tuple ? to_python(places.columns) : wrap(places.rows);
}

Places nonzero_as(const Tensor& x, bool as_tuple) {
  if (as_tuple) return {true, {}, nonzero_columns(x)};
  return {false, nonzero(x), {}};
}

Tensor index_fill_number(const Tensor& x, int64_t dim, const Tensor& index, const Scalar& value, Out out) {
  return index_fill(x, dim, index, value, out);
}
Tensor index_fill_tensor(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& value, Out out) {
  return index_fill(x, dim, index, value, out);
}
Tensor masked_fill_number(const Tensor& x, const Tensor& mask, const Scalar& value, Out out) {
  return masked_fill(x, mask, value, out);
}
Tensor masked_fill_tensor(const Tensor& x, const Tensor& mask, const Tensor& value, Out out) {
  return masked_fill(x, mask, value, out);
}
Tensor scatter_source(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                      const Combination& reduce, Out out) {
  return scatter(x, dim, index, src, reduce, out);
}
Tensor scatter_number(const Tensor& x, int64_t dim, const Tensor& index, const Scalar& value,
                      const Combination& reduce, Out out) {
  return scatter(x, dim, index, value, reduce, out);
}
Tensor gather_from(const Tensor& x, int64_t dim, const Tensor& index, bool) { return gather(x, dim, index); }
Tensor repeat_each(const Tensor& x, int64_t repeats, std::optional<int64_t> dim,
                   std::optional<int64_t> size) {
  return repeat_interleave(x, repeats, dim, size);
}
Tensor repeat_each_by(const Tensor& x, const Tensor& repeats, std::optional<int64_t> dim,
                      std::optional<int64_t> size) {
  return repeat_interleave(x, repeats, dim, size);
}
Tensor repeat_numbers(const Tensor& repeats, std::optional<int64_t> size) {
  return repeat_interleave(repeats, size);
}
Tensor embedding_rows(const Tensor& weight, const Tensor& indices, int64_t padding, bool by_frequency,
                      bool sparse) {
  check(!sparse, "embedding: sparse gradients are not supported");
  return embedding(weight, indices, padding, by_frequency);
}

void bind_reading(Registry& registry) {
  registry
      .op<index_select>("index_select(input, dim, index, *, out=None)", both,
                        "The slices of a dimension that index names.")
      .op<gather_from>(
          "gather(input, dim, index, *, sparse_grad=False, out=None)", both,
          "input[i, index[i, j], ...]: along a dimension, the element that index names for each place.")
      .op<take_along_dim>("take_along_dim(input, indices, dim: int = None, *, out=None)", both,
                          "gather with broadcasting; without dim, of all elements in a row.")
      .op<take>("take(input, index, *, out=None)", both, "Elements by their position in row-major order.")
      .op<masked_select>("masked_select(input, mask, *, out=None)", both,
                         "The elements where mask is true, as a vector.")
      .op<nonzero_as>("nonzero(input, *, as_tuple=False, out=None)", both, "Where the elements are not zero.")
      .op<nonzero>("argwhere(input)", both, "Where the elements are not zero, a row of coordinates each.")
      .op<nonzero_columns>("where(condition)", function)
      .op<embedding_rows>(
          "embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False)", function,
          "Rows of weight by their numbers.")
      .op<embedding_renorm_>("embedding_renorm_(weight, indices, max_norm: Number, norm_type: Number)",
                             function,
                             "Shrinks the rows that indices name to a norm of at most max_norm, in place.");
}

void bind_writing(Registry& registry) {
  registry
      .op<index_put>("index_put(input, indices, values, accumulate=False, *, out=None)", both | inplace_free,
                     "A copy with values written, or added, where the index tensors point.")
      .op<index_add>("index_add(input, dim, index, source, *, alpha=1, out=None)", both | inplace_free,
                     "A copy with alpha * source added to the slices that index names.")
      .op<index_copy>("index_copy(input, dim, index, source, *, out=None)", both | inplace_free,
                      "A copy with the slices that index names replaced by those of source.")
      .op<index_fill_tensor>("index_fill(input, dim, index, value, *, out=None)", both | inplace_free,
                             "A copy with the slices that index names filled with a value.")
      .op<index_fill_number>("index_fill(input, dim, index, value, *, out=None)", both | inplace_free)
      .op<index_reduce>("index_reduce(input, dim, index, source, reduce, *, include_self=True, out=None)",
                        both | inplace,
                        "A copy with slices of source combined into the slices that index names.")
      .op<scatter_source>("scatter(input, dim, index, src, *, reduce: str = None, out=None)", both | inplace,
                          "A copy with result[i, index[i, j], ...] = src[i, j, ...].")
      .op<scatter_number>("scatter(input, dim, index, value: Number, *, reduce: str = None, out=None)",
                          both | inplace)
      .op<scatter_add>("scatter_add(input, dim, index, src, *, out=None)", both | inplace_free,
                       "A copy with src[i, j, ...] added to result[i, index[i, j], ...].")
      .op<scatter_reduce>(
          "scatter_reduce(input, dim, index, src, reduce, *, include_self=True, out=None)", both | inplace,
          "A copy with src combined into the places that index names: sum, prod, mean, amax or amin.")
      .op<put>("put(input, index, source, accumulate=False, *, out=None)", both | inplace_free,
               "A copy with elements written, or added, by their position in row-major order.")
      .op<masked_fill_tensor>("masked_fill(input, mask, value, *, out=None)", both | inplace_free,
                              "A copy with a value where mask is true.")
      .op<masked_fill_number>("masked_fill(input, mask, value, *, out=None)", both | inplace_free)
      .op<masked_scatter>("masked_scatter(input, mask, source, *, out=None)", both | inplace_free,
                          "A copy with the elements of source, in order, where mask is true.")
      .op<select_scatter>("select_scatter(input, src, dim, index)", both, "A copy with one slice replaced.")
      .op<slice_scatter>("slice_scatter(input, src, dim=0, start: int = None, end: int = None, step=1)", both,
                         "A copy with a range of slices replaced.")
      .op<diagonal_scatter>("diagonal_scatter(input, src, offset=0, dim1=0, dim2=1)", both,
                            "A copy with a diagonal replaced.")
      .op<fill_diagonal_>("fill_diagonal_(input, fill_value, wrap=False)", method,
                          "Fills the main diagonal in place.");
}

void bind_layout(Registry& registry) {
  registry
      .op<diag>("diag(input, diagonal=0, *, out=None)", both,
                "A matrix with this diagonal, or the diagonal of a matrix.")
      .op<diagflat>("diagflat(input, offset=0)", both, "A matrix with all elements on a diagonal.")
      .op<diag_embed>("diag_embed(input, offset=0, dim1=-2, dim2=-1)", both,
                      "Matrices with the last dimension on their diagonals.")
      .op<tril>("tril(input, diagonal=0, *, out=None)", both | inplace_free,
                "The lower triangle, zeros above.")
      .op<triu>("triu(input, diagonal=0, *, out=None)", both | inplace_free,
                "The upper triangle, zeros below.")
      .op<trace>("trace(input)", both, "The sum of the main diagonal.")
      .op<flip>("flip(input, *dims)", both, "The elements in reverse order along dimensions.")
      .op<fliplr>("fliplr(input)", both, "The columns in reverse order.")
      .op<flipud>("flipud(input)", both, "The rows in reverse order.")
      .op<rot90>("rot90(input, k=1, dims=(0, 1))", both, "A rotation by k quarter turns in a plane.")
      .op<roll>("roll(input, shifts, dims: int | tuple = None)", both,
                "The elements moved along dimensions, round the end.")
      .op<repeat>("repeat(input, *repeats)", method, "Copies side by side along every dimension.")
      .op<tile>("tile(input, *dims)", both, "Copies side by side; missing dimensions are not repeated.")
      .op<repeat_each>("repeat_interleave(input, repeats, dim: int = None, *, output_size: int = None)", both,
                       "Every element repeated, one by one.")
      .op<repeat_each_by>("repeat_interleave(input, repeats, dim: int = None, *, output_size: int = None)",
                          both)
      .op<repeat_numbers>("repeat_interleave(repeats, *, output_size: int = None)", function);
}

void bind_counting(Registry& registry) {
  registry
      .op<one_hot>("_one_hot(input, num_classes=-1)", function, "A 1 in the place that each number names.")
      .op<bincount>("bincount(input, weights: Tensor = None, minlength=0)", both,
                    "How often each number occurs.")
      .op<histc>("histc(input, bins=100, min=0, max=0, *, out=None)", both,
                 "How many elements lie in each of equal bins.")
      .op<searchsorted>(
          "searchsorted(sorted_sequence, input: Tensor | Number, *, out_int32=False, right=False, "
          "side: str = None, sorter: Tensor = None, out=None)",
          function, "Where values could be inserted so that rows stay sorted.")
      .op<bucketize>(
          "bucketize(input: Tensor | Number, boundaries, *, out_int32=False, right=False, out=None)",
          function, "The number of the interval that each value lies in.")
      .op<isin>(
          "isin(elements: Tensor | Number, test_elements: Tensor | Number, *, assume_unique=False, "
          "invert=False)",
          function, "Whether each element is among others.")
      .op<unravel_index>("unravel_index(indices, shape)", function, "Coordinates of row-major positions.");
}

void bind_join(Registry& registry) {
  for (const char* name : {"cat", "concat", "concatenate"})
    registry.op<cat>((std::string(name) + "(tensors, dim=0, *, out=None)").c_str(), function,
                     "Tensors one after the other along a dimension.");
  registry
      .op<stack>("stack(tensors, dim=0, *, out=None)", function,
                 "Tensors of one shape side by side in a new dimension.")
      .op<hstack>("hstack(tensors, *, out=None)", function,
                  "Tensors side by side: vectors along 0, others along 1.")
      .op<vstack>("vstack(tensors, *, out=None)", function, "Tensors on top of each other, vectors as rows.")
      .op<vstack>("row_stack(tensors, *, out=None)", function,
                  "Tensors on top of each other, vectors as rows.")
      .op<dstack>("dstack(tensors, *, out=None)", function, "Tensors behind each other, along dimension 2.")
      .op<column_stack>("column_stack(tensors, *, out=None)", function,
                        "Tensors side by side, vectors as columns.");
}

}  // namespace

void bind_index(Registry& registry) {
  bind_reading(registry);
  bind_writing(registry);
  bind_layout(registry);
  bind_counting(registry);
  bind_join(registry);
}

}  // namespace tt
