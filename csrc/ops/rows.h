// For ops whose kernels work on contiguous rows: the dimension that they work along is brought last and back.
#pragma once
#include "ops/reduction.h"

namespace tt {

inline Tensor rows_along(const Tensor& x, int dim) {
  return contiguous(dim + 1 < x.rank() ? transpose(x, dim, -1) : x);
}
inline Tensor rows_back(const Tensor& y, int dim) {
  if (dim + 1 >= y.rank()) return y;
  Tensor back = contiguous(transpose(y, dim, -1));
  return resized(back, back.sizes());
}
inline int64_t row_length(const Tensor& rows) { return rows.rank() ? rows.sizes().back() : 1; }

}  // namespace tt
