#include "kernels/attention.h"

#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "core/scratch.h"
#include "kernels/elementwise.h"
#include "kernels/gemm.h"

namespace tt {
namespace {

constexpr int64_t block_keys = 256;
constexpr int64_t work_per_thread = 1 << 17;  // multiplications
constexpr int64_t everything_visible = int64_t(1) << 60;

// Where masks hide half of the square, smaller blocks waste less of it.
int64_t query_block(const AttentionShape& s) { return s.causal && s.queries <= 128 ? 32 : 64; }

template <class Data>
Data* element(const HeadMatrices<Data>& m, int64_t batch, int64_t head, int64_t row, DType type) {
  using Byte = std::conditional_t<std::is_const_v<Data>, const char, char>;
  if (!m.data) return nullptr;
  return reinterpret_cast<Byte*>(m.data) + (batch * m.batch + head * m.head + row * m.row) * size_of(type);
}

struct Matrix {
  const void* data;
  int64_t row, column;
};
Matrix transposed(const Matrix& m) { return {m.data, m.column, m.row}; }

// c[m, n] (+)= a b, on this thread.
void multiply(DType type, int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, void* c,
              int64_t c_row, bool accumulate) {
  const GemmCore& core = type == DType::Float32 ? gemm_float() : gemm_double();
  const GemmCall call{.dtype = type,
                      .m = m,
                      .n = n,
                      .k = k,
                      .a = a.data,
                      .a_row = a.row,
                      .a_col = a.column,
                      .b = b.data,
                      .b_row = b.row,
                      .b_col = b.column,
                      .c = c,
                      .c_row = c_row,
                      .accumulate = accumulate};
  core.run(call, core.plan(call));
}

// One block: queries [q, q + rows) of a head against keys [k, k + keys).
struct Block {
  int64_t batch, head, q, rows, k, keys;
};

// The keys that the queries before `q` see.
int64_t keys_before(const AttentionShape& s, int64_t q) { return s.causal ? std::min(s.keys, q) : s.keys; }

// The rows of one head as columns, kept as long as the same head is asked for. Products against it read rows.
class Columns {
 public:
  Columns(DType type, int64_t rows, int64_t width, void* memory)
      : type_(type), rows_(rows), width_(width), memory_(memory) {}
  // An odd number of cache lines apart, so that the rows do not share their places in the cache.
  static int64_t pitch(int64_t rows) { return ((rows + 15) / 16 | 1) * 16; }
  static int64_t bytes(DType type, int64_t rows, int64_t width) {
    return pitch(rows) * width * size_of(type);
  }

  // From the row `first` on.
  Matrix of(const HeadMatrices<const void>& m, int64_t batch, int64_t head, int64_t first) {
    const void* data = element(m, batch, head, 0, type_);
    if (data != held_) fill(data, m.row);
    held_ = data;
    return {static_cast<const char*>(memory_) + first * size_of(type_), pitch(rows_), 1};
  }

 private:
  void fill(const void* data, int64_t row) {
    const int64_t sizes[] = {width_, rows_}, from[] = {1, row}, to[] = {pitch(rows_), 1};
    Operand in{static_cast<char*>(const_cast<void*>(data)), from, type_};
    cpu_copy({2, sizes, {static_cast<char*>(memory_), to, type_}, in});
  }

  DType type_;
  int64_t rows_, width_;
  void* memory_;
  const void* held_ = nullptr;
};

// Scores of blocks of queries against blocks of keys: products of rows of `left` with those of `right`.
class Scores {
 public:
  Scores(const AttentionShape& shape, const HeadMatrices<const void>& left,
         const HeadMatrices<const void>& right, int64_t width, void* memory)
      : s_(shape),
        left_(left),
        right_(right),
        width_(width),
        memory_(memory),
        columns_(shape.dtype, shape.keys, width, static_cast<char*>(memory) + block_bytes(shape)) {}
  static int64_t bytes(const AttentionShape& s, int64_t width) {
    return block_bytes(s) + Columns::bytes(s.dtype, s.keys, width);
  }

