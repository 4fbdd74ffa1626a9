#include "kernels/gemm.h"

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"
#include "core/scratch.h"

namespace tt {
namespace {

constexpr int64_t work_per_thread = 1 << 17;  // multiplications: a few microseconds

const void* shifted(const void* p, int64_t elements, DType type) {
  return p ? static_cast<const char*>(p) + elements * size_of(type) : nullptr;
}
void* shifted(void* p, int64_t elements, DType type) {
  return static_cast<char*>(p) + elements * size_of(type);
}

GemmCall product_of(const GemmCall& g, int64_t index) {
  GemmCall one = g;
  one.batch = 1;
  one.a = shifted(g.a, index * g.a_batch, g.dtype);
  one.b = shifted(g.b, index * g.b_batch, g.dtype);
  one.c = shifted(g.c, index * g.c_batch, g.dtype);
  return one;
}

GemmCall rectangle_of(const GemmCall& g, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  GemmCall part = g;
  part.m = rows;
  part.n = columns;
  part.a = shifted(g.a, row * g.a_row, g.dtype);
  part.b = shifted(g.b, column * g.b_col, g.dtype);
  part.c = shifted(g.c, row * g.c_row + column, g.dtype);
  part.bias = shifted(g.bias, column, g.dtype);
  return part;
}

// --- how a product is shared ---

// Rectangles of c, `rows` by `columns` of them; inner bounds lie at multiples of `column_unit`.
struct Grid {
  int64_t rows = 1, columns = 1;
  int64_t column_unit = 1;

