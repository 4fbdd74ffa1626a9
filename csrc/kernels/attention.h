// Attention block by block: a block of scores lives in the cache, and no more of them ever exist.
#pragma once
#include "kernels/attention_call.h"
#include "kernels/select.h"

namespace tt {

void cpu_attention(const AttentionCall& call);
void cpu_attention_backward(const AttentionBackwardCall& call);

// `rows` queries against `keys` keys from `first_key` on. Scores lie in rows of `pitch` elements.
struct ScoreBlock {
  int64_t rows, keys, pitch;
  int64_t visible;  // of these keys for the first row, one more for each next one; many where nothing hides
  double scale;
  void* scores;      // in: products; out: exponentials, or probabilities in backward
  const void* mask;  // row by row, or null
  int64_t mask_row;
};

struct AttentionTable {  // for float and double
  // Exponentials against the running maximum of each row, with the running sum; `out`, what has been summed
  // so far, is scaled down to a new maximum unless the block is the first.
  void (*exponentials[2])(const ScoreBlock&, bool first, void* maximum, void* sum, void* out, int64_t out_row,
                          int64_t width);
  // Divides by the sums.
  void (*finish[2])(int64_t rows, const void* maximum, const void* sum, void* out, int64_t out_row,
                    int64_t width, void* logsum);
  // delta[i] = sum of out[i] * grad_out[i]
  void (*row_products[2])(int64_t rows, int64_t width, const void* out, int64_t out_row, const void* grad,
                          int64_t grad_row, void* delta);
  // Scores become probabilities, and the gradients of probabilities those of the products.
  void (*gradients[2])(const ScoreBlock&, void* grads, const void* logsum, const void* delta);
};
TT_TABLE(AttentionTable, attention_table)

}  // namespace tt
