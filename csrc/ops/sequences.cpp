#include "ops/sequences.h"

#include <cmath>

#include "core/parallel.h"
#include "ops/ops.h"

namespace tt {
namespace {

constexpr double pi = 3.14159265358979323846;

// Fills a fresh CPU tensor from a rule of the index, in the type that PyTorch computes it in.
template <class F>
Tensor generate(const char* op, int64_t count, DType dtype, Device device, F rule) {
  if (dtype == DType::Bool) fail(ErrorKind::NotImplemented, op, ": not implemented for 'Bool'");
  element_count(op, {count});
  GradGuard off(false);
  DType working = is_half(dtype) ? DType::Float32 : dtype;
  Tensor y = empty({count}, working);
  visit(working, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>) {
      T* data = y.data<T>();
      parallel_for(0, count, 1 << 15, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) data[i] = static_cast<T>(rule(T{}, i));
      });
    }
  });
  return to_device(to_dtype(y, dtype), device);
}

// start + i * step. Integer types count from an integer by an integer, whatever they were given.
Tensor progression(const char* op, int64_t count, const Scalar& start, const Scalar& step, DType dtype,
                   Device device) {
  double first = start.to<double>(), by = step.to<double>();
  int64_t whole_first = start.to<int64_t>(), whole_by = step.to<int64_t>();
  return generate(op, count, dtype, device, [&](auto zero, int64_t i) {
    using T = decltype(zero);
    if constexpr (std::is_floating_point_v<T>) return T(first + by * double(i));
    else return int64_t(uint64_t(whole_first) + uint64_t(i) * uint64_t(whole_by));
  });
}

void check_progression(const char* op, const Scalar& start, const Scalar& end, const Scalar& step,
                       DType dtype) {
  double first = start.to<double>(), last = end.to<double>(), by = step.to<double>();
  check(std::isfinite(first) && std::isfinite(last), op, ": unsupported range: ", start, " -> ", end);
  check(by != 0, op, ": step must be nonzero, got ", step);
  check_value(is_floating(dtype) || step.to<int64_t>() != 0, op, ": step must be nonzero as ", name_of(dtype),
              ", got ", step);
  check(by > 0 ? last >= first : last <= first, op,
        ": upper bound and lower bound inconsistent with step sign: ", start, " to ", end, " by ", step);
}

int64_t whole_count(const Scalar& start, const Scalar& end, const Scalar& step) {
  __int128 by = step.integer, gap = __int128(end.integer) - start.integer;
  __int128 count = (gap + by + (by > 0 ? -1 : 1)) / by;
  check(count <= INT64_MAX / 16, "arange: invalid size, possible overflow: ", start, " to ", end, " by ",
        step);
  return int64_t(count);
}

}  // namespace

Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, DType dtype, Device device) {
  check_progression("arange", start, end, step, dtype);
  auto whole = [](const Scalar& s) { return Scalar(s.to<int64_t>()); };
  if (dtype == DType::Int64 || (!start.is_real() && !end.is_real() && !step.is_real())) {
    int64_t count = whole_count(whole(start), whole(end), whole(step));
    return progression("arange", count, whole(start), whole(step), dtype, device);
  }
  double length = std::ceil((end.to<double>() - start.to<double>()) / step.to<double>());
  check(length < 9e17, "arange: invalid size, possible overflow: ", start, " to ", end, " by ", step);
  return progression("arange", int64_t(length), start, step, dtype, device);
}

Tensor range(const Scalar& start, const Scalar& end, const Scalar& step, DType dtype, Device device) {
  check_progression("range", start, end, step, dtype);
  double length = std::floor((end.to<double>() - start.to<double>()) / step.to<double>()) + 1;
  check(length < 9e17, "range: invalid size, possible overflow: ", start, " to ", end, " by ", step);
  return progression("range", int64_t(length), start, step, dtype, device);
}

Tensor linspace(const Scalar& start, const Scalar& end, int64_t steps, DType dtype, Device device) {
  check(steps >= 0, "linspace: number of steps must be non-negative, got ", steps);
  return generate("linspace", steps, dtype, device, [&](auto zero, int64_t i) {
    using T = decltype(zero);
    // Counted from the nearer end, so that both ends are exact; rounded once, as PyTorch's compiler contracts
    // it.
    using Real = std::conditional_t<std::is_same_v<T, float>, float, double>;
    using Number = std::conditional_t<std::is_floating_point_v<T>, T, int64_t>;
    Number first = start.to<Number>(), last = end.to<Number>();
    Real step = steps > 1 ? Real(Real(last - first) / Real(steps - 1)) : Real(0);
    bool forward = i < steps / 2 || steps == 1;
    Real count = forward ? Real(i) : Real(i - (steps - 1));
    if constexpr (std::is_floating_point_v<T>) return T(std::fma(step, count, Real(forward ? first : last)));
    else return T(Real(forward ? first : last) + step * count);
  });
}

