// Reading and writing by index tensors and masks.
#pragma once
#include <string>

#include "ops/internal.h"

namespace tt {

// One index tensor per leading dimension, undefined where a dimension is taken whole. Integers count from
// either end; masks stand for as many indices as they have dimensions.
using Indices = std::vector<Tensor>;
Tensor index(const Tensor& x, const Indices& indices);
Tensor index_put(const Tensor& x, const Indices& indices, const Tensor& values, bool accumulate,
                 Out out = {});

// ---- along a dimension, by a vector
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source, const Scalar& alpha,
                 Out out = {});
Tensor index_add_(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                  const Scalar& alpha);
Tensor index_copy(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source, Out out = {});
Tensor index_fill(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& value, Out out = {});
Tensor index_fill(const Tensor& x, int64_t dim, const Tensor& index, const Scalar& value, Out out = {});
Tensor index_reduce(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                    const std::string& reduce, bool include_self, Out out = {});
Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding, bool scale_by_frequency);
// Shrinks the rows that are looked up to a norm of at most max_norm, in place.
Tensor embedding_renorm_(const Tensor& weight, const Tensor& indices, double max_norm, double norm_type);

// ---- along a dimension, element by element
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
Tensor take_along_dim(const Tensor& x, const Tensor& indices, std::optional<int64_t> dim);
using Combination = std::optional<std::string>;  // "add" or "multiply"
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
               const Combination& reduce = {}, Out out = {});
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Scalar& value,
               const Combination& reduce = {}, Out out = {});
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src, Out out = {});
Tensor scatter_reduce(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                      const std::string& reduce, bool include_self, Out out = {});

// ---- in the row-major order of all elements
Tensor take(const Tensor& x, const Tensor& index);
Tensor put(const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate, Out out = {});

// ---- by a mask
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value, Out out = {});
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Scalar& value, Out out = {});
Tensor masked_select(const Tensor& x, const Tensor& mask);
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source, Out out = {});
Tensor nonzero(const Tensor& x);                       // one row of coordinates per element that is not 0
std::vector<Tensor> nonzero_columns(const Tensor& x);  // one vector per dimension

// ---- parts replaced
Tensor select_scatter(const Tensor& x, const Tensor& src, int64_t dim, int64_t index);
Tensor slice_scatter(const Tensor& x, const Tensor& src, int64_t dim, std::optional<int64_t> start,
                     std::optional<int64_t> end, int64_t step);
Tensor diagonal_scatter(const Tensor& x, const Tensor& src, int64_t offset, int64_t dim1, int64_t dim2);
Tensor fill_diagonal_(const Tensor& self, const Scalar& value, bool wrap);

// ---- diagonals and triangles
Tensor diag(const Tensor& x, int64_t diagonal);
Tensor diagflat(const Tensor& x, int64_t offset);
Tensor diag_embed(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2);
Tensor tril(const Tensor& x, int64_t diagonal, Out out = {});
Tensor triu(const Tensor& x, int64_t diagonal, Out out = {});
Tensor trace(const Tensor& x);

// ---- the same elements elsewhere, or more often
Tensor flip(const Tensor& x, const Shape& dims);
Tensor fliplr(const Tensor& x);
Tensor flipud(const Tensor& x);
Tensor rot90(const Tensor& x, int64_t k, const Shape& dims);
Tensor roll(const Tensor& x, const Shape& shifts, const Dims& dims);
Tensor repeat(const Tensor& x, const Shape& repeats);
Tensor tile(const Tensor& x, const Shape& repeats);
Tensor repeat_interleave(const Tensor& x, int64_t repeats, std::optional<int64_t> dim,
                         std::optional<int64_t> output_size);
Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, std::optional<int64_t> dim,
                         std::optional<int64_t> output_size);
Tensor repeat_interleave(const Tensor& repeats, std::optional<int64_t> output_size);

// ---- counting and searching
Tensor one_hot(const Tensor& index, int64_t classes);
Tensor bincount(const Tensor& x, const std::optional<Tensor>& weights, int64_t minlength);
Tensor histc(const Tensor& x, int64_t bins, const Scalar& min, const Scalar& max);
Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool out_int32, bool right,
                    const std::optional<std::string>& side, const std::optional<Tensor>& sorter);
Tensor bucketize(const Tensor& x, const Tensor& boundaries, bool out_int32, bool right);
Tensor isin(const Tensor& elements, const Tensor& test, bool assume_unique, bool invert);
std::vector<Tensor> unravel_index(const Tensor& indices, const Shape& sizes);

}  // namespace tt
