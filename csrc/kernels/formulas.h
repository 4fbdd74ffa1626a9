// Every elementwise formula, written once for a scalar: the CPU builds loop over it and vectorise the loop,
// nvcc compiles it into a kernel. An op is a functor and a line of TT_ELEMENTWISE.
#pragma once
#include <concepts>
#include <cstdint>
#include <type_traits>

#include "core/dtype.h"
#include "kernels/formulas_activation.h"
#include "kernels/formulas_rare.h"
#include "kernels/math_gamma.h"
#include "kernels/math_power.h"

namespace tt {
namespace formula {

#define TT_UNARY(Functor, ...)          \
  struct Functor {                      \
    template <class T>                  \
    TT_INLINE T operator()(T x) const { \
      return T(__VA_ARGS__);            \
    }                                   \
  };
#define TT_BINARY(Functor, ...)              \
  struct Functor {                           \
    template <class T>                       \
    TT_INLINE T operator()(T a, T b) const { \
      return T(__VA_ARGS__);                 \
    }                                        \
  };
#define TT_UNARY_PREDICATE(Functor, ...)   \
  struct Functor {                         \
    template <class T>                     \
    TT_INLINE bool operator()(T x) const { \
      return __VA_ARGS__;                  \
    }                                      \
  };
#define TT_BINARY_PREDICATE(Functor, ...)       \
  struct Functor {                              \
    template <class T>                          \
    TT_INLINE bool operator()(T a, T b) const { \
      return __VA_ARGS__;                       \
    }                                           \
  };

using math::floating;
using math::Wrap;

// Arithmetic. On bool, + is or and * is and: both fall out of the conversion to bool.
TT_UNARY(Neg, math::negate(x))
TT_UNARY(Abs, math::magnitude(x))
TT_UNARY(Sign, (x > T(0)) - (x < T(0)))
TT_UNARY(Square, Wrap<T>(x) * Wrap<T>(x))
TT_UNARY(Cube, Wrap<T>(x) * Wrap<T>(x) * Wrap<T>(x))
TT_UNARY(Reciprocal, T(1) / x)
TT_UNARY(Sqrt, math::sqrt(x))
TT_UNARY(Rsqrt, T(1) / math::sqrt(x))
TT_UNARY(Relu, x < T(0) ? T(0) : x)
TT_BINARY(Add, Wrap<T>(a) + Wrap<T>(b))
TT_BINARY(Sub, Wrap<T>(a) - Wrap<T>(b))
TT_BINARY(Mul, Wrap<T>(a) * Wrap<T>(b))
TT_BINARY(Div, a / b)

// Rounding
TT_UNARY(Floor, math::floor(x))
TT_UNARY(Ceil, math::ceil(x))
TT_UNARY(Trunc, math::trunc(x))
TT_UNARY(Round, math::round(x))
TT_UNARY(Frac, x - math::trunc(x))

// Division with rounding. An integer divisor of zero is an error that the caller finds beforehand; here it
// gives some number.
TT_BINARY(TruncDivide, math::trunc_divide(a, b))

// Powers, exponentials, logarithms
struct Pow {
  template <class T>
  TT_INLINE T operator()(T a, T b) const {
    if constexpr (floating<T>) return math::pow(a, b);
    else return math::integer_power(a, b);
  }
};
TT_UNARY(Exp, math::exp(x))
TT_UNARY(Exp2, math::exp2(x))
TT_UNARY(Expm1, math::expm1(x))
TT_UNARY(Log, math::log(x))
TT_UNARY(Log2, math::log2(x))
TT_UNARY(Log10, math::log10(x))
TT_UNARY(Log1p, math::log1p(x))
struct Logaddexp {
  template <class T>
  TT_INLINE T operator()(T a, T b) const {
    T larger = a > b ? a : b, gap = math::abs(a - b);
    return a == b       ? a + T(0.69314718055994530942)
           : gap != gap ? a + b
                        : larger + math::log1p(math::exp(-gap));
  }
};
struct Logaddexp2 {
  template <class T>
  TT_INLINE T operator()(T a, T b) const {
    T larger = a > b ? a : b, gap = math::abs(a - b);
    T tail = math::log1p(math::exp2(-gap)) * T(1.44269504088896340736);
    return a == b ? a + T(1) : gap != gap ? a + b : larger + tail;
  }
};
struct Xlogy {
  template <class T>
  TT_INLINE T operator()(T a, T b) const {
    return b != b ? b : a == T(0) ? T(0) : a * math::log(b);
  }
};

// Circular and hyperbolic functions
TT_UNARY(Asin, math::asin(x))
TT_UNARY(Acos, math::acos(x))
TT_UNARY(Atan, math::atan(x))
TT_UNARY(Sinh, math::sinh(x))
TT_UNARY(Cosh, math::cosh(x))
TT_UNARY(Tanh, math::tanh(x))
TT_UNARY(Asinh, math::asinh(x))
TT_UNARY(Acosh, math::acosh(x))
TT_UNARY(Atanh, math::atanh(x))
TT_BINARY(Atan2, math::atan2(a, b))
TT_BINARY(Hypot, math::hypot(a, b))
TT_UNARY(Sinc, x == T(0) ? T(1) : math::sin_pi(x) / (x * T(math::pi)))

// Special functions
TT_UNARY(Erf, math::erf(x))
TT_UNARY(Erfc, math::erfc(x))
TT_UNARY(Erfinv, math::erfinv(x))
TT_UNARY(Lgamma, math::lgamma(x))
TT_UNARY(Digamma, math::digamma(x))
TT_UNARY(Trigamma, math::trigamma(x))
TT_UNARY(I0, math::i0(x))

// Activations and their fused derivatives
TT_UNARY(Sigmoid, math::sigmoid(x))
TT_UNARY(Silu, x* math::sigmoid(x))
TT_UNARY(Softsign, x / (T(1) + math::abs(x)))
TT_UNARY(Gelu, math::gelu(x))
TT_BINARY(SigmoidGrad, a*(T(1) - b) * b)
TT_BINARY(TanhGrad, a*(T(1) - b * b))
TT_BINARY(ReluGrad, b <= T(0) ? T(0) : a)
// Order and predicates. A NaN on either side is the maximum and the minimum.
TT_BINARY(Maximum, (a != a) | (a > b) ? a : b)
TT_BINARY(Minimum, (a != a) | (a < b) ? a : b)
TT_BINARY(Fmax, (b != b) | (a > b) ? a : b)
TT_BINARY(Fmin, (b != b) | (a < b) ? a : b)
TT_BINARY(Heaviside, a == T(0) ? b : T(a > T(0)))
TT_BINARY(Copysign, math::copysign(a, b))
TT_BINARY(Nextafter, math::nextafter(a, b))
TT_BINARY_PREDICATE(Eq, a == b)
TT_BINARY_PREDICATE(Ne, a != b)
TT_BINARY_PREDICATE(Lt, a < b)
TT_BINARY_PREDICATE(Le, a <= b)
TT_BINARY_PREDICATE(Gt, a > b)
TT_BINARY_PREDICATE(Ge, a >= b)
TT_UNARY_PREDICATE(Isnan, x != x)
TT_UNARY_PREDICATE(Isinf, math::abs(x) == math::Real<T>::infinity)
TT_UNARY_PREDICATE(Isfinite, math::abs(x) < math::Real<T>::infinity)
TT_UNARY_PREDICATE(Signbit, math::signbit(x))
TT_UNARY_PREDICATE(LogicalNot, x == T(0))
TT_BINARY_PREDICATE(LogicalAnd, bool(int(a != T(0)) & int(b != T(0))))
TT_BINARY_PREDICATE(LogicalOr, bool(int(a != T(0)) | int(b != T(0))))
TT_BINARY_PREDICATE(LogicalXor, (a != T(0)) != (b != T(0)))

// Integers. A shift by more bits than there are leaves 0, or the sign when shifting right.
TT_UNARY(BitwiseNot, std::is_same_v<T, bool> ? x == T(0) : ~int64_t(x))
TT_BINARY(BitwiseAnd, a& b)
TT_BINARY(BitwiseOr, a | b)
TT_BINARY(BitwiseXor, a ^ b)
template <class T>
constexpr int bit_count = int(8 * sizeof(T));
TT_BINARY(ShiftLeft, b < T(0) || b >= T(bit_count<T>) ? 0 : Wrap<T>(a) << (b & T(bit_count<T> - 1)))
struct ShiftRight {
  template <class T>
  TT_INLINE T operator()(T a, T b) const {
    bool outside = b < T(0) || b >= T(bit_count<T>);
    return outside ? T(a < T(0) ? -1 : 0) : T(a >> (b & T(bit_count<T> - 1)));
  }
};
TT_BINARY(Gcd, math::gcd(a, b))
TT_BINARY(Lcm, math::lcm(a, b))

// Three operands. The condition of `where` is stored as bool whatever the type of the rest.
struct Where {
  template <class T>
  TT_INLINE T operator()(bool condition, T a, T b) const {
    return condition ? a : b;
  }
};
struct Clamp {  // NaN wherever one of the three is
  template <class T>
  TT_INLINE T operator()(T x, T low, T high) const {
    T inside = x < low ? low : x;
    inside = inside > high ? high : inside;
    return (low != low) | (high != high) ? T(low + high) : inside;
  }
};
struct Lerp {
  template <class T>
  TT_INLINE T operator()(T start, T end, T weight) const {
    T span = end - start;  // from the nearer end, so that both weights 0 and 1 are exact
    return math::abs(weight) < T(0.5) ? start + weight * span : end - span * (T(1) - weight);
  }
};
struct AddScaled {
  template <class T>
  TT_INLINE T operator()(T a, T b, T alpha) const {
    return T(Wrap<T>(a) + Wrap<T>(alpha) * Wrap<T>(b));
  }
};
struct MulAdd {
  template <class T>
  TT_INLINE T operator()(T a, T b, T c) const {
    return T(Wrap<T>(a) + Wrap<T>(b) * Wrap<T>(c));
  }
};

}  // namespace formula

#undef TT_UNARY
#undef TT_BINARY
#undef TT_UNARY_PREDICATE
#undef TT_BINARY_PREDICATE

// X(name, functor, inputs, types, result, cost)
//   types: the compute types that have a loop; result: the compute type itself, or bool
//   cost: how finely work is cut for threads: light (memory bound), heavy (tens of cycles a vector), slow
//   (scalar)
// clang-format off
#define TT_ELEMENTWISE(X) \
  X(neg, Neg, 1, numeric, same, light) \
  X(abs, Abs, 1, numeric, same, light) \
  X(sign, Sign, 1, all, same, light) \
  X(square, Square, 1, numeric, same, light) \
  X(cube, Cube, 1, numeric, same, light) \
  X(reciprocal, Reciprocal, 1, floating, same, light) \
  X(sqrt, Sqrt, 1, floating, same, light) \
  X(rsqrt, Rsqrt, 1, floating, same, light) \
  X(exp, Exp, 1, floating, same, heavy) \
  X(exp2, Exp2, 1, floating, same, heavy) \
  X(expm1, Expm1, 1, floating, same, heavy) \
  X(log, Log, 1, floating, same, heavy) \
  X(log2, Log2, 1, floating, same, heavy) \
  X(log10, Log10, 1, floating, same, heavy) \
  X(log1p, Log1p, 1, floating, same, heavy) \
  X(sin, Sin, 1, floating, same, heavy) \
  X(cos, Cos, 1, floating, same, heavy) \
  X(tan, Tan, 1, floating, same, heavy) \
  X(asin, Asin, 1, floating, same, heavy) \
  X(acos, Acos, 1, floating, same, heavy) \
  X(atan, Atan, 1, floating, same, heavy) \
  X(sinh, Sinh, 1, floating, same, heavy) \
  X(cosh, Cosh, 1, floating, same, heavy) \
  X(tanh, Tanh, 1, floating, same, heavy) \
  X(asinh, Asinh, 1, floating, same, heavy) \
  X(acosh, Acosh, 1, floating, same, heavy) \
  X(atanh, Atanh, 1, floating, same, heavy) \
  X(sinc, Sinc, 1, floating, same, heavy) \
  X(sigmoid, Sigmoid, 1, floating, same, heavy) \
  X(silu, Silu, 1, floating, same, heavy) \
  X(gelu, Gelu, 1, floating, same, heavy) \
  X(gelu_tanh, GeluTanh, 1, floating, same, heavy) \
  X(erf, Erf, 1, floating, same, heavy) \
  X(erfc, Erfc, 1, floating, same, heavy) \
  X(erfinv, Erfinv, 1, floating, same, slow) \
  X(lgamma, Lgamma, 1, floating, same, slow) \
  X(digamma, Digamma, 1, floating, same, slow) \
  X(trigamma, Trigamma, 1, floating, same, slow) \
  X(i0, I0, 1, floating, same, slow) \
  X(i1, I1, 1, floating, same, slow) \
  X(mish, Mish, 1, floating, same, heavy) \
  X(log_sigmoid, LogSigmoid, 1, floating, same, heavy) \
  X(hardsigmoid, Hardsigmoid, 1, floating, same, light) \
  X(softsign, Softsign, 1, floating, same, light) \
  X(hardswish, Hardswish, 1, floating, same, light) \
  X(floor, Floor, 1, floating, same, light) \
  X(ceil, Ceil, 1, floating, same, light) \
  X(trunc, Trunc, 1, floating, same, light) \
  X(round, Round, 1, floating, same, light) \
  X(frac, Frac, 1, floating, same, light) \
  X(relu, Relu, 1, numeric, same, light) \
  X(bitwise_not, BitwiseNot, 1, bits, same, light) \
  X(logical_not, LogicalNot, 1, all, boolean, light) \
  X(isnan, Isnan, 1, floating, boolean, light) \
  X(isinf, Isinf, 1, floating, boolean, light) \
  X(isfinite, Isfinite, 1, floating, boolean, light) \
  X(signbit, Signbit, 1, numeric, boolean, light) \
  X(add, Add, 2, all, same, light) \
  X(sub, Sub, 2, numeric, same, light) \
  X(mul, Mul, 2, all, same, light) \
  X(div, Div, 2, floating, same, light) \
  X(floor_divide, FloorDivide, 2, numeric, same, heavy) \
  X(trunc_divide, TruncDivide, 2, numeric, same, heavy) \
  X(remainder, Remainder, 2, numeric, same, heavy) \
  X(fmod, Fmod, 2, numeric, same, heavy) \
  X(pow, Pow, 2, numeric, same, heavy) \
  X(maximum, Maximum, 2, all, same, light) \
  X(minimum, Minimum, 2, all, same, light) \
  X(fmax, Fmax, 2, all, same, light) \
  X(fmin, Fmin, 2, all, same, light) \
  X(atan2, Atan2, 2, floating, same, heavy) \
  X(hypot, Hypot, 2, floating, same, heavy) \
  X(copysign, Copysign, 2, floating, same, light) \
  X(nextafter, Nextafter, 2, floating, same, light) \
  X(logaddexp, Logaddexp, 2, floating, same, heavy) \
  X(logaddexp2, Logaddexp2, 2, floating, same, heavy) \
  X(xlogy, Xlogy, 2, floating, same, heavy) \
  X(heaviside, Heaviside, 2, all, same, light) \
  X(gcd, Gcd, 2, integral, same, slow) \
  X(lcm, Lcm, 2, integral, same, slow) \
  X(bitwise_and, BitwiseAnd, 2, bits, same, light) \
  X(bitwise_or, BitwiseOr, 2, bits, same, light) \
  X(bitwise_xor, BitwiseXor, 2, bits, same, light) \
  X(shift_left, ShiftLeft, 2, integral, same, light) \
  X(shift_right, ShiftRight, 2, integral, same, light) \
  X(logical_and, LogicalAnd, 2, all, boolean, light) \
  X(logical_or, LogicalOr, 2, all, boolean, light) \
  X(logical_xor, LogicalXor, 2, all, boolean, light) \
  X(eq, Eq, 2, all, boolean, light) \
  X(ne, Ne, 2, all, boolean, light) \
  X(lt, Lt, 2, all, boolean, light) \
  X(le, Le, 2, all, boolean, light) \
  X(gt, Gt, 2, all, boolean, light) \
  X(ge, Ge, 2, all, boolean, light) \
  X(sigmoid_grad, SigmoidGrad, 2, floating, same, light) \
  X(tanh_grad, TanhGrad, 2, floating, same, light) \
  X(relu_grad, ReluGrad, 2, floating, same, light) \
  X(silu_grad, SiluGrad, 2, floating, same, heavy) \
  X(gelu_grad, GeluGrad, 2, floating, same, heavy) \
  X(gelu_tanh_grad, GeluTanhGrad, 2, floating, same, heavy) \
  X(mish_grad, MishGrad, 2, floating, same, heavy) \
  X(hardswish_grad, HardswishGrad, 2, floating, same, light) \
  X(leaky_relu, LeakyRelu, 2, floating, same, light) \
  X(hardshrink, Hardshrink, 2, floating, same, light) \
  X(softshrink, Softshrink, 2, floating, same, light) \
  X(polygamma, Polygamma, 2, floating, same, slow) \
  X(where, Where, 3, any, same, light) \
  X(clamp, Clamp, 3, numeric, same, light) \
  X(lerp, Lerp, 3, floating, same, light) \
  X(add_scaled, AddScaled, 3, numeric, same, light) \
  X(mul_add, MulAdd, 3, numeric, same, light) \
  X(threshold, Threshold, 3, numeric, same, light) \
  X(threshold_grad, ThresholdGrad, 3, floating, same, light) \
  X(leaky_relu_grad, LeakyReluGrad, 3, floating, same, light) \
  X(within, Within, 3, floating, same, light) \
  X(inside, Inside, 3, floating, same, light) \
  X(shrink_grad, ShrinkGrad, 3, floating, same, light) \
  X(elu, Elu, 3, floating, same, heavy) \
  X(elu_grad, EluGrad, 3, floating, same, heavy) \
  X(softplus, Softplus, 3, floating, same, heavy)
// clang-format on

}  // namespace tt
