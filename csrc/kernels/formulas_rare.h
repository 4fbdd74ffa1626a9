// Formulas with a slow exact path for some floats: quotients and angles of many bits. `rare` finds them; the
// CPU's loops run `Usual`, which assumes that there are none, wherever that is so.
#pragma once
#include <concepts>

#include "kernels/math_circular.h"
#include "kernels/math_power.h"

namespace tt::formula {

struct HugeQuotient {
  template <std::floating_point T>
  static TT_INLINE bool rare(T a, T b) {
    return math::quotient_is_huge(a, b);
  }
};
template <bool all_inputs>
struct FmodOf : HugeQuotient {
  using Usual = FmodOf<false>;
  template <class T>
  TT_INLINE T operator()(T a, T b) const {
    return math::fmod<all_inputs>(a, b);
  }
};
template <bool all_inputs>
struct RemainderOf : HugeQuotient {
  using Usual = RemainderOf<false>;
  template <class T>
  TT_INLINE T operator()(T a, T b) const {
    return math::remainder<all_inputs>(a, b);
  }
};
template <bool all_inputs>
struct FloorDivideOf : HugeQuotient {
  using Usual = FloorDivideOf<false>;
  template <class T>
  TT_INLINE T operator()(T a, T b) const {
    return math::floor_divide<all_inputs>(a, b);
  }
};
using Fmod = FmodOf<true>;
using Remainder = RemainderOf<true>;
using FloorDivide = FloorDivideOf<true>;

struct HugeAngle {
  template <std::floating_point T>
  static TT_INLINE bool rare(T x) {
    return math::angle_is_huge(x);
  }
};
template <bool all_inputs>
struct SinOf : HugeAngle {
  using Usual = SinOf<false>;
  template <class T>
  TT_INLINE T operator()(T x) const {
    return math::sin<all_inputs>(x);
  }
};
template <bool all_inputs>
struct CosOf : HugeAngle {
  using Usual = CosOf<false>;
  template <class T>
  TT_INLINE T operator()(T x) const {
    return math::cos<all_inputs>(x);
  }
};
template <bool all_inputs>
struct TanOf : HugeAngle {
  using Usual = TanOf<false>;
  template <class T>
  TT_INLINE T operator()(T x) const {
    return math::tan<all_inputs>(x);
  }
};
using Sin = SinOf<true>;
using Cos = CosOf<true>;
using Tan = TanOf<true>;

}  // namespace tt::formula
