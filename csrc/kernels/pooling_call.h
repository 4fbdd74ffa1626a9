// Pooling as the kernels are asked for it. A tensor is contiguous: `planes` volumes of three dimensions each,
// of which those in front are 1 when there are fewer.
#pragma once
#include <cstdint>

#include "core/dtype.h"

namespace tt {

struct PoolWindow {
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1},
          padding[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};
  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  int64_t volume() const { return kernel[0] * kernel[1] * kernel[2]; }
};

constexpr int64_t most_positions = 256;  // of a window whose elements a byte can number

// out = the largest element of each window: the last NaN if there is one, else the first of equals.
// `position`, where given, says which it was, counted in row-major order over the window. Floating dtypes,
// volume() <= most_positions.
struct MaxPoolCall {
  DType dtype;
  int64_t planes;
  const PoolWindow* window;
  const void* in;
  void* out;
  uint8_t* position = nullptr;
};

// The same where tables name the windows: output o of dimension d looks at count[d][o] elements from
// start[d][o] on, `step` apart. Plane p reads the tables from p * table_pitch[d] on. `index`, where given,
// counts in row-major order over the plane.
struct MaxRegionsCall {
  DType dtype;
  int64_t planes;
  int64_t in[3], out[3];
  const int64_t* start[3];
  const int64_t* count[3];
  int64_t step[3] = {1, 1, 1}, table_pitch[3] = {0, 0, 0};
  const void* data;
  void* result;
  int64_t* index = nullptr;
};

// Elements of a plane of in_size that are named by a `position` in the window or by an `index` into the
// plane, one for each of out_size. get: dense[i] = plane[i's]; add: plane = 0, then plane[i's] += dense[i];
// set: plane = 0, then plane[i's] = dense[i].
enum class PickMode : uint8_t { get, add, set };
struct PickCall {
  PickMode mode;
  DType dtype;  // floating
  int64_t planes, in_size, out_size;
  const PoolWindow* window = nullptr;
  const uint8_t* position = nullptr;
  const int64_t* index = nullptr;
  void* dense;
  void* plane;
};

// index = the elements that positions name.
struct PoolPlacesCall {
  int64_t planes;
  const PoolWindow* window;
  const uint8_t* position;
  int64_t* index;
};

}  // namespace tt
