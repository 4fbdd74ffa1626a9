// What the random kernels share: from raw words to elements of any dtype.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/random.h"

namespace tt::draw {

using Lock = std::lock_guard<std::mutex>;

constexpr double pi = 3.141592653589793238463;
constexpr int64_t chunk = 1024;          // raw words drawn at a time, on the stack
constexpr int64_t wide_chunk = 1 << 15;  // uniforms drawn at a time for a parallel transformation
constexpr int64_t grain = 2048;

template <class T>
using Compute = std::conditional_t<std::is_same_v<T, double>, double, float>;

// Bits of the significand, the implicit one included.
template <class T>
constexpr int digits = std::numeric_limits<T>::digits;
template <>
constexpr int digits<Half> = 11;
template <>
constexpr int digits<BFloat16> = 8;

template <class T>
constexpr bool is_float =
    std::is_floating_point_v<T> || std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

template <class T>
double largest() {
  if constexpr (std::is_same_v<T, Half>) return 65504;
  else if constexpr (std::is_same_v<T, BFloat16>) return 0x1.FEp127;
  else return double(std::numeric_limits<T>::max());
}

// Out of range, a double becomes the smallest integer, as the processor's own conversion has it.
template <class Integer>
Integer saturate(double x) {
  constexpr double limit = -double(std::numeric_limits<Integer>::min());
  return x >= -limit && x < limit ? Integer(x) : std::numeric_limits<Integer>::min();
}

template <class T, class From>
T narrow(From x) {
  if constexpr (std::is_same_v<T, Half>) return to_half(float(x));
  else if constexpr (std::is_same_v<T, BFloat16>) return to_bfloat16(float(x));
  else if constexpr (is_float<T> || std::is_integral_v<From>) return T(x);
  else return T(saturate<std::conditional_t<sizeof(T) == 8, int64_t, int32_t>>(double(x)));
}

template <class T>
Compute<T> widen(T x) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) return to_float(x);
  else return x;
}

inline float uniform24(uint32_t word) { return float(int32_t(word & 0xffffffu)) * 0x1p-24f; }
constexpr uint64_t mask53 = (uint64_t(1) << 53) - 1;
inline double uniform53(uint64_t word) { return double(int64_t(word & mask53)) * 0x1p-53; }

// out[i] = formula(word, i), one raw word of 32 or 64 bits for each element.
template <class Word, class T, class Formula>
void fill_words(Generator& generator, T* out, int64_t count, Formula formula) {
  uint32_t words[chunk];
  constexpr int64_t per_element = sizeof(Word) / 4, step = chunk / per_element;
  for (int64_t done = 0; done < count; done += step) {
    int64_t n = std::min(step, count - done);
    generator.fill(words, n * per_element);
    for (int64_t i = 0; i < n; i++) {
      if constexpr (per_element == 1) out[done + i] = formula(words[i], done + i);
      else out[done + i] = formula(uint64_t(words[2 * i]) << 32 | words[2 * i + 1], done + i);
    }
  }
}

// out[i] = formula(u[i]) with 53-bit uniforms: drawn in order, transformed in parallel.
template <class T, class Formula>
void transform_uniforms(Generator& generator, T* out, int64_t count, Formula formula) {
  std::vector<double> uniforms(size_t(std::min(count, wide_chunk)));
  for (int64_t done = 0; done < count; done += wide_chunk) {
    int64_t n = std::min(wide_chunk, count - done);
    {
      Lock lock(generator.mutex());
      fill_words<uint64_t>(generator, uniforms.data(), n,
                           [](uint64_t word, int64_t) { return uniform53(word); });
    }
    parallel_for(0, n, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) out[done + i] = narrow<T>(formula(uniforms[size_t(i)]));
    });
  }
}

template <class Body>
void visit_floating(const char* op, const Target& out, Body&& body) {
  if (!is_floating(out.dtype)) {
    fail(ErrorKind::NotImplemented, op, ": needs a floating point dtype, got ", name_of(out.dtype));
  }
  visit(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (is_float<T>) body(static_cast<T*>(out.data));
  });
}

}  // namespace tt::draw
