// What losses ask of a device. Everything is contiguous and of one type, Float32 or Float64.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace tt {

// Of an input and a target, element by element.
enum class PairLoss : uint8_t {
  mse,
  l1,
  smooth_l1,
  huber,
  bce,  // binary cross entropy
  bce_with_logits,
  kl_div,
  kl_div_log,  // of a target that is a logarithm too
  soft_margin,
  count
};

// Forward: out = scale * loss for each element, or scale times the sum of the losses. Backward, where `grad`
// is given: out = scale * grad * the derivative by the input.
struct PairLossCall {
  PairLoss op;
  DType dtype;
  int64_t n;
  const void* input;
  const void* target;
  const void* weight = nullptr;    // of each element
  const void* positive = nullptr;  // bce_with_logits: weight of the positive class, for each element
  double parameter = 0;            // beta, delta
  double scale = 1;
  bool summed = false;  // the result, and so `grad`, is one number
  const void* grad = nullptr;
  void* out = nullptr;
  bool valid = true;  // bce, forward: all inputs lie in [0, 1]
};

// Of scores for classes, [outer, classes, inner], at each of outer * inner places: the sum over the classes
// of -q log p, where p is the softmax of the scores (or its logarithm is the input itself: nll), and q =
// factor * (one at the target, or the target's probabilities) + spread.
struct ClassLossCall {
  bool logarithms;  // nll: one class per place, no spread
  DType dtype;
  int64_t outer, classes, inner;
  const void* input;
  const int64_t* target = nullptr;      // a class for each place, or
  const void* probabilities = nullptr;  // like the input, with inner == 1
  int64_t ignored = -100;               // as a class: the place does not count
  const void* factor = nullptr;         // of each class; none: 1
  const void* spread = nullptr;         // of each class; none: 0
  void* loss = nullptr;                 // forward: for each place
  void* log_sums = nullptr;             // of exponentials, for each place: from forward to backward
  double sum = 0;                       // forward: of all losses
  const void* grad = nullptr;           // backward: for each place, or one number
  bool summed = false;
  double scale = 1;
  void* out = nullptr;  // backward: scale * grad * the derivative by the input
};

}  // namespace tt
