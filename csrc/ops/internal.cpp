#include "ops/internal.h"

#include <algorithm>

#include "ops/ops.h"

namespace tt {

// ---------------------------------------------------------------- types

DType floating_result(DType type) { return is_floating(type) ? type : default_dtype(); }

namespace {

// Tensors with dimensions outrank 0-dim tensors, which outrank Python numbers: a lower rank only counts when it
// brings a higher category (bool < integer < floating).
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

static void store_scalar(char* to, DType type, const Scalar& value) {
  switch (type) {
    case DType::Bool: *to = value.is_real() ? value.real != 0 : value.integer != 0; break;
    case DType::UInt8: store<uint8_t>(to, value.is_real() ? Scalar(int64_t(value.real)) : value); break;
    case DType::Int8: store<int8_t>(to, value); break;
    case DType::Int16: store<int16_t>(to, value); break;
    case DType::Int32: store<int32_t>(to, value); break;
    case DType::Int64: store<int64_t>(to, value); break;
    case DType::Float16: *reinterpret_cast<Half*>(to) = to_half(value.to<float>()); break;
    case DType::BFloat16: *reinterpret_cast<BFloat16*>(to) = to_bfloat16(value.to<float>()); break;
    case DType::Float32: store<float>(to, value); break;
    case DType::Float64: store<double>(to, value); break;
  }
}

static Tensor new_number(DType type) {
  Tensor x = empty({}, type);
  x.body()->wrapped_number = true;
  return x;
}

// A number that nothing has kept is written over by the next: most live for one call.
Tensor wrapped_number(const Scalar& value) {
  static thread_local Tensor numbers[] = {new_number(DType::Bool), new_number(DType::Int64), new_number(DType::Float64)};
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
    case DType::Bool: return *host.data<bool>();
    case DType::UInt8: return int64_t(*host.data<uint8_t>());
    case DType::Int8: return int64_t(*host.data<int8_t>());
    case DType::Int16: return int64_t(*host.data<int16_t>());
    case DType::Int32: return int64_t(*host.data<int32_t>());
    case DType::Int64: return *host.data<int64_t>();
    case DType::Float16: return double(to_float(*host.data<Half>()));
    case DType::BFloat16: return double(to_float(*host.data<BFloat16>()));
    case DType::Float32: return double(*host.data<float>());
    case DType::Float64: break;
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

Operand operand_of(const Tensor& x, const Shape& strides) {
  return {x.bytes(), strides.data(), x.dtype()};
}

bool is_dense(const Tensor& x) {
  Shape order;
  for (int i = 0; i < x.rank(); i++)
    if (x.sizes()[i] != 1) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return x.strides()[int(a)] < x.strides()[int(b)]; });
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
    CopyCall call{to.rank(), to.sizes().data(), operand_of(to, to.strides()), operand_of(from, from.strides())};
    return kernels_of(to.device()).copy(call);
  }
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
    check(!found || *found == device, op, ": expected all tensors to be on the same device, but found at least two "
          "devices, ", found.value_or(device), " and ", device);
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
  check(!out.in_place, op, ": output with shape ", target.sizes(), " doesn't match the broadcast shape ", sizes);
  resize_(target, sizes);
  return target;
}

void check_unrecorded(const char* op, Out out, std::initializer_list<const Tensor*> inputs) {
  if (!out || out.in_place || !grad_enabled()) return;
  for (const Tensor* x : inputs)
    check(!needs_grad(*x), op, "(): functions with out=... arguments don't support automatic differentiation, but one of "
          "the arguments requires grad.");
}

Tensor deliver(const char* op, Tensor result, Out out) {
  if (!out) return result;
  if (!out.in_place)
    check(!(grad_enabled() && (needs_grad(result) || needs_grad(*out.target))), op,
          "(): functions with out=... arguments don't support automatic differentiation, but one of the arguments "
          "requires grad.");
  Tensor target = result_tensor(op, out, result.sizes(), result.dtype(), result.device());
  if (target.is(result)) return target;
  if (out.in_place) return copy_(target, result);
  copy_values(target, result);
  bump_version(target, op);
  return target;
}

// ---------------------------------------------------------------- elementwise

