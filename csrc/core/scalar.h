// A Python number on its way into an op: a bool, an int or a float.
#pragma once
#include <cstdint>
#include <ostream>

#include "core/dtype.h"

namespace tt {

struct Scalar {
  DType dtype = DType::Int64;  // Bool, Int64 or Float64
  int64_t integer = 0;
  double real = 0;

  Scalar() = default;
  Scalar(bool value) : dtype(DType::Bool), integer(value), real(value) {}
  Scalar(int value) : integer(value), real(value) {}
  Scalar(int64_t value) : integer(value), real(double(value)) {}
  Scalar(double value) : dtype(DType::Float64), real(value) {}

  bool is_real() const { return dtype == DType::Float64; }
  template <class T>
  T to() const {
    return is_real() ? static_cast<T>(real) : static_cast<T>(integer);
  }
};

inline std::ostream& operator<<(std::ostream& stream, const Scalar& value) {
  if (value.is_real()) return stream << value.real;
  return stream << value.integer;
}

}  // namespace tt
