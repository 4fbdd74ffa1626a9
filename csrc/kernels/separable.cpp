#include "kernels/separable.h"

#include <algorithm>

#include "core/parallel.h"
#include "core/scratch.h"

namespace tt {
namespace {

constexpr int64_t elements_at_once = 16384;  // worth a thread's while
constexpr int64_t most_taps = 8;             // beyond, an output's own list is as good

int64_t tap_count(const DimensionTaps& taps, int64_t o) { return taps.first[o + 1] - taps.first[o]; }

// Whether all taps of [begin, end) are runs of elements of weight 1 that start `stride` apart.
bool are_runs(const DimensionTaps& taps, const RowPlan& plan) {
  const int32_t* index = taps.index + taps.first[plan.begin];
  if (taps.weight || plan.stride < 1) return false;
  for (int64_t o = 0; o < plan.end - plan.begin; o++)
    for (int64_t t = 0; t < plan.taps; t++)
      if (index[o * plan.taps + t] != plan.base + o * plan.stride + t) return false;
  return true;
}

// The longest stretch of outputs with equally many taps, as long as it is of use.
RowPlan stretch_of(const DimensionTaps& taps) {
  RowPlan plan;
  for (int64_t o = 0; o < taps.out;) {
    int64_t end = o + 1;
    while (end < taps.out && tap_count(taps, end) == tap_count(taps, o)) end++;
    if (end - o > plan.end - plan.begin) plan.begin = o, plan.end = end, plan.taps = tap_count(taps, o);
    o = end;
  }
  return plan;
}

template <class T>
void lay_out(const DimensionTaps& taps, RowPlan& plan, int32_t* index, T* weight) {
  const int64_t n = plan.end - plan.begin, first = taps.first[plan.begin];
  for (int64_t o = 0; o < n; o++)
    for (int64_t t = 0; t < plan.taps; t++) {
      index[t * n + o] = taps.index[first + o * plan.taps + t];
      if (taps.weight) weight[t * n + o] = T(taps.weight[first + o * plan.taps + t]);
    }
  plan.index = index;
  plan.weight = taps.weight ? weight : nullptr;
}

bool copies(const DimensionTaps& taps, const RowPlan& plan) {
  return taps.in == taps.out && !taps.divisor && plan.stride == 1 && plan.taps == 1 && plan.base == 0 && plan.begin == 0 &&
         plan.end == taps.out;
}

int64_t work_of_row(const SeparableCall& call) {
  int64_t rows = 1;
  for (int d = 0; d < 2; d++)
    if (call.taps[d].out) rows *= (call.taps[d].first[call.taps[d].out] + call.taps[d].out - 1) / call.taps[d].out;
  return rows * call.taps[2].in + call.taps[2].first[call.taps[2].out];
}

}  // namespace

void cpu_separable(const SeparableCall& call) {
  const DimensionTaps& along = call.taps[2];
  const int64_t rows = call.planes * call.taps[0].out * call.taps[1].out;
  if (rows * along.out == 0) return;
  RowPlan plan = stretch_of(along);
  if (plan.taps == 0 || plan.taps > most_taps) plan.begin = plan.end = 0;
  const int64_t n = plan.end - plan.begin, count = n * plan.taps;
  Scratch memory(count * 12 + 64);
  double* weights = memory.as<double>();
  int32_t* index = memory.as<int32_t>() + 2 * count;
  if (n) {
    const int32_t* first = along.index + along.first[plan.begin];
    plan.base = first[0];
    plan.stride = n > 1 ? first[plan.taps] - first[0] : 1;
    if (!are_runs(along, plan)) {
      plan.stride = 0;
      if (call.dtype == DType::Float64) lay_out(along, plan, index, weights);
      else lay_out(along, plan, index, memory.as<float>());
    }
    plan.copies = copies(along, plan);
  }
  SeparableRows run = separable_table().rows[call.dtype == DType::Float64];
  const int64_t grain = std::max<int64_t>(1, elements_at_once / std::max<int64_t>(work_of_row(call), 1));
  parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) { run(call, plan, begin, end); });
}

}  // namespace tt
