// Counting values, and finding them in sorted rows.
#include <cmath>

#include "ops/index_places.h"
#include "ops/ops.h"

namespace tt {
namespace {

[[noreturn]] void not_for(const char* op, DType type) {
  fail(ErrorKind::NotImplemented, op, ": not implemented for ", name_of(type));
}

// counts[x[i]] += weight[i]; x is checked.
void add_counts(const char* op, const Tensor& counts, const Tensor& x, const Tensor& weights) {
  Picked picked{{x.count()}, {0}, x, x.strides(), 1, 0};
  move_picked(op, IndexMode::add, counts, picked, weights, expanded_strides(weights, picked.sizes));
}

}  // namespace

Tensor one_hot(const Tensor& index, int64_t classes) {
  const char* op = "one_hot";
  check(index.dtype() == DType::Int64, op, ": only applicable to index tensors of dtype int64, got ",
        name_of(index.dtype()));
  check(classes >= -1 || index.count(), op, ": the number of classes must not be negative, got ", classes);
  if (index.count() == 0)
    check(classes > 0, op, ": can not infer total number of classes from empty tensor.");
  if (index.count()) {
    int64_t lowest = item(min(index)).integer, highest = item(max(index)).integer;
    check(lowest >= 0, op, ": class values must be non-negative, got ", lowest);
    if (classes == -1) classes = highest + 1;
    check(highest < classes, op, ": class values must be smaller than num_classes, got ", highest, " and ",
          classes);
  }
  Shape sizes = index.sizes();
  sizes.push_back(classes);
  return scatter(zeros(sizes, DType::Int64, index.device()), -1, unsqueeze(index, -1), 1);
}

Tensor bincount(const Tensor& x, const std::optional<Tensor>& weights, int64_t minlength) {
  const char* op = "bincount";
  if (x.is_floating() || x.dtype() == DType::Bool) not_for(op, x.dtype());
  check(minlength >= 0, op, ": minlength should be >= 0, got ", minlength);
  check(x.rank() == 1, op, ": only supports 1-d non-negative integral inputs, got shape ", x.sizes());
  check(!weights || weights->sizes() == x.sizes(), op,
        ": weights should be 1-d and have the same length as input, got ",
        weights ? weights->sizes() : Shape{}, " and ", x.sizes());
  GradGuard off(false);
  Tensor values = as_int64(x, x.device());
  int64_t size = minlength;
  if (x.count()) {
    int64_t lowest = item(min(values)).integer, highest = item(max(values)).integer;
    check(lowest >= 0, op, ": only supports 1-d non-negative integral inputs, got ", lowest);
    check(highest < INT64_MAX / 64, op, ": the largest value ", highest, " needs too many bins");
    size = std::max(size, highest + 1);
  }
  DType type = !weights ? DType::Int64 : weights->dtype() == DType::Float32 ? DType::Float32 : DType::Float64;
  if (x.count() == 0) type = DType::Int64;
  Tensor counts = zeros({size}, type, x.device());
  add_counts(op, counts, values, weights ? to_dtype(*weights, type) : number_like(counts, 1));
  return counts;
}

Tensor histc(const Tensor& x, int64_t bins, const Scalar& min_value, const Scalar& max_value) {
  const char* op = "histc";
  check(bins > 0, op, ": bins must be > 0, but got ", bins);
  if (!x.is_floating()) not_for(op, x.dtype());
  GradGuard off(false);
  double low = min_value.to<double>(), high = max_value.to<double>();
  Tensor values = reshape(x, {-1});
  if (low == high && values.count()) {
    low = item(min(values)).real;
    high = item(max(values)).real;
  }
  if (low == high) low -= 1, high += 1;
  check(std::isfinite(low) && std::isfinite(high), op, ": range of [", low, ", ", high, "] is not finite");
  check(low < high, op, ": max must be larger than min, got ", high, " and ", low);
  if (is_half(values.dtype())) values = to_dtype(values, DType::Float32);
  values =
      masked_select(values, logical_and(ge(values, wrapped_number(low)), le(values, wrapped_number(high))));
  Tensor places = div(times(plus(values, -low), double(bins)), wrapped_number(high - low));
  places = clamp(to_dtype(places, DType::Int64), wrapped_number(0), wrapped_number(bins - 1));
  Tensor counts = zeros({bins}, DType::Int64, x.device());
  add_counts(op, counts, places, number_like(counts, 1));
  return to_dtype(counts, x.dtype());
}

// ---------------------------------------------------------------- sorted rows

namespace {

Tensor checked_sorter(const char* op, const Tensor& sorted, const Tensor& sorter) {
  check(sorter.sizes() == sorted.sizes(), op,
        ": boundary and sorter must have the same size, but got boundary tensor ", sorted.sizes(),
        " and sorter tensor ", sorter.sizes());
  check(sorter.dtype() == DType::Int64, op, ": sorter must be a tensor of long dtype but got dtype ",
        name_of(sorter.dtype()));
  int64_t size = sorted.sizes().back();
  if (sorter.count()) {
    Operand operand = operand_of(sorter, sorter.strides());
    OutsideCall call{sorter.rank(), sorter.sizes().data(), &operand, 0, size};
    check(!kernels_of(sorter.device()).outside(call), op, ": sorter index out of range: ", call.found,
          " for size ", size);
  }
  return contiguous(sorter);
}

void check_rows(const char* op, const Tensor& sorted, const Tensor& values) {
  check(sorted.rank() > 0, op, ": the boundaries tensor should have positive dimension, but got 0 dimension");
  if (sorted.rank() == 1) return;
  check(values.rank() > 0, op,
        ": input value can be a scalar only when boundaries tensor dimension is 1, but we got "
        "boundaries tensor dim(",
        sorted.rank(), ")");
  bool match = values.rank() == sorted.rank();
  for (int d = 0; match && d + 1 < sorted.rank(); d++) match = values.sizes()[d] == sorted.sizes()[d];
  check(
      match, op,
      ": boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input "
      "value tensor must match, but we got boundaries tensor ",
      sorted.sizes(), " and input value tensor ", values.sizes());
}

Tensor search(const char* op, const Tensor& sorted, const Tensor& values, bool out_int32, bool right,
              const std::optional<Tensor>& sorter) {
  check_rows(op, sorted, values);
  DType type = result_type({&sorted, &values});
  if (type == DType::Bool) not_for(op, type);
  auto kernel = kernels_of(sorted.device()).search;
  check(kernel, op, ": not implemented on ", sorted.device());
  GradGuard off(false);
  Tensor rows = contiguous(to_dtype(sorted, type)),
         wanted = contiguous(to_device(to_dtype(values, type), sorted.device()));
  Tensor order = sorter ? checked_sorter(op, sorted, *sorter) : Tensor();
  Tensor y = empty(values.sizes(), DType::Int64, sorted.device());
  SearchCall call{type,
                  1,
                  sorted.sizes().back(),
                  wanted.count(),
                  sorted.rank() == 1,
                  right,
                  rows.bytes(),
                  sorter ? order.data<int64_t>() : nullptr,
                  wanted.bytes(),
                  y.data<int64_t>()};
  if (!call.shared) {
    call.count = wanted.sizes().back();
    call.rows = call.count ? wanted.count() / call.count : 0;
  }
  if (wanted.count()) kernel(call);
  return out_int32 ? to_dtype(y, DType::Int32) : y;
}

}  // namespace

Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool out_int32, bool right,
                    const std::optional<std::string>& side, const std::optional<Tensor>& sorter) {
  const char* op = "searchsorted";
  check(!side || *side == "left" || *side == "right", op, ": side can only be 'left' or 'right' but got ",
        side.value_or(""));
  check(!side || !right || *side == "right", op,
        ": side and right can't be set to opposites, got side of left while right "
        "was True");
  return search(op, sorted, values, out_int32, right || (side && *side == "right"), sorter);
}

