// Plain loops over the formulas, for the compiler to vectorise. Everything here has internal linkage or is
// always inlined: no code built for one instruction set may be linked into the path of another.
#pragma once
#include <cstdint>

#include "kernels/elementwise.h"
#include "kernels/formulas.h"

namespace tt::TT_ISA {
namespace {

// Bool is stored as a byte that may hold any value; non-zero is true.
template <class T>
struct StoredAs {
  using type = T;
};
template <>
struct StoredAs<bool> {
  using type = uint8_t;
};
template <class T>
using Stored = typename StoredAs<T>::type;

// `ivdep`: the output is one of the inputs or overlaps none.
template <class F, class T, class R>
TT_INLINE void unary_range(Stored<R>* out, const Stored<T>* in, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) out[i] = Stored<R>(F{}(T(in[i])));
}
template <class T, class Body>
TT_INLINE void for_pairs(const Stored<T>* a, const Stored<T>* b, const int64_t* strides, int64_t n,
                         Body body) {
  if (strides[2] == 0) {
    T scalar = T(*b);
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) body(i, T(a[i]), scalar);
  } else if (strides[1] == 0) {
    T scalar = T(*a);
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) body(i, scalar, T(b[i]));
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) body(i, T(a[i]), T(b[i]));
  }
}
template <class F, class T, class R>
TT_INLINE void binary_range(Stored<R>* out, const Stored<T>* a, const Stored<T>* b, const int64_t* strides,
                            int64_t n) {
  for_pairs<T>(a, b, strides, n, [out](int64_t i, T x, T y) { out[i] = Stored<R>(F{}(x, y)); });
}

constexpr int64_t rare_block = 512;

template <class F, class T>
void unary_with_rare(char* const* data, const int64_t*, int64_t n) {
  auto* out = reinterpret_cast<T*>(data[0]);
  auto* in = reinterpret_cast<const T*>(data[1]);
  for (int64_t i = 0; i < n; i += rare_block) {
    int64_t count = n - i < rare_block ? n - i : rare_block;
    unsigned found = 0;
    for (int64_t j = 0; j < count; j++) found |= unsigned(F::rare(in[i + j]));
    if (found) unary_range<F, T, T>(out + i, in + i, count);
    else unary_range<typename F::Usual, T, T>(out + i, in + i, count);
  }
}
template <class F, class T>
void binary_with_rare(char* const* data, const int64_t* strides, int64_t n) {
  auto* out = reinterpret_cast<T*>(data[0]);
  auto* a = reinterpret_cast<const T*>(data[1]);
  auto* b = reinterpret_cast<const T*>(data[2]);
  for (int64_t i = 0; i < n; i += rare_block) {
    int64_t count = n - i < rare_block ? n - i : rare_block;
    unsigned found = 0;
    for_pairs<T>(a, b, strides, count, [&found](int64_t, T x, T y) { found |= unsigned(F::rare(x, y)); });
    if (found) binary_range<F, T, T>(out + i, a, b, strides, count);
    else binary_range<typename F::Usual, T, T>(out + i, a, b, strides, count);
    if (strides[1]) a += count;
    if (strides[2]) b += count;
  }
}

template <class F, class T, class R>
void unary(char* const* data, const int64_t*, int64_t n) {
  unary_range<F, T, R>(reinterpret_cast<Stored<R>*>(data[0]), reinterpret_cast<const Stored<T>*>(data[1]), n);
}
template <class F, class T, class R>
void binary(char* const* data, const int64_t* strides, int64_t n) {
  binary_range<F, T, R>(reinterpret_cast<Stored<R>*>(data[0]), reinterpret_cast<const Stored<T>*>(data[1]),
                        reinterpret_cast<const Stored<T>*>(data[2]), strides, n);
}

template <class F, class C, class T>
void ternary(char* const* data, const int64_t* strides, int64_t n) {
  auto* out = reinterpret_cast<Stored<T>*>(data[0]);
  auto* a = reinterpret_cast<const Stored<C>*>(data[1]);
  auto* b = reinterpret_cast<const Stored<T>*>(data[2]);
  auto* c = reinterpret_cast<const Stored<T>*>(data[3]);
  T shared_b = T(*b), shared_c = T(*c);
  if (strides[2] && strides[3]) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) out[i] = Stored<T>(F{}(C(a[i]), T(b[i]), T(c[i])));
  } else if (strides[2]) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) out[i] = Stored<T>(F{}(C(a[i]), T(b[i]), shared_c));
  } else if (strides[3]) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) out[i] = Stored<T>(F{}(C(a[i]), shared_b, T(c[i])));
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) out[i] = Stored<T>(F{}(C(a[i]), shared_b, shared_c));
  }
}

template <Types types, class T>
constexpr bool claimed =
    types == Types::all || types == Types::any ||
    (types == Types::floating   ? std::is_floating_point_v<T>
     : types == Types::bits     ? !std::is_floating_point_v<T>
     : types == Types::integral ? !std::is_floating_point_v<T> && !std::is_same_v<T, bool>
                                : !std::is_same_v<T, bool>);

template <class F, class T, int inputs, Types types, Result result>
constexpr Loop loop_of() {
  using R = std::conditional_t<result == Result::boolean, bool, T>;
  if constexpr (!claimed<types, T>) return nullptr;
  else if constexpr (inputs == 1 && requires(T x) { F::rare(x); }) return &unary_with_rare<F, T>;
  else if constexpr (inputs == 2 && requires(T x) { F::rare(x, x); }) return &binary_with_rare<F, T>;
  else if constexpr (inputs == 1) return &unary<F, T, R>;
  else if constexpr (inputs == 2) return &binary<F, T, R>;
  else return &ternary<F, std::conditional_t<std::is_same_v<F, formula::Where>, bool, T>, T>;
}

template <class T>
constexpr LoopColumn column_of() {
  return {{
#define TT_LOOP(name, functor, inputs, types, result, cost) \
  loop_of<formula::functor, T, inputs, Types::types, Result::result>(),
      TT_ELEMENTWISE(TT_LOOP)
#undef TT_LOOP
  }};
}

}  // namespace

extern const LoopColumn bool_column, uint8_column, int8_column, int16_column, int32_column, int64_column,
    float_column, double_column;

}  // namespace tt::TT_ISA
