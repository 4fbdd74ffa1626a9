// Scaled dot-product attention as the kernels are asked for it.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace tt {

// A batch of heads of matrices with contiguous rows; strides count elements, 0 repeats.
template <class Data>
struct HeadMatrices {
  Data* data = nullptr;
  int64_t batch = 0, head = 0, row = 0;
};

struct AttentionShape {
  DType dtype;                  // Float32 or Float64
  int64_t batch, heads, group;  // `group` heads of queries share a head of keys and values
  int64_t queries, keys, width, value_width;
  double scale;
  bool causal;                                       // query i sees the keys up to i
  HeadMatrices<const void> query, key, value, mask;  // the mask, or null, is added to the scaled scores
};

// out = softmax(scale query key^T + mask) value, 0 where a query sees no key.
struct AttentionCall : AttentionShape {
  HeadMatrices<void> out = {};
  void* logsum = nullptr;  // [batch, heads, queries] log of the sum of exponentials, for backward; or null
};

struct AttentionBackwardCall : AttentionShape {
  HeadMatrices<const void> out = {}, grad_out = {};
  const void* logsum = nullptr;
  HeadMatrices<void> grad_query = {}, grad_key = {},
                     grad_value = {};  // null data: not wanted; keys and values go together
};

}  // namespace tt
