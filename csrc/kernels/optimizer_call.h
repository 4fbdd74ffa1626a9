// One step of an optimizer over the memory of many parameters.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace tt {

// Name, functor of optimizer_formulas.h, and how many tensors it keeps for each parameter.
#define TT_UPDATE_RULES(X)                                 \
  X(sgd, Sgd, 0)                                           \
  X(sgd_momentum, SgdMomentum, 1)                          \
  X(adam, Adam, 2)                                         \
  X(amsgrad, AmsGrad, 3)                                   \
  X(rmsprop, RmsProp, 1)                                   \
  X(rmsprop_momentum, RmsPropMomentum, 2)                  \
  X(rmsprop_centered, RmsPropCentered, 2)                  \
  X(rmsprop_centered_momentum, RmsPropCenteredMomentum, 3) \
  X(adagrad, Adagrad, 1)                                   \
  X(adadelta, Adadelta, 2)                                 \
  X(adamax, Adamax, 2)                                     \
  X(nadam, NAdam, 2)                                       \
  X(radam, RAdam, 2)                                       \
  X(asgd, Asgd, 1)                                         \
  X(rprop, Rprop, 2)

#define TT_ENUMERATE(name, functor, states) name,
enum class UpdateRule : uint8_t { TT_UPDATE_RULES(TT_ENUMERATE) };
#undef TT_ENUMERATE
#define TT_COUNT(name, functor, states) +1
constexpr int update_rule_count = 0 TT_UPDATE_RULES(TT_COUNT);
#undef TT_COUNT
constexpr int max_update_states = 3;

// What a rule is told; which of them it reads, its functor says.
struct UpdateNumbers {
  double sign = 1;                          // of the gradient: -1 climbs
  double weight_decay = 0;                  // adds this times the parameter to the gradient
  double shrink = 1;                        // the parameter is first multiplied by this
  double rate = 0;                          // how far to go
  double second_rate = 0;                   // how far along the running mean (NAdam)
  double of_gradient = 0, of_momentum = 1;  // what a step is made of (SGD)
  double decay = 0;                         // of the running mean of gradients; momentum
  double square_decay = 0;                  // of the running mean of squares
  double take =
      0;  // the share of a new gradient in the running mean (SGD), of a new value in the average (ASGD)
  double correction = 1;  // divides the root of the mean of squares, or that mean (NAdam)
  double eps = 0;
  double smallest = 0, largest = 0;  // step sizes of Rprop, whose factors are `decay` and `take`
  bool adaptive = true;              // RAdam: the mean of squares can be relied upon
};

// Elements of the tensors lie alike in memory, without gaps, all of one dtype.
struct UpdateTensor {
  DType dtype = DType::Float32;
  int64_t count = 0;
  char* param = nullptr;
  const char* grad = nullptr;
  char* state[max_update_states] = {};
  UpdateNumbers numbers;
};

struct UpdateCall {
  UpdateRule rule;
  const UpdateTensor* tensors;
  int count;
};

}  // namespace tt
