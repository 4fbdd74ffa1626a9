// Elementwise ops as a whole: types, strides and overlaps of the operands; and ops that write into their
// argument.
#include <algorithm>

#include "ops/ops.h"

namespace tt {

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
  return a.bytes() == b.bytes() && a.dtype() == b.dtype() && a.sizes() == b.sizes() &&
         a.strides() == b.strides();
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
  check(!is_dense(written) || !is_dense(read), op,
        ": unsupported operation: some elements of the input tensor and the written-to tensor "
        "refer to a single memory location. Please clone() the tensor before performing the operation.");
}

// Inputs that lie in memory alike hand their order on; otherwise the order is worked out.
static Shape result_strides(const Shape& sizes, std::initializer_list<const Tensor*> inputs) {
  const Tensor& first = **inputs.begin();
  auto all = [&](auto test) { return std::all_of(inputs.begin(), inputs.end(), test); };
  if (all([&](const Tensor* x) { return x->sizes() == sizes; })) {
    if (all([](const Tensor* x) { return x->is_contiguous(); })) return contiguous_strides(sizes);
    if (all([&](const Tensor* x) { return x->strides() == first.strides() && is_dense(*x); }))
      return first.strides();
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
  if (!computes(op, is_half(compute) ? DType::Float32 : compute)) [[unlikely]]
    fail_dtype(info_of(op).name, compute);
  return elementwise_as(op, compute, inputs, out);
}

// ---------------------------------------------------------------- in-place

static void check_list_view(const char* op, const Tensor& self) {
  check(self.body()->view_kind != ViewKind::MultiOutput, op,
        ": an output of a function that returns multiple views is "
        "being modified inplace. Such functions do not allow the output views to be modified inplace. You "
        "should replace "
        "the inplace operation by an out-of-place one.");
}

void check_inplace(const char* op, const Tensor& self, bool uniform, bool recording) {
  Body& body = *self.body();
  for (int i = 0; i < self.rank(); i++)
    check(uniform || self.sizes()[i] < 2 || self.strides()[i] != 0 || self.count() == 0, op,
          ": unsupported operation: more than one element of the written-to tensor refers to a single memory "
          "location. "
          "Please clone() the tensor before performing the operation.");
  check(!body.inference || inference_mode, op,
        ": Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to "
        "get a "
        "normal tensor before doing inplace update.");
  if (!grad_enabled() || !(recording || needs_grad(self))) return;
  check_list_view(op, self);
  if (!needs_grad(self)) return;
  check(!is_leaf(self), op, ": a leaf Variable that requires grad is being used in an in-place operation.");
  if (!body.base) return;
  Tensor base{Ref<Body>(body.base)};
  check(!is_leaf(base), op,
        ": a view of a leaf Variable that requires grad is being used in an in-place operation.");
  check(body.view_kind != ViewKind::NoGrad, op,
        ": A view was created in no_grad mode and is being modified inplace "
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
