// The CPU's elementwise and copy kernels: what the per-instruction-set builds export, and the drivers over
// them.
#pragma once
#include <cstdint>

#include "kernels/select.h"
#include "kernels/table.h"

namespace tt {

// out[i] = formula(in0[i], ...) with data = {out, in0, ...}. `out` and the first input of a unary or ternary
// formula are contiguous; the stride (in bytes) of any other input is its element's size, or 0 for one value
// that all elements share. Both inputs of a binary formula are never 0 at once.
using Loop = void (*)(char* const* data, const int64_t* strides, int64_t n);
using Convert = void (*)(char* out, const char* in, int64_t n);

// out[i * out0 + j * out1] = in[i * in0 + j * in1] for i < n0, j < n1; strides in bytes.
struct Tile {
  char* out;
  const char* in;
  int64_t n0, n1, out0, out1, in0, in1;
};

struct LoopColumn {  // the loops that compute in one dtype; null where the op has none
  Loop loop[elementwise_count];
};

struct ElementwiseTable {
  const LoopColumn* columns[dtype_count];
};

struct ConvertTable {
  Convert convert[dtype_count][dtype_count];  // [from][to]
};

struct TileTable {  // by the logarithm of the element's size
  void (*copy[4])(const Tile&);
  void (*stream)(char* out, const char* in,
                 int64_t bytes);  // a copy that does not keep the output in the caches
  bool (*any_zero[4])(const char* data, int64_t n);
};

TT_TABLE(ElementwiseTable, elementwise_table)
TT_TABLE(ConvertTable, convert_table)
TT_TABLE(TileTable, tile_table)

// Outputs of this many bytes leave the caches before anyone reads them: they are streamed to memory.
constexpr int64_t streamed_bytes = 16 << 20;

void cpu_elementwise(const ElementwiseCall& call);
void cpu_copy(const CopyCall& call);
// Whether an operand (bool or integer) holds a zero: integer division asks before it divides.
bool cpu_any_zero(int rank, const int64_t* sizes, const Operand& operand);

}  // namespace tt
