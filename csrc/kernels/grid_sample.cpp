#include "kernels/grid_sample.h"

#include <algorithm>
#include <cstring>

#include "core/parallel.h"

namespace tt {

// Sums into one image go to one thread; other tasks are cut into places.
void cpu_grid_sample(const GridSampleCall& call) {
  constexpr int64_t elements_at_once = 16384;  // worth a thread's while
  const GridSampleTable& table = grid_sample_table();
  const bool wide = call.dtype == DType::Float64;
  const int64_t places = call.out[0] * call.out[1] * call.out[2];
  if (call.task == GridTask::spread) {
    const int64_t bytes = call.channels * call.in[0] * call.in[1] * call.in[2] * size_of(call.dtype);
    return parallel_for(0, call.batch, 1, [&](int64_t first, int64_t last) {
      std::memset(static_cast<char*>(call.image) + first * bytes, 0, (last - first) * bytes);
      for (int64_t n = first; n < last; n++) table.spread[wide](call, n, 0, places);
    });
  }
  GridPlaces run = call.task == GridTask::sample ? table.sample[wide] : table.gradient[wide];
  const int64_t grain =
      std::max<int64_t>(64, elements_at_once / std::max<int64_t>(call.channels, 1) / 64 * 64);
  const int64_t pieces = (places + grain - 1) / grain;
  parallel_for(0, call.batch * pieces, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) {
      int64_t begin = i % pieces * grain;
      run(call, i / pieces, begin, std::min(begin + grain, places));
    }
  });
}

}  // namespace tt
