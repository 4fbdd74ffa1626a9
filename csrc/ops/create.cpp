#include "ops/create.h"

#include <cmath>

#include "ops/ops.h"

namespace tt {

// ---------------------------------------------------------------- moving values

static bool is_dense(const Tensor& x) {  // every element of a stretch of memory, once
  return preferred_strides(x.sizes(), {x.strides()}) == x.strides();
}

static Shape like_strides(const Tensor& x) {
  if (x.is_contiguous()) return x.strides();
  return is_dense(x) ? x.strides() : preferred_strides(x.sizes(), {x.strides()});
}

Tensor empty_like(const Tensor& x, DType dtype) { return empty_strided(x.sizes(), like_strides(x), dtype, x.device()); }
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
  check_inplace("copy_", self);
  check(expandable(source.sizes(), self.sizes()), "copy_: the shape ", source.sizes(),
        " of the source does not broadcast to ", self.sizes());
  check_no_overlap("copy_", self, source);
  Tensor spread = tensor_over(source.storage(), self.sizes(), expanded_strides(source, self.sizes()), source.offset(),
                              source.dtype());
  if (self.is(source)) return self;
  copy_values(self, spread);
  bump_version(self, "copy_");
  if (!self.is_floating()) return self;
  return record("CopyBackwards", self, inputs(self, source), save(),
                [](const Tensor& g) { return zeros_like(g); }, [](const Tensor& g) { return g; });
}

Tensor fill_(const Tensor& self, const Scalar& value) {
  check_inplace("fill_", self);
  Tensor number = wrapped_number(value);
  Tensor spread = tensor_over(number.storage(), self.sizes(), expanded_strides(number, self.sizes()), 0, number.dtype());
  if (self.device().is_cpu()) copy_values(self, spread);
  else elementwise_as(Elementwise::add, self.dtype(), {&number, &number}, Out{&self, true});
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
  GradGuard off(false);
  return fill_(empty(sizes, dtype, device), value);
}

Tensor zeros(const Shape& sizes, DType dtype, Device device) { return full(sizes, 0, dtype, device); }

Tensor zeros_like(const Tensor& x) {
  GradGuard off(false);
  return fill_(empty_like(x), 0);
}
Tensor ones_like(const Tensor& x) {
  GradGuard off(false);
  return fill_(empty_like(x), 1);
}

// Fills a fresh CPU tensor from a rule of the index, in the type that PyTorch computes it in.
template <class F>
static Tensor generate(int64_t count, DType dtype, Device device, F rule) {
  DType working = is_half(dtype) ? DType::Float32 : dtype;
  Tensor y = empty({count}, working);
  visit(working, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, Half> && !std::is_same_v<T, BFloat16>) {
      T* data = y.data<T>();
      for (int64_t i = 0; i < count; i++) data[i] = static_cast<T>(rule(T{}, i));
    }
  });
  return to_device(to_dtype(y, dtype), device);
}

Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, DType dtype, Device device) {
  double first = start.to<double>(), last = end.to<double>(), by = step.to<double>();
  check(by != 0, "arange: step must be nonzero");
  check(std::isfinite(first) && std::isfinite(last), "arange: unsupported range: ", start, " -> ", end);
  check(by > 0 ? last >= first : last <= first, "arange: upper bound and lower bound inconsistent with step sign: ",
        start, " to ", end, " by ", step);
  bool whole = !start.is_real() && !end.is_real() && !step.is_real();
  double length = whole ? 0 : std::ceil((last - first) / by);
  check(length < 9e18, "arange: invalid size, possible overflow: ", start, " to ", end, " by ", step);
  int64_t count = int64_t(length);
  if (whole) {
    __int128 gap = __int128(end.integer) - start.integer, stride = step.integer;
    __int128 steps = (gap + stride + (stride > 0 ? -1 : 1)) / stride;
    check(steps <= INT64_MAX / 16, "arange: invalid size, possible overflow: ", start, " to ", end, " by ", step);
    count = int64_t(steps);
  }
  GradGuard off(false);
  return generate(count, dtype, device, [&](auto zero, int64_t i) {
    using T = decltype(zero);
    if constexpr (std::is_floating_point_v<T>) return T(first + by * double(i));
    else return start.to<int64_t>() + i * step.to<int64_t>();
  });
}

Tensor linspace(const Scalar& start, const Scalar& end, int64_t steps, DType dtype, Device device) {
  check(steps >= 0, "linspace: number of steps must be non-negative, got ", steps);
  GradGuard off(false);
  return generate(steps, dtype, device, [&](auto zero, int64_t i) {
    using T = decltype(zero);
    // Counted from the nearer end, so that both ends are exact.
    if constexpr (std::is_floating_point_v<T>) {
      T first = start.to<T>(), last = end.to<T>(), step = steps > 1 ? (last - first) / T(steps - 1) : T(0);
      return i < steps / 2 || steps == 1 ? first + step * T(i) : last - step * T(steps - 1 - i);
    } else {
      double first = start.to<double>(), last = end.to<double>();
      double step = steps > 1 ? (last - first) / double(steps - 1) : 0;
      return int64_t(i < steps / 2 || steps == 1 ? first + step * double(i) : last - step * double(steps - 1 - i));
    }
  });
}

Tensor logspace(const Scalar& start, const Scalar& end, int64_t steps, double base, DType dtype, Device device) {
  check(steps >= 0, "logspace: number of steps must be non-negative, got ", steps);
  GradGuard off(false);
  double first = start.to<double>(), last = end.to<double>(), step = steps > 1 ? (last - first) / double(steps - 1) : 0;
  return generate(steps, dtype, device, [&](auto zero, int64_t i) {
    double exponent = i < steps / 2 || steps == 1 ? first + step * double(i) : last - step * double(steps - 1 - i);
    return static_cast<decltype(zero)>(std::pow(base, exponent));
  });
}

Tensor eye(int64_t n, int64_t m, DType dtype, Device device) {
  check(n >= 0, "eye: n must be greater or equal to 0, got ", n);
  check(m >= 0, "eye: m must be greater or equal to 0, got ", m);
  GradGuard off(false);
  Tensor y = zeros({n, m}, dtype, device);
  if (n && m) fill_(diagonal(y, 0, 0, 1), 1);
  return y;
}

static Tensor triangle_indices(bool lower, int64_t rows, int64_t columns, int64_t offset, DType dtype) {
  check(rows >= 0 && columns >= 0, lower ? "tril" : "triu", "_indices: row and column must be non-negative, got ", rows,
        " and ", columns);
  std::vector<int64_t> row, column;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++)
      if (lower ? j <= i + offset : j >= i + offset) row.push_back(i), column.push_back(j);
  Tensor y = empty({2, int64_t(row.size())}, DType::Int64);
  std::copy(row.begin(), row.end(), y.data<int64_t>());
  std::copy(column.begin(), column.end(), y.data<int64_t>() + row.size());
  return to_dtype(y, dtype);
}

Tensor tril_indices(int64_t rows, int64_t columns, int64_t offset, DType dtype) {
  return triangle_indices(true, rows, columns, offset, dtype);
}
Tensor triu_indices(int64_t rows, int64_t columns, int64_t offset, DType dtype) {
  return triangle_indices(false, rows, columns, offset, dtype);
}

}  // namespace tt
