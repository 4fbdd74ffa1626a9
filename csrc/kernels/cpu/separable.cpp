// Rows of separable sums: first the rows that a result row looks at are added up, then that sum is gathered
// along itself.
#include <algorithm>
#include <cstring>

#include "core/scratch.h"
#include "kernels/cpu/elements.h"
#include "kernels/cpu/pairs.h"
#include "kernels/separable.h"

namespace tt::TT_ISA {
namespace {

template <class T>
TT_INLINE T weight_of(const DimensionTaps& taps, int64_t t) {
  return taps.weight ? T(taps.weight[t]) : T(1);
}
TT_INLINE double divisor_of(const DimensionTaps& taps, int64_t o) {
  return taps.divisor ? taps.divisor[o] : 1;
}

// A buffered row is followed by this many zeros, so that whole vectors may be read of which only a part
// counts.
template <class T>
constexpr int64_t slack = 3 * lanes<T>;

// ---------------------------------------------------------------- along a row

// taps: how many there are, or 0 for any number
template <int taps, int stride, class T>
TT_INLINE void sum_runs(const T* x, T* out, int64_t n, int64_t any) {
  const int64_t count = taps ? taps : any;
  by_vectors<T>(n, [&](int64_t o, auto part) {
    Vector<T> sum = {};
    if constexpr (stride == 1) {
      for (int64_t t = 0; t < count; t++) sum += load_vector(x + o + t);
    } else {
      for (int64_t t = 0; t < count; t += 2) {
        Pair<T> pair(x + 2 * o + t, Full{});
        sum += pair.evens();
        if (t + 1 < count) sum += pair.odds();
      }
    }
    store(out + o, sum, part);
  });
}

template <class T>
void sum_any_runs(const RowPlan& plan, const T* x, T* out, int64_t n) {
  for (int64_t o = 0; o < n; o++) {
    T sum = 0;
    for (int64_t t = 0; t < plan.taps; t++) sum += x[o * plan.stride + t];
    out[o] = sum;
  }
}

template <int taps, class T>
TT_INLINE void gather(const RowPlan& plan, const T* __restrict x, T* __restrict out) {
  const int32_t* __restrict index = plan.index;
  const T* __restrict weight = static_cast<const T*>(plan.weight);
  const int64_t count = taps ? taps : plan.taps, n = plan.end;
  for (int64_t o = 0; o < n; o++) {
    T sum = 0;
    for (int64_t t = 0; t < count; t++) sum += weight[t * n + o] * x[index[t * n + o]];
    out[o] = sum;
  }
}

template <class T>
TT_INLINE void gather_plainly(const RowPlan& plan, const T* __restrict x, T* __restrict out) {
  const int32_t* __restrict index = plan.index;
  const int64_t n = plan.end;
  if (plan.taps == 0) {
    std::fill_n(out, n, T(0));
    return;
  }
  for (int64_t o = 0; o < n; o++) out[o] = x[index[o]];
  for (int64_t t = 1; t < plan.taps; t++)
    for (int64_t o = 0; o < n; o++) out[o] += x[index[t * n + o]];
}

template <class T>
void sum_planned(const RowPlan& plan, const T* x, T* out) {
  const int64_t n = plan.end - plan.begin;
  if (plan.way == RowWay::doubled)
    return by_vectors<T>(n / 2, [&](int64_t i, auto part) {
      Vector<T> v = load(x + i, part);
      store_pairs(out + 2 * i, v, v, part);
    });
  if (plan.way == RowWay::gather) {
    if (!plan.weight) return gather_plainly(plan, x, out);
    if (plan.taps == 2) return gather<2>(plan, x, out);
    if (plan.taps == 4) return gather<4>(plan, x, out);
    return gather<0>(plan, x, out);
  }
  x += plan.base;
  out += plan.begin;
  if (plan.taps == 1 && plan.stride == 1) std::copy_n(x, n, out);
  else if (plan.stride == 1 && plan.taps == 2) sum_runs<2, 1>(x, out, n, 2);
  else if (plan.stride == 1 && plan.taps == 3) sum_runs<3, 1>(x, out, n, 3);
  else if (plan.stride == 1) sum_runs<0, 1>(x, out, n, plan.taps);
  else if (plan.stride == 2 && plan.taps == 2) sum_runs<2, 2>(x, out, n, 2);
  else if (plan.stride == 2 && plan.taps == 3) sum_runs<3, 2>(x, out, n, 3);
  else if (plan.stride == 2) sum_runs<0, 2>(x, out, n, plan.taps);
  else sum_any_runs(plan, x, out, n);
}

template <class T>
void sum_listed(const DimensionTaps& taps, int64_t begin, int64_t end, const T* x, T* out) {
  for (int64_t o = begin; o < end; o++) {
    const int64_t first = taps.first[o];
    if (!taps.weight && taps.first[o + 1] - first == 1) {
      out[o] = x[taps.index[first]];
      continue;
    }
    T sum = 0;
    for (int64_t t = first; t < taps.first[o + 1]; t++) sum += weight_of<T>(taps, t) * x[taps.index[t]];
    out[o] = sum;
  }
}

template <class T>
void divide(const RowPlan& plan, T divisor, T* out, int64_t n) {
  const T* each = static_cast<const T*>(plan.divisor);
  if (!each && divisor == 1) return;
  by_vectors<T>(n, [&](int64_t o, auto part) {
    Vector<T> by = broadcast(divisor);
    if (each) by = within(load(each + o, part), T(1), part) * by;
    store(out + o, load(out + o, part) / by, part);
  });
}

// ---------------------------------------------------------------- across rows

constexpr int most_rows = 16;  // that are added in one pass

template <class T>
struct RowSum {
  const SeparableCall& call;
  Reader<T> read;
  bool in_buffer;   // the plan reads beyond the row
  T *sum, *staged;  // a row of the input each

