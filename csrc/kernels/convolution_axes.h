// Which taps meet which positions, one dimension at a time.
#pragma once
#include <vector>

#include "kernels/convolution_call.h"

namespace tt {

struct Meeting {  // tap number `tap` finds its partner at `base + delta`
  int64_t tap, delta;
  bool operator==(const Meeting&) const = default;
};

struct Spot {  // a position of what is written, and where its partners are counted from
  int64_t at, base;
};

// Positions that meet the same taps in the same way.
struct SpotClass {
  std::vector<Meeting> meetings;
  std::vector<Spot> spots;
};
using Axis = std::vector<SpotClass>;

// The classes of the positions that a pass writes along dimension d: of y in the forward pass, of x in the
// input's. `low` and `high` bound the positions that are read; with margins around them they go beyond the
// tensor.
Axis classes_along(const ConvolutionGeometry& g, ConvolutionPass pass, int d, int64_t low, int64_t high);

// How far beyond the tensor that is read (its positions are [0, size)) a pass reaches along dimension d, if
// margins are to stand in for every tap that meets nothing.
struct Margin {
  int64_t before = 0, after = 0;
};
Margin margin_along(const ConvolutionGeometry& g, ConvolutionPass pass, int d);

// The positions of y that meet x at one tap.
struct Overlap {
  int64_t first, last;
  bool operator==(const Overlap&) const = default;
};
Overlap overlap_along(const ConvolutionGeometry& g, int d, int64_t tap);

}  // namespace tt
