// Padding with a value, or with what is inside.
#include "ops/padding.h"

#include <algorithm>

#include "kernels/padding_call.h"
#include "ops/index_places.h"
#include "ops/network.h"
#include "ops/ops.h"
#include "ops/separable.h"

namespace tt {
namespace {

void check_padding(const char* op, const Tensor& x, const Shape& padding) {
  check(padding.size() % 2 == 0, op, ": Padding length must be divisible by 2, got ", padding);
  check(padding.size() / 2 <= x.rank(), op,
        ": Padding length should be less than or equal to two times the input dimension but got padding "
        "length ",
        padding.size(), " and input of dimension ", x.rank());
}

Shape padded_sizes(const char* op, const Tensor& x, const Shape& padding) {
  constexpr int64_t most = int64_t(1) << 48;
  Shape sizes = x.sizes();
  for (int i = 0; i < padding.size() / 2; i++) {
    int64_t before = padding[2 * i], after = padding[2 * i + 1], &size = sizes[x.rank() - 1 - i];
    check(std::max(std::abs(before), std::abs(after)) < most, op, ": a padding of ", padding,
          " is too large");
    check(size + std::min<int64_t>(before, 0) + std::min<int64_t>(after, 0) >= 0, op, ": The input size ",
          size, ", plus negative padding ", before, " and ", after,
          " resulted in a negative output size, which is invalid. Check dimension ", x.rank() - 1 - i,
          " of your input.");
    size += before + after;
  }
  return sizes;
}

// ---------------------------------------------------------------- what is inside

// How the elements of a dimension of n are repeated around it: place i, counted from the first one, is
// element source(i).
struct Inside {
  enum Mode { reflect, replicate, circular } mode;
  const char *op, *nodes[3], *transposed_nodes[3];

