// Formulas of the activations that neural networks use, and of their derivatives where one pass saves
// several. A NaN passes through a derivative as PyTorch lets it: `x <= bound ? 0 : gradient` keeps the
// gradient there.
#pragma once
#include "kernels/math_zeta.h"

namespace tt::formula {

// x tanh(log(1 + e^x)): with e = e^x the tanh is (e^2 + 2e) / (e^2 + 2e + 2)
struct Mish {
  template <class T>
  TT_INLINE T operator()(T x) const {
    T e = math::exp(x), rational = e * (e + T(2));
    return x > T(20) ? x : x * (rational / (rational + T(2)));
  }
};
struct MishGrad {
  template <class T>
  TT_INLINE T operator()(T grad, T x) const {
    T e = math::exp(x), rational = e * (e + T(2)), t = rational / (rational + T(2));
    T slope = t + x * (T(1) - t * t) * math::sigmoid(x);
    return grad * (x > T(20) ? T(1) : slope);
  }
};
struct LogSigmoid {
  template <class T>
  TT_INLINE T operator()(T x) const {
    return (x < T(0) ? x : T(0)) - math::log1p(math::exp(-math::abs(x)));
  }
};
struct Hardsigmoid {
  template <class T>
  TT_INLINE T operator()(T x) const {
    T shifted = x + T(3);
    return (shifted < T(0) ? T(0) : shifted > T(6) ? T(6) : shifted) / T(6);
  }
};
struct Hardswish {
  template <class T>
  TT_INLINE T operator()(T x) const {
    T shifted = x + T(3);
    return x * (shifted < T(0) ? T(0) : shifted > T(6) ? T(6) : shifted) / T(6);
  }
};
struct HardswishGrad {
  template <class T>
  TT_INLINE T operator()(T grad, T x) const {
    T inner = grad * (x / T(3) + T(0.5));
    return x <= T(-3) ? T(0) : x < T(3) ? inner : grad;
  }
};

struct LeakyRelu {
  template <class T>
  TT_INLINE T operator()(T x, T slope) const {
    return x > T(0) ? x : x * slope;
  }
};
struct LeakyReluGrad {
  template <class T>
  TT_INLINE T operator()(T grad, T x, T slope) const {
    return x > T(0) ? grad : grad * slope;
  }
};
struct Threshold {
  template <class T>
  TT_INLINE T operator()(T x, T bound, T value) const {
    return x <= bound ? value : x;
  }
};
struct ThresholdGrad {
  template <class T>
  TT_INLINE T operator()(T grad, T x, T bound) const {
    return x <= bound ? T(0) : grad;
  }
};
// 1 strictly between the bounds (and for a NaN), else 0
struct Inside {
  template <class T>
  TT_INLINE T operator()(T x, T low, T high) const {
    return (x <= low) | (x >= high) ? T(0) : T(1);
  }
};
// The same with the bounds themselves inside (and not for a NaN): where a clamp changes nothing
struct Within {
  template <class T>
  TT_INLINE T operator()(T x, T low, T high) const {
    return (x >= low) & (x <= high) ? T(1) : T(0);
  }
};
struct Elu {
  template <class T>
  TT_INLINE T operator()(T x, T alpha, T scale) const {
    return scale * (x <= T(0) ? alpha * math::expm1(x) : x);
  }
};
struct EluGrad {
  template <class T>
  TT_INLINE T operator()(T grad, T x, T alpha) const {
    return grad * (x <= T(0) ? alpha * math::exp(x) : T(1));
  }
};
struct Softplus {
  template <class T>
  TT_INLINE T operator()(T x, T beta, T bound) const {
    T scaled = x * beta;
    return scaled > bound ? x : math::log1p(math::exp(scaled)) / beta;
  }
};
struct Hardshrink {
  template <class T>
  TT_INLINE T operator()(T x, T bound) const {
    return (x >= -bound) & (x <= bound) ? T(0) : x;
  }
};
struct Softshrink {
  template <class T>
  TT_INLINE T operator()(T x, T bound) const {
    return x > bound ? x - bound : x < -bound ? x + bound : x * T(0);
  }
};
struct ShrinkGrad {
  template <class T>
  TT_INLINE T operator()(T grad, T x, T bound) const {
    return (x >= -bound) & (x <= bound) ? T(0) : grad;
  }
};

struct I1 {
  template <class T>
  TT_INLINE T operator()(T x) const {
    return math::i1(x);
  }
};
struct Polygamma {
  template <class T>
  TT_INLINE T operator()(T n, T x) const {
    return math::polygamma(n, x);
  }
};

struct SiluGrad {
  template <class T>
  TT_INLINE T operator()(T grad, T x) const {
    auto [value, slope] = math::sigmoid_with_slope(x);
    return grad * (value + (slope == T(0) ? T(0) : x * slope));
  }
};
struct GeluGrad {
  template <class T>
  TT_INLINE T operator()(T grad, T x) const {
    T exponential = math::exp_of_square(math::abs(x), T(0.5)),
      density = exponential * T(0.39894228040143267794);
    return grad * (math::normal_cdf(x, exponential) + (math::abs(x) > T(40) ? T(0) : x * density));
  }
};

// 0.5 (1 + tanh(u)) = sigmoid(2u) with u = sqrt(2 / pi) (x + 0.044715 x^3)
constexpr double gelu_tanh_scale = 1.59576912160573071176, gelu_tanh_cubic = 0.044715;
struct GeluTanh {
  template <class T>
  TT_INLINE T operator()(T x) const {
    return x * math::sigmoid(x * T(gelu_tanh_scale) * (T(1) + T(gelu_tanh_cubic) * x * x));
  }
};
struct GeluTanhGrad {
  template <class T>
  TT_INLINE T operator()(T grad, T x) const {
    auto [value, slope] =
        math::sigmoid_with_slope(x * T(gelu_tanh_scale) * (T(1) + T(gelu_tanh_cubic) * x * x));
    T inner = x * T(gelu_tanh_scale) * (T(1) + T(3 * gelu_tanh_cubic) * x * x);
    return grad * (value + (slope == T(0) ? T(0) : inner * slope));
  }
};

}  // namespace tt::formula
