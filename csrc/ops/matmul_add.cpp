// Products that are added to something: beta * input + alpha * product.
#include "ops/matmul.h"
#include "ops/ops.h"
#include "ops/products.h"

namespace tt {
namespace {

double value_of(const Scalar& s) { return s.is_real() ? s.real : double(s.integer); }

void check_addition(const char* op, const Tensor& input, const Tensor& a, const Scalar& beta,
                    const Scalar& alpha) {
  check(input.dtype() == a.dtype(), op, ": expected all tensors to have the same dtype, but input has ",
        name_of(input.dtype()), " and the factors have ", name_of(a.dtype()));
  check(a.is_floating() || (!beta.is_real() && !alpha.is_real()), op,
        ": for integral input tensors, arguments beta and "
        "alpha must not be floating point numbers, got ",
        beta, " and ", alpha);
}

void check_expandable(const char* op, const Tensor& input, const Shape& sizes, Out out) {
  check(expandable(input.sizes(), sizes), op, ": the shape ", input.sizes(),
        " of the input does not broadcast to ", sizes);
  check(!out.in_place || out.target->sizes() == sizes, op, ": output with shape ",
        out ? out.target->sizes() : sizes, " doesn't match the broadcast shape ", sizes);
}

Tensor scaled(const Tensor& x, const Scalar& factor) {
  return value_of(factor) == 1 ? x : mul(x, wrapped_number(factor));
}

Tensor spread(const Tensor& x, const Shape& sizes) {
  return tensor_over(x.storage(), sizes, expanded_strides(x, sizes), x.offset(), x.dtype());
}

// One value per column, which the kernel adds as it stores.
bool is_bias(const Tensor& input, const Tensor& y) {
  int last = input.rank() - 1;
  return last >= 0 && input.sizes()[last] == y.sizes().back() && input.count() == input.sizes()[last];
}

// y = beta * input + alpha * (a @ b); a has been checked against y. Values only.
void add_product(const Tensor& y, const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
                 const Scalar& alpha) {
  GradGuard off(false);
  const double weight = value_of(beta), factor = value_of(alpha);
  bool in_place = y.bytes() == input.bytes() && y.sizes() == input.sizes() && y.strides() == input.strides();
  // The factor goes to the smaller of the two matrices; with 0 they are not looked at.
  bool left = a.count() <= b.count();
  Tensor first = factor != 0 && left ? scaled(a, alpha) : a,
         second = factor != 0 && !left ? scaled(b, alpha) : b;
  if (weight == 1 && factor != 0 && !in_place && is_bias(input, y)) {
    Shape sizes{y.sizes().back()}, strides{input.strides().back()};
    return multiply(y, first, second, false,
                    tensor_over(input.storage(), sizes, strides, input.offset(), input.dtype()));
  }
  if (weight == 0) {
    if (factor != 0) return multiply(y, first, second);
    return fill_values("addmm", y, 0);
  }
  if (!in_place) copy_values(y, spread(input, y.sizes()));
  if (weight != 1) {
    Tensor number = wrapped_number(beta);
    elementwise_as(Elementwise::mul, y.dtype(), {&y, &number}, Out{&y, true});
  }
  if (factor != 0) multiply(y, first, second, true);
}

// In place, a factor that shares memory with the target is read as it was.
Tensor apart(const Tensor& factor, Out out) {
  bool shared = out.in_place && factor.storage()->memory_owner() == out.target->storage()->memory_owner();
  return shared ? snapshot(factor) : factor;
}

}  // namespace

Tensor addmm(const Tensor& input, const Tensor& mat1, const Tensor& mat2, const Scalar& beta,
             const Scalar& alpha, Out out) {
  check_rank("addmm", "mat1", mat1, 2);
  check_rank("addmm", "mat2", mat2, 2);
  check_factors("addmm", mat1, mat2);
  check_inner("addmm", mat1, mat2, mat1.sizes()[1], mat2.sizes()[0]);
  check_addition("addmm", input, mat1, beta, alpha);
  Shape sizes{mat1.sizes()[0], mat2.sizes()[1]};
  check_expandable("addmm", input, sizes, out);
  Tensor a = apart(mat1, out), b = apart(mat2, out);
  Tensor y = product_target("addmm", out, sizes, {&input, &a, &b});
  add_product(y, input, a, b, beta, alpha);
  y = settle("addmm", y, out);
  if (!any_needs_grad(inputs(input, a, b))) return y;
  bool left = by_columns(a), right = by_columns(b);
  return record(
      "AddmmBackward0", y, inputs(input, a, b), save(kept(a, b), kept(b, a), beta, alpha, left, right),
      [](const Tensor& g, const Tensor&, const Tensor&, const Scalar& beta, const Scalar&, const bool&,
         const bool&) { return scaled(g, beta); },
      [](const Tensor& g, const Tensor&, const Tensor& b, const Scalar&, const Scalar& alpha,
         const bool& left, const bool&) { return scaled(left_gradient(g, b, left), alpha); },
      [](const Tensor& g, const Tensor& a, const Tensor&, const Scalar&, const Scalar& alpha, const bool&,
         const bool& right) { return scaled(right_gradient(g, a, right), alpha); });
}

Tensor addmv(const Tensor& input, const Tensor& mat, const Tensor& vec, const Scalar& beta,
             const Scalar& alpha, Out out) {
  check_rank("addmv", "mat", mat, 2);
  check_rank("addmv", "vec", vec, 1);
  check_factors("addmv", mat, vec);
  check_inner("addmv", mat, vec, mat.sizes()[1], vec.count());
  check_addition("addmv", input, mat, beta, alpha);
  check_expandable("addmv", input, {mat.sizes()[0]}, out);
  Tensor a = apart(mat, out), v = apart(vec, out);
  Tensor y = product_target("addmv", out, {a.sizes()[0]}, {&input, &a, &v});
  add_product(as_column(y), as_column(spread(input, y.sizes())), a, as_column(v), beta, alpha);
  return record(
      "AddmvBackward0", settle("addmv", y, out), inputs(input, a, v),
      save(kept(a, v), kept(v, a), beta, alpha),
      [](const Tensor& g, const Tensor&, const Tensor&, const Scalar& beta, const Scalar&) {
        return scaled(g, beta);
      },
      [](const Tensor& g, const Tensor&, const Tensor& v, const Scalar&, const Scalar& alpha) {
        return scaled(outer(g, v), alpha);
      },
      [](const Tensor& g, const Tensor& a, const Tensor&, const Scalar&, const Scalar& alpha) {
        return scaled(mv(t(a), g), alpha);
      });
}

// An elementwise product: it promotes, and takes bool.
Tensor addr(const Tensor& input, const Tensor& vec1, const Tensor& vec2, const Scalar& beta,
            const Scalar& alpha, Out out) {
  check_rank("addr", "vec1", vec1, 1);
  check_rank("addr", "vec2", vec2, 1);
  Shape sizes{vec1.count(), vec2.count()};
  check_expandable("addr", input, sizes, out);
  DType type = result_type({&input, &vec1, &vec2});
  check(is_floating(type) || (!beta.is_real() && !alpha.is_real()),
        "addr: for integral input tensors, arguments beta and "
        "alpha must not be floating point numbers, got ",
        beta, " and ", alpha);
  for (const Tensor* x : {&input, &vec1, &vec2})
    check(!out || out.in_place || !grad_enabled() || !needs_grad(*x),
          "addr(): functions with out=... arguments don't "
          "support automatic differentiation, but one of the arguments requires grad.");
  Tensor a = apart(vec1, out), b = apart(vec2, out), y;
  {
    GradGuard off(false);
    Tensor product = scaled(mul(unsqueeze(to_dtype(a, type), 1), to_dtype(b, type)), alpha);
    y = value_of(beta) == 0 ? product : add(scaled(to_dtype(input, type), beta), product);
  }
  return record(
      "AddrBackward0", settle("addr", y, out), inputs(input, a, b), save(kept(a, b), kept(b, a), beta, alpha),
      [](const Tensor& g, const Tensor&, const Tensor&, const Scalar& beta, const Scalar&) {
        return scaled(g, beta);
      },
      [](const Tensor& g, const Tensor&, const Tensor& b, const Scalar&, const Scalar& alpha) {
        return scaled(mv(g, to_dtype(b, g.dtype())), alpha);
      },
      [](const Tensor& g, const Tensor& a, const Tensor&, const Scalar&, const Scalar& alpha) {
        return scaled(mv(t(g), to_dtype(a, g.dtype())), alpha);
      });
}

// ---------------------------------------------------------------- batches

static void check_batches(const char* op, const Tensor& a, const Tensor& b) {
  check_rank(op, "batch1", a, 3);
  check_rank(op, "batch2", b, 3);
  check_factors(op, a, b);
  check(a.sizes()[0] == b.sizes()[0], op, ": batch sizes differ, got ", a.sizes(), " and ", b.sizes());
  check_inner(op, a, b, a.sizes()[2], b.sizes()[1]);
}

Tensor baddbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, const Scalar& beta,
               const Scalar& alpha, Out out) {
  check_batches("baddbmm", batch1, batch2);
  check_addition("baddbmm", input, batch1, beta, alpha);
  Shape sizes{batch1.sizes()[0], batch1.sizes()[1], batch2.sizes()[2]};
  check_expandable("baddbmm", input, sizes, out);
  Tensor a = apart(batch1, out), b = apart(batch2, out);
  Tensor y = product_target("baddbmm", out, sizes, {&input, &a, &b});
  add_product(y, input, a, b, beta, alpha);
  return record(
      "BaddbmmBackward0", settle("baddbmm", y, out), inputs(input, a, b),
      save(kept(a, b), kept(b, a), beta, alpha),
      [](const Tensor& g, const Tensor&, const Tensor&, const Scalar& beta, const Scalar&) {
        return scaled(g, beta);
      },
      [](const Tensor& g, const Tensor&, const Tensor& b, const Scalar&, const Scalar& alpha) {
        return scaled(bmm(g, transpose(b, 1, 2)), alpha);
      },
      [](const Tensor& g, const Tensor& a, const Tensor&, const Scalar&, const Scalar& alpha) {
        return scaled(bmm(transpose(a, 1, 2), g), alpha);
      });
}

