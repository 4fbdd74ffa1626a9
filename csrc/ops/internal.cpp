#include "ops/internal.h"

#include <algorithm>

#include "ops/ops.h"

namespace tt {

// ---------------------------------------------------------------- types

DType floating_result(DType type) { return is_floating(type) ? type : default_dtype(); }

namespace {

// Tensors with dimensions outrank 0-dim tensors, which outrank Python numbers: a lower rank only counts when
// it brings a higher category (bool < integer < floating).
int category(DType type) { return type == DType::Bool ? 0 : is_integral(type) ? 1 : 2; }

struct Promotion {
  std::optional<DType> ranked, scalars, numbers;
  void add(const Tensor& x) {
    DType type = x.dtype();
    bool number = x.body()->wrapped_number;
    if (number && is_floating(type)) type = default_dtype();
    std::optional<DType>& slot = number ? numbers : x.rank() == 0 ? scalars : ranked;
    slot = slot ? promote(*slot, type) : type;
  }
  static std::optional<DType> combine(std::optional<DType> higher, std::optional<DType> lower) {
    if (!higher) return lower;
    if (!lower || category(*higher) >= category(*lower)) {
      return higher;
    }
    return promote(*higher, *lower);
  }
  DType result() const { return *combine(combine(ranked, scalars), numbers); }
};

}  // namespace

DType result_type(std::initializer_list<const Tensor*> inputs) {
  Promotion promotion;
  for (const Tensor* x : inputs) promotion.add(*x);
  return promotion.result();
}

template <class T>
static void store(char* to, const Scalar& value) {
  *reinterpret_cast<T*>(to) = value.to<T>();
}

void store_scalar(char* to, DType type, const Scalar& value) {
  switch (type) {
    case DType::Bool:
      *to = value.is_real() ? value.real != 0 : value.integer != 0;
      break;
    case DType::UInt8:
      store<uint8_t>(to, value.is_real() ? Scalar(int64_t(value.real)) : value);
      break;
    case DType::Int8:
      store<int8_t>(to, value);
      break;
    case DType::Int16:
      store<int16_t>(to, value);
      break;
    case DType::Int32:
      store<int32_t>(to, value);
      break;
    case DType::Int64:
      store<int64_t>(to, value);
      break;
    case DType::Float16:
      *reinterpret_cast<Half*>(to) = to_half(value.to<float>());
      break;
    case DType::BFloat16:
      *reinterpret_cast<BFloat16*>(to) = to_bfloat16(value.to<float>());
      break;
    case DType::Float32:
      store<float>(to, value);
      break;
    case DType::Float64:
      store<double>(to, value);
      break;
  }
}

static Tensor new_number(DType type) {
  Tensor x = empty({}, type);
  x.body()->wrapped_number = true;
  return x;
}

// A number that nothing has kept is written over by the next: most live for one call.
Tensor wrapped_number(const Scalar& value) {
  static thread_local Tensor numbers[] = {new_number(DType::Bool), new_number(DType::Int64),
                                          new_number(DType::Float64)};
  Tensor& slot = numbers[value.is_real() ? 2 : value.dtype == DType::Bool ? 0 : 1];
  Body& body = *slot.body();
  bool free = slot.unique() && body.storage->references == 1 && !body.python && !body.autograd;
  if (!free) slot = new_number(value.dtype);
  store_scalar(slot.bytes(), value.dtype, value);
  return slot;
}

Tensor number_like(const Tensor& x, const Scalar& value) {
  Tensor number = empty({}, x.dtype());
  store_scalar(number.bytes(), x.dtype(), value);
  return x.device().is_cpu() ? number : to_device(number, x.device());
}

Scalar item(const Tensor& x) {
  check(x.count() == 1, "item: a Tensor with ", x.count(), " elements cannot be converted to Scalar");
  Tensor host = x.device().is_cpu() ? x : to_device(x, {});
  switch (host.dtype()) {
    case DType::Bool:
      return *host.data<bool>();
    case DType::UInt8:
      return int64_t(*host.data<uint8_t>());
    case DType::Int8:
      return int64_t(*host.data<int8_t>());
    case DType::Int16:
      return int64_t(*host.data<int16_t>());
    case DType::Int32:
      return int64_t(*host.data<int32_t>());
    case DType::Int64:
      return *host.data<int64_t>();
    case DType::Float16:
      return double(to_float(*host.data<Half>()));
    case DType::BFloat16:
      return double(to_float(*host.data<BFloat16>()));
    case DType::Float32:
      return double(*host.data<float>());
    case DType::Float64:
      break;
  }
  return *host.data<double>();
}

// ---------------------------------------------------------------- geometry

Shape expanded_strides(const Tensor& x, const Shape& sizes) {
  Shape strides = Shape::filled(sizes.size(), 0);
  int shift = sizes.size() - x.rank();
  for (int i = 0; i < x.rank(); i++)
    strides[i + shift] = x.sizes()[i] == 1 && sizes[i + shift] != 1 ? 0 : x.strides()[i];
  return strides;
}

Operand operand_of(const Tensor& x, const Shape& strides) { return {x.bytes(), strides.data(), x.dtype()}; }

bool is_dense(const Tensor& x) {
  Shape order;
  for (int i = 0; i < x.rank(); i++)
    if (x.sizes()[i] != 1) order.push_back(i);
  std::sort(order.begin(), order.end(),
            [&](int64_t a, int64_t b) { return x.strides()[int(a)] < x.strides()[int(b)]; });
  int64_t expected = 1;
  for (int64_t i : order) {
    if (x.strides()[int(i)] != expected) return x.count() == 0;
    expected *= x.sizes()[int(i)];
  }
  return true;
}

// Orders dimensions from the innermost outwards by the first input that prefers one, as PyTorch's results do.
Shape preferred_strides(const Shape& sizes, const std::vector<Shape>& inputs) {
  int rank = sizes.size();
  Shape order;
  for (int i = rank - 1; i >= 0; i--) order.push_back(i);
  auto compare = [&](int64_t a, int64_t b) {  // > 0: a lies further out than b
    for (const Shape& strides : inputs) {
      if (strides[int(a)] == 0 || strides[int(b)] == 0) continue;
      if (strides[int(a)] != strides[int(b)]) return strides[int(a)] < strides[int(b)] ? -1 : 1;
      if (sizes[int(a)] > sizes[int(b)]) return 1;
    }
    return 0;
  };
  for (int i = 1; i < rank; i++) {
    int moving = i;
    for (int j = i - 1; j >= 0; j--) {
      int which = compare(order[j], order[moving]);
      if (which < 0) break;
      if (which == 0) continue;
      std::swap(order[j], order[moving]);
      moving = j;
    }
  }
  Shape strides = Shape::filled(rank, 1);
  int64_t stride = 1;
  for (int64_t dim : order) {
    strides[int(dim)] = stride;
    stride *= std::max<int64_t>(sizes[int(dim)], 1);
  }
  return strides;
}

void copy_values(const Tensor& to, const Tensor& from) {
  if (to.count() == 0) return;
  if (to.device() == from.device()) {
    CopyCall call{to.rank(), to.sizes().data(), operand_of(to, to.strides()),
                  operand_of(from, from.strides())};
    return kernels_of(to.device()).copy(call);
  }
  if (from.device().is_meta())
    fail(ErrorKind::NotImplemented, "copy: a meta tensor has no values to copy to ", to.device());
  if (to.device().is_meta()) return;
  // Across devices: cast and pack where the values are, move bytes, unpack where they go.
  Tensor packed = from;
  if (from.dtype() != to.dtype() || !from.is_contiguous()) {
    packed = empty(from.sizes(), to.dtype(), from.device());
    copy_values(packed, from);
  }
  Tensor landed = to.is_contiguous() ? to : empty(to.sizes(), to.dtype(), to.device());
  Device device = to.device().is_cpu() ? from.device() : to.device();
  backend_of(device).copy_bytes(landed.bytes(), to.device(), packed.bytes(), from.device(),
                                to.count() * size_of(to.dtype()));
  if (!landed.is(to)) copy_values(to, landed);
}

// ---------------------------------------------------------------- results

Device common_device(const char* op, std::initializer_list<const Tensor*> inputs) {
  std::optional<Device> found;
  for (const Tensor* x : inputs) {
    if (!x->defined()) continue;
    Device device = x->device();
    if (device.is_cpu() && x->rank() == 0) continue;
    check(!found || *found == device, op,
          ": expected all tensors to be on the same device, but found at least two "
          "devices, ",
          found.value_or(device), " and ", device);
    found = device;
  }
  return found.value_or(Device{});
}

Tensor result_tensor(const char* op, Out out, const Shape& sizes, DType dtype, Device device) {
  if (!out) return empty(sizes, dtype, device);
  const Tensor& target = *out.target;
  check(can_cast(dtype, target.dtype()), op, ": result type ", legacy_name_of(dtype),
        " can't be cast to the desired output type ", legacy_name_of(target.dtype()));
  if (target.sizes() == sizes) return target;
  check(!out.in_place, op, ": output with shape ", target.sizes(), " doesn't match the broadcast shape ",
        sizes);
  resize_(target, sizes);
  return target;
}

void check_unrecorded(const char* op, Out out, std::initializer_list<const Tensor*> inputs) {
  if (!out || out.in_place || !grad_enabled()) return;
  for (const Tensor* x : inputs)
    check(!needs_grad(*x), op,
          "(): functions with out=... arguments don't support automatic differentiation, but one of "
          "the arguments requires grad.");
}

Tensor deliver(const char* op, Tensor result, Out out) {
  if (!out) return result;
  if (!out.in_place)
    check(!(grad_enabled() && (needs_grad(result) || needs_grad(*out.target))), op,
          "(): functions with out=... arguments don't support automatic differentiation, but one of the "
          "arguments "
          "requires grad.");
  Tensor target = result_tensor(op, out, result.sizes(), result.dtype(), result.device());
  if (target.is(result)) return target;
  if (out.in_place) return copy_(target, result);
  copy_values(target, result);
  bump_version(target, op);
  return target;
}

}  // namespace tt
