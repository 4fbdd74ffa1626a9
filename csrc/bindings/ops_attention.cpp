#include "ops/attention.h"

#include "bindings/registry.h"

namespace tt {

void bind_attention(Registry& registry) {
  registry.op<scaled_dot_product_attention>(
      "scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p: float = 0.0, "
      "is_causal=False, "
      "scale: float = None, enable_gqa=False)",
      function | unlisted, "softmax(scale query key^T + mask) value, for batches of heads.");
}

}  // namespace tt
