// Averages, resampling and padding by what is inside as the kernels are asked for them: along each of three
// dimensions a result is a weighted sum of a few elements, and the whole is their product. The adjoint has
// the same form.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace tt {

// The taps of output o of a dimension are number first[o] to first[o + 1] - 1 of `index` and `weight`.
struct DimensionTaps {
  int64_t in = 1, out = 1;
  const int64_t* first;
  const int32_t* index;
  const double* weight = nullptr;   // null: all 1
  const double* divisor = nullptr;  // by output, of the sum; null: all 1
};

// out[i, j, k] = the sum over taps (a of i, b of j, c of k) of their weights times in[a, b, c], divided by
// the divisors of i, j and k. Contiguous, floating; halves are summed as floats.
struct SeparableCall {
  DType dtype;
  int64_t planes;
  DimensionTaps taps[3];
  const void* in;
  void* out;
};

}  // namespace tt
