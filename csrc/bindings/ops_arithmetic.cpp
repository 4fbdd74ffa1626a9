#include "bindings/registry.h"

namespace tt {

void bind_arithmetic(Registry& registry) {
  registry.op<neg>("neg(input, *, out=None)", both | inplace_free, "Minus input.")
      .op<exp>("exp(input, *, out=None)", both | inplace_free, "e to the power of input.")
      .op<add>("add(input, other: Tensor | Number, *, alpha=1, out=None)", both | inplace_free, "input + alpha * other.")
      .op<mul>("mul(input, other: Tensor | Number, *, out=None)", both | inplace, "input * other.");
}

}  // namespace tt