namespace {

// All inputs alike and contiguous: nothing to work out.
bool is_simple(std::initializer_list<const Tensor*> inputs) {
  const Tensor& first = **inputs.begin();
  for (const Tensor* x : inputs)
    if (!x->is_contiguous() || x->dtype() != first.dtype() || !(x->sizes() == first.sizes()) ||
        !(x->device() == first.device()))
      return false;
  return true;
}

bool has_usual_strides(const Tensor& x) {
  int64_t expected = 1;
  for (int i = x.rank() - 1; i >= 0; i--) {
    if (x.strides()[i] != expected) return false;
    expected *= std::max<int64_t>(x.sizes()[i], 1);
  }
  return true;
}

// The one tensor that settles the result: the rest are laid out alike, or single numbers.
const Tensor* leader_of(std::initializer_list<const Tensor*> inputs) {
  const Tensor* leader = *inputs.begin();
  bool numbers = false;
  for (const Tensor* x : inputs) {
    if (!x->is_contiguous()) return nullptr;
    numbers |= x->rank() == 0;
    if (x->rank() == 0) continue;
    if (leader->rank() == 0) leader = x;
    if (!(x->sizes() == leader->sizes())) return nullptr;
  }
  // Beside a number, strides of dimensions of size 1 are handed on where they are unusual.
  return numbers && !has_usual_strides(*leader) ? nullptr : leader;
}

void run(Elementwise op, DType compute, const Tensor& y, std::initializer_list<const Tensor*> inputs) {
  if (y.count() == 0) return;
  // Halves are storage formats: they compute in float32, but for moves, which need no arithmetic.
  if (is_half(compute) && info_of(op).types != Types::any) compute = DType::Float32;
  ElementwiseCall call{op, compute, y.rank(), y.sizes().data(), operand_of(y, y.strides()), {}};
  Shape strides[max_inputs];
  alignas(8) char numbers[max_inputs][8];
  int i = 0;
  for (const Tensor* x : inputs) {
    bool same = x->sizes() == y.sizes();
    if (!same) strides[i] = expanded_strides(*x, y.sizes());
    call.in[i] = operand_of(*x, same ? x->strides() : strides[i]);
    DType type = input_type(op, i, compute);
    if (x->rank() == 0 && x->dtype() != type && x->device().is_cpu()) {  // converted here, once
      store_scalar(numbers[i], type, item(*x));
      call.in[i].data = numbers[i];
      call.in[i].dtype = type;
    }
    call.in[i].on_host = x->device().is_cpu() && !y.device().is_cpu();
    i++;
  }
  kernels_of(y.device()).elementwise(call);
}

void check_divisor(Elementwise op, DType compute, const Tensor& divisor) {
  if (is_floating(compute)) return;
  if (op != Elementwise::floor_divide && op != Elementwise::trunc_divide && op != Elementwise::remainder &&
      op != Elementwise::fmod)
    return;
  check(!any_zero(divisor), info_of(op).name, ": ZeroDivisionError: integer division or modulo by zero");
}

bool same_memory(const Tensor& a, const Tensor& b) {
  return a.bytes() == b.bytes() && a.dtype() == b.dtype() && a.sizes() == b.sizes() && a.strides() == b.strides();
}

// The extent of memory that a tensor reaches, in bytes from the start of its storage's data.
std::pair<const char*, const char*> reach(const Tensor& x) {
  int64_t low = 0, high = 0;
  for (int i = 0; i < x.rank(); i++) {
    int64_t extent = (x.sizes()[i] - 1) * x.strides()[i];
    (extent < 0 ? low : high) += extent;
  }
  int64_t size = size_of(x.dtype());
  return {x.bytes() + low * size, x.bytes() + (high + 1) * size};
}

}  // namespace

bool reaches_into(const Tensor& x, const Tensor& y) {
  if (x.storage()->memory_owner() != y.storage()->memory_owner()) return false;
  if (x.count() == 0 || y.count() == 0 || same_memory(x, y)) return false;
  auto [a, b] = reach(x);
  auto [c, d] = reach(y);
  return b > c && d > a;
}

// Tensors with gaps may lie in one another's: columns of one matrix have a range in common, but no element.
void check_no_overlap(const char* op, const Tensor& written, const Tensor& read) {
  if (!reaches_into(written, read)) return;
  check(!is_dense(written) || !is_dense(read), op, ": unsupported operation: some elements of the input tensor and the written-to tensor "
        "refer to a single memory location. Please clone() the tensor before performing the operation.");
}

// Inputs that lie in memory alike hand their order on; otherwise the order is worked out.
static Shape result_strides(const Shape& sizes, std::initializer_list<const Tensor*> inputs) {
  const Tensor& first = **inputs.begin();
  auto all = [&](auto test) { return std::all_of(inputs.begin(), inputs.end(), test); };
  if (all([&](const Tensor* x) { return x->sizes() == sizes; })) {
    if (all([](const Tensor* x) { return x->is_contiguous(); })) return contiguous_strides(sizes);
    if (all([&](const Tensor* x) { return x->strides() == first.strides() && is_dense(*x); })) return first.strides();
  }
  std::vector<Shape> strides;
  for (const Tensor* x : inputs)
    if (x->rank()) strides.push_back(expanded_strides(*x, sizes));
  return preferred_strides(sizes, strides);
}

