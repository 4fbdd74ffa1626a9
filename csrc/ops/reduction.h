// What the reductions share: which dimensions go, the call of the kernel, and the way back.
#pragma once
#include "ops/ops.h"

namespace tt {

struct Reduced {
  Shape dims;        // the reduced ones
  Shape kept_sizes;  // with 1 where reduced
  Shape sizes;       // of the result
  bool whole;        // no dimension was named
  int64_t count;     // elements per result
};

// `dims` absent or empty: all of them.
Reduced reduced(const char* op, const Tensor& x, const Dims& dims, bool keepdim);
// The same for a reduction that has no result for nothing; `whole` is the error when no dimension was named.
Reduced reduced_nonempty(const char* op, const Tensor& x, const Dims& dims, bool keepdim,
                         ErrorKind whole = ErrorKind::Runtime);

// Reduces x into y, which is contiguous and has the sizes r.sizes or r.kept_sizes. `y` may be undefined where
// `index`, of the same sizes, is wanted alone; `mean` is the second result of moments.
void reduce_into(Reduction op, DType compute, const Tensor& y, const Tensor& x, const Reduced& r,
                 const Tensor& index = {}, const Tensor& mean = {});

// What a reduction left, with 1 where dimensions are missing; and spread over the sizes that it started from.
Tensor with_kept_dims(const Tensor& y, const Shape& dims, const Shape& sizes, bool keepdim);
Tensor unreduced(const Tensor& y, const Shape& dims, const Shape& sizes, bool keepdim);

// The contiguous memory of y as a tensor of other sizes. Unlike a view made while nothing is recorded, it may
// be given a history.
Tensor resized(const Tensor& y, const Shape& sizes);

// Gives y, selected from x along a dimension at the positions `index`, its derivative: the gradient goes to
// where it was selected, all else gets 0.
void record_selection(const char* node, const Tensor& y, const Tensor& index, const Tensor& x, int64_t dim,
                      bool keepdim);
// The derivative of a selection without positions: the elements that `ties` marks share the gradient evenly.
Tensor share_among_ties(const Tensor& g, const Tensor& ties, const Shape& dims, bool keepdim);
Tensor share_among_all_ties(const Tensor& g, const Tensor& x,
                            const Tensor& y);  // of y, a single element of x

// The type that a reduction computes in: halves are storage formats.
inline DType working_type(DType type) { return is_half(type) ? DType::Float32 : type; }
// The type of a sum: integers and bool are counted in int64. An out= asks for its own type.
DType accumulated(DType type, std::optional<DType> wanted, Out out);

}  // namespace tt
