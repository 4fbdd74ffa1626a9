// Convolution and its transpose. With <a, b> the sum over all products, <conv(x, w), y> is linear in each of
// x, w and y; the three products below are its derivatives for one of them, and each is the derivative of the
// other two.
#include "ops/convolution.h"

#include "core/device.h"
#include "kernels/convolution_call.h"
#include "kernels/network.h"
#include "ops/ops.h"
#include "ops/products.h"

namespace tt {
namespace {

using Geometry = ConvolutionGeometry;
using Pass = ConvolutionPass;

Tensor product_for_output(const Tensor& x, const Tensor& w, const Tensor& bias, const Geometry& g);
Tensor product_for_input(const Tensor& y, const Tensor& w, const Tensor& bias, const Geometry& g,
                         const char* name);
Tensor product_for_weight(const Tensor& x, const Tensor& y, const Geometry& g);

// ---------------------------------------------------------------- the kernel

Shape sizes_with(const Geometry& g, int64_t first, int64_t second, const int64_t (&sizes)[3]) {
  Shape shape{first, second};
  for (int d = 3 - g.rank; d < 3; d++) shape.push_back(sizes[d]);
  return shape;
}
Shape input_sizes(const Geometry& g) { return sizes_with(g, g.batch, g.in_channels, g.in); }
Shape output_sizes(const Geometry& g) { return sizes_with(g, g.batch, g.out_channels, g.out); }
Shape weight_sizes(const Geometry& g) { return sizes_with(g, g.out_channels, g.group_in(), g.kernel); }

Tensor operand(const Tensor& x, DType compute) { return contiguous(to_dtype(x, compute)); }

void* data_of(const Tensor& x) { return x.defined() ? x.bytes() : nullptr; }

// One of x, w and y is written, and in the weight pass the bias.
void run(Pass pass, const Tensor& x, const Tensor& w, const Tensor& y, const Tensor& bias,
         const Geometry& g) {
  const Kernels& kernels = kernels_of(x.device());
  check(kernels.network && kernels.network->convolution, "convolution: not implemented on ", x.device());
  kernels.network->convolution({pass, x.dtype(), g, x.bytes(), w.bytes(), y.bytes(), data_of(bias)});
}

DType compute_type(const Tensor& x) { return is_half(x.dtype()) ? DType::Float32 : x.dtype(); }

// The value of an empty sum.
Tensor only_bias(const Tensor& result, const Tensor& bias) {
  zero_(result);
  if (!bias.defined() || result.count() == 0) return result;
  Shape sizes = Shape::filled(result.rank() - 1, 1);
  sizes[0] = bias.count();
  copy_values(result, expand(reshape(bias, sizes), result.sizes()));
  return result;
}

Tensor compute_output(const Tensor& x, const Tensor& w, const Tensor& bias, const Geometry& g) {
  GradGuard off(false);
  const DType compute = compute_type(x);
  Tensor y = empty(output_sizes(g), compute, x.device()), b = bias.defined() ? operand(bias, compute) : bias;
  if (y.count() == 0 || x.count() == 0 || w.count() == 0) return to_dtype(only_bias(y, b), x.dtype());
  run(Pass::forward, operand(x, compute), operand(w, compute), y, b, g);
  return to_dtype(y, x.dtype());
}

Tensor compute_input(const Tensor& y, const Tensor& w, const Tensor& bias, const Geometry& g) {
  GradGuard off(false);
  const DType compute = compute_type(y);
  Tensor x = empty(input_sizes(g), compute, y.device()), b = bias.defined() ? operand(bias, compute) : bias;
  if (x.count() == 0 || y.count() == 0 || w.count() == 0) return to_dtype(only_bias(x, b), y.dtype());
  run(Pass::input, x, operand(w, compute), operand(y, compute), b, g);
  return to_dtype(x, y.dtype());
}

struct WeightGradients {
  Tensor weight, bias;
};

WeightGradients compute_weight(const Tensor& x, const Tensor& y, const Geometry& g, bool wants_bias) {
  GradGuard off(false);
  const DType compute = compute_type(x);
  Tensor w = empty(weight_sizes(g), compute, x.device()), bias;
  if (wants_bias) bias = empty({g.out_channels}, compute, x.device());
  if (w.count() == 0 || x.count() == 0 || y.count() == 0) {
    zero_(w);
    if (wants_bias) zero_(bias);
  } else {
    run(Pass::weight, operand(x, compute), w, operand(y, compute), bias, g);
  }
  return {to_dtype(w, x.dtype()), wants_bias ? to_dtype(bias, x.dtype()) : bias};
}

// ---------------------------------------------------------------- the three products

Tensor bias_gradient(const Tensor& g) {
  Shape dims{0};
  for (int d = 2; d < g.rank(); d++) dims.push_back(d);
  return sum(g, dims);
}

Gradients output_backward(const Gradients& grads, Wanted wanted, const Tensor& x, const Tensor& w,
                          const Geometry& g) {
  const Tensor& grad = grads[0];
  Gradients result(3);
  if (wanted[0]) result[0] = product_for_input(grad, w, {}, g, "ConvolutionBackwardBackward0");
  if (wanted[1] && wanted[2] && !any_needs_grad(inputs(grad, x))) {
    WeightGradients both = compute_weight(x, grad, g, true);
    result[1] = both.weight;
    result[2] = both.bias;
    return result;
  }
  if (wanted[1]) result[1] = product_for_weight(x, grad, g);
  if (wanted[2]) result[2] = bias_gradient(grad);
  return result;
}

Tensor product_for_output(const Tensor& x, const Tensor& w, const Tensor& bias, const Geometry& g) {
  Tensor y = compute_output(x, w, bias, g);
  return record_joint("ConvolutionBackward0", y, inputs(x, w, bias), save(kept(x, w), kept(w, x), g),
                      output_backward);
}

Gradients input_backward(const Gradients& grads, Wanted wanted, const Tensor& y, const Tensor& w,
                         const Geometry& g) {
  const Tensor& grad = grads[0];
  Gradients result(3);
  if (wanted[0]) result[0] = product_for_output(grad, w, {}, g);
  if (wanted[1]) result[1] = product_for_weight(grad, y, g);
  if (wanted[2]) result[2] = bias_gradient(grad);
  return result;
}

Tensor product_for_input(const Tensor& y, const Tensor& w, const Tensor& bias, const Geometry& g,
                         const char* name) {
  Tensor x = compute_input(y, w, bias, g);
  return record_joint(name, x, inputs(y, w, bias), save(kept(y, w), kept(w, y), g), input_backward);
}

Gradients weight_backward(const Gradients& grads, Wanted wanted, const Tensor& x, const Tensor& y,
                          const Geometry& g) {
  Gradients result(2);
  if (wanted[0]) result[0] = product_for_input(y, grads[0], {}, g, "ConvolutionBackwardBackward0");
  if (wanted[1]) result[1] = product_for_output(x, grads[0], {}, g);
  return result;
}

Tensor product_for_weight(const Tensor& x, const Tensor& y, const Geometry& g) {
  Tensor w = compute_weight(x, y, g, false).weight;
  return record_joint("ConvolutionBackwardBackward0", w, inputs(x, y), save(kept(x, y), kept(y, x), g),
                      weight_backward);
}

// ---------------------------------------------------------------- what was asked for

struct Request {
  const char* op;
  const Tensor &x, &weight;
  const Tensor* bias;  // may be null
  Shape stride, padding, padding_after, dilation, output_padding;
  bool transposed;
  int64_t groups;