static Tensor into_destination(Elementwise op, DType compute, DType result, const Shape& sizes, Device device,
                               std::initializer_list<const Tensor*> inputs, Out out) {
  const char* name = info_of(op).name;
  check_unrecorded(name, out, inputs);
  Tensor y = result_tensor(name, out, sizes, result, device);
  for (const Tensor* x : inputs) check_no_overlap(name, y, *x);
  run(op, compute, y, inputs);
  bump_version(y, name);
  return y;
}

Tensor elementwise_as(Elementwise op, DType compute, std::initializer_list<const Tensor*> inputs, Out out) {
  const Tensor& first = **inputs.begin();
  DType result = result_type(op, compute);
  const Tensor* leader = out ? nullptr : leader_of(inputs);
  if (leader) {
    check_divisor(op, compute, **(inputs.end() - 1));
    Tensor y = empty(leader->sizes(), result, common_device(info_of(op).name, inputs));
    run(op, compute, y, inputs);
    return y;
  }
  const char* name = info_of(op).name;
  Shape sizes = first.sizes();
  for (const Tensor* x : inputs) sizes = broadcast(name, sizes, x->sizes());
  if (out.in_place)
    check(sizes == out.target->sizes(), name, ": output with shape ", out.target->sizes(),
          " doesn't match the broadcast shape ", sizes);
  Device device = common_device(name, inputs);
  check_divisor(op, compute, **(inputs.end() - 1));
  if (out) return into_destination(op, compute, result, sizes, device, inputs, out);
  Tensor y = empty_strided(sizes, result_strides(sizes, inputs), result, device);
  run(op, compute, y, inputs);
  return y;
}

Tensor elementwise(Elementwise op, std::initializer_list<const Tensor*> inputs, Out out) {
  const Tensor& first = **inputs.begin();
  DType compute = is_simple(inputs) && !first.body()->wrapped_number ? first.dtype() : result_type(inputs);
  if (info_of(op).types == Types::floating) compute = floating_result(compute);
  if (!computes(op, is_half(compute) ? DType::Float32 : compute)) [[unlikely]] fail_dtype(info_of(op).name, compute);
  return elementwise_as(op, compute, inputs, out);
}

// ---------------------------------------------------------------- in-place

static void check_list_view(const char* op, const Tensor& self) {
  check(self.body()->view_kind != ViewKind::MultiOutput, op, ": an output of a function that returns multiple views is "
        "being modified inplace. Such functions do not allow the output views to be modified inplace. You should replace "
        "the inplace operation by an out-of-place one.");
}

void check_inplace(const char* op, const Tensor& self, bool uniform, bool recording) {
  Body& body = *self.body();
  for (int i = 0; i < self.rank(); i++)
    check(uniform || self.sizes()[i] < 2 || self.strides()[i] != 0 || self.count() == 0, op,
          ": unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
          "Please clone() the tensor before performing the operation.");
  check(!body.inference || inference_mode, op,
        ": Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get a "
        "normal tensor before doing inplace update.");
  if (!grad_enabled() || !(recording || needs_grad(self))) return;
  check_list_view(op, self);
  if (!needs_grad(self)) return;
  check(!is_leaf(self), op, ": a leaf Variable that requires grad is being used in an in-place operation.");
  if (!body.base) return;
  Tensor base{Ref<Body>(body.base)};
  check(!is_leaf(base), op, ": a view of a leaf Variable that requires grad is being used in an in-place operation.");
  check(body.view_kind != ViewKind::NoGrad, op, ": A view was created in no_grad mode and is being modified inplace "
        "with grad mode enabled. Given that this use case is ambiguous and error-prone, it is forbidden.");
}

Tensor apart_from(const char* op, const Tensor& self, const Tensor& other) {
  check_no_overlap(op, self, other);
  return other.storage()->memory_owner() == self.storage()->memory_owner() ? snapshot(other) : other;
}

Tensor snapshot(const Tensor& self) {
  Edge edge = gradient_edge(self);
  GradGuard off(false);
  Tensor old = clone(self);
  if (edge.node) set_producer(old, edge.node, edge.output);
  return old;
}

}  // namespace tt
