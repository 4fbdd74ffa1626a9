#include "cuda/elementwise.h"

namespace tt::cuda {

const KernelColumn bool_column = column_of<bool>();
const KernelColumn uint8_column = column_of<uint8_t>();
const KernelColumn int8_column = column_of<int8_t>();
const KernelColumn int16_column = column_of<int16_t>();
const KernelColumn int32_column = column_of<int32_t>();
const KernelColumn int64_column = column_of<int64_t>();
const KernelColumn half_column = column_of<Half>();
const KernelColumn bfloat16_column = column_of<BFloat16>();

namespace {

const KernelColumn* const columns[dtype_count] = {
    &bool_column,  &uint8_column, &int8_column,     &int16_column, &int32_column,
    &int64_column, &half_column,  &bfloat16_column, &float_column, &double_column};

uint64_t number_bits(const Operand& operand, DType type) {
  return visit(type, [&](auto tag) {
    auto value = load_as<typename decltype(tag)::type>(operand.data, operand.dtype);
    uint64_t bits = 0;
    __builtin_memcpy(&bits, &value, sizeof value);
    return bits;
  });
}

}  // namespace

void elementwise(const ElementwiseCall& call) {
  const ElementwiseInfo& info = info_of(call.op);
  ElementKernel kernel = columns[int(call.compute)]->kernel[int(call.op)];
  if (!kernel)
    fail(ErrorKind::NotImplemented, info.name, ": not implemented for ", name_of(call.compute), " on cuda");

  const Operand* operands[max_operands] = {&call.out, &call.in[0], &call.in[1], &call.in[2]};
  Walk walk;
  if (!walk.build(call.rank, call.sizes, operands, info.inputs + 1)) return;
  Elements e{space_of(walk), call.out.data, call.out.dtype, {}};
  for (int k = 0; k < info.inputs; k++) {
    const Operand& in = call.in[k];
    e.in[k] = {in.data, 0, in.dtype, in.on_host};
    if (in.on_host) e.in[k].number = number_bits(in, input_type(call.op, k, call.compute));
  }
  DeviceScope scope(call.out.data);
  TT_LAUNCH(kernel, blocks_for(e.space.n), threads_per_block, e);
  check_launch(info.name);
}

}  // namespace tt::cuda