Tensor addbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, const Scalar& beta,
              const Scalar& alpha, Out out) {
  check_batches("addbmm", batch1, batch2);
  check_addition("addbmm", input, batch1, beta, alpha);
  Shape sizes{batch1.sizes()[1], batch2.sizes()[2]};
  check_expandable("addbmm", input, sizes, out);
  Tensor a = apart(batch1, out), b = apart(batch2, out);
  Tensor y = product_target("addbmm", out, sizes, {&input, &a, &b});
  int64_t count = a.sizes()[0];
  // The first product brings beta * input along; none leaves that alone.
  for (int64_t i = 0; i < std::max<int64_t>(count, 1); i++) {
    GradGuard off(false);
    Tensor left = count ? select(a, 0, i) : empty({sizes[0], 0}, y.dtype(), y.device());
    Tensor right = count ? select(b, 0, i) : empty({0, sizes[1]}, y.dtype(), y.device());
    add_product(y, i ? y : input, left, right, i ? Scalar(1) : beta, alpha);
  }
  return record(
      "AddbmmBackward0", settle("addbmm", y, out), inputs(input, a, b),
      save(kept(a, b), kept(b, a), beta, alpha),
      [](const Tensor& g, const Tensor&, const Tensor&, const Scalar& beta, const Scalar&) {
        return scaled(g, beta);
      },
      [](const Tensor& g, const Tensor&, const Tensor& b, const Scalar&, const Scalar& alpha) {
        return scaled(matmul(g, transpose(b, 1, 2)), alpha);
      },
      [](const Tensor& g, const Tensor& a, const Tensor&, const Scalar&, const Scalar& alpha) {
        return scaled(matmul(transpose(a, 1, 2), g), alpha);
      });
}

