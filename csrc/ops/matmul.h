#pragma once
#include "ops/internal.h"

namespace tt {

// ---- two factors of one dtype
Tensor matmul(const Tensor& a, const Tensor& b, Out out = {});  // any ranks but 0; batches broadcast
Tensor mm(const Tensor& a, const Tensor& b, Out out = {});
Tensor bmm(const Tensor& a, const Tensor& b, Out out = {});
Tensor mv(const Tensor& a, const Tensor& v, Out out = {});
Tensor dot(const Tensor& a, const Tensor& b, Out out = {});
Tensor inner(const Tensor& a, const Tensor& b, Out out = {});  // along the last dimensions
Tensor outer(const Tensor& a, const Tensor& b, Out out = {});
Tensor kron(const Tensor& a, const Tensor& b, Out out = {});
Tensor cross(const Tensor& a, const Tensor& b, std::optional<int64_t> dim, Out out = {});
Tensor cdist(const Tensor& a, const Tensor& b, double p);  // distances between the rows of a and those of b

// ---- beta * input + alpha * product; beta 0 ignores the input, NaN included
Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta = 1,
             const Scalar& alpha = 1, Out out = {});
Tensor addmv(const Tensor& input, const Tensor& a, const Tensor& v, const Scalar& beta, const Scalar& alpha,
             Out out = {});
Tensor addr(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta, const Scalar& alpha,
            Out out = {});
Tensor baddbmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta, const Scalar& alpha,
               Out out = {});
Tensor addbmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta, const Scalar& alpha,
              Out out = {});
Tensor linear(const Tensor& x, const Tensor& weight,
              const std::optional<Tensor>& bias);  // x @ weight.T + bias

// ---- many factors
Tensor multi_dot(const std::vector<Tensor>& factors, Out out = {});  // in the order that multiplies least
Tensor matrix_power(const Tensor& a, int64_t n, Out out = {});

}  // namespace tt