Tensor bucketize(const Tensor& x, const Tensor& boundaries, bool out_int32, bool right) {
  check(boundaries.rank() == 1, "bucketize: boundaries tensor must be 1 dimension, but got dim(",
        boundaries.rank(), ")");
  return search("bucketize", boundaries, x, out_int32, right, {});
}

Tensor isin(const Tensor& elements, const Tensor& test, bool, bool invert) {
  const char* op = "isin";
  check_type(!elements.body()->wrapped_number || !test.body()->wrapped_number, op,
             ": one of the arguments must be a tensor");
  for (const Tensor* x : {&elements, &test})
    check(x->dtype() != DType::Bool, op, ": unsupported input type encountered: ", name_of(x->dtype()));
  GradGuard off(false);
  DType type = result_type({&elements, &test});
  Tensor wanted = contiguous(to_dtype(elements, type)),
         sorted = std::get<0>(sort(reshape(to_dtype(test, type), {-1})));
  if (sorted.count() == 0) return full(elements.sizes(), invert, DType::Bool, elements.device());
  // The place where a value would be inserted holds the value itself, if it is there at all.
  Tensor place = clamp(search(op, sorted, wanted, false, false, {}), {}, wrapped_number(sorted.count() - 1));
  Tensor there = eq(take(sorted, place), wanted);
  return invert ? logical_not(there) : there;
}

std::vector<Tensor> unravel_index(const Tensor& indices, const Shape& sizes) {
  const char* op = "unravel_index";
  check(is_integral(indices.dtype()), op, ": expected indices of an integer dtype, got ",
        name_of(indices.dtype()));
  check_value(element_count(op, sizes) > 0 || indices.count() == 0, op, ": no index lies in the shape ",
              sizes);
  std::vector<Tensor> out(sizes.size());
  Tensor rest = indices;
  for (int d = sizes.size() - 1; d >= 0; d--) {
    out[d] = remainder(rest, wrapped_number(sizes[d]));
    rest = floor_divide(rest, wrapped_number(sizes[d]));
  }
  return out;
}

}  // namespace tt
