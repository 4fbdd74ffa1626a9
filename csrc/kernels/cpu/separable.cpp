// Rows of separable sums: first the rows that a result row looks at are added up, then that sum is gathered along itself.
#include <algorithm>
#include <cstring>

#include "core/scratch.h"
#include "kernels/cpu/elements.h"
#include "kernels/separable.h"

namespace tt::TT_ISA {
namespace {

template <class T>
TT_INLINE T weight_of(const DimensionTaps& taps, int64_t t) {
  return taps.weight ? T(taps.weight[t]) : T(1);
}
TT_INLINE double divisor_of(const DimensionTaps& taps, int64_t o) { return taps.divisor ? taps.divisor[o] : 1; }

// ---------------------------------------------------------------- along a row

template <int taps, int stride, class T>
TT_INLINE void sum_runs(const RowPlan& plan, const T* __restrict x, T* __restrict out, int64_t n) {
  const int64_t count = taps ? taps : plan.taps, step = stride ? stride : plan.stride;
  for (int64_t o = 0; o < n; o++) {
    T sum = x[o * step];
    for (int64_t t = 1; t < count; t++) sum += x[o * step + t];
    out[o] = sum;
  }
}

template <int taps, class T>
TT_INLINE void sum_gathered(const RowPlan& plan, const T* __restrict x, T* __restrict out, int64_t n) {
  const int32_t* __restrict index = plan.index;
  const T* __restrict weight = static_cast<const T*>(plan.weight);
  const int64_t count = taps ? taps : plan.taps;
  for (int64_t o = 0; o < n; o++) {
    T sum = 0;
    for (int64_t t = 0; t < count; t++) sum += weight[t * n + o] * x[index[t * n + o]];
    out[o] = sum;
  }
}

template <class T>
TT_INLINE void sum_named(const RowPlan& plan, const T* __restrict x, T* __restrict out, int64_t n) {
  const int32_t* __restrict index = plan.index;
  for (int64_t o = 0; o < n; o++) out[o] = x[index[o]];
  for (int64_t t = 1; t < plan.taps; t++)
    for (int64_t o = 0; o < n; o++) out[o] += x[index[t * n + o]];
}

template <class T>
void sum_stretch(const RowPlan& plan, const T* x, T* out) {
  const int64_t n = plan.end - plan.begin;
  if (plan.stride) {
    x += plan.base;
    if (plan.taps == 2 && plan.stride == 2) return sum_runs<2, 2>(plan, x, out, n);
    if (plan.taps == 3 && plan.stride == 2) return sum_runs<3, 2>(plan, x, out, n);
    if (plan.taps == 3 && plan.stride == 1) return sum_runs<3, 1>(plan, x, out, n);
    if (plan.taps == 2 && plan.stride == 1) return sum_runs<2, 1>(plan, x, out, n);
    return sum_runs<0, 0>(plan, x, out, n);
  }
  if (!plan.weight) return sum_named(plan, x, out, n);
  if (plan.taps == 2) return sum_gathered<2>(plan, x, out, n);
  if (plan.taps == 4) return sum_gathered<4>(plan, x, out, n);
  sum_gathered<0>(plan, x, out, n);
}

template <class T>
void sum_listed(const DimensionTaps& taps, int64_t begin, int64_t end, const T* x, T* out) {
  for (int64_t o = begin; o < end; o++) {
    T sum = 0;
    for (int64_t t = taps.first[o]; t < taps.first[o + 1]; t++) sum += weight_of<T>(taps, t) * x[taps.index[t]];
    out[o] = sum;
  }
}

template <class T>
void sum_along(const DimensionTaps& taps, const RowPlan& plan, double divisor, const T* x, T* out) {
  if (plan.copies) {
    if (x != out) std::copy_n(x, taps.out, out);
  } else {
    sum_listed(taps, 0, plan.begin, x, out);
    if (plan.end > plan.begin) sum_stretch(plan, x, out + plan.begin);
    sum_listed(taps, plan.end, taps.out, x, out);
  }
  if (taps.divisor)
    for (int64_t o = 0; o < taps.out; o++) out[o] /= T(divisor * taps.divisor[o]);
  else if (divisor != 1)
    for (int64_t o = 0; o < taps.out; o++) out[o] /= T(divisor);
}

// ---------------------------------------------------------------- across rows

template <class T>
TT_INLINE void add_row(T* __restrict sum, const T* __restrict x, T weight, int64_t n, bool first) {
  if (first && weight == 1) std::memcpy(sum, x, n * sizeof(T));
  else if (first)
    for (int64_t i = 0; i < n; i++) sum[i] = weight * x[i];
  else
    for (int64_t i = 0; i < n; i++) sum[i] += weight * x[i];
}

template <class T>
struct RowSum {
  const SeparableCall& call;
  Reader<T> read;
  T *sum, *staged;  // a row of the input each

