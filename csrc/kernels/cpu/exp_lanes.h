// Exponentials of whole vectors.
#pragma once
#include "kernels/cpu/lanes.h"
#include "kernels/math_exponential.h"

namespace tt::TT_ISA {
namespace {

// Of numbers that are not above 0, as a maximum has been taken out of them.
template <class T>
TT_INLINE Vector<T> exp_lanes(Vector<T> v) {
  alignas(64) T lane[lanes<T>];
  store_vector(lane, v);
  for (int k = 0; k < lanes<T>; k++) lane[k] = math::exp_of_negative(lane[k]);
  return load_vector(lane);
}

}  // namespace
}  // namespace tt::TT_ISA
