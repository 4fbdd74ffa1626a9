// The CPU's normalisations: the drivers, and what they ask of an instruction set.
#pragma once
#include "kernels/normalize_call.h"
#include "kernels/select.h"

namespace tt {

struct Segments {  // `count` runs of `length` elements, each `pitch` elements after the one before
  int64_t count, pitch, length;
  int64_t elements() const { return count * length; }
};
struct Moments {
  double mean, squares;  // the sum of squared distances from the mean
};
struct GradientSums {
  double grad, product;  // the sums of g and of g (x - mean)
};
struct Line {  // y = (x - mean) scale + shift
  double mean, scale, shift;
};
struct GradientLine {  // dx = scale g + slope (x - mean) + shift
  double scale, slope, mean, shift;
};

// Of several channels at once, as their runs lie side by side: channel c is `length` elements after channel c
// - 1.
constexpr int64_t channel_tile_limit = 32;
struct SegmentNormKernels {
  void (*moments)(const void* x, const Segments& segments, int64_t channels, Moments* moments);
  void (*transform)(const void* x, void* y, const Segments& segments, int64_t channels, const Line* lines);
  void (*sums)(const void* g, const void* x, const Segments& segments, int64_t channels, const double* mean,
               GradientSums* sums);
  void (*gradient)(const void* g, const void* x, void* dx, const Segments& segments, int64_t channels,
                   const GradientLine* lines);
};

// The same for `width` columns side by side in a matrix of `rows`, each `pitch` elements after the one
// before.
struct Columns {
  int64_t rows, pitch, width;
};
constexpr int64_t column_norm_limit = 256;  // columns at once
struct ColumnNormKernels {
  void (*moments)(const void* x, const Columns& columns, double* mean, double* squares);
  void (*transform)(const void* x, void* y, const Columns& columns, const double* mean, const double* scale,
                    const double* shift);
  void (*sums)(const void* g, const void* x, const Columns& columns, const double* mean, double* grad,
               double* product);
  void (*gradient)(const void* g, const void* x, void* dx, const Columns& columns, const double* scale,
                   const double* slope, const double* mean, const double* shift);
};

struct RowNormKernels {
  void (*forward)(const RowNormCall& call, int64_t begin, int64_t end);
  // Adds to the sums over rows that become the gradients of weight and bias, where they are wanted.
  void (*backward)(const RowNormCall& call, int64_t begin, int64_t end, double* weight_sums,
                   double* bias_sums);
};

struct NormalizeTable {  // by Float32 and Float64
  SegmentNormKernels segments[2];
  ColumnNormKernels columns[2];
};
struct RowNormTable {
  RowNormKernels kernels[2];
};

TT_TABLE(NormalizeTable, normalize_table)
TT_TABLE(RowNormTable, row_norm_table)

void cpu_channel_norm(const ChannelNormCall& call);
void cpu_row_norm(const RowNormCall& call);

}  // namespace tt