  int64_t size() const { return rows * columns; }
  GemmCall part(const GemmCall& g, int64_t index) const {
    int64_t i = index / columns, j = index % columns, units = (g.n + column_unit - 1) / column_unit;
    int64_t row = g.m * i / rows, last_row = g.m * (i + 1) / rows;
    int64_t column = units * j / columns * column_unit;
    int64_t last_column = std::min(g.n, units * (j + 1) / columns * column_unit);
    return rectangle_of(g, row, last_row - row, column, last_column - column);
  }
};

// The largest rectangle counts, and so does reading (or packing) a row of a or a column of b in more than one
// of them: one element of either costs about as much as 16 multiplications.
Grid choose_grid(const GemmCall& g, int64_t parts, bool splits_rows, int64_t column_unit) {
  Grid best{1, 1, column_unit};
  const int64_t units = (g.n + column_unit - 1) / column_unit;
  double least = 0;
  for (int64_t rows = 1; rows <= (splits_rows ? std::min(parts, g.m) : 1); rows++) {
    int64_t columns = std::min(parts / rows, units);
    double height = double((g.m + rows - 1) / rows);
    double width = double((units + columns - 1) / columns * column_unit);
    double cost = height * width + 16 * (height + width);
    if (rows == 1 || cost < least) {
      least = cost;
      best.rows = rows;
      best.columns = columns;
    }
  }
  return best;
}

int64_t work_of(const GemmCall& g) {  // of one product; a bound is enough when it is huge
  double work = double(g.m) * double(g.n) * double(g.k);
  return work < 1e15 ? std::max<int64_t>(1, int64_t(work)) : int64_t(1e15);
}

// Calls run(part) on parts that cover the whole batch.
template <class Run>
void share_out(const GemmCall& g, bool splits_rows, int64_t column_unit, Run&& run) {
  const int64_t work = work_of(g), threads = num_threads();
  if (g.batch == 1 && (work < 2 * work_per_thread || in_parallel_region())) return run(g);
  Grid grid{1, 1, column_unit};
  if (threads > 1 && g.batch < 4 * threads) {
    int64_t parts = std::min(std::max<int64_t>(1, work / work_per_thread), threads);
    if (g.batch % threads != 0) grid = choose_grid(g, parts, splits_rows, column_unit);
  }
  const int64_t grain = std::max<int64_t>(1, work_per_thread / (work / grid.size() + 1));
  auto body = [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) {
      GemmCall one = product_of(g, i / grid.size());
      run(grid.size() == 1 ? one : grid.part(one, i % grid.size()));
    }
  };
  parallel_for(0, g.batch * grid.size(), grain, body);
}

// --- float and double ---

void multiply_plainly(const GemmCall& g) {
  const GemmCore& core = g.dtype == DType::Float32 ? gemm_float() : gemm_double();
  const GemmPlan plan = core.plan(g);
  share_out(g, plan.method != GemmMethod::Dot, std::max<int64_t>(core.vector, 16),
            [&](const GemmCall& part) { core.run(part, plan); });
}

// What cpu_gemm promises of c, for sums that stand elsewhere, one contiguous product after the other.
template <class T>
void finish(const GemmCall& g, const T* sums) {
  for (int64_t batch = 0; batch < g.batch; batch++)
    for (int64_t i = 0; i < g.m; i++, sums += g.n) {
      T* c = static_cast<T*>(g.c) + batch * g.c_batch + i * g.c_row;
      for (int64_t j = 0; j < g.n; j++) {
        T value = sums[j] + (g.accumulate ? c[j] : T(0));
        if (g.bias) value += static_cast<const T*>(g.bias)[j];
        c[j] = g.relu && value < 0 ? T(0) : value;
      }
    }
}

// One column is computed as a row: no vectors of c that are mostly empty.
template <class T>
void multiply_column(const GemmCall& g) {
  GemmCall row = g;
  std::swap(row.m, row.n);
  std::swap(row.a, row.b);
  std::swap(row.a_batch, row.b_batch);
  row.a_row = g.b_col;
  row.a_col = g.b_row;
  row.b_row = g.a_col;
  row.b_col = g.a_row;
  row.c_row = g.m;
  if (g.c_row == 1 && !g.bias) return multiply_plainly(row);
  Scratch sums(g.batch * g.m * int64_t(sizeof(T)));
  row.c = sums.as<T>();
  row.c_batch = g.m;
  row.accumulate = row.relu = false;
  row.bias = nullptr;
  multiply_plainly(row);
  finish(g, sums.as<T>());
}

// Few elements, each a long sum (a dot product): k is cut in parts, as its length alone says, and threads
// share those.
constexpr int64_t shortest_part = 1 << 15, most_parts = 64;

bool is_deep(const GemmCall& g) {
  return g.batch == 1 && g.k >= 2 * shortest_part && g.m * g.n <= (1 << 14) && std::max(g.m, g.n) * 16 <= g.k;
}

template <class T>
void multiply_deep(const GemmCall& g) {
  const int64_t parts = std::min(g.k / shortest_part, most_parts), size = g.m * g.n;
  Scratch scratch(parts * size * int64_t(sizeof(T)));
  T* sums = scratch.as<T>();
  parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) {
      const int64_t start = g.k * i / parts;
      GemmCall part = g;
      part.k = g.k * (i + 1) / parts - start;
      part.a = shifted(g.a, start * g.a_col, g.dtype);
      part.b = shifted(g.b, start * g.b_row, g.dtype);
      part.c = sums + i * size;
      part.c_row = g.n;
      part.accumulate = part.relu = false;
      part.bias = nullptr;
      multiply_plainly(part);
    }
  });
  for (int64_t i = 1; i < parts; i++)
    for (int64_t j = 0; j < size; j++) sums[j] += sums[i * size + j];
  finish(g, sums);
}

template <class T>
void multiply_reals(const GemmCall& g) {
  if (is_deep(g)) return multiply_deep<T>(g);
  if (g.n == 1 && g.m > 1) return multiply_column<T>(g);
  multiply_plainly(g);
}

// --- the half types, by way of float ---

int64_t rows_per_range(int64_t columns) { return std::max<int64_t>(1, (1 << 15) / columns); }

struct Widened {
  const float* data;
  int64_t row, column;
};

