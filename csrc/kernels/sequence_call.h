// What embeddings and losses of sequences ask of a device.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace tt {

// Bags of rows of a table [rows, width]: bag b holds the entries from offsets[b] up to offsets[b + 1]. The
// result is the sum of scale * row, or the largest of the rows, element by element; nothing is 0. Float32 or
// Float64.
struct EmbeddingBagCall {
  DType dtype;
  int64_t bags, width;
  const void* table;
  const int64_t* indices;
  const int64_t* offsets;
  const void* scales = nullptr;   // of each entry: a sum is wanted
  const bool* skipped = nullptr;  // of each entry: a maximum is wanted, without these
  int64_t* chosen = nullptr;      // of the maximum, [bags, width]: the row that has it, or -1
  void* out = nullptr;
};

// Connectionist temporal classification: log probabilities [steps, batch, classes] and a target for each
// sample of the batch, `targets + target_offsets[i]`. Float32 or Float64.
struct CtcCall {
  DType dtype;
  int64_t steps, batch, classes, blank;
  const void* log_probs;
  const int64_t* targets;
  const int64_t* target_offsets;
  const int64_t* target_lengths;
  const int64_t* input_lengths;
  int64_t longest;             // target
  void* alpha;                 // [batch, steps, 2 longest + 1]: from forward to backward
  void* loss;                  // [batch]: likewise
  const void* grad = nullptr;  // backward: of each loss
  bool zero_infinity = false;
  void* out = nullptr;  // like log_probs
};

void cpu_embedding_bag(const EmbeddingBagCall& call);
void cpu_ctc(const CtcCall& call);

}  // namespace tt
