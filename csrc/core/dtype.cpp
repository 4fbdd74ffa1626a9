#include "core/dtype.h"

#include <utility>

#include "core/error.h"

namespace tt {

static constexpr const char* names[dtype_count] = {"bool",  "uint8",   "int8",     "int16",   "int32",
                                                   "int64", "float16", "bfloat16", "float32", "float64"};
static constexpr const char* legacy_names[dtype_count] = {"Bool", "Byte", "Char",     "Short", "Int",
                                                          "Long", "Half", "BFloat16", "Float", "Double"};

const char* name_of(DType type) { return names[int(type)]; }
const char* legacy_name_of(DType type) { return legacy_names[int(type)]; }

DType promote(DType a, DType b) {
  if (a == b) return a;
  if (a > b) std::swap(a, b);
  // The order of the enumeration is the order of promotion, but for two pairs that share no wider half or
  // byte.
  if (a == DType::Float16 && b == DType::BFloat16) return DType::Float32;
  if (a == DType::UInt8 && b == DType::Int8) return DType::Int16;
  return b;
}

static int category(DType type) { return type == DType::Bool ? 0 : is_integral(type) ? 1 : 2; }

bool can_cast(DType from, DType to) { return category(from) <= category(to); }

static DType default_type = DType::Float32;

DType default_dtype() { return default_type; }
void set_default_dtype(DType type) {
  check_type(is_floating(type),
             "set_default_dtype: only floating-point types are supported as the default, got ",
             name_of(type));
  default_type = type;
}

}  // namespace tt
