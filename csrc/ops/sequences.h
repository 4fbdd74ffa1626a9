#pragma once
#include "ops/internal.h"

namespace tt {

// ---- values that follow from their position
Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, DType dtype, Device device = {});
Tensor range(const Scalar& start, const Scalar& end, const Scalar& step, DType dtype,
             Device device = {});  // end included
Tensor linspace(const Scalar& start, const Scalar& end, int64_t steps, DType dtype, Device device = {});
Tensor logspace(const Scalar& start, const Scalar& end, int64_t steps, double base, DType dtype,
                Device device = {});
Tensor eye(int64_t n, int64_t m, DType dtype, Device device = {});
Tensor tril_indices(int64_t rows, int64_t columns, int64_t offset, DType dtype, Device device = {});
Tensor triu_indices(int64_t rows, int64_t columns, int64_t offset, DType dtype, Device device = {});

// ---- windows; a periodic one is a symmetric one of length + 1 without its last value
Tensor hann_window(int64_t length, bool periodic, DType dtype, Device device = {});
Tensor hamming_window(int64_t length, bool periodic, double alpha, double beta, DType dtype,
                      Device device = {});
Tensor blackman_window(int64_t length, bool periodic, DType dtype, Device device = {});
Tensor bartlett_window(int64_t length, bool periodic, DType dtype, Device device = {});
Tensor kaiser_window(int64_t length, bool periodic, double beta, DType dtype, Device device = {});

}  // namespace tt
