// The matrix product over raw memory, for one product or a batch of them.
#pragma once
#include <cstdint>

#include "kernels/gemm_call.h"
#include "kernels/select.h"

namespace tt {

void cpu_gemm(const GemmCall& call);

// --- between the driver, which splits products over threads, and the kernels of one instruction set ---

enum class GemmMethod : uint8_t {
  InPlace,  // tiles read b where it is
  CopyB,    // the first strip of rows copies b, as it reads it, into panels that the later ones read
  PackB,    // b is transposed (or strided): it is packed into panels first
  Dot,      // few rows, transposed b: sums along k, a vector at a time
};

// Made from the shape of the whole product, never from a thread's share: `method` and `depth` settle the
// order in which an element is summed.
struct GemmPlan {
  GemmMethod method;
  bool copy_a;        // a is transposed and large
  int rows, vectors;  // of a tile
  int64_t depth;      // of k that is summed before c is touched
  int64_t columns;    // of b that are packed at a time
};

struct GemmCore {
  int64_t vector;  // elements
  GemmPlan (*plan)(const GemmCall& whole);
  void (*run)(const GemmCall& part, const GemmPlan& plan);  // a rectangle of one product; batch is ignored
};

struct GemmOther {
  void (*integers)(const GemmCall& part);
  // Between a half type and float, `rows` x `columns` with contiguous columns on either side.
  void (*widen)(DType from, const void* in, int64_t in_row, int64_t rows, int64_t columns, float* out);
  void (*narrow)(DType to, const float* in, int64_t rows, int64_t columns, void* out, int64_t out_row);
};

TT_TABLE(GemmCore, gemm_float)
TT_TABLE(GemmCore, gemm_double)
TT_TABLE(GemmOther, gemm_other)

}  // namespace tt
