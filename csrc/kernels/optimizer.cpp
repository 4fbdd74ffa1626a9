#include "kernels/optimizer.h"

#include <algorithm>
#include <vector>

#include "core/parallel.h"

namespace tt {

constexpr int64_t elements_at_once = 16384;  // worth a thread's while

// All elements of all tensors count as one line, which the threads cut among them.
void cpu_update(const UpdateCall& call) {
  const UpdateTable& table = update_table();
  const UpdateLoops& loops = table.rules[int(call.rule)];
  auto run = [&](const UpdateTensor& tensor, int64_t first, int64_t count) {
    if (tensor.dtype == DType::Float32) loops.on_float(tensor, first, count);
    else if (tensor.dtype == DType::Float64) loops.on_double(tensor, first, count);
    else table.halves(loops.on_float, loops.states, tensor, first, count);
  };
  int64_t total = 0;
  for (int i = 0; i < call.count; i++) total += call.tensors[i].count;
  if (total <= elements_at_once) {
    for (int i = 0; i < call.count; i++) run(call.tensors[i], 0, call.tensors[i].count);
    return;
  }
  std::vector<int64_t> ends;
  ends.reserve(call.count);
  for (int i = 0; i < call.count; i++) ends.push_back((i ? ends.back() : 0) + call.tensors[i].count);
  parallel_for(0, total, elements_at_once, [&](int64_t begin, int64_t end) {
    auto i = std::upper_bound(ends.begin(), ends.end(), begin) - ends.begin();
    for (; begin < end; i++) {
      const UpdateTensor& tensor = call.tensors[i];
      int64_t last = std::min(end, ends[i]), first = tensor.count - (ends[i] - begin);
      run(tensor, first, last - begin);
      begin = last;
    }
  });
}

}  // namespace tt
