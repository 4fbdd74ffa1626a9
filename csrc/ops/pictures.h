// Batches of pictures out of one array of bytes.
#pragma once
#include "ops/internal.h"

namespace tt {

// Of pictures [N, H, W, C] of bytes those with the given numbers, as floats [B, C, height, width]: a byte v
// of channel c becomes table[c, v]. `walks` [B, 4] holds start and step down, start and step across: row y of
// a result is row start + step * y of its picture, columns likewise, and what is outside becomes fill[c]. No
// gradient.
Tensor take_pictures(const Tensor& pictures, const Tensor& numbers, const Tensor& table, const Tensor& fill,
                     const Tensor& walks, int64_t height, int64_t width);

}  // namespace tt
