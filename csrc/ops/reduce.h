#pragma once
#include <tuple>

#include "ops/internal.h"

namespace tt {

// `dims` absent or empty: all of them. An integer or bool sum or product is int64; `dtype` casts before
// reducing.
Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {},
           Out out = {});
Tensor nansum(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype, Out out = {});
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {},
            Out out = {});
Tensor nanmean(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype, Out out = {});
Tensor prod(const Tensor& x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {},
            Out out = {});
Tensor sum_to(const Tensor& x, const Shape& sizes);  // undoes a broadcast

// ---- truth: bool, but uint8 of uint8
Tensor any(const Tensor& x, const Dims& dims = {}, bool keepdim = false, Out out = {});
Tensor all(const Tensor& x, const Dims& dims = {}, bool keepdim = false, Out out = {});
Tensor count_nonzero(const Tensor& x, const Dims& dims = {});

// ---- extrema; NaN is the largest and the smallest of all, and of equal values the first one is meant
using ValuesAndIndices = std::tuple<Tensor, Tensor>;
Tensor max(const Tensor& x, Out out = {});
Tensor min(const Tensor& x, Out out = {});
ValuesAndIndices max(const Tensor& x, int64_t dim, bool keepdim);
ValuesAndIndices min(const Tensor& x, int64_t dim, bool keepdim);
Tensor amax(const Tensor& x, const Dims& dims = {}, bool keepdim = false, Out out = {});
Tensor amin(const Tensor& x, const Dims& dims = {}, bool keepdim = false, Out out = {});
std::tuple<Tensor, Tensor> aminmax(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);
Tensor argmax(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false, Out out = {});
Tensor argmin(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false, Out out = {});

// ---- statistics; the divisor of a variance is max(0, count - correction)
Tensor var(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false, Out out = {});
Tensor std(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false, Out out = {});
std::tuple<Tensor, Tensor> var_mean(const Tensor& x, const Dims& dims = {}, double correction = 1,
                                    bool keepdim = false);
std::tuple<Tensor, Tensor> std_mean(const Tensor& x, const Dims& dims = {}, double correction = 1,
                                    bool keepdim = false);
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim = false, Out out = {});
Tensor cov(const Tensor& x, int64_t correction, const std::optional<Tensor>& fweights,
           const std::optional<Tensor>& aweights);
Tensor corrcoef(const Tensor& x);

// ---- norms
Tensor vector_norm(const Tensor& x, double p, const Dims& dims = {}, bool keepdim = false,
                   std::optional<DType> dtype = {});
Tensor dist(const Tensor& a, const Tensor& b, double p);
Tensor renorm(const Tensor& x, double p, int64_t dim, double maxnorm);

}  // namespace tt
