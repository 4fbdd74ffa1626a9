#include "bindings/registry.h"
#include "ops/padding.h"
#include "ops/pooling.h"

namespace tt {
namespace {

// The result, with the indices if they are asked for.
template <int dims>
py::object max_pool_of(const Tensor& x, const Shape& kernel_size, const Dims& stride, const Shape& padding,
                       const Shape& dilation, bool ceil_mode, bool return_indices) {
  PyObject* result =
      return_indices
          ? to_python(max_pool_with_indices<dims>(x, kernel_size, stride, padding, dilation, ceil_mode))
          : to_python(max_pool<dims>(x, kernel_size, stride, padding, dilation, ceil_mode));
  return py::reinterpret_steal<py::object>(result);
}

template <int dims>
void bind_dims(Registry& r, const std::string& d, int listed_in_1d) {
  const std::string window =
      "input, kernel_size: int | tuple, stride: int | tuple = None, padding: int | tuple = 0, ";
  const std::string dilated = window + "dilation: int | tuple = 1, ceil_mode: bool = False";
  auto text = [&](const std::string& name, const std::string& parameters) {
    return name + d + "d(" + parameters + ")";
  };
  r.op<max_pool_of<dims>>(text("max_pool", dilated + ", return_indices: bool = False").c_str(), function,
                          "The maximum of every window.");
  r.op<max_pool_with_indices<dims>>(("max_pool" + d + "d_with_indices(" + dilated + ")").c_str(),
                                    listed_in_1d, "The maximum of every window, and where it is.");
  r.op<adaptive_max_pool<dims>>(text("adaptive_max_pool", "input, output_size: int | tuple").c_str(),
                                listed_in_1d,
                                "Maxima over windows that give results of output_size, and where they are.");
  r.op<adaptive_avg_pool<dims>>(text("adaptive_avg_pool", "input, output_size: int | tuple").c_str(),
                                listed_in_1d, "Means over windows that give results of output_size.");
  r.op<max_unpool<dims>>(text("max_unpool", "input, indices, output_size: int | tuple").c_str(),
                         function | unlisted,
                         "The input's values at the places that indices name, zeros elsewhere.");
}

Tensor avg_pool_1d(const Tensor& x, const Shape& kernel_size, const Dims& stride, const Shape& padding,
                   bool ceil_mode, bool count_include_pad) {
  return avg_pool<1>(x, kernel_size, stride, padding, ceil_mode, count_include_pad, {});
}

}  // namespace

void bind_pooling(Registry& r) {
  bind_dims<1>(r, "1", function);
  bind_dims<2>(r, "2", function | unlisted);
  bind_dims<3>(r, "3", function | unlisted);
#define TT_AVERAGE                                                                                           \
  "(input, kernel_size: int | tuple, stride: int | tuple = None, padding: int | tuple = 0, ceil_mode: bool " \
  "= False, "                                                                                                \
  "count_include_pad: bool = True"
  constexpr const char* mean_doc = "The mean of every window.";
  r.op<avg_pool_1d>("avg_pool1d" TT_AVERAGE ")", function, mean_doc);
  r.op<avg_pool<2>>("avg_pool2d" TT_AVERAGE ", divisor_override: int = None)", function | unlisted, mean_doc);
  r.op<avg_pool<3>>("avg_pool3d" TT_AVERAGE ", divisor_override: int = None)", function | unlisted, mean_doc);
#undef TT_AVERAGE
  constexpr const char* spread =
      "(input, kernel_size: int | tuple, output_size: int | tuple, random_samples)";
  constexpr const char* spread_doc = "The maximum of windows that random numbers shift, and where it is.";
  r.op<fractional_max_pool<2>>(("fractional_max_pool2d" + std::string(spread)).c_str(), function | unlisted,
                               spread_doc);
  r.op<fractional_max_pool<3>>(("fractional_max_pool3d" + std::string(spread)).c_str(), function | unlisted,
                               spread_doc);
  r.op<pad>("pad(input, pad: int | tuple, mode: str = 'constant', value: Number = None)", function | unlisted,
            "The input with `pad` more elements at the ends of its last dimensions.");
  r.op<constant_pad>("constant_pad_nd(input, pad: int | tuple, value: Number = 0)", function,
                     "The input with a value around it.");
}

}  // namespace tt
