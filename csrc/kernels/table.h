// What a device can do, as functions over raw memory. The ops layer fills in a call and asks the table of the
// tensor's device; a null entry is an operation that the device does not have. Strides count elements.
#pragma once
#include <cstdint>

#include "core/dtype.h"
#include "kernels/formula_info.h"
#include "kernels/gemm_call.h"
#include "kernels/index_call.h"
#include "kernels/reductions.h"

namespace tt {

constexpr int max_rank = 64;
constexpr int max_inputs = 3;

struct Operand {
  char* data = nullptr;
  const int64_t* strides = nullptr;  // one per dimension of the call, 0 where the operand is broadcast
  DType dtype = DType::Float32;
  bool on_host = false;  // a single number that stays in host memory while the rest is on a device
};

// out[i] = formula(in[0][i], in[1][i], ...) over the index space `sizes`. Inputs are converted to `compute`
// before the formula, its result from `compute` (or Bool, for predicates) to out.dtype. `out` may be exactly
// one of the inputs (same data, strides and dtype); any other overlap is the caller's to avoid.
struct ElementwiseCall {
  Elementwise op;
  DType compute;
  int rank;
  const int64_t* sizes;
  Operand out;
  Operand in[max_inputs];
};

struct CopyCall {  // out[i] = (out.dtype) in[i]; no overlap
  int rank;
  const int64_t* sizes;
  Operand out, in;
};

// Reduces the dimensions in which out.strides is 0, over the input's index space `sizes` (none of which is
// 0). Input is converted to `compute`, the result to out.dtype. `index` (argmax, argmin, max and min with
// indices) has the strides of `out` and counts positions along the reduced dimensions in row-major order;
// where it is given, out.data may be null. `mean` is the second result of moments, with the dtype and strides
// of `out`. The result is the same bits for any number of threads.
struct ReduceCall {
  Reduction op;
  DType compute;
  int rank;
  const int64_t* sizes;
  Operand out, in;
  int64_t* index = nullptr;
  void* mean = nullptr;
};

// The rest works on contiguous blocks seen as [outer, n, inner], along n.
struct RowCall {
  DType dtype;
  int64_t outer, n, inner;
  const void* in = nullptr;
  void* out = nullptr;
  int64_t* index = nullptr;    // cummax, cummin, sort, topk
  const void* grad = nullptr;  // backward kernels: gradient of the result; `in` is then the saved result
};

struct SortCall {  // rows are contiguous: [rows, n]; stable; NaN counts as the largest value
  DType dtype;
  int64_t rows, n;
  const void* in;
  void* values;
  int64_t* indices;
  bool descending;
};

struct TopkCall {
  DType dtype;
  int64_t rows, n, k;
  const void* in;
  void* values;
  int64_t* indices;
  bool largest, sorted;
};

// One element of each row: the k-th smallest (from 1) of the order that SortCall has; the lower median, or
// the first NaN if there is one; or the lower median of what is not NaN.
enum class Rank : uint8_t { kth, median, nanmedian };
struct KthCall {
  DType dtype;
  int64_t rows, n, k;
  Rank rank;
  const void* in;
  void* values;
  int64_t* indices;
};

struct NetworkKernels;  // kernels/network.h: what layers and optimizers need beyond this

struct Kernels {
  void (*elementwise)(const ElementwiseCall&) = nullptr;
  void (*copy)(const CopyCall&) = nullptr;
  void (*index)(const IndexCall&) = nullptr;
  // get with the check that all indices are in [low, high) on the way; false when one is not. May be absent.
  bool (*checked_get)(const IndexCall&, int64_t low, int64_t high) = nullptr;
  void (*places)(const PlacesCall&) = nullptr;
  bool (*outside)(OutsideCall&) = nullptr;
  int64_t (*nonzero)(const NonzeroCall&) = nullptr;
  void (*triangle)(const TriangleCall&) = nullptr;
  void (*search)(const SearchCall&) = nullptr;
  void (*reduce)(const ReduceCall&) = nullptr;
  void (*gemm)(const GemmCall&) = nullptr;
  void (*softmax)(const RowCall&) = nullptr;
  void (*log_softmax)(const RowCall&) = nullptr;
  void (*softmax_backward)(const RowCall&) = nullptr;
  void (*log_softmax_backward)(const RowCall&) = nullptr;
  void (*scan)(Scan op, const RowCall&) = nullptr;
  void (*sort)(const SortCall&) = nullptr;
  void (*topk)(const TopkCall&) = nullptr;
  void (*kth)(const KthCall&) = nullptr;
  const NetworkKernels* network = nullptr;
};

const Kernels& cpu_kernels();

}  // namespace tt
