// Partial results of a reduction: how they start, combine and leave.
#pragma once
#include <cstdint>

#include "kernels/reduce.h"

namespace tt {

// Arrays of 64-bit values, double or int64_t, and positions or means beside them.
struct Accumulators {
  char* value;
  char* second;
  Accumulators operator+(int64_t n) const { return {value + 8 * n, second ? second + 8 * n : nullptr}; }
};

class Accumulation {
 public:
  Accumulation(const ReduceCall& call, FoldType type);

  void start(Accumulators a, int64_t n) const;
  // a = a and b. What b folds comes after what a folds, and each of a folds count_a elements.
  void combine(Accumulators a, Accumulators b, int64_t n, double count_a, double count_b) const;
  // Converts the n results to the places, `offset` and `stride` elements on, that the call names.
  void store(Accumulators a, int64_t n, const ReduceCall& call, int64_t offset, int64_t stride) const;

 private:
  enum class Method : uint8_t { add, multiply, maximum, minimum, placed_maximum, placed_minimum, moments };
  static Method method_of(const ReduceCall& call);
  template <class S>
  void start_values(S* value, int64_t n) const;
  template <class S>
  void combine_as(Accumulators a, Accumulators b, int64_t n, double count_a, double count_b) const;

  Method method_;
  bool real_;
};

}  // namespace tt
