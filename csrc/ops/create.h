#pragma once
#include "ops/internal.h"

namespace tt {

// What every function that makes a tensor can be told.
struct Options {
  std::optional<DType> dtype;
  std::optional<Device> device;
};

// Where new tensors go that are not told: set_default_device.
Device default_device();
void set_default_device(Device device);

Tensor zeros(const Shape& sizes, DType dtype, Device device = {});
Tensor full(const Shape& sizes, const Scalar& value, DType dtype, Device device = {});
Tensor empty_like(const Tensor& x);  // preserves the order of dimensions in memory
Tensor empty_like(const Tensor& x, DType dtype);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);

// ---- moving values
Tensor clone(const Tensor& x);  // preserves the order of dimensions in memory
Tensor contiguous(const Tensor& x);
Tensor to_dtype(const Tensor& x, DType dtype);
Tensor to_device(const Tensor& x, Device device);
Tensor copy_(const Tensor& self, const Tensor& source);
Tensor fill_(const Tensor& self, const Scalar& value);
Tensor fill_(const Tensor& self, const Tensor& value);
Tensor zero_(const Tensor& self);
// Writes the number, which must be in the range of the type; not recorded.
void fill_values(const char* op, const Tensor& x, const Scalar& value);
Tensor resize_(const Tensor& self, const Shape& sizes);

}  // namespace tt
