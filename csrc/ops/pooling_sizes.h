// What the pooling ops share: their checked sizes and the shape of what they return.
#pragma once
#include "kernels/pooling_call.h"
#include "ops/network.h"

namespace tt {

// A number per dimension: one for all, or one each. An empty list stands for what is otherwise.
Shape per_dimension(const char* op, const char* argument, const Shape& given, int dims);

// The input has `dims` spatial dimensions behind channels, and perhaps a batch in front of those; only the
// batch may be empty.
void check_images(const char* op, const Tensor& x, int dims);

int64_t pooled_size(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                    bool ceil_mode);

struct PoolOptions {
  Dims stride;
  Shape padding = {0}, dilation = {1};
  bool ceil_mode = false;
};
PoolWindow pool_window(const char* op, const Tensor& x, int dims, const Shape& kernel,
                       const PoolOptions& options);

// The last `dims` sizes of x, behind leading ones, or those of a result with x's leading sizes.
void spatial_sizes(const Tensor& x, int dims, int64_t (&sizes)[3]);
Shape sizes_with(const Tensor& x, int dims, const int64_t (&spatial)[3]);
int64_t plane_count(const Tensor& x, int dims);

}  // namespace tt
