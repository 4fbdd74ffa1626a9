// Activations: what stands between the layers of a network.
#pragma once
#include "ops/internal.h"

namespace tt {

Tensor relu(const Tensor& x, Out out = {});
Tensor sigmoid(const Tensor& x, Out out = {});
Tensor gelu(const Tensor& x, const std::string& approximate = "none");
Tensor silu(const Tensor& x, Out out = {});
Tensor mish(const Tensor& x, Out out = {});
Tensor elu(const Tensor& x, double alpha = 1, Out out = {});
Tensor selu(const Tensor& x, Out out = {});
Tensor celu(const Tensor& x, double alpha = 1);
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01, Out out = {});
Tensor prelu(const Tensor& x, const Tensor& weight);
Tensor rrelu(const Tensor& x, double lower, double upper, bool training);
Tensor threshold(const Tensor& x, const Scalar& threshold, const Scalar& value, Out out = {});
Tensor hardtanh(const Tensor& x, const Scalar& min_val = -1, const Scalar& max_val = 1, Out out = {});
Tensor relu6(const Tensor& x, Out out = {});
Tensor hardsigmoid(const Tensor& x, Out out = {});
Tensor hardswish(const Tensor& x, Out out = {});
Tensor hardshrink(const Tensor& x, double lambd = 0.5, Out out = {});
Tensor softshrink(const Tensor& x, double lambd = 0.5, Out out = {});
Tensor softplus(const Tensor& x, double beta = 1, double threshold = 20, Out out = {});
Tensor logsigmoid(const Tensor& x, Out out = {});
Tensor softsign(const Tensor& x, Out out = {});

Tensor softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});
Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});
Tensor softmin(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});

}  // namespace tt
