// Folds without positions. Within a chunk every lane adds few elements in their own type; from chunk to chunk
// the accumulators are 64 bits wide. So the error of a sum stays below that of pairwise summation.
#include <algorithm>

#include "kernels/cpu/fold_rows.h"
#include "kernels/reduce.h"

namespace tt::TT_ISA {
namespace {

using reductions::Fold;

template <class Op, class T, bool test>
void fold_converted_rows(const FoldCall& call, const Reader<T, test>& read) {
  auto* value = static_cast<Wide<T>*>(call.value);
  alignas(64) T buffer[row_chunk];
  for (int64_t j = 0; j < call.count; j++)
    for (int64_t i = 0; i < call.n; i += row_chunk) {
      int64_t length = std::min(row_chunk, call.n - i);
      read.load(call.in + (j * call.count_stride + i * call.stride) * read.size, call.stride, length, buffer);
      value[j] = Op::combine(value[j], fold_array<Op>(buffer, length));
    }
}

template <class Op, class T, bool test>
void fold_rows(const FoldCall& call) {
  Reader<T, test> read(call.dtype);
  if (!read.direct(call.stride)) return fold_converted_rows<Op>(call, read);
  const T* x = reinterpret_cast<const T*>(call.in);
  auto* value = static_cast<Wide<T>*>(call.value);
  const int64_t n = call.n, pitch = call.count_stride, count = call.count;
  for (int64_t j = 0; j < count; j++) value[j] = Op::combine(value[j], fold_array<Op>(x + j * pitch, n));
}

constexpr int rows_at_once = 8;          // folded by a tree before they reach the partial result
constexpr int64_t rows_per_flush = 128;  // that a partial result takes in before it goes to the accumulator
constexpr int64_t column_tile = 512;

template <class Op, class V>
TT_INLINE V fold_eight(V a, V b, V c, V d, V e, V f, V g, V h) {
  return Op::combine(Op::combine(Op::combine(Op::map(a), Op::map(b)), Op::combine(Op::map(c), Op::map(d))),
                     Op::combine(Op::combine(Op::map(e), Op::map(f)), Op::combine(Op::map(g), Op::map(h))));
}

template <class Op, class T>
TT_INLINE void fold_eight_rows(T* partial, const T* const* x, int64_t width) {
  const T *a = x[0], *b = x[1], *c = x[2], *d = x[3], *e = x[4], *f = x[5], *g = x[6], *h = x[7];
  auto at = [](const T* row, int64_t j) { return load_vector(row + j); };
  int64_t j = 0;
  for (; j + lanes<T> <= width; j += lanes<T>) {
    Vector<T> rows =
        fold_eight<Op>(at(a, j), at(b, j), at(c, j), at(d, j), at(e, j), at(f, j), at(g, j), at(h, j));
    store_vector(partial + j, Op::combine(load_vector(partial + j), rows));
  }
  for (; j < width; j++)
    partial[j] = Op::combine(partial[j], fold_eight<Op>(a[j], b[j], c[j], d[j], e[j], f[j], g[j], h[j]));
}

template <class Op, class T>
TT_INLINE void fold_one_row(T* partial, const T* x, int64_t width) {
  int64_t j = 0;
  for (; j + lanes<T> <= width; j += lanes<T>)
    store_vector(partial + j, Op::combine(load_vector(partial + j), Op::map(load_vector(x + j))));
  for (; j < width; j++) partial[j] = Op::combine(partial[j], Op::map(x[j]));
}

template <class Op, class T, bool test>
void fold_column_tile(const FoldCall& call, const Reader<T, test>& read, int64_t first, int64_t width) {
  alignas(64) T partial[column_tile], buffer[rows_at_once][column_tile];
  Wide<T>* value = static_cast<Wide<T>*>(call.value) + first;
  auto row = [&](int64_t i, T* copy) {
    const char* begin = call.in + (first * call.count_stride + i * call.stride) * read.size;
    return read(begin, call.count_stride, width, copy);
  };
  for (int64_t i = 0; i < call.n;) {
    int64_t end = std::min(call.n, i + rows_per_flush);
    for (int64_t j = 0; j < width; j++) partial[j] = Op::template start<T>;
    for (; i + rows_at_once <= end; i += rows_at_once) {
      const T* rows[rows_at_once];
      for (int k = 0; k < rows_at_once; k++) rows[k] = row(i + k, buffer[k]);
      fold_eight_rows<Op>(partial, rows, width);
    }
    for (; i < end; i++) fold_one_row<Op>(partial, row(i, buffer[0]), width);
    for (int64_t j = 0; j < width; j++) value[j] = Op::combine(value[j], Wide<T>(partial[j]));
  }
}

template <class Op, class T, bool test>
void fold_columns(const FoldCall& call) {
  Reader<T, test> read(call.dtype);
  for (int64_t first = 0; first < call.count; first += column_tile)
    fold_column_tile<Op>(call, read, first, std::min(column_tile, call.count - first));
}

// What looks at the stored elements loads them as int32; norms and sums without NaN are for floating types.
template <Reduction op, class T>
constexpr FoldPair pair_of() {
  constexpr bool test = op == Reduction::any || op == Reduction::all || op == Reduction::count_nonzero;
  constexpr bool plain =
      op == Reduction::sum || op == Reduction::prod || op == Reduction::max || op == Reduction::min;
  constexpr bool exists = test                       ? std::is_same_v<T, int32_t>
                          : op == Reduction::moments ? false
                                                     : plain || std::is_floating_point_v<T>;
  if constexpr (exists) return {fold_rows<Fold<op>, T, test>, fold_columns<Fold<op>, T, test>};
  else return {};
}

}  // namespace

#define TT_FOLDS(op)                                                                                      \
  {pair_of<Reduction::op, int32_t>(), pair_of<Reduction::op, int64_t>(), pair_of<Reduction::op, float>(), \
   pair_of<Reduction::op, double>()},
constinit const FoldTable fold_table = {{TT_REDUCTIONS(TT_FOLDS)}};
#undef TT_FOLDS

}  // namespace tt::TT_ISA