  int rank() const { return weight.rank() - 2; }
};

Shape per_dimension(const char* op, const char* what, const Shape& values, int rank) {
  if (values.size() == 1) return Shape::filled(rank, values[0]);
  check(values.size() == rank, op, ": expected ", what, " to be a single integer value or a list of ", rank,
        " values to match the convolution dimensions, but got ", what, "=", values);
  return values;
}

void check_numbers(const Request& r) {
  for (int64_t v : r.stride)
    check(v > 0, r.op, ": non-positive stride is not supported, got stride=", r.stride);
  for (int64_t v : r.padding)
    check(v >= 0, r.op, ": negative padding is not supported, got padding=", r.padding);
  for (int64_t v : r.dilation)
    check(v > 0, r.op, ": dilation should be greater than zero, got dilation=", r.dilation);
  for (int64_t v : r.output_padding)
    check(v >= 0, r.op, ": negative output_padding is not supported, got output_padding=", r.output_padding);
  check(r.groups > 0, r.op, ": non-positive groups is not supported, got groups=", r.groups);
}

void check_types(const Request& r) {
  check(r.x.device() == r.weight.device(), r.op, ": expected input and weight on one device, got ",
        r.x.device(), " and ", r.weight.device());
  check(r.x.dtype() == r.weight.dtype(), r.op, ": input type (", name_of(r.x.dtype()), ") and weight type (",
        name_of(r.weight.dtype()), ") should be the same");
  if (r.x.dtype() == DType::Bool) fail(ErrorKind::NotImplemented, r.op, ": not implemented for bool");
  if (!r.bias) return;
  check(r.bias->device() == r.x.device(), r.op, ": expected input and bias on one device, got ", r.x.device(),
        " and ", r.bias->device());
  check(r.bias->dtype() == r.x.dtype(), r.op, ": input type (", name_of(r.x.dtype()), ") and bias type (",
        name_of(r.bias->dtype()), ") should be the same");
}

void check_channels(const Request& r) {
  const Shape& w = r.weight.sizes();
  check(w[0] > 0, r.op, ": expected weight to be at least 1 at dimension 0, but got weight of size ", w);
  for (int d = 2; d < w.size(); d++)
    check(w[d] > 0, r.op, ": kernel size should be greater than zero, but got weight of size ", w);
  check(w[0] % r.groups == 0, r.op, ": given groups=", r.groups, ", expected weight to be divisible by ",
        r.groups, " at dimension 0, but got weight of size ", w);
  int64_t channels = r.transposed ? w[0] : w[1] * r.groups, outputs = r.transposed ? w[1] * r.groups : w[0];
  check(r.x.sizes()[1] == channels, r.op, ": given groups=", r.groups, ", weight of size ", w,
        ", expected input", r.x.sizes(), " to have ", channels, " channels, but got ", r.x.sizes()[1],
        " channels instead");
  check(!r.bias || (r.bias->rank() == 1 && r.bias->count() == outputs), r.op, ": given weight of size ", w,
        ", expected bias to be 1-dimensional with ", outputs, " elements, but got bias of size ",
        r.bias ? r.bias->sizes() : Shape{}, " instead");
}

Geometry common_geometry(const Request& r) {
  const int rank = r.rank();
  Geometry g;
  g.rank = rank;
  g.batch = r.x.sizes()[0];
  g.groups = r.groups;
  g.out_channels = r.weight.sizes()[0];
  g.in_channels = r.weight.sizes()[1] * r.groups;
  for (int d = 0; d < rank; d++) {
    g.kernel[3 - rank + d] = r.weight.sizes()[2 + d];
    g.stride[3 - rank + d] = r.stride[d];
    g.padding[3 - rank + d] = r.padding[d];
    g.dilation[3 - rank + d] = r.dilation[d];
  }
  return g;
}

int64_t reach(const Geometry& g, int d) { return g.dilation[d] * (g.kernel[d] - 1) + 1; }

Geometry forward_geometry(const Request& r) {
  Geometry g = common_geometry(r);
  bool fits = true;
  for (int d = 3 - g.rank; d < 3; d++) {
    g.in[d] = r.x.sizes()[d + g.rank - 1];
    int64_t room = g.in[d] + g.padding[d] + r.padding_after[d + g.rank - 3] - reach(g, d);
    fits &= room >= 0;
    g.out[d] = room / g.stride[d] + 1;
  }
  if (fits) return g;
  Shape padded, kernel;
  for (int d = 3 - g.rank; d < 3; d++) {
    padded.push_back(g.in[d] + g.padding[d] + r.padding_after[d + g.rank - 3]);
    kernel.push_back(reach(g, d));
  }
  fail(ErrorKind::Runtime, r.op, ": calculated padded input size per channel: ", padded,
       ". Kernel size: ", kernel, ". Kernel size can't be greater than actual input size");
}

// The transpose leads from the output of a convolution to its input.
Geometry transposed_geometry(const Request& r) {
  Geometry g = common_geometry(r);
  for (int d = 3 - g.rank; d < 3; d++) {
    int64_t extra = r.output_padding[d + g.rank - 3];
    g.out[d] = r.x.sizes()[d + g.rank - 1];
    g.in[d] = (g.out[d] - 1) * g.stride[d] - 2 * g.padding[d] + reach(g, d) + extra;
    check(extra < g.stride[d] || extra < g.dilation[d], r.op,
          ": output padding must be smaller than either stride or dilation, but got output_padding=",
          r.output_padding, ", stride=", r.stride, ", dilation=", r.dilation);
  }
  for (int d = 3 - g.rank; d < 3; d++)
    check(g.in[d] > 0, r.op, ": given input size per channel ", Shape(g.out + 3 - g.rank, g.rank),
          ", the calculated output size ", Shape(g.in + 3 - g.rank, g.rank), " is too small");
  return g;
}

Tensor convolve(const Request& r) {
  check_types(r);
  check_numbers(r);
  check_channels(r);
  const Tensor bias = r.bias ? *r.bias : Tensor();
  if (r.transposed)
    return product_for_input(r.x, r.weight, bias, transposed_geometry(r), "ConvolutionBackward0");
  return product_for_output(r.x, r.weight, bias, forward_geometry(r));
}

// What the public functions are given.
struct Arguments {
  const Tensor &x, &weight;
  const std::optional<Tensor>& bias;
  const Shape &stride, &dilation;
  int64_t groups;
};

void check_ranks(const char* op, const Arguments& a, int rank) {
  check(a.weight.rank() == rank + 2, op, ": expected a weight of ", rank + 2, " dimensions, but got size ",
        a.weight.sizes());
  check(a.x.rank() == rank + 1 || a.x.rank() == rank + 2, op, ": expected ", rank + 1, "D (unbatched) or ",
        rank + 2, "D (batched) input, but got input of size ", a.x.sizes());
}

// Adds the batch dimension where there is none, and takes it away again.
Tensor convolve_any(const char* op, const Arguments& a, const Shape& padding, const Shape& padding_after,
                    const Shape& output_padding, bool transposed, int rank) {
  const bool batched = a.x.rank() == rank + 2;
  Tensor images = batched ? a.x : unsqueeze(a.x, 0);
  Tensor y = convolve({op, images, a.weight, a.bias ? &*a.bias : nullptr,
                       per_dimension(op, "stride", a.stride, rank), padding, padding_after,
                       per_dimension(op, "dilation", a.dilation, rank),
                       per_dimension(op, "output_padding", output_padding, rank), transposed, a.groups});
  return batched ? y : squeeze(y, {0});
}

Tensor convolve_padded(const char* op, const Arguments& a, const Shape& padding, const Shape& output_padding,
                       bool transposed, int rank) {
  check_ranks(op, a, rank);
  Shape both = per_dimension(op, "padding", padding, rank);
  return convolve_any(op, a, both, both, output_padding, transposed, rank);
}

// A result as large as the input; where the padding is odd there is more of it behind.
Tensor convolve_same(const char* op, const Arguments& a, int rank) {
  for (int64_t v : a.stride) check(v == 1, op, ": padding='same' is not supported for strided convolutions");
  Shape dilation = per_dimension(op, "dilation", a.dilation, rank), before, after;
  for (int d = 0; d < rank; d++) {
    int64_t total = dilation[d] * (a.weight.sizes()[2 + d] - 1);
    before.push_back(total / 2);
    after.push_back(total - total / 2);
  }
  return convolve_any(op, a, before, after, {0}, false, rank);
}

constexpr const char* names[] = {"conv1d", "conv2d", "conv3d"};
constexpr const char* transposed_names[] = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};

}  // namespace

