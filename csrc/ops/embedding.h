// Rows of a table, alone or in bags.
#pragma once
#include "ops/internal.h"

namespace tt {

// `indices` (entries) and `offsets` (bags), the place of each bag's first entry; or (bags, entries of each).
// Mode: sum, mean or max. A negative padding means none.
struct BagOptions {
  std::string mode = "mean";
  bool scale_by_frequency = false;
  bool include_last_offset = false;
  int64_t padding = -1;
};
Tensor embedding_bag(const Tensor& indices, const Tensor& table, const std::optional<Tensor>& offsets,
                     const std::optional<Tensor>& per_sample_weights, const BagOptions& options);

// `targets` is (batch, longest) or the targets one after the other.
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Shape& input_lengths,
                const Shape& target_lengths, int64_t blank, bool zero_infinity);

}  // namespace tt
