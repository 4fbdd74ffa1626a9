#include "bindings/registry.h"

namespace tt {
namespace {

// One function under several names.
template <Tensor (*F)(const Tensor&, Out)>
void bind(Registry& registry, std::initializer_list<const char*> names, auto forms, const char* doc) {
  for (const char* name : names)
    registry.op<F>((std::string(name) + "(input, *, out=None)").c_str(), forms, doc);
}

Tensor polygamma_of(const Tensor& x, int64_t n, Out out) { return polygamma(n, x, out); }
Tensor nan_replaced(const Tensor& x, const std::optional<double>& nan, std::optional<double> posinf,
                    std::optional<double> neginf) {
  return nan_to_num(x, nan, posinf, neginf);
}
bool never(const Tensor&) { return false; }

constexpr auto from_input = both | inplace;        // the derivative reads the argument
constexpr auto from_result = both | inplace_free;  // the derivative reads the result, or nothing
constexpr auto everywhere = from_input | inplace_function;
constexpr auto everywhere_free = from_result | inplace_function;

void bind_elementary(Registry& r) {
  bind<neg>(r, {"neg", "negative"}, everywhere_free, "Minus input.");
  bind<abs>(r, {"abs"}, everywhere, "The size of input, without its sign.");
  bind<abs>(r, {"absolute"}, from_input, "The size of input, without its sign.");
  bind<sign>(r, {"sign"}, from_result, "1, 0 or -1: the sign of input.");
  bind<sgn>(r, {"sgn"}, from_result, "1, 0 or -1: the sign of input.");
  bind<square>(r, {"square"}, everywhere, "input times itself.");
  bind<reciprocal>(r, {"reciprocal"}, everywhere_free, "1 / input.");
  bind<sqrt>(r, {"sqrt"}, everywhere_free, "The square root of input.");
  bind<rsqrt>(r, {"rsqrt"}, everywhere_free, "1 over the square root of input.");
  bind<exp>(r, {"exp"}, everywhere_free, "e to the power of input.");
  bind<exp2>(r, {"exp2"}, everywhere_free, "2 to the power of input.");
  bind<expm1>(r, {"expm1"}, everywhere_free, "exp(input) - 1, exact near zero.");
  bind<log>(r, {"log"}, everywhere, "The natural logarithm of input.");
  bind<log2>(r, {"log2"}, everywhere, "The logarithm of input to base 2.");
  bind<log10>(r, {"log10"}, everywhere, "The logarithm of input to base 10.");
  bind<log1p>(r, {"log1p"}, everywhere, "log(1 + input), exact near zero.");
  r.op<positive>("positive(input)", both, "input itself.");
}

void bind_circular(Registry& r) {
  bind<sin>(r, {"sin"}, everywhere, "The sine of input, in radians.");
  bind<cos>(r, {"cos"}, everywhere, "The cosine of input, in radians.");
  bind<tan>(r, {"tan"}, everywhere_free, "The tangent of input, in radians.");
  bind<asin>(r, {"asin", "arcsin"}, everywhere, "The angle whose sine is input.");
  bind<acos>(r, {"acos", "arccos"}, everywhere, "The angle whose cosine is input.");
  bind<atan>(r, {"atan", "arctan"}, everywhere, "The angle whose tangent is input.");
  bind<sinh>(r, {"sinh"}, everywhere, "The hyperbolic sine of input.");
  bind<cosh>(r, {"cosh"}, everywhere, "The hyperbolic cosine of input.");
  bind<tanh>(r, {"tanh"}, everywhere_free, "The hyperbolic tangent of input.");
  bind<asinh>(r, {"asinh", "arcsinh"}, everywhere, "The inverse hyperbolic sine of input.");
  bind<acosh>(r, {"acosh", "arccosh"}, everywhere, "The inverse hyperbolic cosine of input.");
  bind<atanh>(r, {"atanh", "arctanh"}, everywhere, "The inverse hyperbolic tangent of input.");
  bind<sinc>(r, {"sinc"}, everywhere, "sin(pi input) / (pi input), and 1 at zero.");
  bind<deg2rad>(r, {"deg2rad"}, everywhere_free, "Degrees in radians.");
  bind<rad2deg>(r, {"rad2deg"}, everywhere_free, "Radians in degrees.");
}

void bind_rounding(Registry& r) {
  bind<floor>(r, {"floor"}, everywhere_free, "The largest integer that is not above input.");
  bind<ceil>(r, {"ceil"}, everywhere_free, "The smallest integer that is not below input.");
  bind<trunc>(r, {"trunc", "fix"}, everywhere_free, "input without its fraction.");
  bind<round>(r, {"round"}, everywhere_free, "The nearest integer; halves go to the even one.");
  r.op<round_decimals>("round(input, *, decimals: int, out=None)", everywhere_free,
                       "The nearest number of so many decimals.");
  bind<frac>(r, {"frac"}, everywhere_free, "The fraction of input, with its sign.");
}

void bind_special(Registry& r) {
  bind<erf>(r, {"erf"}, everywhere, "The error function.");
  bind<erfc>(r, {"erfc"}, everywhere, "1 - erf(input), exact for large input.");
  bind<erfinv>(r, {"erfinv"}, from_result, "The inverse of the error function.");
  bind<lgamma>(r, {"lgamma"}, from_input, "The logarithm of the absolute value of the gamma function.");
  bind<digamma>(r, {"digamma"}, from_input, "The derivative of lgamma.");
  r.op<polygamma>("polygamma(n: int, input, *, out=None)", function, "The n-th derivative of digamma.")
      .op<polygamma_of>("polygamma(input, n: int, *, out=None)", method | inplace,
                        "The n-th derivative of digamma.")
      .op<mvlgamma>("mvlgamma(input, p: int, *, out=None)", from_input,
                    "The logarithm of the p-variate gamma function.");
  bind<i0>(r, {"i0"}, everywhere, "The modified Bessel function of the first kind, of order 0.");
  bind<i1>(r, {"_special_i1"}, function, "The modified Bessel function of the first kind, of order 1.");
  r.op<logit>("logit(input, eps: float = None, *, out=None)", everywhere,
              "log(input / (1 - input)), input first clamped to eps and 1 - eps.");
}

void bind_kinds(Registry& r) {
  r.op<isnan>("isnan(input)", both, "Where input is not a number.")
      .op<isinf>("isinf(input)", both, "Where input is infinite.")
      .op<isfinite>("isfinite(input)", both, "Where input is neither infinite nor not a number.")
      .op<isreal>("isreal(input)", both, "Where input has no imaginary part: everywhere.")
      .op<nan_replaced>(
          "nan_to_num(input, nan: float = 0.0, posinf: float = None, neginf: float = None, *, out=None)",
          everywhere, "input with numbers in place of not-a-number and the infinities.");
  bind<isposinf>(r, {"isposinf"}, both, "Where input is plus infinity.");
  bind<isneginf>(r, {"isneginf"}, both, "Where input is minus infinity.");
  bind<signbit>(r, {"signbit"}, both, "Where the sign bit of input is set; -0.0 has it.");
  bind<logical_not>(r, {"logical_not"}, from_result, "Where input is zero.");
  bind<bitwise_not>(r, {"bitwise_not"}, from_result,
                    "input with every bit turned over; of bool, its negation.");
  r.op<angle>("angle(input, *, out=None)", both, "pi where input is negative, else 0.")
      .op<real>("real(input)", function, "input itself.")
      .op<imag>("imag(input)", function, "An error: input has no imaginary part.")
      .op<same>("conj(input)", both, "input itself.")
      .op<same>("conj_physical(input, *, out=None)", everywhere_free, "input itself.")
      .op<same>("resolve_conj(input)", both, "input itself.")
      .op<same>("resolve_neg(input)", both, "input itself.")
      .op<never>("is_conj(input)", both, "Whether input is a conjugate that is yet to be computed: never.")
      .op<never>("is_neg(input)", both, "Whether input is a negation that is yet to be computed: never.");
}

}  // namespace

void bind_unary(Registry& registry) {
  bind_elementary(registry);
  bind_circular(registry);
  bind_rounding(registry);
  bind_special(registry);
  bind_kinds(registry);
}

}  // namespace tt
