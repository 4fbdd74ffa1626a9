#include "ops/make.h"

#include "ops/ops.h"

namespace tt::make {

static Device device_for(const Options& options, Out out) {
  return options.device.value_or(out ? out.target->device() : default_device());
}

DType type_for(const char* op, const Options& options, Out out, DType fallback) {
  if (!out) return options.dtype.value_or(fallback);
  const Tensor& x = *out.target;
  check(!options.dtype || *options.dtype == x.dtype(), op, ": dtype ",
        name_of(options.dtype.value_or(x.dtype())), " does not match dtype of out parameter (",
        name_of(x.dtype()), ")");
  check(!options.device || *options.device == x.device(), op, ": device ",
        options.device.value_or(x.device()), " does not match device of out parameter (", x.device(), ")");
  check(!grad_enabled() || !needs_grad(x), op,
        "(): functions with out=... arguments don't support automatic "
        "differentiation, but one of the arguments requires grad.");
  return x.dtype();
}

Tensor target(const char* op, const Shape& sizes, const Options& options, Out out, DType fallback) {
  DType dtype = type_for(op, options, out, fallback);
  element_count(op, sizes);
  if (!out) return tt::empty(sizes, dtype, device_for(options, out));
  Tensor x = result_tensor(op, out, sizes, dtype, out.target->device());
  bump_version(x, op);
  return x;
}

Tensor likeness(const char* op, const Tensor& x, const Options& options, Format format) {
  DType dtype = options.dtype.value_or(x.dtype());
  Device device = options.device.value_or(x.device());
  MemoryFormat order = format.value_or(MemoryFormat::Preserve);
  if (order != MemoryFormat::Preserve)
    return tt::empty_strided(x.sizes(), format_strides(op, x.sizes(), order), dtype, device);
  if (device == x.device()) return tt::empty_like(x, dtype);
  return tt::empty_strided(x.sizes(), tt::empty_like(x, dtype).strides(), dtype, device);
}

static Tensor filled(const char* op, const Tensor& x, const Scalar& value) {
  fill_values(op, x, value);
  return x;
}

Tensor empty(const Shape& size, const Options& options, Format format, Out out) {
  check(!format || *format != MemoryFormat::Preserve, "empty: unsupported memory format preserve_format");
  if (!format || *format == MemoryFormat::Contiguous)
    return target("empty", size, options, out, default_dtype());
  check(!out, "empty: memory_format and out cannot both be given");
  return tt::empty_strided(size, format_strides("empty", size, *format),
                           options.dtype.value_or(default_dtype()), device_for(options, out));
}

Tensor full(const Shape& size, const Scalar& value, const Options& options, Out out) {
  DType inferred = value.is_real() ? default_dtype() : value.dtype;
  return filled("full", target("full", size, options, out, inferred), value);
}
Tensor zeros(const Shape& size, const Options& options, Out out) {
  return filled("zeros", target("zeros", size, options, out, default_dtype()), 0);
}
Tensor ones(const Shape& size, const Options& options, Out out) {
  return filled("ones", target("ones", size, options, out, default_dtype()), 1);
}

static void check_strides(const char* op, const Shape& size, const Shape& stride) {
  check(size.size() == stride.size(), op, ": dimensionality of sizes (", size.size(),
        ") must match dimensionality of "
        "strides (",
        stride.size(), ")");
  __int128 extent = 1;
  for (int i = 0; i < size.size(); i++) {
    check(stride[i] >= 0, op, ": strides must be non-negative, got ", stride);
    extent += __int128(std::max<int64_t>(size[i] - 1, 0)) * stride[i];
    check(extent < (__int128(1) << 59), op, ": storage size calculation overflowed with sizes=", size,
          " and strides=", stride);
  }
}

Tensor empty_strided(const Shape& size, const Shape& stride, const Options& options) {
  check_strides("empty_strided", size, stride);
  return tt::empty_strided(size, stride, options.dtype.value_or(default_dtype()), device_for(options, {}));
}

Tensor empty_permuted(const Shape& size, const Shape& layout, const Options& options) {
  check(size.size() == layout.size(),
        "empty_permuted: number of dimensions in size does not match the length of the "
        "physical layout, got ",
        size, " and ", layout);
  wrap_dims("empty_permuted", layout, size.size());
  Shape strides = size;
  int64_t stride = 1;
  for (int i = layout.size() - 1; i >= 0; i--) {
    int dim = wrap_dim("empty_permuted", layout[i], size.size());
    strides[dim] = stride;
    stride *= std::max<int64_t>(size[dim], 1);
  }
  return tt::empty_strided(size, strides, options.dtype.value_or(default_dtype()), device_for(options, {}));
}

// ---------------------------------------------------------------- like another tensor

Tensor empty_like(const Tensor& x, const Options& options, Format format) {
  return likeness("empty_like", x, options, format);
}
Tensor zeros_like(const Tensor& x, const Options& options, Format format) {
  return filled("zeros_like", likeness("zeros_like", x, options, format), 0);
}
Tensor ones_like(const Tensor& x, const Options& options, Format format) {
  return filled("ones_like", likeness("ones_like", x, options, format), 1);
}
Tensor full_like(const Tensor& x, const Scalar& value, const Options& options, Format format) {
  return filled("full_like", likeness("full_like", x, options, format), value);
}

static Options as_in(const Tensor& x, const Options& options) {
  return {options.dtype.value_or(x.dtype()), options.device.value_or(x.device())};
}

Tensor new_empty(const Tensor& x, const Shape& size, const Options& options) {
  return empty(size, as_in(x, options), {}, {});
}
Tensor new_zeros(const Tensor& x, const Shape& size, const Options& options) {
  return zeros(size, as_in(x, options), {});
}
Tensor new_ones(const Tensor& x, const Shape& size, const Options& options) {
  return ones(size, as_in(x, options), {});
}
Tensor new_full(const Tensor& x, const Shape& size, const Scalar& value, const Options& options) {
  return full(size, value, as_in(x, options), {});
}
Tensor new_empty_strided(const Tensor& x, const Shape& size, const Shape& stride, const Options& options) {
  return empty_strided(size, stride, as_in(x, options));
}

// ---------------------------------------------------------------- sequences

Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, const Options& options, Out out) {
  bool real = start.is_real() || end.is_real() || step.is_real();
  DType dtype = type_for("arange", options, out, real ? default_dtype() : DType::Int64);
  return deliver("arange", tt::arange(start, end, step, dtype, device_for(options, out)), out);
}

