#include "ops/convolution.h"

#include "bindings/registry.h"

namespace tt {
namespace {

template <int rank>
void bind_rank(Registry& registry) {
  const std::string dims = std::to_string(rank) + "d", doc = "A convolution over " + dims + " positions.",
                    transposed = "The gradient of a " + dims + " convolution, as an operation of its own.";
  auto signature = [&](const char* padding) {
    return "conv" + dims +
           "(input, weight, bias: Tensor = None, stride: int | tuple = 1, padding: " + padding +
           ", dilation: int | tuple = 1, groups: int = 1)";
  };
  const std::string transpose_signature =
      "conv_transpose" + dims +
      "(input, weight, bias: Tensor = None, stride: int | tuple = 1, padding: int | tuple = 0, "
      "output_padding: int | tuple = 0, groups: int = 1, dilation: int | tuple = 1)";
  registry.op<conv<rank>>(signature("int | tuple = 0").c_str(), function, doc.c_str());
  registry.op<conv_named<rank>>(signature("str = 'valid'").c_str(), function, doc.c_str());
  registry.op<conv_transpose<rank>>(transpose_signature.c_str(), function, transposed.c_str());
}

}  // namespace

void bind_convolution(Registry& registry) {
  bind_rank<1>(registry);
  bind_rank<2>(registry);
  bind_rank<3>(registry);
  registry
      .op<convolution>(
          "convolution(input, weight, bias: Tensor, stride: int | tuple, padding: int | tuple, "
          "dilation: int | tuple, transposed: bool, output_padding: int | tuple, groups: int)",
          function, "A convolution or its transpose, over as many positions as the weight has.")
      .op<conv_tbc>("conv_tbc(input, weight, bias, pad: int = 0)", function,
                    "A 1d convolution of [time, batch, channels].");
}

}  // namespace tt
