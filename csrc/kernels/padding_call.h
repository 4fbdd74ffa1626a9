// Padding with a value as the kernels are asked for it.
#pragma once
#include <cstdint>

namespace tt {

// out = value, but in the part of it that in[i - before] covers. `before` may be negative, and so may what is
// left behind. Both are contiguous, of elements of `item` bytes.
struct ConstantPadCall {
  int rank;
  int64_t item;
  const int64_t* in_sizes;
  const int64_t* out_sizes;
  const int64_t* before;
  const void* in;
  void* out;
  const void* value;  // one element
};

}  // namespace tt
