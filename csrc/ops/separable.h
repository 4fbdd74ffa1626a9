// Linear maps of the last dimensions of a tensor that are a product of one map per dimension: averages,
// resampling, padding by what is inside, sums of patches. The derivative of such a map is the transposed map.
#pragma once
#include <memory>

#include "kernels/separable_call.h"
#include "ops/internal.h"

namespace tt {

// The taps of each output of one dimension, in order.
struct TapTable {
  int64_t in = 1, out = 0;
  std::vector<int64_t> first{0};
  std::vector<int32_t> index;
  std::vector<double> weight;   // empty: all 1
  std::vector<double> divisor;  // of the sums; empty: all 1

  explicit TapTable(int64_t in);
  void add(int64_t from) { index.push_back(int32_t(from)); }
  void add(int64_t from, double by) {
    index.push_back(int32_t(from));
    weight.push_back(by);
  }
  void close() {  // the output that taps were added for
    first.push_back(int64_t(index.size()));
    out++;
  }
  TapTable transposed() const;
  static TapTable identity(int64_t size);
  static TapTable runs(int64_t in, const std::vector<int64_t>& start, const std::vector<int64_t>& count);
};

struct SeparableMap {
  const char *name, *transposed_name;  // of their nodes in the graph
  std::vector<TapTable> taps;          // of the last one to three dimensions
  std::shared_ptr<const SeparableMap> transposed() const;
};
using SharedMap = std::shared_ptr<const SeparableMap>;

SharedMap separable_map(const char* name, const char* transposed_name, std::vector<TapTable> taps);
// Floating dtypes.
Tensor mapped(const char* op, const Tensor& x, const SharedMap& map);

}  // namespace tt
