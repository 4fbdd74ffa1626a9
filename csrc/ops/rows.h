// For ops whose kernels work on contiguous rows: the dimension that they work along is brought last and back.
#pragma once
#include "ops/reduction.h"

namespace tt {

inline Tensor rows_along(const Tensor& x, int dim) {
  return contiguous(dim + 1 < x.rank() ? transpose(x, dim, -1) : x);
}
inline Tensor rows_back(const Tensor& y, int dim) {
  return contiguous(dim + 1 < y.rank() ? transpose(y, dim, -1) : y);
}
inline int64_t row_length(const Tensor& rows) { return rows.rank() ? rows.sizes().back() : 1; }

}  // namespace tt
