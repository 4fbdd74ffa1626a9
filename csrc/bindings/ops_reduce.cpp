#include "bindings/registry.h"

namespace tt {
namespace {

using Pair = std::tuple<Tensor, Tensor>;

Dims one_dim(std::optional<int64_t> dim) { return dim ? Dims(Shape{*dim}) : Dims(); }

Tensor prod_along(const Tensor& x, std::optional<int64_t> dim, bool keepdim, std::optional<DType> dtype,
                  Out out) {
  return prod(x, one_dim(dim), keepdim, dtype, out);
}
Tensor max_of_all(const Tensor& x, Out out) { return max(x, out); }
Tensor min_of_all(const Tensor& x, Out out) { return min(x, out); }
Pair max_along(const Tensor& x, int64_t dim, bool keepdim) { return max(x, dim, keepdim); }
Pair min_along(const Tensor& x, int64_t dim, bool keepdim) { return min(x, dim, keepdim); }
Tensor logsumexp_over(const Tensor& x, const Shape& dims, bool keepdim, Out out) {
  return logsumexp(x, dims, keepdim, out);
}

// The three signatures that PyTorch gives to each of var, std, var_mean and std_mean.
template <auto F>
auto without_dims(const Tensor& x, bool unbiased) {
  return F(x, {}, unbiased, false);
}
template <auto F>
auto with_unbiased(const Tensor& x, const Dims& dims, bool unbiased, bool keepdim) {
  return F(x, dims, unbiased, keepdim);
}
template <auto F>
auto with_correction(const Tensor& x, const Dims& dims, std::optional<double> correction, bool keepdim) {
  return F(x, dims, correction.value_or(1), keepdim);
}
Tensor var_values(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  return var(x, dims, correction, keepdim);
}
Tensor std_values(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  return std(x, dims, correction, keepdim);
}

template <auto F>
void bind_spread(Registry& registry, const std::string& name, int forms, const char* out, const char* doc) {
  std::string unbiased = name + "(input, unbiased: bool = True)";
  std::string dims =
      name + "(input, dim: int | tuple, unbiased=True, keepdim=False" + (*out ? ", *" : "") + out + ")";
  std::string correction =
      name + "(input, dim: int | tuple = None, *, correction: Number = 1, keepdim=False" + out + ")";
  registry.op<without_dims<F>>(unbiased.c_str(), forms, doc)
      .template op<with_unbiased<F>>(dims.c_str(), forms)
      .template op<with_correction<F>>(correction.c_str(), forms);
}

void bind_sums(Registry& registry) {
  registry
      .op<sum>("sum(input, dim: int | tuple = None, keepdim=False, *, dtype=None, out=None)", both,
               "The sum over dimensions.")
      .op<nansum>("nansum(input, dim: int | tuple = None, keepdim=False, *, dtype=None, out=None)", both,
                  "The sum over dimensions, with NaN counted as 0.")
      .op<mean>("mean(input, dim: int | tuple = None, keepdim=False, *, dtype=None, out=None)", both,
                "The mean over dimensions.")
      .op<nanmean>("nanmean(input, dim: int | tuple = None, keepdim=False, *, dtype=None, out=None)", both,
                   "The mean over dimensions of the elements that are not NaN.")
      .op<prod_along>("prod(input, dim: int = None, keepdim=False, *, dtype=None, out=None)", both,
                      "The product of all elements, or along a dimension.")
      .op<any>("any(input, dim: int | tuple = None, keepdim=False, *, out=None)", both,
               "Whether any element is true.")
      .op<all>("all(input, dim: int | tuple = None, keepdim=False, *, out=None)", both,
               "Whether all elements are true.")
      .op<count_nonzero>("count_nonzero(input, dim: int | tuple = None)", both,
                         "How many elements are not 0.");
}

void bind_extrema(Registry& registry) {
  const char* fields = "values, indices";
  registry
      .op<max_of_all>("max(input, *, out=None)", both,
                      "The largest element, or those along a dimension with their "
                      "positions, or elementwise the larger of two.")
      .op<maximum>("max(input, other: Tensor, *, out=None)", both)
      .op<max_along>("max(input, dim: int, keepdim=False, *, out=None)", both, "", fields)
      .op<min_of_all>("min(input, *, out=None)", both,
                      "The smallest element, or those along a dimension with their "
                      "positions, or elementwise the smaller of two.")
      .op<minimum>("min(input, other: Tensor, *, out=None)", both)
      .op<min_along>("min(input, dim: int, keepdim=False, *, out=None)", both, "", fields)
      .op<amax>("amax(input, dim: int | tuple = (), keepdim=False, *, out=None)", both,
                "The largest elements over dimensions.")
      .op<amin>("amin(input, dim: int | tuple = (), keepdim=False, *, out=None)", both,
                "The smallest elements over dimensions.")
      .op<aminmax>("aminmax(input, *, dim: int = None, keepdim=False, out=None)", both,
                   "The smallest and the largest elements.", "min, max")
      .op<argmax>("argmax(input, dim: int = None, keepdim=False, *, out=None)", both,
                  "The position of the largest element, counted in the flattened input without `dim`.")
      .op<argmin>("argmin(input, dim: int = None, keepdim=False, *, out=None)", both,
                  "The position of the smallest element, counted in the flattened input without `dim`.");
}

}  // namespace

void bind_reduce(Registry& registry) {
  bind_sums(registry);
  bind_extrema(registry);
  bind_spread<var_values>(registry, "var", both, ", out=None", "The variance over dimensions.");
  bind_spread<std_values>(registry, "std", both, ", out=None", "The standard deviation over dimensions.");
  bind_spread<var_mean>(registry, "var_mean", function, "", "The variance and the mean over dimensions.");
  bind_spread<std_mean>(registry, "std_mean", function, "",
                        "The standard deviation and the mean over dimensions.");
  registry
      .op<logsumexp_over>("logsumexp(input, dim: int | tuple, keepdim=False, *, out=None)", both,
                          "The logarithm of the sum of exponentials over dimensions.")
      .op<vector_norm>(
          "vector_norm(input, p: Number = 2, dim: int | tuple = None, keepdim=False, dtype=None)",
          function | unlisted, "The p-norm over dimensions.")
      .op<dist>("dist(input, other: Tensor, p: Number = 2)", both, "The p-norm of input - other.")
      .op<renorm>("renorm(input, p: Number, dim, maxnorm: Number, *, out=None)", both | inplace,
                  "Scales the slices along `dim` whose p-norm exceeds `maxnorm` down to it.")
      .op<cov>("cov(input, *, correction=1, fweights: Tensor = None, aweights: Tensor = None)", both,
               "The covariances of the rows, whose columns are observations.")
      .op<corrcoef>("corrcoef(input)", both, "The correlations of the rows, whose columns are observations.");
}

}  // namespace tt