template <int rank>
Tensor conv(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias, const Shape& stride,
            const Shape& padding, const Shape& dilation, int64_t groups) {
  return convolve_padded(names[rank - 1], {x, weight, bias, stride, dilation, groups}, padding, {0}, false,
                         rank);
}

template <int rank>
Tensor conv_named(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                  const Shape& stride, const std::string& padding, const Shape& dilation, int64_t groups) {
  const char* op = names[rank - 1];
  const Arguments arguments{x, weight, bias, stride, dilation, groups};
  if (padding == "valid") return convolve_padded(op, arguments, {0}, {0}, false, rank);
  check(padding == "same", op, ": invalid padding string: '", padding, "'");
  check_ranks(op, arguments, rank);
  return convolve_same(op, arguments, rank);
}

template <int rank>
Tensor conv_transpose(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                      const Shape& stride, const Shape& padding, const Shape& output_padding, int64_t groups,
                      const Shape& dilation) {
  return convolve_padded(transposed_names[rank - 1], {x, weight, bias, stride, dilation, groups}, padding,
                         output_padding, true, rank);
}

Tensor convolution(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                   const Shape& stride, const Shape& padding, const Shape& dilation, bool transposed,
                   const Shape& output_padding, int64_t groups) {
  check(weight.rank() >= 3 && weight.rank() <= 5,
        "convolution: expected a weight of 3, 4 or 5 dimensions, but got size ", weight.sizes());
  return convolve_padded("convolution", {x, weight, bias, stride, dilation, groups}, padding, output_padding,
                         transposed, weight.rank() - 2);
}

