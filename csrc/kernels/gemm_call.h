// A matrix product as the kernels are asked for it; apart from the table, so that the product kernels do not
// depend on every formula.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace tt {

// c[i, j] = relu(c[i, j] if accumulate + sum over l of a[i, l] * b[l, j] + bias[j]), each part where it is
// asked for. Strides count elements and may be anything (0 repeats); only the columns of c are contiguous.
// Integers wrap around. Half types sum in float and round once. The bits of the result do not depend on the
// number of threads.
struct GemmCall {
  DType dtype;  // of a, b, c and bias; not Bool
  int64_t m, n, k;
  const void* a;
  int64_t a_row, a_col;
  const void* b;
  int64_t b_row, b_col;
  void* c;
  int64_t c_row;
  bool accumulate = false;
  const void* bias = nullptr;
  bool relu = false;
  int64_t batch = 1;  // the products of a batch share the bias
  int64_t a_batch = 0, b_batch = 0, c_batch = 0;
};

}  // namespace tt
