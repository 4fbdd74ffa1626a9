#include "bindings/registry.h"

namespace tt {
namespace {

using Binary = Tensor (*)(const Tensor&, const Tensor&, Out);

// What may stand for a tensor in a function of two.
enum class Numbers { neither, second, either };

template <Binary F>
void bind(Registry& registry, std::initializer_list<const char*> names, Numbers numbers, auto forms,
          const char* doc) {
  const char* arguments[] = {"(input, other, *, out=None)", "(input, other: Tensor | Number, *, out=None)",
                             "(input: Tensor | Number, other: Tensor | Number, *, out=None)"};
  for (const char* name : names)
    registry.op<F>((std::string(name) + arguments[int(numbers)]).c_str(), forms, doc);
}

Tensor where_of(const Tensor& x, const Tensor& condition, const Tensor& other) {
  return where(condition, x, other);
}

// The order of arguments of PyTorch's first versions: the factor stands before what it scales.
template <auto F>
Tensor scaled(const Tensor& x, const Scalar& alpha, const Tensor& other, Out out) {
  return F(x, other, alpha, out);
}

template <auto F>
Tensor scaled_pair(const Tensor& x, const Scalar& value, const Tensor& a, const Tensor& b, Out out) {
  return F(x, a, b, value, out);
}

void bind_four(Registry& r) {
  r.op<add>("add(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1, out=None)",
            both | inplace_free, "input + alpha * other.")
      .op<scaled<add>>("add(input, alpha: Number, other, *, out=None)", both | inplace_free, "");
  for (const char* name : {"sub", "subtract"})
    r.op<sub>((std::string(name) +
               "(input: Tensor | Number, other: Tensor | Number, *, alpha: Number = 1, out=None)")
                  .c_str(),
              both | inplace_free, "input - alpha * other.");
  r.op<scaled<sub>>("sub(input, alpha: Number, other, *, out=None)", both | inplace_free, "");
  r.op<rsub>("rsub(input, other: Tensor | Number, *, alpha: Number = 1)", function, "other - alpha * input.");
  bind<mul>(r, {"mul", "multiply"}, Numbers::either, both | inplace_linear, "input * other.");
  for (const char* name : {"div", "divide"})
    r.op<divide>(
        (std::string(name) + "(input: Tensor | Number, other: Tensor | Number, *, rounding_mode: str = None, "
                             "out=None)")
            .c_str(),
        both | inplace_linear, "input / other.");
  bind<div>(r, {"true_divide"}, Numbers::either, both | inplace_linear, "input / other.");
  bind<floor_divide>(r, {"floor_divide"}, Numbers::either, both | inplace, "input / other, rounded down.");
  bind<remainder>(r, {"remainder"}, Numbers::either, both | inplace_linear,
                  "What input leaves over, with the sign of other.");
  bind<fmod>(r, {"fmod"}, Numbers::second, both | inplace_linear,
             "What input leaves over, with the sign of input.");
  r.op<pow>("pow(input: Tensor | Number, exponent: Tensor | Number, *, out=None)", both | inplace,
            "input to the power of exponent.")
      .op<float_power>("float_power(input: Tensor | Number, exponent: Tensor | Number, *, out=None)", both,
                       "input to the power of exponent, in float64.")
      .op<float_power_>("float_power_(input, exponent: Tensor | Number)", method,
                        "input to the power of exponent, in float64.");
}

void bind_pairs(Registry& r) {
  bind<maximum>(r, {"maximum"}, Numbers::neither, both,
                "The larger of the two; not a number where one of them is.");
  bind<minimum>(r, {"minimum"}, Numbers::neither, both,
                "The smaller of the two; not a number where one of them is.");
  bind<fmax>(r, {"fmax"}, Numbers::neither, both, "The larger of the two, a number where one of them is.");
  bind<fmin>(r, {"fmin"}, Numbers::neither, both, "The smaller of the two, a number where one of them is.");
  bind<atan2>(r, {"atan2", "arctan2"}, Numbers::neither, both | inplace,
              "The angle of the point (other, input).");
  bind<hypot>(r, {"hypot"}, Numbers::neither, both | inplace, "The square root of input^2 + other^2.");
  bind<copysign>(r, {"copysign"}, Numbers::second, both | inplace,
                 "The size of input with the sign of other.");
  bind<nextafter>(r, {"nextafter"}, Numbers::neither, both | inplace,
                  "The float next to input in the direction of other.");
  bind<logaddexp>(r, {"logaddexp"}, Numbers::neither, both, "log(exp(input) + exp(other)).");
  bind<logaddexp2>(r, {"logaddexp2"}, Numbers::neither, both, "log2(2^input + 2^other).");
  bind<xlogy>(r, {"xlogy"}, Numbers::either, both | inplace | inplace_function,
              "input * log(other), and 0 where input is.");
  bind<gcd>(r, {"gcd"}, Numbers::neither, both | inplace | inplace_function, "The greatest common divisor.");
  bind<lcm>(r, {"lcm"}, Numbers::neither, both | inplace | inplace_function, "The least common multiple.");
  r.op<ldexp>("ldexp(input, other, *, out=None)", both | inplace | inplace_function, "input * 2^other.")
      .op<heaviside>("heaviside(input, values, *, out=None)", both | inplace,
                     "0 where input is negative, values where it is 0, 1 where it is positive.");
}

void bind_comparisons(Registry& r) {
  constexpr auto forms = both | inplace_free;
  bind<eq>(r, {"eq"}, Numbers::second, forms, "Where the two are equal.");
  bind<ne>(r, {"ne", "not_equal"}, Numbers::second, forms, "Where the two differ.");
  bind<lt>(r, {"lt", "less"}, Numbers::second, forms, "Where input is less than other.");
  bind<le>(r, {"le", "less_equal"}, Numbers::second, forms, "Where input is at most other.");
  bind<gt>(r, {"gt", "greater"}, Numbers::second, forms, "Where input is greater than other.");
  bind<ge>(r, {"ge", "greater_equal"}, Numbers::second, forms, "Where input is at least other.");
  bind<logical_and>(r, {"logical_and"}, Numbers::neither, forms, "Where both are non-zero.");
  bind<logical_or>(r, {"logical_or"}, Numbers::neither, forms, "Where one is non-zero.");
  bind<logical_xor>(r, {"logical_xor"}, Numbers::neither, forms, "Where exactly one is non-zero.");
  bind<bitwise_and>(r, {"bitwise_and"}, Numbers::either, forms, "The bits that both have.");
  bind<bitwise_or>(r, {"bitwise_or"}, Numbers::either, forms, "The bits that one has.");
  bind<bitwise_xor>(r, {"bitwise_xor"}, Numbers::either, forms, "The bits that exactly one has.");
  bind<shift_left>(r, {"bitwise_left_shift"}, Numbers::either, forms, "The bits of input, other places up.");
  bind<shift_right>(r, {"bitwise_right_shift"}, Numbers::either, forms,
                    "The bits of input, other places down.");
  r.op<isclose>("isclose(input, other, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False)",
                both, "Where |input - other| <= atol + rtol * |other|.")
      .op<allclose>(
          "allclose(input, other, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False)", both,
          "Whether |input - other| <= atol + rtol * |other| everywhere.")
      .op<equal>("equal(input, other)", both, "Whether the two have the same shape and the same values.");
}

void bind_choices(Registry& r) {
  constexpr auto everywhere = both | inplace | inplace_function;
  r.op<where>("where(condition, input: Tensor | Number, other: Tensor | Number, *, out=None)", function,
              "input where condition holds, else other.")
      .op<nonzero_columns>("where(condition)", function,
                           "The indices at which condition holds, one tensor per dimension.")
      .op<where_of>("where(input, condition, other: Tensor | Number)", method,
                    "input where condition holds, else other.");
  for (const char* name : {"clamp", "clip"})
    r.op<clamp>(
        (std::string(name) + "(input, min: Tensor | Number = None, max: Tensor | Number = None, *, out=None)")
            .c_str(),
        everywhere, "input, but min where it is less and max where it is more.");
  r.op<clamp_min>("clamp_min(input, min: Tensor | Number, *, out=None)", everywhere,
                  "input, but min where it is less.")
      .op<clamp_max>("clamp_max(input, max: Tensor | Number, *, out=None)", everywhere,
                     "input, but max where it is more.")
      .op<lerp>("lerp(input, end, weight: Tensor | Number, *, out=None)", both | inplace_linear,
                "input + weight * (end - input).")
      .op<addcmul>("addcmul(input, tensor1, tensor2, *, value: Number = 1, out=None)", both | inplace_free,
                   "input + value * tensor1 * tensor2.")
      .op<scaled_pair<addcmul>>("addcmul(input, value: Number, tensor1, tensor2, *, out=None)",
                                both | inplace_free, "")
      .op<addcdiv>("addcdiv(input, tensor1, tensor2, *, value: Number = 1, out=None)", both | inplace_free,
                   "input + value * tensor1 / tensor2.")
      .op<scaled_pair<addcdiv>>("addcdiv(input, value: Number, tensor1, tensor2, *, out=None)",
                                both | inplace_free, "");
}

}  // namespace

void bind_arithmetic(Registry& registry) {
  bind_four(registry);
  bind_pairs(registry);
  bind_comparisons(registry);
  bind_choices(registry);
}

}  // namespace tt
