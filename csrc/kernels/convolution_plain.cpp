// Convolution of integers, in plain loops that run along rows. They wrap around, hence the unsigned types.
#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/convolution.h"

namespace tt {
namespace {

using Geometry = ConvolutionGeometry;
using Pass = ConvolutionPass;

struct Range {
  int64_t first, last;
};

// The positions of y along dimension d whose tap meets x.
Range met(const Geometry& g, int d, int64_t tap) {
  int64_t shift = tap * g.dilation[d] - g.padding[d], stride = g.stride[d];
  int64_t first = shift < 0 ? (-shift + stride - 1) / stride : 0;
  int64_t last = g.in[d] - shift <= 0 ? 0 : (g.in[d] - shift + stride - 1) / stride;
  return {first, std::max(first, std::min(last, g.out[d]))};
}

// One plane of x, one of y and the taps between them.
template <class T>
struct Planes {
  const Geometry& g;
  T *x, *y, *weight;

  template <Pass pass>
  void row(T* x, T* y, T& weight, Range range) const {
    const int64_t stride = g.stride[2];
    T total = 0;
    for (int64_t o = range.first; o < range.last; o++) {
      if constexpr (pass == Pass::forward) y[o] = T(y[o] + T(weight * x[o * stride]));
      if constexpr (pass == Pass::input) x[o * stride] = T(x[o * stride] + T(weight * y[o]));
      if constexpr (pass == Pass::weight) total = T(total + T(x[o * stride] * y[o]));
    }
    if constexpr (pass == Pass::weight) weight = T(weight + total);
  }

  template <Pass pass>
  void run() const {
    for (int64_t tap = 0; tap < g.taps(); tap++) {
      const int64_t k[3] = {tap / (g.kernel[1] * g.kernel[2]), tap / g.kernel[2] % g.kernel[1],
                            tap % g.kernel[2]};
      Range range[3];
      int64_t shift[3];
      for (int d = 0; d < 3; d++) {
        range[d] = met(g, d, k[d]);
        shift[d] = k[d] * g.dilation[d] - g.padding[d];
      }
      for (int64_t i = range[0].first; i < range[0].last; i++)
        for (int64_t j = range[1].first; j < range[1].last; j++) {
          int64_t plane = i * g.stride[0] + shift[0], line = j * g.stride[1] + shift[1];
          row<pass>(x + (plane * g.in[1] + line) * g.in[2] + shift[2], y + (i * g.out[1] + j) * g.out[2],
                    weight[tap], range[2]);
        }
    }
  }
};

template <class T>
struct Plain {
  const Geometry& g;
  T *x, *weight, *y, *bias;

  Planes<T> planes(int64_t image, int64_t k, int64_t c) const {
    int64_t channel = k / g.group_out() * g.group_in() + c;
    return {g, x + (image * g.in_channels + channel) * g.in_size(),
            y + (image * g.out_channels + k) * g.out_size(), weight + (k * g.group_in() + c) * g.taps()};
  }
  void forward(int64_t image, int64_t k) const {
    std::fill_n(y + (image * g.out_channels + k) * g.out_size(), g.out_size(), bias ? bias[k] : T(0));
    for (int64_t c = 0; c < g.group_in(); c++) planes(image, k, c).template run<Pass::forward>();
  }
  void input(int64_t image, int64_t channel) const {
    int64_t group = channel / g.group_in(), c = channel % g.group_in();
    std::fill_n(x + (image * g.in_channels + channel) * g.in_size(), g.in_size(),
                bias ? bias[channel] : T(0));
    for (int64_t k = group * g.group_out(); k < (group + 1) * g.group_out(); k++)
      planes(image, k, c).template run<Pass::input>();
  }
  void weights(int64_t k) const {
    std::fill_n(weight + k * g.group_in() * g.taps(), g.group_in() * g.taps(), T(0));
    if (bias) bias[k] = 0;
    for (int64_t image = 0; image < g.batch; image++) {
      for (int64_t c = 0; c < g.group_in(); c++) planes(image, k, c).template run<Pass::weight>();
      const T* values = y + (image * g.out_channels + k) * g.out_size();
      for (int64_t i = 0; bias && i < g.out_size(); i++) bias[k] = T(bias[k] + values[i]);
    }
  }
};

template <class T>
void run(const ConvolutionCall& call) {
  const Geometry& g = call.geometry;
  Plain<T> plain{g, static_cast<T*>(call.x), static_cast<T*>(call.weight), static_cast<T*>(call.y),
                 static_cast<T*>(call.bias)};
  if (call.pass == Pass::weight)
    return parallel_for(0, g.out_channels, 1, [&](int64_t first, int64_t last) {
      for (int64_t k = first; k < last; k++) plain.weights(k);
    });
  const bool forward = call.pass == Pass::forward;
  const int64_t channels = forward ? g.out_channels : g.in_channels;
  parallel_for(0, g.batch * channels, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++)
      forward ? plain.forward(i / channels, i % channels) : plain.input(i / channels, i % channels);
  });
}

}  // namespace

void plain_convolution(const ConvolutionCall& call) {
  switch (call.dtype) {
    case DType::UInt8:
    case DType::Int8:
      return run<uint8_t>(call);
    case DType::Int16:
      return run<uint16_t>(call);
    case DType::Int32:
      return run<uint32_t>(call);
    case DType::Int64:
      return run<uint64_t>(call);
    case DType::Float32:
      return run<float>(call);
    case DType::Float64:
      return run<double>(call);
    default:
      fail(ErrorKind::NotImplemented, "convolution: not implemented for ", name_of(call.dtype));
  }
}

}  // namespace tt
