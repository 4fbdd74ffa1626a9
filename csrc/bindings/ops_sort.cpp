#include "bindings/registry.h"

namespace tt {
namespace {

using Pair = std::tuple<Tensor, Tensor>;

// Several results as a tuple, one as itself.
struct OneOrMore {
  std::vector<Tensor> tensors;
};
PyObject* to_python(const OneOrMore& results) {
  return results.tensors.size() == 1 ? wrap(results.tensors[0]) : to_python(results.tensors);
}

OneOrMore unique_values(const Tensor& x, bool sorted, bool inverse, bool counts, std::optional<int64_t> dim) {
  return {unique(x, sorted, inverse, counts, dim)};
}
OneOrMore unique_runs(const Tensor& x, bool inverse, bool counts, std::optional<int64_t> dim) {
  return {unique_consecutive(x, inverse, counts, dim)};
}
Pair sort_along(const Tensor& x, int64_t dim, bool descending, std::optional<bool> stable) {
  return sort(x, dim, descending, stable.value_or(false));
}
Tensor median_of_all(const Tensor& x) { return median(x); }
Tensor nanmedian_of_all(const Tensor& x) { return nanmedian(x); }
Pair median_along(const Tensor& x, int64_t dim, bool keepdim) { return median(x, dim, keepdim); }
Pair nanmedian_along(const Tensor& x, int64_t dim, bool keepdim) { return nanmedian(x, dim, keepdim); }

template <bool cumulative>
Tensor area(const Tensor& y, double dx, int64_t dim) {
  return cumulative ? cumulative_trapezoid(y, dx, dim) : trapezoid(y, dx, dim);
}
template <bool cumulative>
Tensor area_over(const Tensor& y, const Tensor& x, int64_t dim) {
  return cumulative ? cumulative_trapezoid(y, x, dim) : trapezoid(y, x, dim);
}

const char* const fields = "values, indices";

void bind_scans(Registry& registry) {
  registry
      .op<cumsum>("cumsum(input, dim, *, dtype=None, out=None)", both | inplace_free,
                  "Running sums along a dimension.")
      .op<cumprod>("cumprod(input, dim, *, dtype=None, out=None)", both | inplace,
                   "Running products along a dimension.")
      .op<logcumsumexp>("logcumsumexp(input, dim, *, out=None)", both,
                        "Logarithms of the running sums of exponentials along a dimension.")
      .op<cummax>("cummax(input, dim, *, out=None)", both,
                  "Running maxima along a dimension, with their positions.", fields)
      .op<cummin>("cummin(input, dim, *, out=None)", both,
                  "Running minima along a dimension, with their positions.", fields)
      .op<diff>("diff(input, n=1, dim=-1, prepend: Tensor = None, append: Tensor = None, *, out=None)", both,
                "The n-th differences of neighbours along a dimension.");
  for (const char* name : {"trapezoid", "trapz"}) {
    registry
        .op<area_over<false>>((std::string(name) + "(y, x: Tensor, *, dim=-1)").c_str(), function,
                              "The area under y, sampled at x or every dx, by the trapezoidal rule.")
        .op<area<false>>((std::string(name) + "(y, *, dx: Number = 1, dim=-1)").c_str(), function);
  }
  registry
      .op<area_over<true>>("cumulative_trapezoid(y, x: Tensor, *, dim=-1)", function,
                           "The areas under y up to each sample, by the trapezoidal rule.")
      .op<area<true>>("cumulative_trapezoid(y, *, dx: Number = 1, dim=-1)", function);
}

void bind_ranks(Registry& registry) {
  registry
      .op<median_of_all>("median(input)", both,
                         "The lower median of all elements, or along a dimension with its position.")
      .op<median_along>("median(input, dim=-1, keepdim=False, *, out=None)", both, "", fields)
      .op<nanmedian_of_all>("nanmedian(input)", both, "The median of the elements that are not NaN.")
      .op<nanmedian_along>("nanmedian(input, dim=-1, keepdim=False, *, out=None)", both, "", fields)
      .op<mode>("mode(input, dim=-1, keepdim=False, *, out=None)", both,
                "The most frequent value along a dimension, the smallest of several, with a position.",
                fields)
      .op<kthvalue>("kthvalue(input, k, dim=-1, keepdim=False, *, out=None)", both,
                    "The k-th smallest element along a dimension, with its position.", fields)
      .op<quantile>(
          "quantile(input, q: Tensor | Number, dim: int = None, keepdim=False, *, interpolation='linear', "
          "out=None)",
          both, "The values below which the shares q of the elements lie.")
      .op<nanquantile>(
          "nanquantile(input, q: Tensor | Number, dim: int = None, keepdim=False, *, interpolation='linear', "
          "out=None)",
          both, "The quantiles of the elements that are not NaN.");
}

}  // namespace

void bind_sort(Registry& registry) {
  registry
      .op<sort_along>("sort(input, dim=-1, descending=False, *, stable: bool = False, out=None)", both,
                      "Sorts along a dimension; equal values keep their order, NaN is the largest.", fields)
      .op<argsort>("argsort(input, dim=-1, descending=False, stable=False)", both,
                   "The positions that sort along a dimension.")
      .op<msort>("msort(input, *, out=None)", both, "Sorts along the first dimension.")
      .op<topk>("topk(input, k, dim=-1, largest=True, sorted=True, *, out=None)", both,
                "The k largest or smallest elements along a dimension.", fields)
      .op<unique_values>(
          "unique(input, sorted=True, return_inverse=False, return_counts=False, dim: int = None)", both,
          "The distinct elements, or slices along a dimension, in ascending order.")
      .op<unique_runs>(
          "unique_consecutive(input, return_inverse=False, return_counts=False, dim: int = None)", both,
          "The elements, or slices along a dimension, without those equal to the one before.");
  bind_scans(registry);
  bind_ranks(registry);
}

}  // namespace tt