// ---------------------------------------------------------------- linear

static const char* linear_name(int rank, bool bias) {
  if (rank == 2) return bias ? "AddmmBackward0" : "MmBackward0";
  if (bias) return "ViewBackward0";
  return rank == 1 ? "SqueezeBackward4" : "UnsafeViewBackward0";
}

static Tensor flat_rows(const Tensor& x) {
  int64_t columns = x.sizes().back(), rows = 1;
  for (int i = 0; i + 1 < x.rank(); i++) rows *= x.sizes()[i];
  return x.rank() == 2 ? x : reshape(x, {rows, columns});
}

Tensor linear(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& given_bias) {
  Tensor bias = given_bias.value_or(Tensor());
  check(x.rank() > 0, "linear: input must have at least 1 dimension, got shape ", x.sizes());
  if (weight.rank() == 1) {
    Tensor y = matmul(x, weight);
    return bias.defined() ? add(y, bias) : y;
  }
  check_rank("linear", "weight", weight, 2);
  check_factors("linear", x, weight);
  check_inner("linear", x, weight, x.sizes().back(), weight.sizes()[1]);
  Shape sizes = x.sizes();
  sizes.back() = weight.sizes()[0];
  if (bias.defined()) {
    check_addition("linear", bias, x, 1, 1);
    check(expandable(bias.sizes(), sizes), "linear: the bias of shape ", bias.sizes(),
          " does not broadcast to ", sizes);
  }
  Tensor y = empty(sizes, x.dtype(), x.device());
  Tensor rows = x.rank() == 1 ? as_row(x) : x, result = x.rank() == 1 ? as_row(y) : y;
  Tensor turned = tensor_over(weight.storage(), {weight.sizes()[1], weight.sizes()[0]},
                              {weight.strides()[1], weight.strides()[0]}, weight.offset(), weight.dtype());
  if (bias.defined()) add_product(result, bias, rows, turned, 1, 1);
  else multiply(result, rows, turned);
  return record(
      linear_name(x.rank(), bias.defined()), y, inputs(x, weight, bias),
      save(kept(x, weight), kept(weight, x)),
      [](const Tensor& g, const Tensor&, const Tensor& weight) { return matmul(g, weight); },
      [](const Tensor& g, const Tensor& x, const Tensor&) {
        return x.rank() == 1 ? outer(g, x) : mm(t(flat_rows(g)), flat_rows(x));
      },
      [](const Tensor& g, const Tensor&, const Tensor&) { return g; });
}

}  // namespace tt
