#include "kernels/separable.h"

#include <algorithm>

#include "core/parallel.h"
#include "core/scratch.h"

namespace tt {
namespace {

constexpr int64_t elements_at_once = 16384;  // worth a thread's while
constexpr int64_t most_gathered = 8;         // taps; beyond, an output's own list is as good

int64_t tap_count(const DimensionTaps& taps, int64_t o) { return taps.first[o + 1] - taps.first[o]; }

// Whether output o adds up `count` elements from `from` on.
bool is_run(const DimensionTaps& taps, int64_t o, int64_t from, int64_t count) {
  if (tap_count(taps, o) != count) return false;
  const int32_t* index = taps.index + taps.first[o];
  for (int64_t t = 0; t < count; t++)
    if (index[t] != from + t) return false;
  return true;
}

// The longest stretch of outputs that are runs of one length, evenly spaced.
RowPlan longest_runs(const DimensionTaps& taps) {
  RowPlan best;
  for (int64_t o = 0; o < taps.out;) {
    int64_t count = tap_count(taps, o), end = o + 1, from = count ? taps.index[taps.first[o]] : 0, stride = 1;
    if (count && is_run(taps, o, from, count)) {
      if (end < taps.out && tap_count(taps, end))
        stride = std::max<int64_t>(taps.index[taps.first[end]] - from, 1);
      while (end < taps.out && is_run(taps, end, from + (end - o) * stride, count)) end++;
      if (end - o > best.end - best.begin)
        best = {.begin = o, .end = end, .taps = count, .stride = stride, .base = from};
    }
    o = std::max(end - 1, o + 1);  // the last of a stretch may begin another one
  }
  return best;
}

bool is_doubled(const DimensionTaps& taps) {
  if (taps.out != 2 * taps.in) return false;
  for (int64_t o = 0; o < taps.out; o++)
    if (!is_run(taps, o, o / 2, 1)) return false;
  return true;
}

RowPlan plan_of(const DimensionTaps& taps) {
  if (!taps.weight) {
    if (is_doubled(taps)) return {.way = RowWay::doubled, .end = taps.out, .taps = 1};
    RowPlan runs = longest_runs(taps);
    if (2 * (runs.end - runs.begin) >= taps.out) return runs;
  }
  int64_t most = 0, least = taps.out ? tap_count(taps, 0) : 0;
  for (int64_t o = 0; o < taps.out; o++) {
    most = std::max(most, tap_count(taps, o));
    least = std::min(least, tap_count(taps, o));
  }
  if (most > most_gathered) return {};
  return {.way = RowWay::gather, .end = taps.out, .taps = most, .fills_up = least < most};
}

template <class T>
void lay_out(const DimensionTaps& taps, RowPlan& plan, void* memory) {
  const int64_t n = taps.out, count = plan.way == RowWay::gather ? n * plan.taps : 0;
  T *divisor = static_cast<T*>(memory), *weight = divisor + n;
  int32_t* index = reinterpret_cast<int32_t*>(weight + count);
  for (int64_t o = 0; o < n && taps.divisor; o++) divisor[o] = T(taps.divisor[o]);
  plan.divisor = taps.divisor ? divisor : nullptr;
  if (!count) return;
  for (int64_t o = 0; o < n; o++)
    for (int64_t t = 0; t < plan.taps; t++) {
      int64_t at = taps.first[o] + t;
      bool there = at < taps.first[o + 1];
      index[t * n + o] = there ? taps.index[at] : int32_t(taps.in);
      if (taps.weight) weight[t * n + o] = there ? T(taps.weight[at]) : T(0);
    }
  plan.index = index;
  plan.weight = taps.weight ? weight : nullptr;
}

// Output o adds up elements 2o and 2o + 1, and all divide by the same.
bool adds_pairs(const DimensionTaps& taps) {
  if (taps.weight || 2 * taps.out > taps.in) return false;
  for (int64_t o = 0; o < taps.out; o++)
    if (!is_run(taps, o, 2 * o, 2) || (taps.divisor && taps.divisor[o] != taps.divisor[0])) return false;
  return true;
}

bool adds_all(const DimensionTaps& taps) {
  return taps.out == 1 && !taps.weight && is_run(taps, 0, 0, taps.in);
}

int64_t work_of_row(const SeparableCall& call) {
  int64_t rows = 1;
  for (int d = 0; d < 2; d++) rows *= call.taps[d].first[call.taps[d].out] / call.taps[d].out + 1;
  return rows * call.taps[2].in + call.taps[2].first[call.taps[2].out];
}

}  // namespace

void cpu_separable(const SeparableCall& call) {
  const DimensionTaps& along = call.taps[2];
  const int64_t rows = call.planes * call.taps[0].out * call.taps[1].out;
  if (rows * along.out == 0) return;
  RowPlan plan = plan_of(along);
  const bool wide = call.dtype == DType::Float64;
  const bool flat = (wide || call.dtype == DType::Float32) && call.taps[0].in * call.taps[0].out == 1 &&
                    !call.taps[0].divisor;
  plan.pairs = flat && adds_pairs(call.taps[1]) && adds_pairs(along);
  plan.whole = flat && adds_all(call.taps[1]) && adds_all(along);
  Scratch memory(along.out * (plan.taps + 1) * 12 + 64);
  if (wide) lay_out<double>(along, plan, memory.as<double>());
  else lay_out<float>(along, plan, memory.as<float>());
  SeparableRows run = separable_table().rows[wide];
  const int64_t grain = std::max<int64_t>(1, elements_at_once / work_of_row(call));
  parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) { run(call, plan, begin, end); });
}

}  // namespace tt
