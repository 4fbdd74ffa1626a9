#pragma once
#include "ops/internal.h"

namespace tt {

// softmax(scale query key^T + mask) value over [.., length, width], without the whole matrix of scores where
// no dropout and no gradient of the mask is asked for. A bool mask is true where a query may look.
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const std::optional<Tensor>& mask, double dropout_p, bool is_causal,
                                    std::optional<double> scale, bool enable_gqa);

}  // namespace tt
