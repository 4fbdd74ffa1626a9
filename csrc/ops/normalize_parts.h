// What the normalisations share.
#pragma once
#include "graph/record.h"
#include "ops/normalize.h"

namespace tt {

// How the moments and the parameters of a normalisation lie in its input.
struct NormFrame {
  Shape sizes, dims;  // x reshaped to these sizes, and of those the dimensions that share moments
  Shape parameter;    // the sizes in which weight and bias broadcast over x
  Shape held;         // the sizes that weight and bias have
  bool centered;
  double eps;
};

// The gradients of input, weight and bias, in differentiable ops.
Gradients composed_gradients(const Tensor& g, const Tensor& x, const Tensor& weight, const NormFrame& frame,
                             Wanted wanted);

// A parameter in the type that the kernel works in; recorded.
Tensor working_parameter(const MaybeTensor& parameter, DType work);

void check_norm_input(const char* op, const Tensor& x);
void check_norm_dtype(const char* op, const Tensor& x, const MaybeTensor& parameter);

inline void* bytes_of(const Tensor& x) { return x.defined() ? x.bytes() : nullptr; }

}  // namespace tt
