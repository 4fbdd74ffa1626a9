// The update rules of the optimizers for one element: p the parameter, g its gradient, then what is kept of
// it between steps. Written for a scalar, as the other formulas are: g++ vectorises a loop over them, nvcc
// makes kernels of them.
#pragma once
#include "kernels/math.h"
#include "kernels/optimizer_call.h"

namespace tt::update {

// m + take (x - m)
template <class T>
TT_INLINE T mixed(T m, T x, T take) {
  return m + take * (x - m);
}

// The gradient to follow: its sign and the weight decay taken into account. An infinite parameter without
// weight decay must not become NaN; a mask sees to it, as a condition would double every loop.
template <class T>
struct Followed {
  T sign, weight_decay;
  math::Bits<T> mask;
  TT_INLINE explicit Followed(const UpdateNumbers& u)
      : sign(T(u.sign)), weight_decay(T(u.weight_decay)), mask(u.weight_decay != 0 ? ~math::Bits<T>(0) : 0) {}
  TT_INLINE T operator()(T g, T p) const {
    return sign * g + math::from_bits(math::to_bits(weight_decay * p) & mask);
  }
};

template <class T>
struct Sgd {
  Followed<T> followed;
  T rate;
  TT_INLINE explicit Sgd(const UpdateNumbers& u) : followed(u), rate(T(u.rate)) {}
  TT_INLINE void operator()(T& p, T g) const { p -= rate * followed(g, p); }
};

// b <- keep b + take g, and the step is a mixture of g and b
template <class T>
struct SgdMomentum {
  Followed<T> followed;
  T rate, keep, take, of_gradient, of_momentum;
  TT_INLINE explicit SgdMomentum(const UpdateNumbers& u)
      : followed(u),
        rate(T(u.rate)),
        keep(T(u.decay)),
        take(T(u.take)),
        of_gradient(T(u.of_gradient)),
        of_momentum(T(u.of_momentum)) {}
  TT_INLINE void operator()(T& p, T g, T& b) const {
    g = followed(g, p);
    b = keep * b + take * g;
    p -= rate * (of_gradient * g + of_momentum * b);
  }
};

// The running means of gradients and of their squares, which the family of Adam has in common.
template <class T>
struct Moments {
  Followed<T> followed;
  T shrink, take, square_decay, square_take;
  TT_INLINE explicit Moments(const UpdateNumbers& u)
      : followed(u),
        shrink(T(u.shrink)),
        take(T(1 - u.decay)),
        square_decay(T(u.square_decay)),
        square_take(T(1 - u.square_decay)) {}
  TT_INLINE T operator()(T& p, T g, T& m, T& v) const {
    p *= shrink;
    g = followed(g, p);
    m = mixed(m, g, take);
    v = square_decay * v + square_take * g * g;
    return g;
  }
};

template <class T>
struct Adam {
  Moments<T> moments;
  T rate, correction, eps;
  TT_INLINE explicit Adam(const UpdateNumbers& u)
      : moments(u), rate(T(u.rate)), correction(T(1 / u.correction)), eps(T(u.eps)) {}
  TT_INLINE void operator()(T& p, T g, T& m, T& v) const {
    moments(p, g, m, v);
    p -= rate * m / (math::sqrt(v) * correction + eps);
  }
};

// The largest mean of squares so far takes the place of the present one.
template <class T>
struct AmsGrad {
  Moments<T> moments;
  T rate, correction, eps;
  TT_INLINE explicit AmsGrad(const UpdateNumbers& u)
      : moments(u), rate(T(u.rate)), correction(T(1 / u.correction)), eps(T(u.eps)) {}
  TT_INLINE void operator()(T& p, T g, T& m, T& v, T& highest) const {
    moments(p, g, m, v);
    highest = highest >= v ? highest : v;
    p -= rate * m / (math::sqrt(highest) * correction + eps);
  }
};

template <class T>
struct RmsBase {
  Followed<T> followed;
  T rate, square_decay, square_take, eps, momentum;
  TT_INLINE explicit RmsBase(const UpdateNumbers& u)
      : followed(u),
        rate(T(u.rate)),
        square_decay(T(u.square_decay)),
        square_take(T(1 - u.square_decay)),
        eps(T(u.eps)),
        momentum(T(u.decay)) {}
  TT_INLINE T scaled(T g, T& s) const {
    s = square_decay * s + square_take * g * g;
    return g / (math::sqrt(s) + eps);
  }
  // by the variance: the mean of squares less the square of the mean
  TT_INLINE T scaled(T g, T& s, T& m) const {
    s = square_decay * s + square_take * g * g;
    m = mixed(m, g, square_take);
    return g / (math::sqrt(s - m * m) + eps);
  }
  TT_INLINE void move(T& p, T step, T& b) const {
    b = momentum * b + step;
    p -= rate * b;
  }
};

template <class T>
struct RmsProp : RmsBase<T> {
  using RmsBase<T>::RmsBase;
  TT_INLINE void operator()(T& p, T g, T& s) const {
    p -= this->rate * this->scaled(this->followed(g, p), s);
  }
};
template <class T>
struct RmsPropMomentum : RmsBase<T> {
  using RmsBase<T>::RmsBase;
  TT_INLINE void operator()(T& p, T g, T& s, T& b) const {
    this->move(p, this->scaled(this->followed(g, p), s), b);
  }
};
template <class T>
struct RmsPropCentered : RmsBase<T> {
  using RmsBase<T>::RmsBase;
  TT_INLINE void operator()(T& p, T g, T& s, T& m) const {
    p -= this->rate * this->scaled(this->followed(g, p), s, m);
  }
};
template <class T>
struct RmsPropCenteredMomentum : RmsBase<T> {
  using RmsBase<T>::RmsBase;
  TT_INLINE void operator()(T& p, T g, T& s, T& m, T& b) const {
    this->move(p, this->scaled(this->followed(g, p), s, m), b);
  }
};

template <class T>
struct Adagrad {
  Followed<T> followed;
  T rate, eps;
  TT_INLINE explicit Adagrad(const UpdateNumbers& u) : followed(u), rate(T(u.rate)), eps(T(u.eps)) {}
  TT_INLINE void operator()(T& p, T g, T& sum) const {
    g = followed(g, p);
    sum += g * g;
    p -= rate * g / (math::sqrt(sum) + eps);
  }
};

// d = g sqrt(a + eps) / sqrt(s + eps), with running means s of g^2 and a of d^2
template <class T>
struct Adadelta {
  Followed<T> followed;
  T rate, square_decay, square_take, eps;
  TT_INLINE explicit Adadelta(const UpdateNumbers& u)
      : followed(u),
        rate(T(u.rate)),
        square_decay(T(u.square_decay)),
        square_take(T(1 - u.square_decay)),
        eps(T(u.eps)) {}
  TT_INLINE void operator()(T& p, T g, T& s, T& a) const {
    g = followed(g, p);
    s = square_decay * s + square_take * g * g;
    T d = math::sqrt(a + eps) / math::sqrt(s + eps) * g;
    a = square_decay * a + square_take * d * d;
    p -= rate * d;
  }
};

template <class T>
struct Adamax {
  Followed<T> followed;
  T rate, take, norm_decay, eps;
  TT_INLINE explicit Adamax(const UpdateNumbers& u)
      : followed(u), rate(T(u.rate)), take(T(1 - u.decay)), norm_decay(T(u.square_decay)), eps(T(u.eps)) {}
  TT_INLINE void operator()(T& p, T g, T& m, T& norm) const {
    g = followed(g, p);
    m = mixed(m, g, take);
    T faded = norm * norm_decay, size = math::abs(g) + eps;
    norm = faded > size ? faded : size;
    p -= rate * m / norm;
  }
};

template <class T>
struct NAdam {
  Moments<T> moments;
  T rate, second_rate, correction, eps;
  TT_INLINE explicit NAdam(const UpdateNumbers& u)
      : moments(u),
        rate(T(u.rate)),
        second_rate(T(u.second_rate)),
        correction(T(1 / u.correction)),
        eps(T(u.eps)) {}
  TT_INLINE void operator()(T& p, T g, T& m, T& v) const {
    g = moments(p, g, m, v);
    p -= (rate * g + second_rate * m) / (math::sqrt(v * correction) + eps);
  }
};

template <class T>
struct RAdam {
  Moments<T> moments;
  T rate, eps;
  bool adaptive;
  TT_INLINE explicit RAdam(const UpdateNumbers& u)
      : moments(u), rate(T(u.rate)), eps(T(u.eps)), adaptive(u.adaptive) {}
  TT_INLINE void operator()(T& p, T g, T& m, T& v) const {
    moments(p, g, m, v);
    p -= adaptive ? rate * m / (math::sqrt(v) + eps) : rate * m;
  }
};

template <class T>
struct Asgd {
  Followed<T> followed;
  T shrink, rate, take;
  TT_INLINE explicit Asgd(const UpdateNumbers& u)
      : followed(u), shrink(T(u.shrink)), rate(T(u.rate)), take(T(u.take)) {}
  TT_INLINE void operator()(T& p, T g, T& average) const {
    g = followed(g, p);
    p = p * shrink - rate * g;
    average = take != 1 ? mixed(average, p, take) : p;
  }
};

// Steps grow while the gradient keeps its sign; where it turns they shrink, and the element rests for once.
template <class T>
struct Rprop {
  T sign, shrinking, growing, smallest, largest;
  TT_INLINE explicit Rprop(const UpdateNumbers& u)
      : sign(T(u.sign)),
        shrinking(T(u.decay)),
        growing(T(u.take)),
        smallest(T(u.smallest)),
        largest(T(u.largest)) {}
  TT_INLINE void operator()(T& p, T g, T& previous, T& step) const {
    g *= sign;
    T same = g * previous;
    step *= same > 0 ? growing : same < 0 ? shrinking : T(1);
    step = step < smallest ? smallest : step;
    step = step > largest ? largest : step;
    g = same < 0 ? T(0) : g;
    p -= g > 0 ? step : g < 0 ? -step : T(0);
    previous = g;
  }
};

}  // namespace tt::update
