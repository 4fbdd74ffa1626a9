#include "ops/matmul.h"

#include "ops/ops.h"
#include "ops/products.h"

namespace tt {

// ---------------------------------------------------------------- checks

void check_factors(const char* op, const Tensor& a, const Tensor& b) {
  check(a.dtype() == b.dtype(), op, ": expected both tensors to have the same dtype, but got ",
        name_of(a.dtype()), " and ", name_of(b.dtype()));
  if (a.dtype() == DType::Bool) fail(ErrorKind::NotImplemented, op, ": not implemented for 'Bool'");
  if (!(a.device() == b.device())) common_device(op, {&a, &b});
}

void check_inner(const char* op, const Tensor& a, const Tensor& b, int64_t a_inner, int64_t b_inner) {
  check(a_inner == b_inner, op, ": inner sizes differ, got ", a.sizes(), " and ", b.sizes());
}

void check_rank(const char* op, const char* argument, const Tensor& x, int rank) {
  static constexpr const char* kinds[] = {"a number", "a vector", "a matrix", "a batch of matrices"};
  check(x.rank() == rank, op, ": ", argument, " must be ", kinds[rank], " (", rank,
        " dimensions), got shape ", x.sizes());
}

// ---------------------------------------------------------------- the way into the kernel

Tensor as_row(const Tensor& x) {
  Shape sizes = x.sizes(), strides = x.strides();
  sizes.insert(x.rank() - 1, 1);
  strides.insert(x.rank() - 1, sizes.back() * strides.back());
  return tensor_over(x.storage(), sizes, strides, x.offset(), x.dtype());
}

Tensor as_column(const Tensor& x) {
  Shape sizes = x.sizes(), strides = x.strides();
  sizes.push_back(1);
  strides.push_back(1);
  return tensor_over(x.storage(), sizes, strides, x.offset(), x.dtype());
}

namespace {

struct BatchDim {
  int64_t size, a, b, c;
};
using BatchDims = Small<BatchDim, 4>;

int64_t batch_stride(const Tensor& x, int dim, int rank) {
  dim -= rank - x.rank();
  return dim < 0 || x.sizes()[dim] == 1 ? 0 : x.strides()[dim];
}

// The batch dimensions, innermost first; those through which all three step alike are one.
BatchDims batch_dims(const Tensor& a, const Tensor& b, const Tensor& c) {
  BatchDims dims;
  for (int i = c.rank() - 3; i >= 0; i--) {
    BatchDim dim{c.sizes()[i], batch_stride(a, i, c.rank()), batch_stride(b, i, c.rank()), c.strides()[i]};
    if (dim.size == 1) continue;
    if (!dims.empty()) {
      BatchDim& last = dims.back();
      if (dim.a == last.a * last.size && dim.b == last.b * last.size && dim.c == last.c * last.size) {
        last.size *= dim.size;
        continue;
      }
    }
    dims.push_back(dim);
  }
  return dims;
}

template <class T>
T* moved(T* p, int64_t bytes) {
  using Byte = std::conditional_t<std::is_const_v<T>, const char, char>;
  return static_cast<Byte*>(p) + bytes;
}

void run(const Kernels& kernels, GemmCall call, const BatchDims& dims, int level) {
  if (level < 0) return kernels.gemm(call);
  const BatchDim& dim = dims[level];
  const int64_t size = size_of(call.dtype);
  for (int64_t i = 0; i < dim.size; i++) {
    run(kernels, call, dims, level - 1);
    call.a = moved(call.a, dim.a * size);
    call.b = moved(call.b, dim.b * size);
    call.c = moved(call.c, dim.c * size);
  }
}

Tensor transposed(const Tensor& x) {
  Shape sizes = x.sizes(), strides = x.strides();
  std::swap(sizes[x.rank() - 1], sizes[x.rank() - 2]);
  std::swap(strides[x.rank() - 1], strides[x.rank() - 2]);
  return tensor_over(x.storage(), sizes, strides, x.offset(), x.dtype());
}

Tensor spread(const Tensor& x, const Shape& sizes) {
  return tensor_over(x.storage(), sizes, expanded_strides(x, sizes), x.offset(), x.dtype());
}

}  // namespace

void multiply(const Tensor& c, const Tensor& a, const Tensor& b, bool accumulate, const Tensor& bias) {
  if (c.count() == 0) return;
  const int last = c.rank() - 1;
  if (c.strides()[last] != 1 && c.sizes()[last] != 1) {  // the kernel wants contiguous columns
    if (bias.defined()) copy_values(c, spread(bias, c.sizes()));
    accumulate |= bias.defined();
    if (c.strides()[last - 1] == 1) return multiply(transposed(c), transposed(b), transposed(a), accumulate);
    Tensor packed = empty(c.sizes(), c.dtype(), c.device());
    if (accumulate) copy_values(packed, c);
    multiply(packed, a, b, accumulate);
    return copy_values(c, packed);
  }
  const Kernels& kernels = kernels_of(c.device());
  check(kernels.gemm, "matmul: not implemented on ", c.device());
  GemmCall call{.dtype = c.dtype(),
                .m = c.sizes()[last - 1],
                .n = c.sizes()[last],
                .k = a.sizes()[a.rank() - 1],
                .a = a.bytes(),
                .a_row = a.strides()[a.rank() - 2],
                .a_col = a.strides()[a.rank() - 1],
                .b = b.bytes(),
                .b_row = b.strides()[b.rank() - 2],
                .b_col = b.strides()[b.rank() - 1],
                .c = c.bytes(),
                .c_row = c.strides()[last - 1],
                .accumulate = accumulate};
  Tensor packed_bias = bias.defined() ? contiguous(bias) : Tensor();
  if (bias.defined()) call.bias = packed_bias.bytes();
  if (c.rank() == 2) return kernels.gemm(call);
  BatchDims dims = batch_dims(a, b, c);
  if (!dims.empty()) {
    // The kernel shares out one batch dimension among threads: the largest.
    BatchDim* largest =
        std::max_element(dims.begin(), dims.end(), [](auto& x, auto& y) { return x.size < y.size; });
    std::swap(*largest, dims.back());
    call.batch = dims.back().size;
    call.a_batch = dims.back().a;
    call.b_batch = dims.back().b;
    call.c_batch = dims.back().c;
  }
  run(kernels, call, dims, dims.size() - 2);
}

Tensor product_target(const char* op, Out out, const Shape& sizes,
                      std::initializer_list<const Tensor*> inputs) {
  const Tensor& first = **inputs.begin();
  if (!out) return empty(sizes, first.dtype(), first.device());
  check(out.target->dtype() == first.dtype(), op, ": expected out tensor to have dtype ",
        name_of(first.dtype()), ", but got ", name_of(out.target->dtype()), " instead");
  bool shared = false;
  for (const Tensor* x : inputs) {
    check(
        out.in_place || !grad_enabled() || !(needs_grad(*x) || needs_grad(*out.target)), op,
        "(): functions with "
        "out=... arguments don't support automatic differentiation, but one of the arguments requires grad.");
    shared |= x->storage()->memory_owner() == out.target->storage()->memory_owner();
  }
  if (shared && !out.in_place) return empty(sizes, first.dtype(), first.device());
  return result_tensor(op, out, sizes, first.dtype(), first.device());
}

Tensor settle(const char* op, const Tensor& y, Out out) {
  if (!out) return y;
  Tensor target = result_tensor(op, out, y.sizes(), y.dtype(), y.device());
  if (!target.is(y)) copy_values(target, y);
  bump_version(target, op);
  return target;
}

// ---------------------------------------------------------------- two matrices

Tensor left_gradient(const Tensor& g, const Tensor& b, bool by_columns) {
  return by_columns ? t(mm(b, t(g))) : mm(g, t(b));
}
Tensor right_gradient(const Tensor& g, const Tensor& a, bool by_columns) {
  return by_columns ? t(mm(t(g), a)) : mm(t(a), g);
}

static Tensor product_of_matrices(const char* op, const Tensor& a, const Tensor& b, Out out) {
  check_factors(op, a, b);
  check_inner(op, a, b, a.sizes()[1], b.sizes()[0]);
  Tensor y = product_target(op, out, {a.sizes()[0], b.sizes()[1]}, {&a, &b});
  multiply(y, a, b);
  y = settle(op, y, out);
  if (!any_needs_grad(inputs(a, b))) return y;
  bool left = by_columns(a), right = by_columns(b);
  return record(
      "MmBackward0", y, inputs(a, b), save(kept(a, b), kept(b, a), left, right),
      [](const Tensor& g, const Tensor&, const Tensor& b, const bool& left, const bool&) {
        return left_gradient(g, b, left);
      },
      [](const Tensor& g, const Tensor& a, const Tensor&, const bool&, const bool& right) {
        return right_gradient(g, a, right);
      });
}

Tensor mm(const Tensor& a, const Tensor& b, Out out) {
  check_rank("mm", "input", a, 2);
  check_rank("mm", "mat2", b, 2);
  return product_of_matrices("mm", a, b, out);
}

// ---------------------------------------------------------------- vectors

static Tensor product_of_vectors(const char* op, const Tensor& a, const Tensor& b, Out out) {
  check_factors(op, a, b);
  check_inner(op, a, b, a.count(), b.count());
  Tensor y = product_target(op, out, {}, {&a, &b});
  multiply(tensor_over(y.storage(), {1, 1}, {1, 1}, y.offset(), y.dtype()), as_row(a), as_column(b));
  return record(
      "DotBackward0", settle(op, y, out), inputs(a, b), save(kept(a, b), kept(b, a)),
      [](const Tensor& g, const Tensor&, const Tensor& b) { return mul(g, b); },
      [](const Tensor& g, const Tensor& a, const Tensor&) { return mul(g, a); });
}

Tensor dot(const Tensor& a, const Tensor& b, Out out) {
  check_rank("dot", "input", a, 1);
  check_rank("dot", "tensor", b, 1);
  return product_of_vectors("dot", a, b, out);
}

static Tensor matrix_times_vector(const char* op, const Tensor& a, const Tensor& v, Out out) {
  check_factors(op, a, v);
  check_inner(op, a, v, a.sizes()[1], v.count());
  Tensor y = product_target(op, out, {a.sizes()[0]}, {&a, &v});
  multiply(as_column(y), a, as_column(v));
  return record(
      "MvBackward0", settle(op, y, out), inputs(a, v), save(kept(a, v), kept(v, a)),
      [](const Tensor& g, const Tensor&, const Tensor& v) { return outer(g, v); },
      [](const Tensor& g, const Tensor& a, const Tensor&) { return mv(t(a), g); });
}

Tensor mv(const Tensor& a, const Tensor& v, Out out) {
  check_rank("mv", "input", a, 2);
  check_rank("mv", "vec", v, 1);
  return matrix_times_vector("mv", a, v, out);
}

// ---------------------------------------------------------------- batches

namespace {

// Gradients of a product in which at least one factor is no matrix. The engine sums over broadcast batches;
// where the other factor is a single matrix, the sum over the batch is part of the product instead.
Tensor batch_left_gradient(const Tensor& g, const Tensor& b, int64_t rank) {
  if (rank == 1) return squeeze(matmul(b, unsqueeze(g, -1)), {-1});
  if (b.rank() == 1) return mul(unsqueeze(g, -1), b);
  if (rank > 2 || b.rank() < 3) return matmul(g, transpose(b, -2, -1));
  Tensor flat_g = flatten(g, 0, -3), flat_b = flatten(transpose(b, -2, -1), 0, -3);
  return addbmm(zeros({}, g.dtype(), g.device()), flat_g, flat_b, 0, 1);
}

Tensor batch_right_gradient(const Tensor& g, const Tensor& a, int64_t rank, bool by_columns) {
  if (rank == 1) return squeeze(matmul(unsqueeze(g, -2), a), {-2});
  if (a.rank() == 1) return mul(unsqueeze(a, -1), unsqueeze(g, -2));
  if (rank > 2 || a.rank() < 3) return matmul(transpose(a, -2, -1), g);
  int64_t k = a.size(-1), rows = k ? a.count() / k : product(a.sizes());
  if (k == 0) return zeros({0, g.size(-1)}, g.dtype(), g.device());
  return right_gradient(reshape(g, {rows, g.size(-1)}), reshape(a, {rows, k}), by_columns);
}

const char* batch_name(const Tensor& a, const Tensor& b) {
  if (a.rank() == 1 && b.rank() == 2) return "SqueezeBackward4";
  return a.rank() == 2 ? "CloneBackward0" : "UnsafeViewBackward0";
}

Shape leading(const Tensor& x) { return Shape(x.sizes().data(), x.rank() - 2); }

Tensor product_of_batches(const char* op, const char* name, const Tensor& a, const Tensor& b, Out out) {
  check_factors(op, a, b);
  Tensor left = a.rank() == 1 ? as_row(a) : a, right = b.rank() == 1 ? as_column(b) : b;
  check_inner(op, a, b, left.size(-1), right.size(-2));
  Shape sizes = broadcast(op, leading(left), leading(right));
  if (a.rank() > 1) sizes.push_back(left.size(-2));
  if (b.rank() > 1) sizes.push_back(right.size(-1));
  Tensor y = product_target(op, out, sizes, {&a, &b});
  multiply(a.rank() == 1 ? as_row(y) : b.rank() == 1 ? as_column(y) : y, left, right);
  y = settle(op, y, out);
  if (!any_needs_grad(inputs(a, b))) return y;
  int64_t left_rank = a.rank(), right_rank = b.rank();
  bool columns = b.rank() == 2 && by_columns(b);
  return record(
      name, y, inputs(a, b), save(kept(a, b), kept(b, a), left_rank, right_rank, columns),
      [](const Tensor& g, const Tensor&, const Tensor& b, const int64_t& rank, const int64_t&, const bool&) {
        return batch_left_gradient(g, b, rank);
      },
      [](const Tensor& g, const Tensor& a, const Tensor&, const int64_t&, const int64_t& rank,
         const bool& columns) { return batch_right_gradient(g, a, rank, columns); });
}

}  // namespace

Tensor bmm(const Tensor& a, const Tensor& b, Out out) {
  check_rank("bmm", "batch1", a, 3);
  check_rank("bmm", "batch2", b, 3);
  check(a.sizes()[0] == b.sizes()[0], "bmm: batch sizes differ, got ", a.sizes(), " and ", b.sizes());
  return product_of_batches("bmm", "BmmBackward0", a, b, out);
}

Tensor matmul(const Tensor& a, const Tensor& b, Out out) {
  if (a.rank() == 2 && b.rank() == 2) return product_of_matrices("matmul", a, b, out);
  check(a.rank() && b.rank(), "matmul: both arguments need to be at least 1-dimensional, but they have ",
        a.rank(), " and ", b.rank(), " dimensions");
  if (a.rank() == 2 && b.rank() == 1) return matrix_times_vector("matmul", a, b, out);
  if (a.rank() == 1 && b.rank() == 1) return product_of_vectors("matmul", a, b, out);
  return product_of_batches("matmul", batch_name(a, b), a, b, out);
}

}  // namespace tt