  void* data() const { return memory_; }
  Matrix matrix() const { return {memory_, pitch(s_), 1}; }
  void compute(const Block& b) {
    multiply(s_.dtype, b.rows, b.keys, width_, {element(left_, b.batch, b.head, b.q, s_.dtype), left_.row, 1},
             columns_.of(right_, b.batch, b.head / s_.group, b.k), memory_, pitch(s_), false);
  }
  ScoreBlock block(const Block& b) const {
    const void* mask = element(s_.mask, b.batch, b.head, b.q, s_.dtype);
    if (mask) mask = static_cast<const char*>(mask) + b.k * size_of(s_.dtype);
    const int64_t visible = s_.causal ? b.q - b.k + 1 : everything_visible;
    return {b.rows, b.keys, pitch(s_), visible, s_.scale, memory_, mask, s_.mask.row};
  }

 private:
  static int64_t pitch(const AttentionShape& s) { return std::min(block_keys, (s.keys + 15) / 16 * 16); }
  static int64_t block_bytes(const AttentionShape& s) { return query_block(s) * pitch(s) * size_of(s.dtype); }

  const AttentionShape& s_;
  const HeadMatrices<const void>&left_, &right_;
  int64_t width_;
  void* memory_;
  Columns columns_;
};

// ---------------------------------------------------------------- forward

void attend(const AttentionCall& c, Scores& scores, int64_t batch, int64_t head, int64_t q, int64_t rows) {
  const AttentionTable& table = attention_table();
  const bool wide = c.dtype == DType::Float64;
  const int64_t last = keys_before(c, q + rows);
  double maximum[64], sum[64];  // of either type
  void* out = element(c.out, batch, head, q, c.dtype);
  for (int64_t k = 0; k < last; k += block_keys) {
    const Block b{batch, head, q, rows, k, std::min(block_keys, last - k)};
    scores.compute(b);
    table.exponentials[wide](scores.block(b), k == 0, maximum, sum, out, c.out.row, c.value_width);
    multiply(c.dtype, rows, c.value_width, b.keys, scores.matrix(),
             {element(c.value, batch, head / c.group, k, c.dtype), c.value.row, 1}, out, c.out.row, k > 0);
  }
  const int64_t at = ((batch * c.heads + head) * c.queries + q) * size_of(c.dtype);
  table.finish[wide](rows, maximum, sum, out, c.out.row, c.value_width,
                     c.logsum ? static_cast<char*>(c.logsum) + at : nullptr);
}

int64_t grain_for(int64_t work) { return std::max<int64_t>(1, work_per_thread / std::max<int64_t>(1, work)); }

// ---------------------------------------------------------------- backward

class Backward {
 public:
  Backward(const AttentionBackwardCall& call, void* memory)
      : c_(call),
        scores_(call, call.query, call.key, call.width, memory),
        grads_(call, call.grad_out, call.value, call.value_width,
               static_cast<char*>(memory) + Scores::bytes(call, call.width)) {}
  static int64_t bytes(const AttentionBackwardCall& c) {
    return Scores::bytes(c, c.width) + Scores::bytes(c, c.value_width);
  }

  // The rows [k0, k1) of the keys of one head, and all queries that see them; `queries`, `keys`: which
  // gradients are asked for.
  void head(int64_t batch, int64_t key_head, int64_t k0, int64_t k1, bool queries, bool keys) {
    const int64_t step = query_block(c_);
    if (keys) clear(c_.grad_key, batch, key_head, k0, k1, c_.width);
    if (keys) clear(c_.grad_value, batch, key_head, k0, k1, c_.value_width);
    for (int64_t i = 0; i < c_.group; i++)
      for (int64_t q = 0; q < c_.queries; q += step)
        rows(batch, key_head * c_.group + i, q, std::min(step, c_.queries - q), k0, k1, queries, keys);
  }

  void rows(int64_t batch, int64_t head, int64_t q, int64_t count, int64_t k0, int64_t k1, bool queries,
            bool keys) {
    double delta[64];  // of either type
    const int64_t last = std::min(k1, keys_before(c_, q + count));
    if (last <= k0) return;
    attention_table().row_products[wide()](count, c_.value_width, element(c_.out, batch, head, q, c_.dtype),
                                           c_.out.row, element(c_.grad_out, batch, head, q, c_.dtype),
                                           c_.grad_out.row, delta);
    for (int64_t k = k0; k < last; k += block_keys)
      block({batch, head, q, count, k, std::min(block_keys, last - k)}, delta, queries, keys);
  }

