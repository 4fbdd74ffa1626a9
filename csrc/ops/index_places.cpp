#include "ops/index_places.h"

#include "ops/ops.h"

namespace tt {

// ---------------------------------------------------------------- indices

void check_index_type(const char* op, const Tensor& index, bool allows_int32) {
  bool fits = index.dtype() == DType::Int64 || (allows_int32 && index.dtype() == DType::Int32);
  check(fits, op, ": expected dtype ", allows_int32 ? "int32 or int64" : "int64 (a long tensor)",
        " for index, but got ", name_of(index.dtype()));
}

Tensor as_int64(const Tensor& index, Device device) {
  GradGuard off(false);
  return to_device(to_dtype(index, DType::Int64), device);
}

void check_bounds(const char* op, ErrorKind kind, const Tensor& index, int64_t low, int64_t high,
                  int64_t dim) {
  if (index.count() == 0) return;
  auto kernel = kernels_of(index.device()).outside;
  check(kernel, op, ": not implemented on ", index.device());
  Operand operand = operand_of(index, index.strides());
  OutsideCall call{index.rank(), index.sizes().data(), &operand, low, high};
  if (kernel(call))
    fail(kind, op, ": index ", call.found, " is out of bounds for dimension ", dim, " with size ", high);
}

// ---------------------------------------------------------------- destinations

Tensor start_from(const Tensor& x, Out out, Order order) {
  if (out.in_place) return *out.target;
  GradGuard off(false);
  if (order == Order::kept) return clone(x);
  Tensor y = empty(x.sizes(), x.dtype(), x.device());
  copy_values(y, x);
  return y;
}

Tensor settled(const char* op, const Tensor& result, Out out) {
  return out.in_place ? result : deliver(op, result, out);
}

Tensor number_for(const char* op, const Tensor& x, const Scalar& value) {
  Tensor number = empty({}, x.dtype());
  fill_values(op, number, value);
  return to_device(number, x.device());
}

void check_apart(const char* op, const Tensor& written, const Tensor& read) {
  check_no_overlap(op, written, read);
  bool filled = written.count() && read.count() && !written.device().is_meta();
  bool same = filled && written.bytes() == read.bytes();
  check(!same, op,
        ": unsupported operation: the source and the written-to tensor are the same memory. Please clone() "
        "the source before performing the operation.");
}

Tensor at_least_1d(const Tensor& x) {
  return x.rank() ? x : tensor_over(x.storage(), {1}, {1}, x.offset(), x.dtype());
}

// ---------------------------------------------------------------- picked elements

Picked picked_elements(const Tensor& x, int dim, const Tensor& index) {
  Picked picked{index.sizes(), x.strides(), index, index.strides(), x.strides()[dim], x.sizes()[dim]};
  picked.strides[dim] = 0;
  return picked;
}

Picked picked_slices(const Tensor& x, int dim, const Tensor& index, bool from_end) {
  Picked picked{x.sizes(),        x.strides(),    index,   Shape::filled(x.rank(), 0),
                x.strides()[dim], x.sizes()[dim], from_end};
  picked.sizes[dim] = index.count();
  picked.strides[dim] = 0;
  picked.index_strides[dim] = index.rank() ? index.strides()[0] : 0;
  return picked;
}

namespace {

struct PickedCall {
  Operand dense, indexed, index;
  IndexCall call;
  PickedCall(IndexMode mode, const Tensor& x, const Picked& p, const Tensor& y, const Shape& y_strides)
      : dense(operand_of(y, y_strides)),
        indexed(operand_of(x, p.strides)),
        index(operand_of(p.index, p.index_strides)),
        call{mode,     p.sizes.size(), p.sizes.data(), &dense,
             &indexed, &index,         p.step,         p.from_end ? p.size : 0} {}
};

}  // namespace

void move_picked(const char* op, IndexMode mode, const Tensor& indexed, const Picked& picked,
                 const Tensor& dense, const Shape& dense_strides) {
  if (product(picked.sizes) == 0) return;
  auto kernel = kernels_of(indexed.device()).index;
  check(kernel, op, ": not implemented on ", indexed.device());
  kernel(PickedCall(mode, indexed, picked, dense, dense_strides).call);
}

void read_picked(const char* op, ErrorKind kind, const Tensor& x, const Picked& picked, const Tensor& y,
                 int64_t dim) {
  if (y.count() == 0) return;
  auto kernel = kernels_of(x.device()).checked_get;
  int64_t low = picked.from_end ? -picked.size : 0;
  if (kernel && kernel(PickedCall(IndexMode::get, x, picked, y, y.strides()).call, low, picked.size)) return;
  check_bounds(op, kind, picked.index, low, picked.size, dim);
  move_picked(op, IndexMode::get, x, picked, y, y.strides());
}

void write_picked(const char* op, IndexMode mode, const Tensor& y, const Picked& picked, const Tensor& source,
                  Out out) {
  if (out.in_place) check_apart(op, y, source);
  move_picked(op, mode, y, picked, source, expanded_strides(source, picked.sizes));
  if (out.in_place) bump_version(y, op);
}

// ---------------------------------------------------------------- masks

Tensor dense_mask(const Tensor& mask, const Shape& sizes) {
  GradGuard off(false);
  return contiguous(expand(to_dtype(mask, DType::Bool), sizes));
}

Tensor coordinates(const char* op, const Tensor& mask) {
  auto kernel = kernels_of(mask.device()).nonzero;
  check(kernel, op, ": not implemented on ", mask.device());
  NonzeroCall call{mask.data<bool>(), mask.rank(), mask.sizes().data()};
  if (mask.count()) call.pitch = kernel(call);
  Tensor places = empty({mask.rank(), call.pitch}, DType::Int64, mask.device());
  call.out = places.data<int64_t>();
  if (call.pitch && mask.rank()) kernel(call);
  return places;
}

Tensor mask_places(const char* op, const Tensor& mask) {
  Tensor flat = tensor_over(mask.storage(), {mask.count()}, {1}, mask.offset(), DType::Bool);
  Tensor places = coordinates(op, flat);
  return tensor_over(places.storage(), {places.sizes()[1]}, {1}, 0, DType::Int64);
}

}  // namespace tt
