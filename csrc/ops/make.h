// The functions that make tensors, with the options and out= that each of them takes.
#pragma once
#include "core/format.h"
#include "ops/create.h"

namespace tt::make {

using Format = std::optional<MemoryFormat>;

// The type a new tensor gets: as the options say, or that of out, or else `fallback`.
DType type_for(const char* op, const Options& options, Out out, DType fallback);
// Uninitialised memory as the options say, or the tensor given as out=.
Tensor target(const char* op, const Shape& sizes, const Options& options, Out out, DType fallback);
// Uninitialised memory in the likeness of x.
Tensor likeness(const char* op, const Tensor& x, const Options& options, Format format);

Tensor empty(const Shape& size, const Options& options, Format format, Out out);
Tensor zeros(const Shape& size, const Options& options, Out out);
Tensor ones(const Shape& size, const Options& options, Out out);
Tensor full(const Shape& size, const Scalar& value, const Options& options, Out out);
Tensor empty_strided(const Shape& size, const Shape& stride, const Options& options);
Tensor empty_permuted(const Shape& size, const Shape& layout, const Options& options);

Tensor empty_like(const Tensor& x, const Options& options, Format format);
Tensor zeros_like(const Tensor& x, const Options& options, Format format);
Tensor ones_like(const Tensor& x, const Options& options, Format format);
Tensor full_like(const Tensor& x, const Scalar& value, const Options& options, Format format);

// Of the dtype and on the device of x, unless told.
Tensor new_empty(const Tensor& x, const Shape& size, const Options& options);
Tensor new_zeros(const Tensor& x, const Shape& size, const Options& options);
Tensor new_ones(const Tensor& x, const Shape& size, const Options& options);
Tensor new_full(const Tensor& x, const Shape& size, const Scalar& value, const Options& options);
Tensor new_empty_strided(const Tensor& x, const Shape& size, const Shape& stride, const Options& options);

Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, const Options& options, Out out);
Tensor range(const Scalar& start, const Scalar& end, const Scalar& step, const Options& options, Out out);
Tensor linspace(const Scalar& start, const Scalar& end, int64_t steps, const Options& options, Out out);
Tensor logspace(const Scalar& start, const Scalar& end, int64_t steps, double base, const Options& options,
                Out out);
Tensor eye(int64_t n, const std::optional<int64_t>& m, const Options& options, Out out);
Tensor scalar_tensor(const Scalar& value, const Options& options);

}  // namespace tt::make