 private:
  bool wide() const { return c_.dtype == DType::Float64; }
  void clear(const HeadMatrices<void>& m, int64_t batch, int64_t head, int64_t k0, int64_t k1,
             int64_t width) {
    for (int64_t k = k0; k < k1; k++)
      std::memset(element(m, batch, head, k, c_.dtype), 0, width * size_of(c_.dtype));
  }
  void block(const Block& b, const double* delta, bool queries, bool keys) {
    const DType type = c_.dtype;
    const int64_t at = ((b.batch * c_.heads + b.head) * c_.queries + b.q) * size_of(type),
                  key_head = b.head / c_.group;
    const Matrix query{element(c_.query, b.batch, b.head, b.q, type), c_.query.row, 1};
    const Matrix grad{element(c_.grad_out, b.batch, b.head, b.q, type), c_.grad_out.row, 1};
    scores_.compute(b);
    grads_.compute(b);
    attention_table().gradients[wide()](scores_.block(b), grads_.data(),
                                        static_cast<const char*>(c_.logsum) + at, delta);
    if (queries)
      multiply(type, b.rows, c_.width, b.keys, grads_.matrix(),
               {element(c_.key, b.batch, key_head, b.k, type), c_.key.row, 1},
               element(c_.grad_query, b.batch, b.head, b.q, type), c_.grad_query.row, b.k > 0);
    if (!keys) return;
    multiply(type, b.keys, c_.width, b.rows, transposed(grads_.matrix()), query,
             element(c_.grad_key, b.batch, key_head, b.k, type), c_.grad_key.row, true);
    multiply(type, b.keys, c_.value_width, b.rows, transposed(scores_.matrix()), grad,
             element(c_.grad_value, b.batch, key_head, b.k, type), c_.grad_value.row, true);
  }

  const AttentionBackwardCall& c_;
  Scores scores_, grads_;
};

// Few heads of many queries: threads share out blocks of queries, and after that blocks of keys, which
// computes the scores twice.
void backward_by_blocks(const AttentionBackwardCall& c) {
  const int64_t step = query_block(c), blocks = (c.queries + step - 1) / step, key_heads = c.heads / c.group;
  const int64_t key_blocks = (c.keys + block_keys - 1) / block_keys;
  if (c.grad_query.data)
    parallel_for(0, c.batch * c.heads * blocks, 1, [&](int64_t first, int64_t last) {
      Scratch scratch(Backward::bytes(c));
      Backward pass(c, scratch.as<void>());
      for (int64_t i = first; i < last; i++) {
        int64_t q = i % blocks * step, head = i / blocks;
        pass.rows(head / c.heads, head % c.heads, q, std::min(step, c.queries - q), 0, c.keys, true, false);
      }
    });
  if (c.grad_key.data)
    parallel_for(0, c.batch * key_heads * key_blocks, 1, [&](int64_t first, int64_t last) {
      Scratch scratch(Backward::bytes(c));
      Backward pass(c, scratch.as<void>());
      for (int64_t i = first; i < last; i++) {
        int64_t k = i % key_blocks * block_keys, head = i / key_blocks;
        pass.head(head / key_heads, head % key_heads, k, std::min(k + block_keys, c.keys), false, true);
      }
    });
}

constexpr int64_t enough_heads = 16, many_scores = 1 << 18;

}  // namespace

void cpu_attention(const AttentionCall& c) {
  const int64_t step = query_block(c), blocks = (c.queries + step - 1) / step;
  const int64_t work = step * c.keys * (c.width + c.value_width);
  parallel_for(0, c.batch * c.heads * blocks, grain_for(work), [&](int64_t first, int64_t last) {
    Scratch scratch(Scores::bytes(c, c.width));
    Scores scores(c, c.query, c.key, c.width, scratch.as<void>());
    for (int64_t i = first; i < last; i++) {
      int64_t q = i % blocks * step, head = i / blocks;
      attend(c, scores, head / c.heads, head % c.heads, q, std::min(step, c.queries - q));
    }
  });
}

void cpu_attention_backward(const AttentionBackwardCall& c) {
  const int64_t key_heads = c.heads / c.group, heads = c.batch * key_heads;
  if (heads < enough_heads && c.queries * c.keys >= many_scores) return backward_by_blocks(c);
  const int64_t work = 3 * c.group * c.queries * c.keys * (c.width + c.value_width);
  parallel_for(0, heads, grain_for(work), [&](int64_t first, int64_t last) {
    Scratch scratch(Backward::bytes(c));
    Backward pass(c, scratch.as<void>());
    for (int64_t i = first; i < last; i++)
      pass.head(i / key_heads, i % key_heads, 0, c.keys, c.grad_query.data, c.grad_key.data);
  });
}

}  // namespace tt
