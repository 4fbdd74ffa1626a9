// Conversions between the element types, and copies of strided tiles.
#include <cstring>

#include "kernels/cpu/loops.h"

namespace tt::TT_ISA {
namespace {

// What an element is converted through: a number.
TT_INLINE bool number_of(bool x) { return x; }
TT_INLINE float number_of(Half x) { return to_float(x); }
TT_INLINE float number_of(BFloat16 x) { return to_float(x); }
template <class T>
TT_INLINE T number_of(T x) { return x; }

// A float beyond the integer's range gives some integer, as the processor's own conversion does. Narrow integers are
// cut out of int32, so that the result is the same for vectors and scalars.
template <class To, class From>
TT_INLINE To convert_number(From x) {
  if constexpr (std::is_same_v<To, bool>) return x != From(0);
  else if constexpr (std::is_same_v<To, Half>) return to_half(float(x));
  else if constexpr (std::is_same_v<To, BFloat16>) return to_bfloat16(float(x));
  else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> && sizeof(To) < 4) return To(int32_t(x));
  else return To(x);
}

template <class From, class To>
void convert(char* out_bytes, const char* in_bytes, int64_t n) {
  auto* out = reinterpret_cast<Stored<To>*>(out_bytes);
  auto* in = reinterpret_cast<const Stored<From>*>(in_bytes);
  if constexpr (std::is_same_v<From, To>) {
    std::memcpy(out, in, n * sizeof(To));
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) out[i] = Stored<To>(convert_number<To>(number_of(From(in[i]))));
  }
}

template <class T>
void copy_tile(const Tile& tile) {
  for (int64_t j = 0; j < tile.n1; j++)
    for (int64_t i = 0; i < tile.n0; i++)
      *reinterpret_cast<T*>(tile.out + i * tile.out0 + j * tile.out1) =
          *reinterpret_cast<const T*>(tile.in + i * tile.in0 + j * tile.in1);
}

template <class T>
bool any_zero(const char* data, int64_t n) {
  auto* values = reinterpret_cast<const T*>(data);
  constexpr int64_t block = 1024;
  for (int64_t start = 0; start < n; start += block) {
    int64_t end = start + block < n ? start + block : n;
    T found = 0;
    for (int64_t i = start; i < end; i++) found |= T(values[i] == 0);
    if (found) return true;
  }
  return false;
}

#define TT_TO(From)                                                                                               \
  {                                                                                                               \
    &convert<From, bool>, &convert<From, uint8_t>, &convert<From, int8_t>, &convert<From, int16_t>,               \
        &convert<From, int32_t>, &convert<From, int64_t>, &convert<From, Half>, &convert<From, BFloat16>,         \
        &convert<From, float>, &convert<From, double>                                                             \
  }

}  // namespace

constinit const CopyTable copy_table = {
    {TT_TO(bool), TT_TO(uint8_t), TT_TO(int8_t), TT_TO(int16_t), TT_TO(int32_t), TT_TO(int64_t), TT_TO(Half),
     TT_TO(BFloat16), TT_TO(float), TT_TO(double)},
    {&copy_tile<uint8_t>, &copy_tile<uint16_t>, &copy_tile<uint32_t>, &copy_tile<uint64_t>},
    {&any_zero<uint8_t>, &any_zero<uint16_t>, &any_zero<uint32_t>, &any_zero<uint64_t>}};

}  // namespace tt::TT_ISA
