// Sampling at the places of a grid. Both the samples and their transpose are given with weights derived any
// number of times by the grid's coordinates, so that every derivative is again one of the two.
#include <array>

#include "kernels/grid_sample_call.h"
#include "ops/network.h"
#include "ops/ops.h"
#include "ops/pooling_sizes.h"
#include "ops/resample.h"

namespace tt {
namespace {

struct Sampling {
  GridMode mode;
  GridPadding padding;
  bool align_corners;
  int dims;
  std::array<int, 3> order{};  // how often the weights are derived by each coordinate

  Sampling derived(int d) const {
    Sampling more = *this;
    more.order[d]++;
    return more;
  }
  const char* node() const { return dims == 2 ? "GridSampler2DBackward0" : "GridSampler3DBackward0"; }
};

GridSampleCall call_of(GridTask task, const Sampling& s, const Tensor& image, const Tensor& grid,
                       const Tensor& result) {
  GridSampleCall call{};
  call.task = task;
  call.mode = s.mode;
  call.padding = s.padding;
  call.align_corners = s.align_corners;
  call.dtype = image.dtype();
  call.dims = s.dims;
  std::copy(s.order.begin(), s.order.end(), call.order);
  call.batch = image.sizes()[0];
  call.channels = image.sizes()[1];
  spatial_sizes(image, s.dims, call.in);
  spatial_sizes(result, s.dims, call.out);
  call.image = image.bytes();
  call.grid = grid.bytes();
  call.result = result.bytes();
  return call;
}

void run(const GridSampleCall& call, Device device) {
  network_kernel("grid_sample", device, &NetworkKernels::grid_sample)(call);
}

Shape result_sizes(const Tensor& image, const Tensor& grid) {
  Shape sizes{image.sizes()[0], image.sizes()[1]};
  for (int d = 1; d + 1 < grid.rank(); d++) sizes.push_back(grid.sizes()[d]);
  return sizes;
}

Tensor samples(const Tensor& x, const Tensor& grid, const Sampling& s);
Tensor spread(const Tensor& g, const Tensor& grid, const Shape& image_sizes, const Sampling& s);

// The sum over channels of g times the samples' derivatives by each coordinate.
Tensor grid_gradient(const Tensor& g, const Tensor& x, const Tensor& grid, const Sampling& s) {
  if (any_needs_grad(inputs(g, x, grid))) {
    std::vector<Tensor> parts;
    for (int d = 0; d < s.dims; d++) parts.push_back(sum(mul(g, samples(x, grid, s.derived(d))), Shape{1}));
    return stack(parts, -1);
  }
  Tensor image = contiguous(x), places = contiguous(grid), result = contiguous(g),
         y = empty(grid.sizes(), x.dtype(), x.device());
  GridSampleCall call = call_of(GridTask::gradient, s, image, places, result);
  call.places = y.bytes();
  if (y.count()) run(call, x.device());
  return y;
}

Tensor samples(const Tensor& x, const Tensor& grid, const Sampling& s) {
  Tensor y = empty(result_sizes(x, grid), x.dtype(), x.device());
  {
    GradGuard off(false);
    Tensor image = contiguous(x), places = contiguous(grid);
    if (y.count()) run(call_of(GridTask::sample, s, image, places, y), x.device());
  }
  return record_joint(
      s.node(), y, inputs(x, grid), save(x, grid, s),
      [](const Gradients& g, Wanted wanted, const Tensor& x, const Tensor& grid, const Sampling& s) {
        Gradients out(2);
        if (wanted[0]) out[0] = spread(g[0], grid, x.sizes(), s);
        if (wanted[1]) out[1] = grid_gradient(g[0], x, grid, s);
        return out;
      });
}

Tensor spread(const Tensor& g, const Tensor& grid, const Shape& image_sizes, const Sampling& s) {
  Tensor y = empty(image_sizes, g.dtype(), g.device());
  {
    GradGuard off(false);
    Tensor result = contiguous(g), places = contiguous(grid);
    if (y.count()) run(call_of(GridTask::spread, s, y, places, result), g.device());
  }
  return record_joint(
      "GridSamplerBackwardBackward0", y, inputs(g, grid), save(g, grid, s),
      [](const Gradients& a, Wanted wanted, const Tensor& g, const Tensor& grid, const Sampling& s) {
        Gradients out(2);
        if (wanted[0]) out[0] = samples(a[0], grid, s);
        if (wanted[1]) out[1] = grid_gradient(g, a[0], grid, s);
        return out;
      });
}

void check_shapes(const Tensor& x, const Tensor& grid) {
  const char* op = "grid_sample";
  check(x.rank() == 4 || x.rank() == 5, op, ": expected 4D or 5D input, but got input with sizes ",
        x.sizes());
  check(grid.rank() == x.rank(), op,
        ": expected grid to have as many dimensions as input, but got input with sizes ", x.sizes(),
        " and grid with sizes ", grid.sizes());
  check(x.sizes()[0] == grid.sizes()[0], op,
        ": expected grid and input to have same batch size, but got input with sizes ", x.sizes(),
        " and grid with sizes ", grid.sizes());
  check(grid.sizes().back() == x.rank() - 2, op, ": expected grid to have size ", x.rank() - 2,
        " in last dimension, but got grid "
        "with sizes ",
        grid.sizes());
  for (int d = 2; d < x.rank(); d++)
    check(x.sizes()[d] > 0, op, ": expected input to have non-empty spatial dimensions, but input has sizes ",
          x.sizes());
  int64_t spatial[3];
  spatial_sizes(x, x.rank() - 2, spatial);
  check(double(spatial[0]) * double(spatial[1]) * double(spatial[2]) < 0x1p31, op,
        ": images of more than 2^31 elements are not "
        "supported, got input with sizes ",
        x.sizes());
  check(x.device() == grid.device(), op, ": expected input and grid to be on same device, but input is on ",
        x.device(), " and grid is on ", grid.device());
  check(x.dtype() == grid.dtype(), op, ": expected input and grid to have the same dtype, but input has ",
        name_of(x.dtype()), " and grid has ", name_of(grid.dtype()));
  if (!x.is_floating()) fail_dtype(op, x.dtype());
}

// From -1 to 1, or to the centres of elements half a step inside of them.
Tensor steps(int64_t count, bool align_corners, const Tensor& like) {
  if (count <= 1) return zeros({count}, like.dtype(), like.device());
  Tensor line = linspace(-1, 1, count, like.dtype(), like.device());
  return align_corners ? line : div(times(line, double(count - 1)), wrapped_number(double(count)));
}

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, const std::string& mode,
                   const std::string& padding_mode, bool align_corners) {
  check_value(mode == "bilinear" || mode == "nearest" || mode == "bicubic",
              "grid_sample: expected mode to be 'bilinear', "
              "'nearest' or 'bicubic', but got: '",
              mode, "'");
  check_value(padding_mode == "zeros" || padding_mode == "border" || padding_mode == "reflection",
              "grid_sample: expected "
              "padding_mode to be 'zeros', 'border', or 'reflection', but got: '",
              padding_mode, "'");
  check_shapes(x, grid);
  check(mode != "bicubic" || x.rank() == 4, "grid_sample: bicubic interpolation only supports 4D input");
  if (is_half(x.dtype())) {
    Tensor y = grid_sample(to_dtype(x, DType::Float32), to_dtype(grid, DType::Float32), mode, padding_mode,
                           align_corners);
    return to_dtype(y, x.dtype());
  }
  Sampling s{mode == "bilinear"  ? GridMode::linear
             : mode == "nearest" ? GridMode::nearest
                                 : GridMode::cubic,
             padding_mode == "zeros"    ? GridPadding::zeros
             : padding_mode == "border" ? GridPadding::border
                                        : GridPadding::reflection,
             align_corners, x.rank() - 2};
  return samples(x, grid, s);
}

Tensor affine_grid(const Tensor& theta, const Shape& size, bool align_corners) {
  const char* op = "affine_grid";
  check_value(theta.is_floating(), op, ": Expected theta to have floating point type, but got ",
              name_of(theta.dtype()));
  const int dims = size.size() - 2;
  if (dims != 2 && dims != 3)
    fail(ErrorKind::NotImplemented, op, ": only supports 4D and 5D sizes, got size ", size);
  check_value(theta.rank() == 3 && theta.sizes()[1] == dims && theta.sizes()[2] == dims + 1, op,
              ": Expected a batch of affine "
              "matrices of shape Nx",
              dims, "x", dims + 1, " for size ", size, ". Got ", theta.sizes(), ".");
  for (int64_t n : size) check_value(n > 0, op, ": Expected non-zero, positive output size. Got ", size);
  check(theta.sizes()[0] == size[0], op, ": Expected a batch of ", size[0], " affine matrices, got ",
        theta.sizes()[0]);
  Shape spatial(size.data() + 2, dims), whole = spatial;
  std::vector<Tensor> columns;
  for (int d = dims - 1; d >= 0; d--) {
    Shape line = Shape::filled(dims, 1);
    line[d] = spatial[d];
    columns.push_back(expand(reshape(steps(spatial[d], align_corners, theta), line), spatial));
  }
  columns.push_back(ones_like(columns[0]));
  Tensor base = reshape(stack(columns, -1), {product(spatial), dims + 1});
  whole.insert(0, size[0]);
  whole.push_back(dims);
  return reshape(matmul(base, transpose(theta, 1, 2)), whole);
}

}  // namespace tt
