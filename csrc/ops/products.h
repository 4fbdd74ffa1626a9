// What the products share: checks, the way into the kernel by strides, and where a result goes.
#pragma once
#include "ops/internal.h"

namespace tt {

void check_factors(const char* op, const Tensor& a, const Tensor& b);  // one dtype, not bool, one device
void check_inner(const char* op, const Tensor& a, const Tensor& b, int64_t a_inner, int64_t b_inner);
void check_rank(const char* op, const char* argument, const Tensor& x, int rank);

// A vector (or the last dimension of a batch of them) as a matrix of one row or one column, out of autograd's
// sight.
Tensor as_row(const Tensor& x);
Tensor as_column(const Tensor& x);

// c = a @ b + bias, or c += a @ b, for ranks from 2 up; the batches of a and b broadcast to that of c. Values
// only. `bias` has one element per column of c.
void multiply(const Tensor& c, const Tensor& a, const Tensor& b, bool accumulate = false,
              const Tensor& bias = {});

// Where a product is written: a tensor given as out= that shares memory with a factor gets its values from
// `settle`.
Tensor product_target(const char* op, Out out, const Shape& sizes,
                      std::initializer_list<const Tensor*> inputs);
Tensor settle(const char* op, const Tensor& y, Out out);

// `kept(x, y)`: x where the gradient of y, which reads it, is wanted.
inline Tensor kept(const Tensor& x, const Tensor& y) {
  return grad_enabled() && needs_grad(y) ? x : Tensor();
}

// Whether the elements of a matrix run down its columns: its gradient then does too.
inline bool by_columns(const Tensor& x) { return x.strides()[0] == 1 && x.strides()[1] != 1; }
Tensor left_gradient(const Tensor& g, const Tensor& b, bool by_columns);   // g @ b.T
Tensor right_gradient(const Tensor& g, const Tensor& a, bool by_columns);  // a.T @ g

}  // namespace tt
