// Images at other sizes: every mode is a table of taps for each dimension.
#include "ops/resample.h"

#include <algorithm>
#include <cmath>

#include "ops/ops.h"
#include "ops/pooling.h"
#include "ops/pooling_sizes.h"
#include "ops/separable.h"

namespace tt {
namespace {

enum class Filter {
  nearest,
  nearest_exact,
  linear,
  cubic,
  area,
  linear_smooth,
  cubic_smooth,
  lanczos_smooth
};

struct Mode {
  const char* name;
  int dims;  // 0: any
  bool antialias;
  Filter filter;
  const char *nodes[3], *transposed_nodes[3];
};
#define TT_NODE(name, dims) "Upsample" name dims "DBackward0"
#define TT_TRANSPOSED(name, dims) "Upsample" name dims "DBackwardBackward0"
#define TT_ANY(name)                                                             \
  {TT_NODE(name, "1"), TT_NODE(name, "2"), TT_NODE(name, "3")}, {                \
    TT_TRANSPOSED(name, "1"), TT_TRANSPOSED(name, "2"), TT_TRANSPOSED(name, "3") \
  }
#define TT_LINE(name) \
  {TT_NODE(name, "1")}, { TT_TRANSPOSED(name, "1") }
#define TT_PLANE(name) \
  {"", TT_NODE(name, "2")}, { "", TT_TRANSPOSED(name, "2") }
#define TT_VOLUME(name) \
  {"", "", TT_NODE(name, "3")}, { "", "", TT_TRANSPOSED(name, "3") }
#define TT_SMOOTH(name) {"", "Upsample" name "2DAaBackward0"}, {"", "Upsample" name "2DAaBackwardBackward0"}
constexpr Mode modes[] = {
    {"nearest", 0, false, Filter::nearest, TT_ANY("Nearest")},
    {"nearest-exact", 0, false, Filter::nearest_exact, TT_ANY("NearestExact")},
    {"linear", 1, false, Filter::linear, TT_LINE("Linear")},
    {"bilinear", 2, false, Filter::linear, TT_PLANE("Bilinear")},
    {"trilinear", 3, false, Filter::linear, TT_VOLUME("Trilinear")},
    {"bicubic", 2, false, Filter::cubic, TT_PLANE("Bicubic")},
    {"area", 0, false, Filter::area, {}, {}},
    {"bilinear", 2, true, Filter::linear_smooth, TT_SMOOTH("Bilinear")},
    {"bicubic", 2, true, Filter::cubic_smooth, TT_SMOOTH("Bicubic")},
    {"lanczos", 2, true, Filter::lanczos_smooth, TT_SMOOTH("Lanczos")},
};
#undef TT_NODE
#undef TT_TRANSPOSED
#undef TT_ANY
#undef TT_LINE
#undef TT_PLANE
#undef TT_VOLUME
#undef TT_SMOOTH

// ---------------------------------------------------------------- taps of one dimension, in the precision of
// the images

struct Line {
  int64_t in, out;
  double scale;  // the one that was asked for, or 0
  bool align_corners;
};

// How far apart in the input two neighbours of the output are.
template <class T>
T step_of(const Line& line) {
  if (line.align_corners) return line.out > 1 ? T(line.in - 1) / T(line.out - 1) : T(0);
  return line.scale > 0 ? T(1 / line.scale) : T(line.in) / T(line.out);
}
template <class T>
T source_of(const Line& line, int64_t o, T step) {
  return line.align_corners ? step * T(o) : step * (T(o) + T(0.5)) - T(0.5);
}

TapTable nearest_taps(const Line& line, bool exact) {
  if (!exact && line.in == line.out) return TapTable::identity(line.in);
  TapTable table(line.in);
  const float step = step_of<float>({line.in, line.out, line.scale, false});
  for (int64_t o = 0; o < line.out; o++) {
    float place = exact ? (float(o) + 0.5f) * step : line.out == 2 * line.in ? float(o) / 2 : float(o) * step;
    table.add(std::min(int64_t(std::floor(place)), line.in - 1));
    table.close();
  }
  return table;
}

// Beyond the border the element at the border counts.
void add_clamped(TapTable& table, int64_t from, double weight) {
  from = std::clamp<int64_t>(from, 0, table.in - 1);
  bool first = int64_t(table.index.size()) == table.first.back();
  if (!first && table.index.back() == from) table.weight.back() += weight;
  else table.add(from, weight);
}

template <class T>
TapTable linear_taps(const Line& line) {
  if (line.in == line.out) return TapTable::identity(line.in);
  TapTable table(line.in);
  const T step = step_of<T>(line);
  for (int64_t o = 0; o < line.out; o++) {
    T place = std::max(source_of(line, o, step), T(0));
    int64_t before = std::min(int64_t(place), line.in - 1);
    T part = std::clamp<T>(place - T(before), 0, 1);
    add_clamped(table, before, 1 - part);
    add_clamped(table, before + 1, part);
    table.close();
  }
  return table;
}

template <class T>
T cubic_filter(T x, T a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

template <class T>
TapTable cubic_taps(const Line& line) {
  const T step = step_of<T>(line);
  if (line.in == line.out && step == 1) return TapTable::identity(line.in);
  TapTable table(line.in);
  for (int64_t o = 0; o < line.out; o++) {
    T place = source_of(line, o, step);
    int64_t before = std::min(int64_t(std::floor(place)), line.in - 1);
    T part = std::clamp<T>(place - T(before), 0, 1);
    for (int64_t k = -1; k < 3; k++) add_clamped(table, before + k, cubic_filter<T>(part - T(k), T(-0.75)));
    table.close();
  }
  return table;
}

template <class T>
T sinc(T x) {
  return x == 0 ? T(1) : std::sin(T(M_PI) * x) / (T(M_PI) * x);
}

// A filter that widens as the image shrinks; its weights are made to sum to 1.
template <class T>
TapTable smooth_taps(const Line& line, Filter filter) {
  auto value = [filter](T x) -> T {
    if (filter == Filter::linear_smooth) return std::max(T(0), 1 - std::abs(x));
    if (filter == Filter::cubic_smooth) return cubic_filter<T>(x, T(-0.5));
    return std::abs(x) < 3 ? sinc(x) * sinc(x / 3) : T(0);
  };
  if (line.in == line.out) return TapTable::identity(line.in);
  TapTable table(line.in);
  const T radius = filter == Filter::linear_smooth ? 1 : filter == Filter::cubic_smooth ? 2 : 3;
  const T step = step_of<T>(line), width = std::max(step, T(1)), support = radius * width, half = T(0.5);
  for (int64_t o = 0; o < line.out; o++) {
    T center = step * (T(o) + half), total = 0;
    int64_t from = std::max(int64_t(center - support + half), int64_t(0)),
            to = std::min(int64_t(center + support + half), line.in);
    for (int64_t i = from; i < to; i++) total += value((T(i) - center + half) / width);
    for (int64_t i = from; i < to; i++) {
      T weight = value((T(i) - center + half) / width);
      table.add(i, total != 0 ? weight / total : weight);
    }
    table.close();
  }
  return table;
}

template <class T>
TapTable taps_of(Filter filter, const Line& line) {
  switch (filter) {
    case Filter::nearest:
      return nearest_taps(line, false);
    case Filter::nearest_exact:
      return nearest_taps(line, true);
    case Filter::linear:
      return linear_taps<T>(line);
    case Filter::cubic:
      return cubic_taps<T>(line);
    default:
      return smooth_taps<T>(line, filter);
  }
}

// ---------------------------------------------------------------- the arguments

const Mode& mode_of(const Tensor& x, const std::string& name, bool align_corners, bool antialias) {
  const int dims = x.rank() - 2;
  bool takes_antialias = name == "bilinear" || name == "bicubic" || name == "lanczos";
  check_value(!antialias || (takes_antialias && dims == 2),
              "interpolate: antialias is for bilinear, bicubic and lanczos modes "
              "and a 4-D tensor, got mode '",
              name, "' and ", x.rank(), " dimensions");
  check_value(name != "lanczos" || antialias, "interpolate: lanczos mode needs antialias=True");
  check_value(name != "lanczos" || !align_corners,
              "interpolate: lanczos mode does not support align_corners=True");
  for (const Mode& mode : modes)
    if (name == mode.name && antialias == mode.antialias && dims >= 1 && dims <= 3 &&
        (mode.dims == 0 || mode.dims == dims))
      return mode;
  fail(ErrorKind::NotImplemented,
       "interpolate: Input Error: Only 3D, 4D and 5D input Tensors supported (got ", x.rank(),
       "D) for the modes: nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact "
       "(got ",
       name, ")");
}

std::vector<double> scales_per_dimension(const Tensor& x, const Scales& given) {
  size_t dims = size_t(x.rank() - 2);
  if (given->size() == 1) return std::vector<double>(dims, given->front());
  check_value(given->size() == dims,
              "interpolate: Input and scale_factor must have the same number of spatial dimensions, but "
              "got input of sizes ",
              x.sizes(), " and ", given->size(), " factors");
  return *given;
}

Shape scaled_sizes(const Tensor& x, const std::vector<double>& scales) {
  Shape sizes;
  for (size_t d = 0; d < scales.size(); d++) {
    double size = double(x.sizes()[int(d) + 2]) * scales[d];
    check(size < 0x1p31, "interpolate: an output of ", size, " elements in one dimension is too large");
    sizes.push_back(int64_t(size));
  }
  return sizes;
}

void check_sizes(const Tensor& x, const Shape& sizes) {
  for (int d = 0; d < sizes.size(); d++)
    check(x.sizes()[d + 2] > 0 && sizes[d] > 0,
          "interpolate: Input and output sizes should be greater than 0, but got input ", x.sizes(),
          " and output size ", sizes);
  check(x.sizes()[1] > 0, "interpolate: Non-empty ", x.rank(),
        "D data tensor expected but got a tensor with sizes ", x.sizes());
}

Tensor area(const Tensor& x, const Shape& sizes) {
  if (sizes.size() == 1) return adaptive_avg_pool<1>(x, sizes);
  if (sizes.size() == 2) return adaptive_avg_pool<2>(x, sizes);
  return adaptive_avg_pool<3>(x, sizes);
}

// Bytes are pictures: they are mixed as floats and rounded.
Tensor mapped_bytes(const Tensor& x, const SharedMap& map) {
  Tensor y = mapped("interpolate", to_dtype(x, DType::Float32), map);
  return to_dtype(clamp(round(y), wrapped_number(0), wrapped_number(255)), DType::UInt8);
}

}  // namespace

Tensor interpolate(const Tensor& x, const Dims& size, const Scales& scale_factor, const std::string& name,
                   std::optional<bool> align_corners, std::optional<bool> recompute_scale_factor,
                   bool antialias) {
  bool plain = name == "nearest" || name == "area" || name == "nearest-exact";
  check_value(!plain || !align_corners,
              "interpolate: align_corners option can only be set with the interpolating modes: linear | "
              "bilinear | bicubic | trilinear");
  check_value(!size || !scale_factor, "interpolate: only one of size or scale_factor should be defined");
  check_value(size || scale_factor, "interpolate: either size or scale_factor should be defined");
  check_value(!size || !recompute_scale_factor.value_or(false),
              "interpolate: recompute_scale_factor is not meaningful with an explicit size.");
  const Mode& mode = mode_of(x, name, align_corners.value_or(false), antialias);
  const int dims = x.rank() - 2;
  std::vector<double> scales(dims, 0);
  if (scale_factor) scales = scales_per_dimension(x, scale_factor);
  check_value(!size || size->size() == 1 || size->size() == dims,
              "interpolate: Input and output must have the same number of "
              "spatial dimensions, but got input of sizes ",
              x.sizes(), " and output size of ", size.value_or(Shape{}));
  Shape sizes = size ? per_dimension("interpolate", "size", *size, dims) : scaled_sizes(x, scales);
  if (mode.filter == Filter::area) return area(x, sizes);
  check_sizes(x, sizes);
  if (recompute_scale_factor.value_or(false)) scales.assign(dims, 0);
  if (!x.is_floating() && x.dtype() != DType::UInt8) fail_dtype("interpolate", x.dtype());
  std::vector<TapTable> taps;
  for (int d = 0; d < dims; d++) {
    Line line{x.sizes()[d + 2], sizes[d], scales[d], align_corners.value_or(false)};
    taps.push_back(x.dtype() == DType::Float64 ? taps_of<double>(mode.filter, line)
                                               : taps_of<float>(mode.filter, line));
  }
  SharedMap map = separable_map(mode.nodes[dims - 1], mode.transposed_nodes[dims - 1], std::move(taps));
  return x.is_floating() ? mapped("interpolate", x, map) : mapped_bytes(x, map);
}

}  // namespace tt