// Keeps the order of the elements in memory where one of the strides is 1.
Widened widen(const GemmOther& other, DType type, const void* in, int64_t rows, int64_t columns,
              int64_t row_step, int64_t column_step, float* out) {
  const bool across = row_step == 1 && column_step != 1;
  if (across) {
    std::swap(rows, columns);
    std::swap(row_step, column_step);
  }
  parallel_for(0, rows, rows_per_range(columns), [&](int64_t first, int64_t last) {
    if (column_step == 1 || columns == 1)
      return other.widen(type, shifted(in, first * row_step, type), row_step, last - first, columns,
                         out + first * columns);
    for (int64_t i = first; i < last; i++)  // each element is a row of one
      other.widen(type, shifted(in, i * row_step, type), column_step, columns, 1, out + i * columns);
  });
  return across ? Widened{out, 1, columns} : Widened{out, columns, 1};
}

void multiply_half(const GemmCall& g) {
  const GemmOther& other = gemm_other();
  Scratch scratch((g.m * g.k + g.k * g.n + g.m * g.n + g.n) * int64_t(sizeof(float)));
  float *a = scratch.as<float>(), *b = a + g.m * g.k, *c = b + g.k * g.n, *bias = c + g.m * g.n;
  Widened wide_a = widen(other, g.dtype, g.a, g.m, g.k, g.a_row, g.a_col, a);
  Widened wide_b = widen(other, g.dtype, g.b, g.k, g.n, g.b_row, g.b_col, b);
  if (g.accumulate) other.widen(g.dtype, g.c, g.c_row, g.m, g.n, c);
  if (g.bias) other.widen(g.dtype, g.bias, g.n, 1, g.n, bias);
  GemmCall wide = g;
  wide.dtype = DType::Float32;
  wide.a = wide_a.data;
  wide.a_row = wide_a.row;
  wide.a_col = wide_a.column;
  wide.b = wide_b.data;
  wide.b_row = wide_b.row;
  wide.b_col = wide_b.column;
  wide.c = c;
  wide.c_row = g.n;
  wide.bias = g.bias ? bias : nullptr;
  cpu_gemm(wide);
  parallel_for(0, g.m, rows_per_range(g.n), [&](int64_t first, int64_t last) {
    void* out = shifted(g.c, first * g.c_row, g.dtype);
    other.narrow(g.dtype, c + first * g.n, last - first, g.n, out, g.c_row);
  });
}

// --- all of them ---

// A batch that multiplies one matrix b is one tall product.
bool folds(const GemmCall& g) {
  if (g.batch == 1 || g.b_batch != 0) return false;
  return g.m == 1 || (g.a_batch == g.m * g.a_row && g.c_batch == g.m * g.c_row);
}

GemmCall folded(GemmCall g) {
  if (g.m == 1) {
    g.a_row = g.a_batch;
    g.c_row = g.c_batch;
  }
  g.m *= g.batch;
  g.batch = 1;
  return g;
}

}  // namespace

void cpu_gemm(const GemmCall& g) {
  if (g.m <= 0 || g.n <= 0 || g.batch <= 0) return;
  if (g.k <= 0) {  // an empty sum is the sum of one zero
    static constexpr int64_t zero = 0;
    GemmCall empty = g;
    empty.k = 1;
    empty.a = empty.b = &zero;
    empty.a_row = empty.a_col = empty.a_batch = empty.b_row = empty.b_col = empty.b_batch = 0;
    return cpu_gemm(empty);
  }
  if (folds(g)) return cpu_gemm(folded(g));
  if (g.dtype == DType::Float32) return multiply_reals<float>(g);
  if (g.dtype == DType::Float64) return multiply_reals<double>(g);
  if (is_half(g.dtype)) {
    return parallel_for(0, g.batch, 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; i++) multiply_half(product_of(g, i));
    });
  }
  check(is_integral(g.dtype), "matmul: not implemented for ", name_of(g.dtype));
  share_out(g, true, 16, gemm_other().integers);
}

}  // namespace tt
