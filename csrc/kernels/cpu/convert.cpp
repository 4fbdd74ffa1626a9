// Conversions between the element types.
#include <cstring>

#if defined(__F16C__)
#include <immintrin.h>
#endif

#include "kernels/cpu/loops.h"

namespace tt::TT_ISA {
namespace {

// What an element is converted through: a number.
TT_INLINE bool number_of(bool x) { return x; }
TT_INLINE float number_of(Half x) { return to_float(x); }
TT_INLINE float number_of(BFloat16 x) { return to_float(x); }
template <class T>
TT_INLINE T number_of(T x) {
  return x;
}

// A float beyond the integer's range gives some integer, as the processor's own conversion does. Narrow
// integers are cut out of int32, so that the result is the same for vectors and scalars.
template <class To, class From>
TT_INLINE To convert_number(From x) {
  if constexpr (std::is_same_v<To, bool>) return x != From(0);
  else if constexpr (std::is_same_v<To, Half>) return to_half(float(x));
  else if constexpr (std::is_same_v<To, BFloat16>) return to_bfloat16(float(x));
  else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> && sizeof(To) < 4)
    return To(int32_t(x));
  else return To(x);
}

// The processor's own conversions of halves, which compilers do not find: whole blocks here, the rest in a
// plain loop.
#if defined(__F16C__)
TT_INLINE int64_t convert_blocks(float* out, const Half* in, int64_t n) {
  for (int64_t i = 0; i + 8 <= n; i += 8)
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i))));
  return n / 8 * 8;
}
TT_INLINE int64_t convert_blocks(Half* out, const float* in, int64_t n) {
  for (int64_t i = 0; i + 8 <= n; i += 8)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm256_cvtps_ph(_mm256_loadu_ps(in + i), 0));
  return n / 8 * 8;
}
#endif
template <class To, class From>
TT_INLINE int64_t convert_blocks(To*, const From*, int64_t) {
  return 0;
}

template <class From, class To>
void convert(char* out_bytes, const char* in_bytes, int64_t n) {
  auto* out = reinterpret_cast<Stored<To>*>(out_bytes);
  auto* in = reinterpret_cast<const Stored<From>*>(in_bytes);
  if constexpr (std::is_same_v<From, To>) {
    std::memcpy(out, in, n * sizeof(To));
  } else {
#pragma GCC ivdep
    for (int64_t i = convert_blocks(out, in, n); i < n; i++)
      out[i] = Stored<To>(convert_number<To>(number_of(From(in[i]))));
  }
}

#define TT_TO(From)                                                                                    \
  {&convert<From, bool>,    &convert<From, uint8_t>, &convert<From, int8_t>, &convert<From, int16_t>,  \
   &convert<From, int32_t>, &convert<From, int64_t>, &convert<From, Half>,   &convert<From, BFloat16>, \
   &convert<From, float>,   &convert<From, double>}

}  // namespace

constinit const ConvertTable convert_table = {{TT_TO(bool), TT_TO(uint8_t), TT_TO(int8_t), TT_TO(int16_t),
                                               TT_TO(int32_t), TT_TO(int64_t), TT_TO(Half), TT_TO(BFloat16),
                                               TT_TO(float), TT_TO(double)}};

}  // namespace tt::TT_ISA
