// Gathering, scattering and searching as the kernels are asked for them; apart from the table, as gemm_call.h
// is.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace tt {

struct Operand;

enum class IndexMode : uint8_t { get, set, add, multiply, maximum, minimum };

// Element i of the index space `sizes` picks one element of `indexed`: the one at i through the strides of
// `indexed`, moved by step * index[i] elements. get: dense[i] = that element. The other modes change it by
// dense[i], in row-major order of the index space where several i pick the same one. An index is at least
// -size, and size is added to a negative one; the caller has seen to that, and to the upper end. The result
// is the same bits for any number of threads.
struct IndexCall {
  IndexMode mode;
  int rank;
  const int64_t* sizes;
  const Operand* dense;
  const Operand* indexed;  // has the dtype of `dense`
  const Operand* index;    // Int64
  int64_t step, size;
};

// out[i] = step * index[i], or out[i] += that: the places that several indices name together. `out` is
// contiguous.
struct PlacesCall {
  int rank;
  const int64_t* sizes;
  int64_t* out;
  const Operand* index;  // Int64
  int64_t step, size;
  bool accumulate;
};

// Whether an index lies outside of [low, high), and one that does.
struct OutsideCall {
  int rank;
  const int64_t* sizes;
  const Operand* index;  // Int64
  int64_t low, high;
  int64_t found = 0;
};

// Where a contiguous mask is true. Returns how often; coordinate d of hit k goes to out[d * pitch + k] where
// out is given.
struct NonzeroCall {
  const bool* mask;
  int rank;
  const int64_t* sizes;
  int64_t* out = nullptr;
  int64_t pitch = 0;
};

// Zeroes, in the last two dimensions of x, what lies above the diagonal (keeps_lower) or below it.
struct TriangleCall {
  int rank;
  const int64_t* sizes;
  const Operand* x;
  int64_t diagonal;
  bool keeps_lower;
};

// For each of `count` values per row the first place in the sorted row of n where it could be inserted, or
// the last one (right). All contiguous; sorted rows are shared by all values when there is one, and read
// through `sorter` if given.
struct SearchCall {
  DType dtype;
  int64_t rows, n, count;
  bool shared;
  bool right;
  const void* sorted;
  const int64_t* sorter;
  const void* values;
  int64_t* out;
};

}  // namespace tt
