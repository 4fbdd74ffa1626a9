#include <algorithm>

#include "core/parallel.h"
#include "kernels/sequence_call.h"

namespace tt {
namespace {

constexpr int64_t elements_at_once = 16384;

template <class T>
void add_rows(const EmbeddingBagCall& call, int64_t bag) {
  const T *table = static_cast<const T*>(call.table), *scales = static_cast<const T*>(call.scales);
  T* __restrict out = static_cast<T*>(call.out) + bag * call.width;
  std::fill_n(out, call.width, T(0));
  for (int64_t i = call.offsets[bag]; i < call.offsets[bag + 1]; i++) {
    const T* row = table + call.indices[i] * call.width;
    T scale = scales[i];
    for (int64_t j = 0; j < call.width; j++) out[j] += scale * row[j];
  }
}

template <class T>
void choose_rows(const EmbeddingBagCall& call, int64_t bag) {
  const T* table = static_cast<const T*>(call.table);
  T* out = static_cast<T*>(call.out) + bag * call.width;
  int64_t* chosen = call.chosen + bag * call.width;
  std::fill_n(out, call.width, T(0));
  std::fill_n(chosen, call.width, int64_t(-1));
  for (int64_t i = call.offsets[bag]; i < call.offsets[bag + 1]; i++) {
    if (call.skipped[i]) continue;
    const T* row = table + call.indices[i] * call.width;
    for (int64_t j = 0; j < call.width; j++) {
      if (chosen[j] >= 0 && !(row[j] > out[j])) continue;
      out[j] = row[j];
      chosen[j] = call.indices[i];
    }
  }
}

template <class T>
void run(const EmbeddingBagCall& call) {
  int64_t entries = std::max<int64_t>(1, call.offsets[call.bags] / call.bags);
  int64_t grain = std::max<int64_t>(1, elements_at_once / (entries * std::max<int64_t>(1, call.width)));
  parallel_for(0, call.bags, grain, [&](int64_t begin, int64_t end) {
    for (int64_t bag = begin; bag < end; bag++)
      call.scales ? add_rows<T>(call, bag) : choose_rows<T>(call, bag);
  });
}

}  // namespace

void cpu_embedding_bag(const EmbeddingBagCall& call) {
  if (call.bags == 0) return;
  call.dtype == DType::Float64 ? run<double>(call) : run<float>(call);
}

}  // namespace tt
