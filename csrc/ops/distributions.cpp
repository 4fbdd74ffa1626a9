#include "ops/distributions.h"

#include "core/parallel.h"
#include "kernels/incomplete_gamma.h"
#include "kernels/random_gamma.h"
#include "ops/ops.h"

namespace tt {
namespace {

void check_source(const char* op, const Tensor& x) {
  check(x.device().is_cpu(), op, ": not implemented on ", x.device());
  if (!x.is_floating())
    fail(ErrorKind::NotImplemented, op, ": not implemented for '", legacy_name_of(x.dtype()), "'");
}

draw::Target target_of(const Tensor& x) { return {x.dtype(), x.bytes(), x.count()}; }

// f(a, b, ...) of each element, in double whatever the dtype.
template <auto f, class... More>
Tensor by_elements(const Tensor& first, const More&... more) {
  constexpr int64_t grain = 64;
  GradGuard off(false);
  auto wide = [](const Tensor& x) { return contiguous(to_dtype(x, DType::Float64)); };
  Tensor y = empty(first.sizes(), DType::Float64, first.device());
  auto fill = [to = y.data<double>(), count = y.count()](const auto*... from) {
    parallel_for(0, count, grain, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) to[i] = f(from[i]...);
    });
  };
  auto run = [&](const auto&... inputs) { fill(inputs.template data<double>()...); };
  run(wide(first), wide(more)...);
  return to_dtype(y, first.dtype());
}

template <gamma::Digits digits>
double gamma_slope_at(double shape, double drawn) {
  return gamma::slope(shape, drawn, digits);
}
template <gamma::Digits digits>
double beta_slope_at(double a, double b, double drawn) {
  return gamma::beta_slope(a, b, drawn, digits);
}

Tensor gamma_slope(const Tensor& shapes, const Tensor& drawn) {
  using enum gamma::Digits;
  bool wide = drawn.dtype() == DType::Float64;
  Tensor slopes = wide ? by_elements<gamma_slope_at<all>>(shapes, drawn)
                       : by_elements<gamma_slope_at<six>>(shapes, drawn);
  return without_derivative("_standard_gamma_grad", slopes, shapes, drawn);
}

Tensor dirichlet_slope(const Tensor& drawn, const Tensor& concentration) {
  using enum gamma::Digits;
  Tensor others;
  {
    GradGuard off(false);
    others = sub(sum(concentration, Shape{-1}, true), concentration);
  }
  bool wide = drawn.dtype() == DType::Float64;
  Tensor slopes = wide ? by_elements<beta_slope_at<all>>(concentration, others, drawn)
                       : by_elements<beta_slope_at<six>>(concentration, others, drawn);
  return without_derivative("_dirichlet_grad", slopes, concentration, drawn);
}

}  // namespace

Tensor standard_gamma(const Tensor& given, const Source& generator) {
  check_source("_standard_gamma", given);
  Tensor shapes = contiguous(detach(given)), y = empty(given.sizes(), given.dtype(), given.device());
  draw::standard_gamma(*generator, target_of(y), shapes.bytes());
  return record(
      "StandardGammaBackward0", y, inputs(given), save(given, y),
      [](const Tensor& g, const Tensor& shapes, const Tensor& y) { return mul(g, gamma_slope(shapes, y)); });
}

// As one coordinate x moves by dx, the others shrink together: each by its x / (1 - x) dx.
Tensor dirichlet(const Tensor& given, const Source& generator) {
  check_source("_sample_dirichlet", given);
  check(given.rank() > 0, "_sample_dirichlet: expected at least one dimension, got a number");
  Tensor rows = contiguous(detach(given)), y = empty(given.sizes(), given.dtype(), given.device());
  draw::dirichlet(*generator, target_of(y), rows.bytes(), given.sizes().back());
  return record("DirichletBackward0", y, inputs(given), save(given, y),
                [](const Tensor& g, const Tensor& concentration, const Tensor& y) {
                  Tensor along = sum(mul(y, g), Shape{-1}, true);
                  return mul(dirichlet_slope(y, concentration), sub(g, along));
                });
}

Tensor binomial(const Tensor& count, const Tensor& p, const Source& generator) {
  for (const Tensor* x : {&count, &p}) {
    check_value(x->is_floating(), "binomial: only supports floating-point dtypes, got ", name_of(x->dtype()));
  }
  check_source("binomial", count);
  check_source("binomial", p);
  check(count.dtype() == p.dtype(), "binomial: expected one dtype, got ", name_of(count.dtype()), " and ",
        name_of(p.dtype()));
  Shape sizes = broadcast("binomial", count.sizes(), p.sizes());
  Tensor y = empty(sizes, p.dtype(), p.device());
  auto whole = [&](const Tensor& x) { return contiguous(expand(detach(x), sizes)); };
  draw::binomial(*generator, target_of(y), whole(count).bytes(), whole(p).bytes());
  return without_derivative("binomial", y, count, p);
}

namespace {

template <auto f>
Tensor incomplete(const char* op, const Tensor& a, const Tensor& x) {
  DType type = result_type({&a, &x});
  Device device = common_device(op, {&a, &x});
  check(device.is_cpu(), op, ": not implemented on ", device);
  if (!is_floating(type))
    fail(ErrorKind::NotImplemented, op, ": not implemented for '", legacy_name_of(type), "'");
  Shape sizes = broadcast(op, a.sizes(), x.sizes());
  auto whole = [&](const Tensor& each) { return expand(to_dtype(detach(each), type), sizes); };
  Shape strides = preferred_strides(sizes, {expanded_strides(a, sizes), expanded_strides(x, sizes)});
  Tensor y = empty_strided(sizes, strides, type, device);
  copy_values(y, by_elements<f>(whole(a), whole(x)));
  return y;
}

// x^(a - 1) e^-x / Gamma(a)
Tensor density(const Tensor& a, const Tensor& x) {
  return exp(sub(sub(mul(plus(a, -1), log(x)), x), lgamma(a)));
}

// dP / da = -dx / da P', where x is where it would be at the same P
Tensor along_shape(const Tensor& a, const Tensor& x) {
  Tensor zero = wrapped_number(0);
  return mul(gamma_slope(add(a, mul(x, zero)), add(x, mul(a, zero))), density(a, x));
}

}  // namespace

Tensor igamma(const Tensor& a, const Tensor& x) {
  Tensor y = incomplete<gamma::lower>("igamma", a, x);
  return record(
      "IgammaBackward0", y, inputs(a, x), save(a, x),
      [](const Tensor& g, const Tensor& a, const Tensor& x) { return neg(mul(g, along_shape(a, x))); },
      [](const Tensor& g, const Tensor& a, const Tensor& x) { return mul(g, density(a, x)); });
}

Tensor igammac(const Tensor& a, const Tensor& x) {
  Tensor y = incomplete<gamma::upper>("igammac", a, x);
  return record(
      "IgammacBackward0", y, inputs(a, x), save(a, x),
      [](const Tensor& g, const Tensor& a, const Tensor& x) { return mul(g, along_shape(a, x)); },
      [](const Tensor& g, const Tensor& a, const Tensor& x) { return neg(mul(g, density(a, x))); });
}

}  // namespace tt
