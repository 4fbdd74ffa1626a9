// Stand-ins until the ops of these names land.
#include "ops/reduction.h"
namespace tt {
[[gnu::weak]] Tensor flip(const Tensor& x, const Shape& dims) {
  Shape strides = x.strides(); int64_t offset = x.offset();
  for (int64_t d0 : dims) { int d = wrap_dim("flip", d0, x.rank()); offset += (x.sizes()[d] - 1) * strides[d]; strides[d] = -strides[d]; }
  Tensor y = empty(x.sizes(), x.dtype());
  copy_values(y, tensor_over(x.storage(), x.sizes(), strides, offset, x.dtype()));
  return record("FlipBackward0", y, inputs(x), save(dims), [](const Tensor& g, const Shape& d) { return flip(g, d); });
}
template <class F> static void walk(const Tensor& index, int dim, const Tensor& x, F f) {
  Shape at = Shape::filled(index.rank(), 0);
  Tensor i = contiguous(index);
  for (int64_t k = 0; k < i.count(); k++) {
    int64_t off = 0;
    for (int d = 0; d < i.rank(); d++) off += (d == dim ? i.data<int64_t>()[k] : at[d]) * x.strides()[d];
    f(k, off);
    for (int d = i.rank() - 1; d >= 0 && ++at[d] == i.sizes()[d]; d--) at[d] = 0;
  }
}
[[gnu::weak]] Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  Tensor y = empty(index.sizes(), x.dtype()); int d = wrap_dim("gather", dim, x.rank());
  visit(x.dtype(), [&](auto tag) { using T = typename decltype(tag)::type; walk(index, d, x, [&](int64_t k, int64_t o) { y.data<T>()[k] = x.data<T>()[o]; }); });
  Shape sizes = x.sizes();
  if (!x.is_floating()) return y;
  return record("GatherBackward0", y, inputs(x), save(index, dim, sizes), [](const Tensor& g, const Tensor& i, const int64_t& dim, const Shape& s) { return scatter_add(zeros(s, g.dtype()), dim, i, g); });
}
[[gnu::weak]] Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src) {
  Tensor y; { GradGuard off(false); y = clone(contiguous(x)); } int d = wrap_dim("scatter_add", dim, x.rank());
  Tensor s = contiguous(src);
  if (x.dtype() == DType::Int64) walk(index, d, y, [&](int64_t k, int64_t o) { y.data<int64_t>()[o] += s.data<int64_t>()[k]; });
  else if (x.dtype() == DType::Float32) walk(index, d, y, [&](int64_t k, int64_t o) { y.data<float>()[o] += s.data<float>()[k]; });
  else if (x.dtype() == DType::Float64) walk(index, d, y, [&](int64_t k, int64_t o) { y.data<double>()[o] += s.data<double>()[k]; });
  else fail(ErrorKind::NotImplemented, "scatter_add");
  if (!x.is_floating()) return y;
  return record("ScatterAddBackward0", y, inputs(x, src), save(index, dim), [](const Tensor& g, const Tensor&, const int64_t&) { return g; }, [](const Tensor& g, const Tensor& i, const int64_t& dim) { return gather(g, dim, i); });
}
[[gnu::weak]] Tensor nonzero(const Tensor& x0) {
  Tensor x = contiguous(x0); std::vector<int64_t> at;
  for (int64_t i = 0; i < x.count(); i++) if (x.data<bool>()[i]) at.push_back(i);
  Tensor y = empty({int64_t(at.size()), 1}, DType::Int64); std::copy(at.begin(), at.end(), y.data<int64_t>()); return y;
}
[[gnu::weak]] Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  Shape s = Shape::filled(x.rank(), 1), e = x.sizes(); int d = wrap_dim("", dim, x.rank()); s[d] = index.count(); e[d] = index.count();
  return gather(x, d, expand(reshape(index, s), e));
}
[[gnu::weak]] Tensor maximum(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::maximum, a, b, out); }
[[gnu::weak]] Tensor minimum(const Tensor& a, const Tensor& b, Out out) { return binary(Elementwise::minimum, a, b, out); }
[[gnu::weak]] Tensor lerp(const Tensor& a, const Tensor& b, const Tensor& w, Out) { return add(a, mul(w, sub(b, a))); }
}  // namespace tt
