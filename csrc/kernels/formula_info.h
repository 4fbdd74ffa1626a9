// What the driver asks of a formula: which types it computes in, how many inputs it reads, what it costs.
#pragma once
#include "kernels/formulas.h"

namespace tt {

#define TT_ENUMERATE(name, functor, inputs, types, result, cost) name,
enum class Elementwise : uint8_t { TT_ELEMENTWISE(TT_ENUMERATE) };
#undef TT_ENUMERATE

enum class Types : uint8_t {
  all,
  any,
  numeric,
  integral,
  bits,
  floating
};  // `any`: halves too, moved as they are
enum class Result : uint8_t { same, boolean };
enum class Cost : uint8_t { light, heavy, slow };

struct ElementwiseInfo {
  const char* name;
  uint8_t inputs;
  Types types;
  Result result;
  Cost cost;
};

#define TT_DESCRIBE(name, functor, inputs, types, result, cost) \
  {#name, inputs, Types::types, Result::result, Cost::cost},
constexpr ElementwiseInfo elementwise_infos[] = {TT_ELEMENTWISE(TT_DESCRIBE)};
#undef TT_DESCRIBE
constexpr int elementwise_count = int(sizeof(elementwise_infos) / sizeof(elementwise_infos[0]));
constexpr const ElementwiseInfo& info_of(Elementwise op) { return elementwise_infos[int(op)]; }

constexpr bool computes(Types types, DType type) {
  if (types == Types::any) return true;
  if (is_half(type)) return false;
  if (types == Types::floating) return is_floating(type);
  if (types == Types::integral) return is_integral(type);
  if (types == Types::bits) return !is_floating(type);
  return types == Types::all || type != DType::Bool;
}
// Whether the op has a loop that computes in this type. Halves compute in Float32.
constexpr bool computes(Elementwise op, DType type) { return computes(info_of(op).types, type); }

// The type in which input k is read, and in which the formula leaves its result, when it computes in
// `compute`.
constexpr DType input_type(Elementwise op, int k, DType compute) {
  return op == Elementwise::where && k == 0 ? DType::Bool : compute;
}
constexpr DType result_type(Elementwise op, DType compute) {
  return info_of(op).result == Result::boolean ? DType::Bool : compute;
}

}  // namespace tt
