#include "bindings/registry.h"
#include "ops/patches.h"
#include "ops/resample.h"

namespace tt {
namespace {

// A number, or a sequence of them.
Scales scales_of(const py::object& given) {
  if (given.is_none()) return std::nullopt;
  if (is_number(given.ptr())) return std::vector<double>{scalar_of(given.ptr()).to<double>()};
  check_type(PySequence_Check(given.ptr()),
             "interpolate: scale_factor must be a number or a tuple of numbers");
  std::vector<double> scales;
  for (Py_ssize_t i = 0; i < PySequence_Size(given.ptr()); i++) {
    auto scale = py::reinterpret_steal<py::object>(PySequence_GetItem(given.ptr(), i));
    if (!scale) throw_python_error();
    check_type(is_number(scale.ptr()), "interpolate: expected numbers in scale_factor, got ",
               Py_TYPE(scale.ptr())->tp_name);
    scales.push_back(scalar_of(scale.ptr()).to<double>());
  }
  check_value(!scales.empty(), "interpolate: scale_factor is empty");
  return scales;
}

Tensor interpolate_any(const Tensor& x, const Dims& size, py::object scale_factor, const std::string& mode,
                       std::optional<bool> align_corners, std::optional<bool> recompute_scale_factor,
                       bool antialias) {
  return interpolate(x, size, scales_of(scale_factor), mode, align_corners, recompute_scale_factor,
                     antialias);
}

}  // namespace

void bind_vision(Registry& r) {
  r.op<interpolate_any>(
      "interpolate(input, size: int | tuple = None, scale_factor: float | tuple = None, mode: str = "
      "'nearest', "
      "align_corners: bool = None, recompute_scale_factor: bool = None, antialias: bool = False)",
      function | unlisted, "The input at another size, or scale_factor times as large.");
  r.op<grid_sample>("grid_sample(input, grid, mode: str, padding_mode: str, align_corners: bool)",
                    function | unlisted, "The input's values at the places that a grid names.");
  r.op<affine_grid>("affine_grid(theta, size: int | tuple, align_corners: bool)", function | unlisted,
                    "The grid of a batch of affine maps.");
#define TT_WINDOW \
  "kernel_size: int | tuple, dilation: int | tuple = 1, padding: int | tuple = 0, stride: int | tuple = 1)"
  r.op<im2col>("im2col(input, " TT_WINDOW, function | unlisted,
               "The elements under every place of a sliding window.");
  r.op<col2im>("col2im(input, output_size: int | tuple, " TT_WINDOW, function | unlisted,
               "Patches summed where they overlap.");
#undef TT_WINDOW
  r.op<pixel_shuffle>("pixel_shuffle(input, upscale_factor: int)", function,
                      "Channels moved into space: (*, C r r, H, W) becomes (*, C, H r, W r).")
      .op<pixel_unshuffle>("pixel_unshuffle(input, downscale_factor: int)", function,
                           "The inverse of pixel_shuffle.")
      .op<channel_shuffle>("channel_shuffle(input, groups: int)", function,
                           "The channels of every group, one of each in turn.");
}

}  // namespace tt