Tensor logspace(const Scalar& start, const Scalar& end, int64_t steps, double base, DType dtype,
                Device device) {
  check(steps >= 0, "logspace: number of steps must be non-negative, got ", steps);
  double first = start.to<double>(), last = end.to<double>(),
         step = steps > 1 ? (last - first) / double(steps - 1) : 0;
  return generate("logspace", steps, dtype, device, [&](auto, int64_t i) {
    return std::pow(
        base, i < steps / 2 || steps == 1 ? first + step * double(i) : last - step * double(steps - 1 - i));
  });
}

Tensor eye(int64_t n, int64_t m, DType dtype, Device device) {
  check(n >= 0, "eye: n must be greater or equal to 0, got ", n);
  check(m >= 0, "eye: m must be greater or equal to 0, got ", m);
  element_count("eye", {n, m});
  Tensor y = zeros({n, m}, dtype, device);
  int64_t count = std::min(n, m);
  if (count)
    copy_values(tensor_over(y.storage(), {count}, {m + 1}, 0, dtype), full({count}, 1, dtype, device));
  return y;
}

static Tensor triangle_indices(const char* op, bool lower, int64_t rows, int64_t columns, int64_t offset,
                               DType dtype, Device device) {
  check(rows >= 0 && columns >= 0, op, ": rows and columns must be non-negative, got ", rows, " and ",
        columns);
  if (dtype != DType::Int64 && dtype != DType::Int32 && dtype != DType::Int16)
    fail(ErrorKind::NotImplemented, op, ": not implemented for '", legacy_name_of(dtype), "'");
  auto from = [&](int64_t i) { return lower ? 0 : std::clamp<int64_t>(i + offset, 0, columns); };
  auto to = [&](int64_t i) { return lower ? std::clamp<int64_t>(i + offset + 1, 0, columns) : columns; };
  int64_t count = 0;
  for (int64_t i = 0; i < rows; i++) count += to(i) - from(i);
  Tensor y = empty({2, count}, DType::Int64);
  int64_t *row = y.data<int64_t>(), *column = row + count;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = from(i); j < to(i); j++) *row++ = i, *column++ = j;
  return to_device(to_dtype(y, dtype), device);
}

Tensor tril_indices(int64_t rows, int64_t columns, int64_t offset, DType dtype, Device device) {
  return triangle_indices("tril_indices", true, rows, columns, offset, dtype, device);
}
Tensor triu_indices(int64_t rows, int64_t columns, int64_t offset, DType dtype, Device device) {
  return triangle_indices("triu_indices", false, rows, columns, offset, dtype, device);
}

// ---------------------------------------------------------------- windows

namespace {

// `rule` maps a position in [0, 1] to a value.
template <class F>
Tensor window(const char* op, int64_t length, bool periodic, DType dtype, Device device, F rule) {
  check(is_floating(dtype), op, ": expects floating point dtypes, got ", name_of(dtype));
  check(length >= 0, op, ": requires non-negative window_length, got ", length);
  double last = double(length - 1 + periodic);
  return generate(op, length, dtype, device,
                  [&](auto, int64_t i) { return length == 1 ? 1 : rule(double(i) / last); });
}

}  // namespace

Tensor hann_window(int64_t length, bool periodic, DType dtype, Device device) {
  return window("hann_window", length, periodic, dtype, device,
                [](double x) { return 0.5 - 0.5 * std::cos(2 * pi * x); });
}

Tensor hamming_window(int64_t length, bool periodic, double alpha, double beta, DType dtype, Device device) {
  return window("hamming_window", length, periodic, dtype, device,
                [=](double x) { return alpha - beta * std::cos(2 * pi * x); });
}

Tensor blackman_window(int64_t length, bool periodic, DType dtype, Device device) {
  return window("blackman_window", length, periodic, dtype, device,
                [](double x) { return 0.42 - 0.5 * std::cos(2 * pi * x) + 0.08 * std::cos(4 * pi * x); });
}

Tensor bartlett_window(int64_t length, bool periodic, DType dtype, Device device) {
  return window("bartlett_window", length, periodic, dtype, device,
                [](double x) { return 1 - std::fabs(2 * x - 1); });
}

Tensor kaiser_window(int64_t length, bool periodic, double beta, DType dtype, Device device) {
  return window("kaiser_window", length, periodic, dtype, device, [=](double x) {
    double from_middle = 2 * x - 1, inside = std::max(0.0, 1 - from_middle * from_middle);
    return std::cyl_bessel_i(0.0, beta * std::sqrt(inside)) / std::cyl_bessel_i(0.0, beta);
  });
}

}  // namespace tt