  // The sum of the rows that result row (i, j) of a plane looks at; the row itself where there is only one.
  const T* operator()(int64_t plane, int64_t i, int64_t j) const {
    const DimensionTaps &a = call.taps[0], &b = call.taps[1];
    const int64_t width = call.taps[2].in;
    auto row = [&](int64_t s, int64_t t) {
      int64_t number = (plane * a.in + a.index[s]) * b.in + b.index[t];
      return read(static_cast<const char*>(call.in) + number * width * read.size, 1, width, staged);
    };
    const int64_t count = (a.first[i + 1] - a.first[i]) * (b.first[j + 1] - b.first[j]);
    if (count == 1 && weight_of<T>(a, a.first[i]) * weight_of<T>(b, b.first[j]) == 1) return row(a.first[i], b.first[j]);
    if (count == 0) std::fill_n(sum, width, T(0));
    bool first = true;
    for (int64_t s = a.first[i]; s < a.first[i + 1]; s++)
      for (int64_t t = b.first[j]; t < b.first[j + 1]; t++, first = false)
        add_row(sum, row(s, t), weight_of<T>(a, s) * weight_of<T>(b, t), width, first);
    return sum;
  }
};

// Whether result row j is the same as the one before.
TT_INLINE bool repeats(const DimensionTaps& taps, int64_t j) {
  const int64_t* first = taps.first + j;
  return first[0] - first[-1] == 1 && first[1] - first[0] == 1 && !taps.weight && !taps.divisor &&
         taps.index[first[0]] == taps.index[first[-1]];
}

template <class T>
void separable_rows(const SeparableCall& call, const RowPlan& plan, int64_t first, int64_t last) {
  const DimensionTaps &a = call.taps[0], &b = call.taps[1], &c = call.taps[2];
  Scratch memory((2 * c.in + c.out) * int64_t(sizeof(T)));
  T *sum = memory.as<T>(), *staged = sum + c.in, *result = staged + c.in;
  RowSum<T> rows{call, Reader<T>(call.dtype), sum, staged};
  const int64_t row_bytes = c.out * rows.read.size;
  for (int64_t r = first; r < last; r++) {
    const int64_t j = r % b.out, i = r / b.out % a.out, plane = r / b.out / a.out;
    char* out = static_cast<char*>(call.out) + r * row_bytes;
    if (j && r > first && repeats(b, j)) {
      std::memcpy(out, out - row_bytes, row_bytes);
      continue;
    }
    const double divisor = divisor_of(a, i) * divisor_of(b, j);
    T* to = rows.read.native ? reinterpret_cast<T*>(out) : result;
    sum_along(c, plan, divisor, rows(plane, i, j), to);
    if (to == result) stores<T>[int(call.dtype)](result, c.out, out, 1);
  }
}

}  // namespace

constinit const SeparableTable separable_table = {{separable_rows<float>, separable_rows<double>}};

}  // namespace tt::TT_ISA
