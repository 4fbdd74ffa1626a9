#include "kernels/accumulators.h"

#include <algorithm>

namespace tt {

using namespace reductions;

Accumulation::Method Accumulation::method_of(const ReduceCall& call) {
  switch (call.op) {
    case Reduction::prod:
      return Method::multiply;
    case Reduction::max:
      return call.index ? Method::placed_maximum : Method::maximum;
    case Reduction::min:
      return call.index ? Method::placed_minimum : Method::minimum;
    case Reduction::any:
    case Reduction::max_abs:
      return Method::maximum;
    case Reduction::all:
    case Reduction::min_abs:
      return Method::minimum;
    case Reduction::moments:
      return Method::moments;
    default:
      return Method::add;
  }
}

Accumulation::Accumulation(const ReduceCall& call, FoldType type)
    : method_(method_of(call)), real_(is_real(type)) {}

template <class S>
void Accumulation::start_values(S* value, int64_t n) const {
  S first;
  switch (method_) {
    case Method::add:
      first = Add::start<S>;
      break;
    case Method::multiply:
      first = Multiply::start<S>;
      break;
    case Method::maximum:
      first = Maximum::start<S>;
      break;
    case Method::minimum:
      first = Minimum::start<S>;
      break;
    default:
      return;  // kernels with a second result start by themselves
  }
  std::fill_n(value, n, first);
}

void Accumulation::start(Accumulators a, int64_t n) const {
  if (real_) start_values(reinterpret_cast<double*>(a.value), n);
  else start_values(reinterpret_cast<int64_t*>(a.value), n);
}

namespace {

template <class Op, class S>
void combine_values(S* a, const S* b, int64_t n) {
  for (int64_t i = 0; i < n; i++) a[i] = Op::combine(a[i], b[i]);
}

template <class Op, class S>
void combine_places(S* a, int64_t* place_a, const S* b, const int64_t* place_b, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    Placed<S> best = combine_placed<Op>(Placed<S>{a[i], place_a[i]}, Placed<S>{b[i], place_b[i]});
    a[i] = best.value;
    place_a[i] = best.position;
  }
}

using Columns = double*;  // one row of sums of squares or of means

void combine_rows_of_moments(Columns squares_a, Columns mean_a, Columns squares_b, Columns mean_b, int64_t n,
                             double count_a, double count_b) {
  for (int64_t i = 0; i < n; i++) {
    Moments<double> both = combine_moments(Moments<double>{mean_a[i], squares_a[i], count_a},
                                           Moments<double>{mean_b[i], squares_b[i], count_b});
    mean_a[i] = both.mean;
    squares_a[i] = both.squares;
  }
}

template <class T, class S>
T converted(S value) {
  if constexpr (std::is_same_v<T, Half>) return to_half(float(value));
  else if constexpr (std::is_same_v<T, BFloat16>) return to_bfloat16(float(value));
  else return T(value);
}

template <class S>
void store_values(const S* value, int64_t n, void* out, DType dtype, int64_t offset, int64_t stride) {
  visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* result = static_cast<T*>(out) + offset;
    for (int64_t i = 0; i < n; i++) result[i * stride] = converted<T>(value[i]);
  });
}

}  // namespace

template <class S>
void Accumulation::combine_as(Accumulators a, Accumulators b, int64_t n, double count_a,
                              double count_b) const {
  S *value = reinterpret_cast<S*>(a.value), *other = reinterpret_cast<S*>(b.value);
  auto *place = reinterpret_cast<int64_t*>(a.second), *other_place = reinterpret_cast<int64_t*>(b.second);
  switch (method_) {
    case Method::add:
      return combine_values<Add>(value, other, n);
    case Method::multiply:
      return combine_values<Multiply>(value, other, n);
    case Method::maximum:
      return combine_values<Maximum>(value, other, n);
    case Method::minimum:
      return combine_values<Minimum>(value, other, n);
    case Method::placed_maximum:
      return combine_places<Maximum>(value, place, other, other_place, n);
    case Method::placed_minimum:
      return combine_places<Minimum>(value, place, other, other_place, n);
    case Method::moments:
      return combine_rows_of_moments(Columns(a.value), Columns(a.second), Columns(b.value), Columns(b.second),
                                     n, count_a, count_b);
  }
}

void Accumulation::combine(Accumulators a, Accumulators b, int64_t n, double count_a, double count_b) const {
  if (real_) combine_as<double>(a, b, n, count_a, count_b);
  else combine_as<int64_t>(a, b, n, count_a, count_b);
}

void Accumulation::store(Accumulators a, int64_t n, const ReduceCall& call, int64_t offset,
                         int64_t stride) const {
  auto put = [&](auto* values, void* out, DType dtype) {
    if (out) store_values(values, n, out, dtype, offset, stride);
  };
  if (real_) put(reinterpret_cast<double*>(a.value), call.out.data, call.out.dtype);
  else put(reinterpret_cast<int64_t*>(a.value), call.out.data, call.out.dtype);
  put(reinterpret_cast<int64_t*>(a.second), call.index, DType::Int64);
  put(reinterpret_cast<double*>(a.second), call.mean, call.out.dtype);
}

}  // namespace tt
