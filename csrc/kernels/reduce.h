// The CPU's reductions: the driver, and what it asks of an instruction set: to fold stretches of elements
// into accumulators. An accumulator is double for floating types and int64_t for the rest, so that partial
// results lose nothing.
#pragma once
#include <cstdint>

#include "core/dtype.h"
#include "kernels/select.h"
#include "kernels/table.h"

namespace tt {

// Element (j, i) is in[j * count_stride + i * stride]; elements (j, 0), ..., (j, n - 1) go into accumulator
// j.
struct FoldCall {
  const char* in;
  DType dtype;
  int64_t n, stride;
  int64_t count, count_stride;
  int64_t
      folded;    // how many elements each accumulator holds; 0 lets extrema with positions and moments start
  void* value;   // double or int64_t [count]
  void* second;  // int64_t positions, counted from the first element folded, or double means
};
using FoldKernel = void (*)(const FoldCall&);

// The types in which elements are folded. Narrower integers and bool are loaded as int32, halves as float32.
enum class FoldType : uint8_t { int32, int64, float32, float64 };
constexpr int fold_type_count = 4;
constexpr bool is_real(FoldType type) { return type >= FoldType::float32; }

// `rows` walks along i in its inner loop and wants n to be large, `columns` along j.
struct FoldPair {
  FoldKernel rows = nullptr, columns = nullptr;
};
struct FoldTable {
  FoldPair fold[reduction_count][fold_type_count];
};
struct PlacedFoldTable {  // extrema with positions; moments, always in float64
  FoldPair max[fold_type_count], min[fold_type_count], moments;
};

TT_TABLE(FoldTable, fold_table)
TT_TABLE(PlacedFoldTable, placed_fold_table)

void cpu_reduce(const ReduceCall& call);

}  // namespace tt
