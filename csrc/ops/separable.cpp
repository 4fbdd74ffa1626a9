#include "ops/separable.h"

#include <algorithm>

#include "ops/create.h"
#include "ops/pooling_sizes.h"

namespace tt {

TapTable::TapTable(int64_t in) : in(in) {
  check(in < (int64_t(1) << 31), "a dimension of ", in, " elements is too long to be resampled or averaged");
}

TapTable TapTable::identity(int64_t size) {
  TapTable table(size);
  for (int64_t i = 0; i < size; i++) {
    table.add(i);
    table.close();
  }
  return table;
}

TapTable TapTable::runs(int64_t in, const std::vector<int64_t>& start, const std::vector<int64_t>& count) {
  TapTable table(in);
  for (size_t o = 0; o < start.size(); o++) {
    for (int64_t i = 0; i < count[o]; i++) table.add(start[o] + i);
    table.close();
  }
  return table;
}

// What divided a sum becomes part of the weights, unless it is the same everywhere.
TapTable TapTable::transposed() const {
  const bool even = weight.empty() &&
                    std::all_of(divisor.begin(), divisor.end(), [&](double d) { return d == divisor[0]; });
  TapTable turned(out);
  turned.out = in;
  turned.first.assign(in + 1, 0);
  turned.index.resize(index.size());
  const bool weighted = !weight.empty() || (!divisor.empty() && !even);
  if (even && !divisor.empty()) turned.divisor.assign(in, divisor[0]);
  if (weighted) turned.weight.resize(index.size());
  for (int32_t i : index) turned.first[i + 1]++;
  for (int64_t i = 0; i < in; i++) turned.first[i + 1] += turned.first[i];
  std::vector<int64_t> next(turned.first.begin(), turned.first.end() - 1);
  for (int64_t o = 0; o < out; o++)
    for (int64_t t = first[o]; t < first[o + 1]; t++) {
      int64_t at = next[index[t]]++;
      turned.index[at] = int32_t(o);
      if (weighted) turned.weight[at] = (weight.empty() ? 1 : weight[t]) / (divisor.empty() ? 1 : divisor[o]);
    }
  return turned;
}

SharedMap SeparableMap::transposed() const {
  std::vector<TapTable> turned;
  for (const TapTable& table : taps) turned.push_back(table.transposed());
  return separable_map(transposed_name, name, std::move(turned));
}

SharedMap separable_map(const char* name, const char* transposed_name, std::vector<TapTable> taps) {
  return std::make_shared<const SeparableMap>(SeparableMap{name, transposed_name, std::move(taps)});
}

static DimensionTaps taps_of(const TapTable& table) {
  return {table.in,
          table.out,
          table.first.data(),
          table.index.data(),
          table.weight.empty() ? nullptr : table.weight.data(),
          table.divisor.empty() ? nullptr : table.divisor.data()};
}

static Tensor mapped_values(const char* op, const Tensor& input, const SeparableMap& map) {
  auto run = network_kernel(op, input.device(), &NetworkKernels::separable);
  GradGuard off(false);
  Tensor x = contiguous(input);
  const int dims = int(map.taps.size());
  static const TapTable whole = TapTable::identity(1);
  SeparableCall call{};
  call.dtype = x.dtype();
  call.planes = plane_count(x, dims);
  int64_t out[3];
  for (int d = 0; d < 3; d++) {
    call.taps[d] = taps_of(d < 3 - dims ? whole : map.taps[d - 3 + dims]);
    out[d] = call.taps[d].out;
  }
  Tensor y = empty(sizes_with(x, dims, out), x.dtype(), x.device());
  call.in = x.bytes();
  call.out = y.bytes();
  if (y.count()) run(call);
  return y;
}

Tensor mapped(const char* op, const Tensor& x, const SharedMap& map) {
  Tensor y = mapped_values(op, x, *map);
  return record(map->name, y, inputs(x), save(map), [](const Tensor& g, const SharedMap& map) {
    return mapped(map->transposed_name, g, map->transposed());
  });
}

}  // namespace tt
