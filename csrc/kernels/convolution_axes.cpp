#include "kernels/convolution_axes.h"

#include <algorithm>

namespace tt {
namespace {

int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// Calls visit(tap, delta) for the taps that may meet a position, and returns its base.
template <class Visit>
int64_t each_meeting(const ConvolutionGeometry& g, ConvolutionPass pass, int d, int64_t at, Visit&& visit) {
  const int64_t stride = g.stride[d];
  if (pass == ConvolutionPass::forward) {
    for (int64_t tap = 0; tap < g.kernel[d]; tap++) visit(tap, tap * g.dilation[d]);
    return at * stride - g.padding[d];
  }
  const int64_t base = floor_div(at + g.padding[d], stride);
  for (int64_t tap = 0; tap < g.kernel[d]; tap++) {
    int64_t reached = at + g.padding[d] - tap * g.dilation[d], index = floor_div(reached, stride);
    if (index * stride == reached) visit(tap, index - base);
  }
  return base;
}

int64_t written_size(const ConvolutionGeometry& g, ConvolutionPass pass, int d) {
  return pass == ConvolutionPass::forward ? g.out[d] : g.in[d];
}

}  // namespace

Axis classes_along(const ConvolutionGeometry& g, ConvolutionPass pass, int d, int64_t low, int64_t high) {
  Axis axis;
  std::vector<Meeting> meetings;
  std::vector<int64_t> deltas(g.kernel[d]);
  for (int64_t at = 0; at < written_size(g, pass, d); at++) {
    meetings.clear();
    int64_t base =
        each_meeting(g, pass, d, at, [&](int64_t tap, int64_t delta) { meetings.push_back({tap, delta}); });
    std::erase_if(meetings, [&](const Meeting& m) { return base + m.delta < low || base + m.delta >= high; });
    auto same = [&](const SpotClass& known) { return known.meetings == meetings; };
    auto found = std::find_if(axis.begin(), axis.end(), same);
    if (found == axis.end()) found = axis.insert(axis.end(), SpotClass{meetings, {}});
    found->spots.push_back({at, base});
  }
  return axis;
}

Margin margin_along(const ConvolutionGeometry& g, ConvolutionPass pass, int d) {
  const int64_t size = pass == ConvolutionPass::forward ? g.in[d] : g.out[d];
  Margin margin;
  for (int64_t at : {int64_t(0), written_size(g, pass, d) - 1}) {
    // Neighbours of the ends are looked at too, as not every position meets the outermost taps.
    for (int64_t step = 0; step < g.stride[d]; step++) {
      int64_t here = at == 0 ? step : at - step;
      int64_t least = 0, most = 0;
      int64_t base = each_meeting(g, pass, d, here, [&](int64_t, int64_t delta) {
        least = std::min(least, delta);
        most = std::max(most, delta);
      });
      margin.before = std::max(margin.before, -(base + least));
      margin.after = std::max(margin.after, base + most - (size - 1));
    }
  }
  return margin;
}

Overlap overlap_along(const ConvolutionGeometry& g, int d, int64_t tap) {
  const int64_t shift = tap * g.dilation[d] - g.padding[d], stride = g.stride[d];
  int64_t first = std::max<int64_t>(0, -floor_div(shift, stride));
  int64_t last = std::min(g.out[d], floor_div(g.in[d] - 1 - shift, stride) + 1);
  return {first, std::max(first, last)};
}

}  // namespace tt
