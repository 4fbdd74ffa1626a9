#include "ops/create.h"

#include <cmath>

#include "ops/ops.h"

namespace tt {

// ---------------------------------------------------------------- moving values

static Shape like_strides(const Tensor& x) {
  if (x.is_contiguous()) return x.strides();
  return is_dense(x) ? x.strides() : preferred_strides(x.sizes(), {x.strides()});
}

Tensor empty_like(const Tensor& x, DType dtype) {
  return empty_strided(x.sizes(), like_strides(x), dtype, x.device());
}
Tensor empty_like(const Tensor& x) { return empty_like(x, x.dtype()); }

Tensor clone(const Tensor& x) {
  Tensor y = empty_like(x);
  copy_values(y, x);
  return record("CloneBackward0", y, inputs(x), save(), [](const Tensor& g) { return g; });
}

Tensor contiguous(const Tensor& x) {
  if (x.is_contiguous()) return x;
  Tensor y = empty(x.sizes(), x.dtype(), x.device());
  copy_values(y, x);
  return record("CloneBackward0", y, inputs(x), save(), [](const Tensor& g) { return g; });
}

Tensor to_dtype(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Tensor y = empty_like(x, dtype);
  copy_values(y, x);
  if (!is_floating(dtype)) return y;
  DType from = x.dtype();
  return record("ToCopyBackward0", y, inputs(x), save(from),
                [](const Tensor& g, const DType& from) { return to_dtype(g, from); });
}

Tensor to_device(const Tensor& x, Device device) {
  if (x.device() == device) return x;
  Tensor y = empty_strided(x.sizes(), like_strides(x), x.dtype(), device);
  copy_values(y, x);
  Device from = x.device();
  return record("ToCopyBackward0", y, inputs(x), save(from),
                [](const Tensor& g, const Device& from) { return to_device(g, from); });
}

Tensor copy_(const Tensor& self, const Tensor& source) {
  check_inplace("copy_", self, false, any_needs_grad(inputs(source)));
  check(expandable(source.sizes(), self.sizes()), "copy_: The size of tensor ", self.sizes(),
        " must match the size of the source ", source.sizes());
  check_no_overlap("copy_", self, source);
  if (self.is(source)) return self;
  Tensor from = source;
  if (reaches_into(self, source)) {  // what is read must not have been written yet
    GradGuard off(false);
    from = clone(source);
  }
  copy_values(self, tensor_over(from.storage(), self.sizes(), expanded_strides(from, self.sizes()),
                                from.offset(), from.dtype()));
  bump_version(self, "copy_");
  if (!self.is_floating()) return self;
  return record(
      "CopyBackwards", self, inputs(self, source), save(), [](const Tensor& g) { return zeros_like(g); },
      [](const Tensor& g) { return g; });
}

// Whether a number is in the range of a type: integers may wrap once below an unsigned one, infinities fit
// every float.
static bool fits(const Scalar& value, DType type) {
  if (type == DType::Bool) return true;
  if (is_floating(type)) {
    static constexpr double largest[] = {65504, 0x1.fep127, 0x1.fffffep127, 0x1.fffffffffffffp1023};
    double size = std::fabs(value.to<double>());
    return !(size > largest[int(type) - int(DType::Float16)]) || std::isinf(size);
  }
  int bits = int(size_of(type)) * 8 - is_signed(type);
  double above = std::ldexp(1.0, bits), below = is_signed(type) ? -above : 1 - above;
  if (value.is_real()) return value.real < above && (is_signed(type) ? value.real >= below : value.real >= 0);
  return type == DType::Int64 || (double(value.integer) < above && double(value.integer) >= below);
}

void fill_values(const char* op, const Tensor& x, const Scalar& value) {
  check(fits(value, x.dtype()), op, ": the value ", value, " cannot be converted to ", name_of(x.dtype()),
        " without overflow");
  Tensor number = number_like(x, value);
  copy_values(x, tensor_over(number.storage(), x.sizes(), expanded_strides(number, x.sizes()), 0, x.dtype()));
}

Tensor fill_(const Tensor& self, const Scalar& value) {
  check_inplace("fill_", self, true);
  fill_values("fill_", self, value);
  bump_version(self, "fill_");
  return record("FillBackward0", self, inputs(self), save(), [](const Tensor& g) { return zeros_like(g); });
}

Tensor fill_(const Tensor& self, const Tensor& value) {
  check(value.rank() == 0, "fill_: only supports 0-dimension value tensor but got tensor with ", value.rank(),
        " dimensions.");
  return copy_(self, value);
}

Tensor zero_(const Tensor& self) { return fill_(self, 0); }

Tensor resize_(const Tensor& self, const Shape& sizes) {
  int64_t count = element_count("resize_", sizes);
  check(!needs_grad(self), "resize_: cannot resize variables that require grad");
  if (self.sizes() == sizes) return self;
  resize_storage(*self.storage(), (self.offset() + count) * size_of(self.dtype()));
  set_geometry(self, sizes, contiguous_strides(sizes), self.offset());
  return self;
}

// ---------------------------------------------------------------- new values

static thread_local Device device_of_new_tensors;
Device default_device() { return device_of_new_tensors; }
void set_default_device(Device device) { device_of_new_tensors = device; }

Tensor full(const Shape& sizes, const Scalar& value, DType dtype, Device device) {
  Tensor x = empty(sizes, dtype, device);
  fill_values("full", x, value);
  return x;
}

Tensor zeros(const Shape& sizes, DType dtype, Device device) { return full(sizes, 0, dtype, device); }

static Tensor full_like(const Tensor& x, int value) {
  Tensor y = empty_like(x);
  fill_values("full_like", y, value);
  return y;
}
Tensor zeros_like(const Tensor& x) { return full_like(x, 0); }
Tensor ones_like(const Tensor& x) { return full_like(x, 1); }

}  // namespace tt