Tensor range(const Scalar& start, const Scalar& end, const Scalar& step, const Options& options, Out out) {
  DType dtype = type_for("range", options, out, default_dtype());
  return deliver("range", tt::range(start, end, step, dtype, device_for(options, out)), out);
}

Tensor linspace(const Scalar& start, const Scalar& end, int64_t steps, const Options& options, Out out) {
  DType dtype = type_for("linspace", options, out, default_dtype());
  return deliver("linspace", tt::linspace(start, end, steps, dtype, device_for(options, out)), out);
}

Tensor logspace(const Scalar& start, const Scalar& end, int64_t steps, double base, const Options& options,
                Out out) {
  DType dtype = type_for("logspace", options, out, default_dtype());
  return deliver("logspace", tt::logspace(start, end, steps, base, dtype, device_for(options, out)), out);
}

Tensor eye(int64_t n, const std::optional<int64_t>& m, const Options& options, Out out) {
  DType dtype = type_for("eye", options, out, default_dtype());
  return deliver("eye", tt::eye(n, m.value_or(n), dtype, device_for(options, out)), out);
}

Tensor scalar_tensor(const Scalar& value, const Options& options) {
  return tt::full({}, value, options.dtype.value_or(default_dtype()), device_for(options, {}));
}

}  // namespace tt::make
