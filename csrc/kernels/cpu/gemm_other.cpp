// What products of the other types need: integers in plain loops, and the half types' way to float and back.
#include "core/half.h"
#include "core/scratch.h"
#include "kernels/gemm.h"

namespace tt::TT_ISA {
namespace {

constexpr int64_t block_depth = 128, block_columns = 512;

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// c[j] += a[l] * b[l, j] for four rows of b at a time. T is unsigned, so that it wraps around.
template <class T>
void add_row(const T* a, int64_t a_col, const T* b, int64_t k, int64_t n, T* c) {
  int64_t l = 0;
  for (; l + 4 <= k; l += 4, b += 4 * n) {
    const T x0 = a[l * a_col], x1 = a[(l + 1) * a_col], x2 = a[(l + 2) * a_col], x3 = a[(l + 3) * a_col];
    for (int64_t j = 0; j < n; j++)
      c[j] = T(c[j] + T(x0 * b[j]) + T(x1 * b[n + j]) + T(x2 * b[2 * n + j]) + T(x3 * b[3 * n + j]));
  }
  for (; l < k; l++, b += n) {
    const T x = a[l * a_col];
    for (int64_t j = 0; j < n; j++) c[j] = T(c[j] + T(x * b[j]));
  }
}

template <class T>
void multiply_integers(const GemmCall& g) {
  const T *a = static_cast<const T*>(g.a), *b = static_cast<const T*>(g.b);
  T* c = static_cast<T*>(g.c);
  if (!g.accumulate)
    for (int64_t i = 0; i < g.m; i++)
      for (int64_t j = 0; j < g.n; j++) c[i * g.c_row + j] = 0;
  T* packed = static_cast<T*>(take_scratch(block_depth * block_columns * int64_t(sizeof(T))));
  for (int64_t l0 = 0; l0 < g.k; l0 += block_depth)
    for (int64_t j0 = 0; j0 < g.n; j0 += block_columns) {
      const int64_t depth = smaller(block_depth, g.k - l0), columns = smaller(block_columns, g.n - j0);
      for (int64_t l = 0; l < depth; l++)
        for (int64_t j = 0; j < columns; j++)
          packed[l * columns + j] = b[(l0 + l) * g.b_row + (j0 + j) * g.b_col];
      for (int64_t i = 0; i < g.m; i++)
        add_row(a + i * g.a_row + l0 * g.a_col, g.a_col, packed, depth, columns, c + i * g.c_row + j0);
    }
  return_scratch();
}

template <class T>
void finish_integers(const GemmCall& g) {
  T* c = static_cast<T*>(g.c);
  const T* bias = static_cast<const T*>(g.bias);
  for (int64_t i = 0; i < g.m; i++, c += g.c_row) {
    if (bias)
      for (int64_t j = 0; j < g.n; j++) c[j] = T(uint64_t(c[j]) + uint64_t(bias[j]));
    if (g.relu)
      for (int64_t j = 0; j < g.n; j++) c[j] = c[j] < 0 ? 0 : c[j];
  }
}

template <class Unsigned, class T>
void run_integers(const GemmCall& g) {
  multiply_integers<Unsigned>(g);
  if (g.bias || g.relu) finish_integers<T>(g);
}

void integers(const GemmCall& g) {
  switch (g.dtype) {
    case DType::UInt8:
      return run_integers<uint8_t, uint8_t>(g);
    case DType::Int8:
      return run_integers<uint8_t, int8_t>(g);
    case DType::Int16:
      return run_integers<uint16_t, int16_t>(g);
    case DType::Int32:
      return run_integers<uint32_t, int32_t>(g);
    default:
      return run_integers<uint64_t, int64_t>(g);
  }
}

template <class T>
void widen_rows(const T* in, int64_t in_row, int64_t rows, int64_t columns, float* out) {
  for (int64_t i = 0; i < rows; i++, in += in_row, out += columns)
    for (int64_t j = 0; j < columns; j++) out[j] = to_float(in[j]);
}

void widen(DType from, const void* in, int64_t in_row, int64_t rows, int64_t columns, float* out) {
  if (from == DType::Float16) return widen_rows(static_cast<const Half*>(in), in_row, rows, columns, out);
  widen_rows(static_cast<const BFloat16*>(in), in_row, rows, columns, out);
}

void narrow(DType to, const float* in, int64_t rows, int64_t columns, void* out, int64_t out_row) {
  for (int64_t i = 0; i < rows; i++, in += columns) {
    if (to == DType::Float16) {
      Half* row = static_cast<Half*>(out) + i * out_row;
      for (int64_t j = 0; j < columns; j++) row[j] = to_half(in[j]);
    } else {
      BFloat16* row = static_cast<BFloat16*>(out) + i * out_row;
      for (int64_t j = 0; j < columns; j++) row[j] = to_bfloat16(in[j]);
    }
  }
}

}  // namespace

constinit const GemmOther gemm_other = {integers, widen, narrow};

}  // namespace tt::TT_ISA
