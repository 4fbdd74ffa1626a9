#include "ops/index.h"

#include "ops/ops.h"

namespace tt {

Tensor index_add_(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source, const Scalar& alpha) { fail(ErrorKind::NotImplemented, "index_add_"); }

}  // namespace tt
