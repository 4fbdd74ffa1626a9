// Elements of any dtype, brought into the type that a kernel works in and back.
#pragma once
#include "kernels/cpu/lanes.h"

namespace tt::TT_ISA {
namespace {

TT_INLINE float number_of(Half x) { return to_float(x); }
TT_INLINE float number_of(BFloat16 x) { return to_float(x); }
template <class T>
TT_INLINE T number_of(T x) {
  return x;
}

// out[i] = x[i * stride], or whether that is not zero. A bool is a byte, any value of which but 0 is true.
template <class To>
using Load = void (*)(const char* in, int64_t stride, int64_t n, To* out);

// A vector of halves as floats; what this build has no instruction for is left to the compiler.
template <class H>
constexpr bool has_widened = std::is_same_v<H, BFloat16>
#if defined(__F16C__)
                             || std::is_same_v<H, Half>
#endif
    ;
template <class H>
TT_INLINE Vector<float> widened(const H* x) {
  typedef uint16_t Bits __attribute__((vector_size(vector_bytes / 2)));
  Bits bits;
  __builtin_memcpy(&bits, x, sizeof bits);
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<H, Half>)
    return Vector<float>(_mm512_maskz_cvtph_ps(__mmask16(-1), __m256i(bits)));
#elif defined(__F16C__)
  if constexpr (std::is_same_v<H, Half>) return Vector<float>(_mm256_cvtph_ps(__m128i(bits)));
#endif
  return Vector<float>(__builtin_convertvector(bits, Vector<uint32_t>) << 16);
}

template <class To, class From, bool test>
void load_elements(const char* in, int64_t stride, int64_t n, To* __restrict out) {
  using Stored = std::conditional_t<std::is_same_v<From, bool>, uint8_t, From>;
  const Stored* x = reinterpret_cast<const Stored*>(in);
  auto element = [](Stored value) {
    if constexpr (test || std::is_same_v<From, bool>) return To(number_of(value) != 0);
    else return To(number_of(value));
  };
  int64_t i = 0;
  if constexpr (std::is_same_v<To, float> && !test && has_widened<From>)
    for (; stride == 1 && i + lanes<float> <= n; i += lanes<float>) store_vector(out + i, widened(x + i));
  if (stride == 1)
    for (; i < n; i++) out[i] = element(x[i]);
  else
    for (; i < n; i++) out[i] = element(x[i * stride]);
}

template <class To, bool test = false>
constexpr Load<To> loads[dtype_count] = {load_elements<To, bool, test>,    load_elements<To, uint8_t, test>,
                                         load_elements<To, int8_t, test>,  load_elements<To, int16_t, test>,
                                         load_elements<To, int32_t, test>, load_elements<To, int64_t, test>,
                                         load_elements<To, Half, test>,    load_elements<To, BFloat16, test>,
                                         load_elements<To, float, test>,   load_elements<To, double, test>};

// out[i * stride] = x[i]
template <class From>
using Store = void (*)(const From* x, int64_t n, char* out, int64_t stride);

template <class From, class To>
void store_elements(const From* __restrict x, int64_t n, char* bytes, int64_t stride) {
  To* out = reinterpret_cast<To*>(bytes);
  auto element = [](From value) {
    if constexpr (std::is_same_v<To, Half>) return to_half(float(value));
    else if constexpr (std::is_same_v<To, BFloat16>) return to_bfloat16(float(value));
    else return To(value);
  };
  if (stride == 1)
    for (int64_t i = 0; i < n; i++) out[i] = element(x[i]);
  else
    for (int64_t i = 0; i < n; i++) out[i * stride] = element(x[i]);
}

template <class From>
constexpr Store<From> stores[dtype_count] = {store_elements<From, bool>,    store_elements<From, uint8_t>,
                                             store_elements<From, int8_t>,  store_elements<From, int16_t>,
                                             store_elements<From, int32_t>, store_elements<From, int64_t>,
                                             store_elements<From, Half>,    store_elements<From, BFloat16>,
                                             store_elements<From, float>,   store_elements<From, double>};

template <class T>
constexpr DType dtype_of = std::is_same_v<T, int32_t>   ? DType::Int32
                           : std::is_same_v<T, int64_t> ? DType::Int64
                           : std::is_same_v<T, float>   ? DType::Float32
                                                        : DType::Float64;

// Gives elements as a contiguous array of T: the memory itself where it is that already, else a copy.
template <class T, bool test = false>
struct Reader {
  Load<T> load;
  int64_t size;
  bool native;

  explicit Reader(DType dtype)
      : load(loads<T, test>[int(dtype)]), size(size_of(dtype)), native(!test && dtype == dtype_of<T>) {}

  TT_INLINE bool direct(int64_t stride) const { return native && stride == 1; }
  TT_INLINE const T* operator()(const char* in, int64_t stride, int64_t n, T* buffer) const {
    if (direct(stride)) return reinterpret_cast<const T*>(in);
    load(in, stride, n, buffer);
    return buffer;
  }
};

}  // namespace
}  // namespace tt::TT_ISA
