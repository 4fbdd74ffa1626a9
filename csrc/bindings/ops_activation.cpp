#include "bindings/registry.h"

namespace tt {

void bind_activation(Registry& r) {
  constexpr auto with_inplace = function | inplace | inplace_function;
  r.op<relu>("relu(input, *, out=None)", both | inplace_free | inplace_function,
             "input where it is positive, else 0.")
      .op<sigmoid>("sigmoid(input, *, out=None)", both | inplace_free | inplace_function,
                   "1 / (1 + exp(-input)).")
      .op<selu>("selu(input, *, out=None)", with_inplace,
                "The exponential linear unit, scaled so that it keeps mean and variance.")
      .op<celu>("celu(input, alpha: float = 1.0)", with_inplace,
                "max(input, 0) + min(0, alpha (exp(input / alpha) - 1)).")
      .op<threshold>("threshold(input, threshold: Number, value: Number, *, out=None)", with_inplace,
                     "input where it is above threshold, else value.")
      .op<prelu>("prelu(input, weight)", both, "input where it is positive, else weight * input.")
      .op<rrelu>("rrelu(input, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False)",
                 with_inplace, "leaky_relu with a slope from between lower and upper.")
      .op<hardshrink>("hardshrink(input, lambd: float = 0.5, *, out=None)", both,
                      "input where it is beyond lambd, else 0.")
      .op<softmax>("softmax(input, dim: int, dtype: dtype = None, *, out=None)", both,
                   "exp(input) divided by its sum along dim.")
      .op<log_softmax>("log_softmax(input, dim: int, dtype: dtype = None, *, out=None)", both,
                       "The logarithm of softmax.")
      .op<softmin>("softmin(input, dim: int, dtype: dtype = None)", function | unlisted,
                   "softmax of -input.");
  r.op<gelu>("gelu(input, *, approximate: str = 'none')", with_inplace | unlisted,
             "input times the normal distribution at input.")
      .op<silu>("silu(input, *, out=None)", with_inplace | unlisted, "input * sigmoid(input).")
      .op<mish>("mish(input, *, out=None)", with_inplace | unlisted, "input * tanh(softplus(input)).")
      .op<elu>("elu(input, alpha: float = 1.0, *, out=None)", with_inplace | unlisted,
               "input where positive, else alpha (exp(input) - 1).")
      .op<leaky_relu>("leaky_relu(input, negative_slope: float = 0.01, *, out=None)", with_inplace | unlisted,
                      "input where positive, else negative_slope * input.")
      .op<hardtanh>("hardtanh(input, min_val: Number = -1.0, max_val: Number = 1.0, *, out=None)",
                    with_inplace | unlisted,
                    "input, but min_val where it is less and max_val where it is more.")
      .op<relu6>("relu6(input, *, out=None)", with_inplace | unlisted,
                 "input, but 0 where it is less and 6 where it is more.")
      .op<hardsigmoid>("hardsigmoid(input, *, out=None)", with_inplace | unlisted, "relu6(input + 3) / 6.")
      .op<hardswish>("hardswish(input, *, out=None)", with_inplace | unlisted,
                     "input * relu6(input + 3) / 6.")
      .op<softshrink>("softshrink(input, lambd: float = 0.5, *, out=None)", function | unlisted,
                      "input moved by lambd towards 0, where it stays.")
      .op<softplus>("softplus(input, beta: float = 1.0, threshold: float = 20.0, *, out=None)",
                    function | unlisted, "log(1 + exp(beta * input)) / beta.")
      .op<softsign>("softsign(input, *, out=None)", function | unlisted, "x / (1 + |x|).")
      .op<logsigmoid>("logsigmoid(input, *, out=None)", function | unlisted, "log(sigmoid(input)).");
}

}  // namespace tt