  int64_t source(int64_t i, int64_t n, int64_t first, int64_t count) const {
    if (mode == replicate) return std::clamp<int64_t>(i, 0, n - 1);
    if (mode == reflect) return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
    return first + ((i - first) % count + count) % count;
  }
};
constexpr Inside reflection = {
    Inside::reflect,
    "reflection_pad",
    {"ReflectionPad1DBackward0", "ReflectionPad2DBackward0", "ReflectionPad3DBackward0"},
    {"ReflectionPad1DBackwardBackward0", "ReflectionPad2DBackwardBackward0",
     "ReflectionPad3DBackwardBackward0"}};
constexpr Inside replication = {
    Inside::replicate,
    "replication_pad",
    {"ReplicationPad1DBackward0", "ReplicationPad2DBackward0", "ReplicationPad3DBackward0"},
    {"ReplicationPad1DBackwardBackward0", "ReplicationPad2DBackwardBackward0",
     "ReplicationPad3DBackwardBackward0"}};
constexpr Inside circle = {Inside::circular,
                           "circular_pad",
                           {"CopySlices", "CopySlices", "CopySlices"},
                           {"CopySlicesBackward0", "CopySlicesBackward0", "CopySlicesBackward0"}};

void check_inside(const Inside& inside, const Tensor& x, const Shape& padding) {
  const char* op = inside.op;
  const int dims = padding.size() / 2;
  if (dims < 1 || dims > 3 || (x.rank() != dims + 1 && x.rank() != dims + 2))
    fail(ErrorKind::NotImplemented, op, ": Padding size ", padding.size(), " is not supported for ", x.rank(),
         "D input tensor. Supported combinations for non-constant padding: 2D or 3D input with padding size "
         "2, 3D or 4D input "
         "with padding size 4, 4D or 5D input with padding size 6");
  for (int i = 0; i < dims; i++) {
    int64_t size = x.sizes()[x.rank() - 1 - i], before = padding[2 * i], after = padding[2 * i + 1];
    check(size > 0, op, ": Expected an input whose padded dimensions are not empty, but got: ", x.sizes());
    if (inside.mode == Inside::reflect)
      check(before < size && after < size, op,
            ": Padding size should be less than the corresponding input dimension, but got: "
            "padding (",
            before, ", ", after, ") at dimension ", x.rank() - 1 - i, " of input ", x.sizes());
    if (inside.mode == Inside::circular) {
      check(before <= size && after <= size, op, ": Padding value causes wrapping around more than once.");
      bool empties = size + std::min<int64_t>(before, 0) + std::min<int64_t>(after, 0) <= 0;
      check(!empties || size + before + after == 0, op,
            ": Negative padding value is resulting in an empty dimension.");
    }
  }
}

TapTable sources(const Inside& inside, int64_t n, int64_t before, int64_t after) {
  TapTable table(n);
  int64_t first = std::max<int64_t>(-before, 0), count = n - first - std::max<int64_t>(-after, 0);
  for (int64_t o = 0; o < n + before + after; o++) {
    table.add(inside.source(o - before, n, first, count));
    table.close();
  }
  return table;
}

// Integers, which the sums of the other way do not have.
Tensor pad_integers(const Tensor& x, const std::vector<TapTable>& taps) {
  Tensor y = x;
  for (size_t d = 0; d < taps.size(); d++) {
    Tensor index = empty({taps[d].out}, DType::Int64);
    std::copy(taps[d].index.begin(), taps[d].index.end(), index.data<int64_t>());
    y = index_select(y, int64_t(d) - int64_t(taps.size()), to_device(index, x.device()));
  }
  return y;
}

Tensor pad_inside(const Inside& inside, const Tensor& x, const Shape& padding) {
  check_inside(inside, x, padding);
  padded_sizes(inside.op, x, padding);
  const int dims = padding.size() / 2;
  std::vector<TapTable> taps;
  for (int i = dims - 1; i >= 0; i--)
    taps.push_back(sources(inside, x.sizes()[x.rank() - 1 - i], padding[2 * i], padding[2 * i + 1]));
  if (x.dtype() == DType::Bool && inside.mode != Inside::circular) fail_dtype(inside.op, x.dtype());
  if (!x.is_floating()) return pad_integers(x, taps);
  return mapped(inside.op, x,
                separable_map(inside.nodes[dims - 1], inside.transposed_nodes[dims - 1], std::move(taps)));
}

}  // namespace

Tensor constant_pad(const Tensor& x, const Shape& padding, const Scalar& value) {
  const char* op = "constant_pad_nd";
  check_padding(op, x, padding);
  Shape sizes = padded_sizes(op, x, padding);
  auto run = network_kernel(op, x.device(), &NetworkKernels::constant_pad);
  Tensor y = empty(sizes, x.dtype(), x.device());
  {
    GradGuard off(false);
    Tensor in = contiguous(x), number = number_for(op, x, value);
    Shape before = Shape::filled(x.rank(), 0);
    for (int i = 0; i < padding.size() / 2; i++) before[x.rank() - 1 - i] = padding[2 * i];
    if (x.rank() == 0) copy_values(y, in);
    else if (y.count())
      run({x.rank(), size_of(x.dtype()), x.sizes().data(), sizes.data(), before.data(), in.bytes(), y.bytes(),
           number.bytes()});
  }
  return record("ConstantPadNdBackward0", y, inputs(x), save(padding),
                [](const Tensor& g, const Shape& padding) {
                  Shape opposite = padding;
                  for (int64_t& size : opposite) size = -size;
                  return constant_pad(g, opposite);
                });
}

Tensor pad(const Tensor& x, const Shape& padding, const std::string& mode,
           const std::optional<Scalar>& value) {
  check_padding("pad", x, padding);
  if (mode == "constant") return constant_pad(x, padding, value.value_or(0));
  check(!value || value->to<double>() == 0, "pad: Padding mode \"", mode,
        "\" doesn't take in value argument");
  if (mode == "reflect") return pad_inside(reflection, x, padding);
  if (mode == "replicate") return pad_inside(replication, x, padding);
  if (mode == "circular") return pad_inside(circle, x, padding);
  fail(ErrorKind::NotImplemented, "pad: Unrecognised padding mode ", mode);
}

}  // namespace tt
