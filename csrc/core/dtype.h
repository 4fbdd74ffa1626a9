// The element types, their names, sizes and PyTorch's promotion between them.
#pragma once
#include <cstdint>

#include "core/half.h"

namespace tt {

// Room is left after Float64 for Complex64 and Complex128.
enum class DType : uint8_t { Bool, UInt8, Int8, Int16, Int32, Int64, Float16, BFloat16, Float32, Float64 };
constexpr int dtype_count = 10;

constexpr int64_t dtype_sizes[dtype_count] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8};
constexpr int64_t size_of(DType type) { return dtype_sizes[int(type)]; }
constexpr bool is_floating(DType type) { return type >= DType::Float16; }
constexpr bool is_half(DType type) { return type == DType::Float16 || type == DType::BFloat16; }
constexpr bool is_integral(DType type) { return type != DType::Bool && type < DType::Float16; }
constexpr bool is_signed(DType type) { return type != DType::Bool && type != DType::UInt8; }

const char* name_of(DType type);         // "float32"
const char* legacy_name_of(DType type);  // "Float", as PyTorch's messages and FloatTensor spell it

DType promote(DType a, DType b);
bool can_cast(DType from, DType to);  // float -> int and anything -> bool lose the category

DType default_dtype();
void set_default_dtype(DType type);

template <class T>
struct TypeTag {
  using type = T;
};

// visit(type, [&](auto tag) { using T = typename decltype(tag)::type; ... }): storage types, Half and
// BFloat16 included.
template <class F>
inline auto visit(DType type, F&& body) {
  switch (type) {
    case DType::Bool:
      return body(TypeTag<bool>{});
    case DType::UInt8:
      return body(TypeTag<uint8_t>{});
    case DType::Int8:
      return body(TypeTag<int8_t>{});
    case DType::Int16:
      return body(TypeTag<int16_t>{});
    case DType::Int32:
      return body(TypeTag<int32_t>{});
    case DType::Int64:
      return body(TypeTag<int64_t>{});
    case DType::Float16:
      return body(TypeTag<Half>{});
    case DType::BFloat16:
      return body(TypeTag<BFloat16>{});
    case DType::Float32:
      return body(TypeTag<float>{});
    case DType::Float64:
      break;
  }
  return body(TypeTag<double>{});
}

}  // namespace tt