Tensor conv_tbc(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t padding) {
  check(x.rank() == 3 && weight.rank() == 3,
        "conv_tbc: expected input and weight of 3 dimensions, but got sizes ", x.sizes(), " and ",
        weight.sizes());
  const std::optional<Tensor> with_bias = bias;
  const Tensor images = permute(x, {1, 2, 0}), taps = permute(weight, {2, 1, 0});
  return permute(
      convolve_padded("conv_tbc", {images, taps, with_bias, {1}, {1}, 1}, {padding}, {0}, false, 1),
      {2, 0, 1});
}

#define TT_RANK(rank)                                                                                        \
  template Tensor conv<rank>(const Tensor&, const Tensor&, const std::optional<Tensor>&, const Shape&,       \
                             const Shape&, const Shape&, int64_t);                                           \
  template Tensor conv_named<rank>(const Tensor&, const Tensor&, const std::optional<Tensor>&, const Shape&, \
                                   const std::string&, const Shape&, int64_t);                               \
  template Tensor conv_transpose<rank>(const Tensor&, const Tensor&, const std::optional<Tensor>&,           \
                                       const Shape&, const Shape&, const Shape&, int64_t, const Shape&);
TT_RANK(1)
TT_RANK(2)
TT_RANK(3)
#undef TT_RANK

}  // namespace tt
