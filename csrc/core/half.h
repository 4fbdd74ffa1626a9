// The two 16-bit floats, as storage formats: they are loaded as float and stored back rounded to nearest
// even. Plain bit arithmetic without branches on data, so that any compiler can vectorise the loops that use
// it.
#pragma once
#include <cstdint>

#ifndef TT_INLINE
#if defined(__CUDACC__)
#define TT_INLINE __host__ __device__ __forceinline__
#else
#define TT_INLINE inline __attribute__((always_inline))
#endif
#endif

namespace tt {

struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

TT_INLINE uint32_t float_bits(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  return bits;
}
TT_INLINE float float_from_bits(uint32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, 4);
  return x;
}

TT_INLINE float to_float(BFloat16 x) { return float_from_bits(uint32_t(x.bits) << 16); }

TT_INLINE BFloat16 to_bfloat16(float x) {
  uint32_t bits = float_bits(x);
  uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return {uint16_t(x != x ? 0x7fc0u : rounded)};
}

TT_INLINE float to_float(Half x) {
  uint32_t sign = uint32_t(x.bits & 0x8000u) << 16;
  uint32_t magnitude = x.bits & 0x7fffu;
  // Rebias the exponent by a multiplication: it also normalises subnormal halves exactly.
  float finite = float_from_bits(magnitude << 13) * 0x1p112f;
  uint32_t special = 0x7f800000u | (magnitude << 13);
  uint32_t bits = magnitude >= 0x7c00u ? special : float_bits(finite);
  return float_from_bits(bits | sign);
}

TT_INLINE Half to_half(float x) {
  uint32_t bits = float_bits(x);
  uint32_t sign = (bits >> 16) & 0x8000u;
  uint32_t magnitude = bits & 0x7fffffffu;
  // Normal halves: drop 13 bits with round to nearest even, rebias by 112 << 10.
  uint32_t normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13;
  // Below 2^-14: adding 0.5 lines the last half bit up with the last float bit, so the addition itself
  // rounds.
  uint32_t subnormal = float_bits(float_from_bits(magnitude) + 0.5f) - 0x3f000000u;
  uint32_t overflow = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  uint32_t half = magnitude < 0x38800000u ? subnormal : normal;
  half = magnitude >= 0x477ff000u ? overflow : half;
  return {uint16_t(half | sign)};
}

}  // namespace tt
