#include "ops/pictures.h"

#include "kernels/pictures.h"
#include "ops/index_places.h"
#include "ops/network.h"
#include "ops/ops.h"

namespace tt {
namespace {

void check_form(const char* op, const char* name, const Tensor& x, DType dtype, const Shape& sizes) {
  check_type(x.dtype() == dtype, op, ": ", name, " must be ", name_of(dtype), ", got ", name_of(x.dtype()));
  check(x.sizes() == sizes, op, ": ", name, " must have the shape ", sizes, ", got ", x.sizes());
}

void check_walks(const char* op, const Tensor& walks) {
  constexpr int64_t most = int64_t(1) << 31;
  for (const int64_t *at = walks.data<int64_t>(), *end = at + walks.count(); at < end; at += 2) {
    check_value(at[1] == 1 || at[1] == -1, op, ": a step must be 1 or -1, got ", at[1]);
    check_value(at[0] > -most && at[0] < most, op, ": a start of ", at[0], " is too far away");
  }
}

}  // namespace

Tensor take_pictures(const Tensor& pictures, const Tensor& numbers, const Tensor& table, const Tensor& fill,
                     const Tensor& walks, int64_t height, int64_t width) {
  const char* op = "take_pictures";
  Device device = common_device(op, {&pictures, &numbers, &table, &fill, &walks});
  auto kernel = network_kernel(op, device, &NetworkKernels::take_pictures);
  check(pictures.rank() == 4, op, ": pictures must have 4 dimensions, got ", pictures.sizes());
  check(numbers.rank() == 1, op, ": numbers must have 1 dimension, got ", numbers.sizes());
  check_value(height >= 0 && width >= 0, op, ": a size must not be negative, got ", height, " x ", width);
  const Shape sizes = pictures.sizes();
  const int64_t batch = numbers.count(), channels = sizes[3];
  check_form(op, "pictures", pictures, DType::UInt8, sizes);
  check_form(op, "numbers", numbers, DType::Int64, {batch});
  check_form(op, "table", table, DType::Float32, {channels, 256});
  check_form(op, "fill", fill, DType::Float32, {channels});
  check_form(op, "walks", walks, DType::Int64, {batch, 4});
  Tensor held = contiguous(pictures), chosen = contiguous(numbers), values = contiguous(table),
         outside = contiguous(fill), ways = contiguous(walks);
  check_bounds(op, ErrorKind::Index, chosen, 0, sizes[0], 0);
  check_walks(op, ways);
  Tensor out = empty({batch, channels, height, width}, DType::Float32, device);
  PicturesCall call{batch,
                    channels,
                    sizes[1],
                    sizes[2],
                    height,
                    width,
                    held.data<uint8_t>(),
                    chosen.data<int64_t>(),
                    values.data<float>(),
                    outside.data<float>(),
                    reinterpret_cast<const PictureWalk(*)[2]>(ways.data<int64_t>()),
                    out.data<float>()};
  kernel(call);
  return out;
}

}  // namespace tt
