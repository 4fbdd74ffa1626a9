// Losses of an input x and a target t, and their derivatives by x; p is a parameter.
#pragma once
#include "kernels/math_special.h"

namespace tt::loss {

struct Mse {
  template <class T>
  static TT_INLINE T value(T x, T t, T, T) {
    return (x - t) * (x - t);
  }
  template <class T>
  static TT_INLINE T slope(T x, T t, T, T) {
    return T(2) * (x - t);
  }
};

struct L1 {
  template <class T>
  static TT_INLINE T value(T x, T t, T, T) {
    return math::abs(x - t);
  }
  template <class T>
  static TT_INLINE T slope(T x, T t, T, T) {
    T d = x - t;
    return d > T(0) ? T(1) : d < T(0) ? T(-1) : d;
  }
};

struct SmoothL1 {  // p = beta > 0
  template <class T>
  static TT_INLINE T value(T x, T t, T p, T) {
    T d = math::abs(x - t);
    return d < p ? T(0.5) * d * d / p : d - T(0.5) * p;
  }
  template <class T>
  static TT_INLINE T slope(T x, T t, T p, T) {
    T d = x - t, inner = d / p;
    return d <= -p ? T(-1) : d >= p ? T(1) : inner;
  }
};

struct Huber {  // p = delta
  template <class T>
  static TT_INLINE T value(T x, T t, T p, T) {
    T d = math::abs(x - t);
    return d <= p ? T(0.5) * d * d : p * (d - T(0.5) * p);
  }
  template <class T>
  static TT_INLINE T slope(T x, T t, T p, T) {
    T d = x - t;
    return d <= -p ? -p : d >= p ? p : d;
  }
};

struct Bce {  // logarithms are bounded by -100, so that a sure but wrong answer costs something finite
  template <class T>
  static TT_INLINE T value(T x, T t, T, T) {
    T yes = math::log(x), no = math::log1p(-x);
    yes = yes < T(-100) ? T(-100) : yes;
    no = no < T(-100) ? T(-100) : no;
    return (t - T(1)) * no - t * yes;
  }
  template <class T>
  static TT_INLINE T slope(T x, T t, T, T) {
    T variance = (T(1) - x) * x;
    return (x - t) / (variance < T(1e-12) ? T(1e-12) : variance);
  }
};

struct BceWithLogits {  // w weighs the positive class
  template <class T>
  static TT_INLINE T value(T x, T t, T, T w) {
    T softplus = math::log1p(math::exp_of_negative(-math::abs(x))) + (x < T(0) ? -x : T(0));  // of -x
    return (T(1) - t) * x + (T(1) + (w - T(1)) * t) * softplus;
  }
  template <class T>
  static TT_INLINE T slope(T x, T t, T, T w) {
    T positive = w * t;
    return (positive + T(1) - t) * math::sigmoid(x) - positive;
  }
};

struct KlDiv {
  template <class T>
  static TT_INLINE T value(T x, T t, T, T) {
    T entropy = t == T(0) ? T(0) : t * math::log(t);
    return entropy - t * x;
  }
  template <class T>
  static TT_INLINE T slope(T, T t, T, T) {
    return -t;
  }
};

struct KlDivLog {
  template <class T>
  static TT_INLINE T value(T x, T t, T, T) {
    return math::exp(t) * (t - x);
  }
  template <class T>
  static TT_INLINE T slope(T, T t, T, T) {
    return -math::exp(t);
  }
};

struct SoftMargin {
  template <class T>
  static TT_INLINE T value(T x, T t, T, T) {
    T z = -t * x;
    return math::log1p(math::exp_of_negative(-math::abs(z))) + (z > T(0) ? z : T(0));
  }
  template <class T>
  static TT_INLINE T slope(T x, T t, T, T) {
    return -t * math::sigmoid(-t * x);
  }
};

}  // namespace tt::loss