  const T* row(int64_t plane, int64_t s, int64_t t) const {
    const DimensionTaps &a = call.taps[0], &b = call.taps[1];
    const int64_t width = call.taps[2].in, number = (plane * a.in + a.index[s]) * b.in + b.index[t];
    return read(static_cast<const char*>(call.in) + number * width * read.size, 1, width, staged);
  }

  struct Pending {
    const T* rows[most_rows];
    T weights[most_rows];
    int count = 0;
    bool weighted = false, first = true;
  };

  void flush(Pending& p) const {
    by_vectors<T>(call.taps[2].in, [&](int64_t i, auto part) {
      Vector<T> v = p.first ? Vector<T>{} : load(sum + i, part);
      if (p.weighted)
        for (int r = 0; r < p.count; r++) v += load(p.rows[r] + i, part) * broadcast(p.weights[r]);
      else
        for (int r = 0; r < p.count; r++) v += load(p.rows[r] + i, part);
      store(sum + i, v, part);
    });
    p.first = false;
    p.count = 0;
  }

  // The sum of the rows that result row (i, j) of a plane looks at; the row itself where there is only one.
  const T* operator()(int64_t plane, int64_t i, int64_t j) const {
    const DimensionTaps &a = call.taps[0], &b = call.taps[1];
    const bool one = a.first[i + 1] - a.first[i] == 1 && b.first[j + 1] - b.first[j] == 1;
    if (one && !a.weight && !b.weight && !in_buffer) return row(plane, a.first[i], b.first[j]);
    Pending pending;
    pending.weighted = a.weight || b.weight;
    for (int64_t s = a.first[i]; s < a.first[i + 1]; s++)
      for (int64_t t = b.first[j]; t < b.first[j + 1]; t++) {
        pending.rows[pending.count] = row(plane, s, t);
        pending.weights[pending.count++] = weight_of<T>(a, s) * weight_of<T>(b, t);
        if (pending.count == most_rows || !read.native) flush(pending);
      }
    if (pending.count || pending.first) flush(pending);
    return sum;
  }
};

// Whether result row j is the same as the one before.
TT_INLINE bool repeats(const DimensionTaps& taps, int64_t j) {
  const int64_t *first = taps.first + j, here = first[0], before = first[-1];
  return here - before == 1 && first[1] - here == 1 && taps.index[here] == taps.index[before] &&
         (!taps.weight || taps.weight[here] == taps.weight[before]) &&
         (!taps.divisor || taps.divisor[j] == taps.divisor[j - 1]);
}

template <class T>
void pair_rows(const SeparableCall& call, int64_t first, int64_t last) {
  const DimensionTaps &b = call.taps[1], &c = call.taps[2];
  const Vector<T> divisor = broadcast(T(divisor_of(b, 0) * divisor_of(c, 0)));
  for (int64_t r = first; r < last; r++) {
    const T* upper = static_cast<const T*>(call.in) + (r / b.out * b.in + r % b.out * 2) * c.in;
    T* out = static_cast<T*>(call.out) + r * c.out;
    by_vectors<T>(c.out, [&](int64_t o, auto part) {
      const Pair<T> above(upper + 2 * o, part), below(upper + c.in + 2 * o, part);
      store(out + o, (above.evens() + above.odds() + below.evens() + below.odds()) / divisor, part);
    });
  }
}

struct Add {
  template <class V>
  static TT_INLINE V combine(V a, V b) {
    return a + b;
  }
};

template <class T>
TT_INLINE T sum_of(const T* x, int64_t n) {
  Vector<T> sums[2] = {};
  int64_t i = 0;
  for (; i + 2 * lanes<T> <= n; i += 2 * lanes<T>)
    for (int k = 0; k < 2; k++) sums[k] += load_vector(x + i + k * lanes<T>);
  by_vectors<T>(n - i, [&](int64_t rest, auto part) { sums[0] += load(x + i + rest, part); });
  return fold_lanes<Add, T>(sums[0] + sums[1]);
}

template <class T>
void whole_planes(const SeparableCall& call, int64_t first, int64_t last) {
  constexpr int64_t chunk = 4096;  // elements that are summed in their own type
  const int64_t n = call.taps[1].in * call.taps[2].in;
  const double divisor = divisor_of(call.taps[1], 0) * divisor_of(call.taps[2], 0);
  for (int64_t plane = first; plane < last; plane++) {
    const T* x = static_cast<const T*>(call.in) + plane * n;
    double total = 0;
    for (int64_t i = 0; i < n; i += chunk) total += double(sum_of(x + i, std::min(chunk, n - i)));
    static_cast<T*>(call.out)[plane] = T(total / divisor);
  }
}

template <class T>
void separable_rows(const SeparableCall& call, const RowPlan& plan, int64_t first, int64_t last) {
  if (plan.pairs) return pair_rows<T>(call, first, last);
  if (plan.whole) return whole_planes<T>(call, first, last);
  const DimensionTaps &a = call.taps[0], &b = call.taps[1], &c = call.taps[2];
  Scratch memory((2 * c.in + c.out + slack<T>)*int64_t(sizeof(T)));
  T *sum = memory.as<T>(), *staged = sum + c.in + slack<T>, *result = staged + c.in;
  std::fill_n(sum + c.in, slack<T>, T(0));
  bool beyond = plan.way == RowWay::runs ? plan.taps > 1 || plan.stride == 2 : plan.fills_up;
  RowSum<T> rows{call, Reader<T>(call.dtype), beyond, sum, staged};
  const int64_t row_bytes = c.out * rows.read.size;
  int64_t j = first % b.out, i = first / b.out % a.out, plane = first / b.out / a.out;
  char* out = static_cast<char*>(call.out) + first * row_bytes;
  for (int64_t r = first; r < last; r++, out += row_bytes) {
    if (j && r > first && repeats(b, j)) {
      std::memcpy(out, out - row_bytes, row_bytes);
    } else {
      T* to = rows.read.native ? reinterpret_cast<T*>(out) : result;
      const T* x = rows(plane, i, j);
      sum_listed(c, 0, plan.begin, x, to);
      if (plan.end > plan.begin) sum_planned(plan, x, to);
      sum_listed(c, plan.end, c.out, x, to);
      divide(plan, T(divisor_of(a, i) * divisor_of(b, j)), to, c.out);
      if (to == result) stores<T>[int(call.dtype)](result, c.out, out, 1);
    }
    if (++j < b.out) continue;
    j = 0;
    if (++i == a.out) i = 0, plane++;
  }
}

}  // namespace

constinit const SeparableTable separable_table = {{separable_rows<float>, separable_rows<double>}};

}  // namespace tt::TT_ISA
