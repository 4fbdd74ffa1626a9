#pragma once
#include <tuple>

#include "ops/internal.h"

namespace tt {

// Running folds along a dimension. Integer and bool sums and products are int64; `dtype` casts first.
Tensor cumsum(const Tensor& x, int64_t dim, std::optional<DType> dtype = {}, Out out = {});
Tensor cumprod(const Tensor& x, int64_t dim, std::optional<DType> dtype = {}, Out out = {});
Tensor logcumsumexp(const Tensor& x, int64_t dim);
// Values and positions; of equal values the last one is meant, and NaN once met stays.
std::tuple<Tensor, Tensor> cummax(const Tensor& x, int64_t dim);
std::tuple<Tensor, Tensor> cummin(const Tensor& x, int64_t dim);

Tensor diff(const Tensor& x, int64_t n = 1, int64_t dim = -1, const std::optional<Tensor>& prepend = {},
            const std::optional<Tensor>& append = {});
Tensor trapezoid(const Tensor& y, double dx, int64_t dim);
Tensor trapezoid(const Tensor& y, const Tensor& x, int64_t dim);
Tensor cumulative_trapezoid(const Tensor& y, double dx, int64_t dim);
Tensor cumulative_trapezoid(const Tensor& y, const Tensor& x, int64_t dim);

}  // namespace tt
