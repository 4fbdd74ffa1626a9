#pragma once
#include <string>
#include <tuple>

#include "ops/internal.h"

namespace tt {

// All of these take NaN for the largest value; equal values keep their order.
std::tuple<Tensor, Tensor> sort(const Tensor& x, int64_t dim = -1, bool descending = false,
                                bool stable = true);
Tensor argsort(const Tensor& x, int64_t dim = -1, bool descending = false, bool stable = true);
Tensor msort(const Tensor& x);
std::tuple<Tensor, Tensor> topk(const Tensor& x, int64_t k, int64_t dim = -1, bool largest = true,
                                bool sorted = true);

// ---- values by rank
std::tuple<Tensor, Tensor> kthvalue(const Tensor& x, int64_t k, int64_t dim, bool keepdim);
Tensor median(const Tensor& x);  // the lower of two middle values; NaN if there is one
std::tuple<Tensor, Tensor> median(const Tensor& x, int64_t dim, bool keepdim);
Tensor nanmedian(const Tensor& x);
std::tuple<Tensor, Tensor> nanmedian(const Tensor& x, int64_t dim, bool keepdim);
std::tuple<Tensor, Tensor> mode(const Tensor& x, int64_t dim, bool keepdim);
// `q` is a number or a vector; for a vector the result has its size as first dimension.
Tensor quantile(const Tensor& x, const Tensor& q, std::optional<int64_t> dim, bool keepdim,
                const std::string& interpolation);
Tensor nanquantile(const Tensor& x, const Tensor& q, std::optional<int64_t> dim, bool keepdim,
                   const std::string& interpolation);

// ---- sets: the values, then, where asked for, the number of the value of each element, and how often each
// occurs
std::vector<Tensor> unique(const Tensor& x, bool sorted, bool return_inverse, bool return_counts,
                           std::optional<int64_t> dim);
std::vector<Tensor> unique_consecutive(const Tensor& x, bool return_inverse, bool return_counts,
                                       std::optional<int64_t> dim);

}  // namespace tt
