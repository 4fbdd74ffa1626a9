#include "kernels/normalize.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "core/scratch.h"

namespace tt {
namespace {

constexpr int64_t elements_at_once = 16384;  // worth a thread's while

double number_at(const void* data, DType dtype, int64_t i) {
  return dtype == DType::Float64 ? static_cast<const double*>(data)[i]
                                 : double(static_cast<const float*>(data)[i]);
}
double number_at(const void* data, DType dtype, int64_t i, double otherwise) {
  return data ? number_at(data, dtype, i) : otherwise;
}
void put_number(void* data, DType dtype, int64_t i, double value) {
  if (!data) return;
  if (dtype == DType::Float64) static_cast<double*>(data)[i] = value;
  else static_cast<float*>(data)[i] = float(value);
}
const void* from(const void* data, DType dtype, int64_t i) {
  return static_cast<const char*>(data) + i * size_of(dtype);
}
void* from(void* data, DType dtype, int64_t i) { return static_cast<char*>(data) + i * size_of(dtype); }

void move_towards(void* running, DType dtype, int64_t i, double value, double part) {
  if (running) put_number(running, dtype, i, (1 - part) * number_at(running, dtype, i) + part * value);
}

// Mean and scale of a channel or group: those given, or those of its moments.
struct Standard {
  double mean, scale;
};
Standard given(const ChannelNormCall& call, int64_t i) {
  return {number_at(call.mean, call.dtype, i), number_at(call.scale, call.dtype, i)};
}
Standard found(const ChannelNormCall& call, int64_t i, double mean, double squares, int64_t count) {
  double n = double(count);
  put_number(call.mean, call.dtype, i, mean);
  put_number(call.scale, call.dtype, i, 1 / std::sqrt(squares / n + call.eps));
  put_number(call.variance, call.dtype, i, squares / (n - 1));
  move_towards(call.running_mean, call.dtype, i, mean, call.momentum);
  move_towards(call.running_variance, call.dtype, i, squares / (n - 1), call.momentum);
  return given(call, i);
}

GradientLine input_gradient(const Standard& s, double weight, double mean_grad, double mean_product,
                            bool fixed) {
  double scale = s.scale * weight;
  if (fixed) return {scale, 0, s.mean, 0};
  return {scale, -scale * s.scale * s.scale * mean_product, s.mean, -scale * mean_grad};
}

Line output_line(const ChannelNormCall& call, const Standard& s, int64_t c) {
  return {s.mean, s.scale * number_at(call.weight, call.dtype, c, 1), number_at(call.bias, call.dtype, c, 0)};
}

// ---------------------------------------------------------------- batch norm, channels in runs

void forward_channels(const ChannelNormCall& call, const SegmentNormKernels& kernels, int64_t first,
                      int64_t count) {
  Segments segments{call.outer, call.channels * call.inner, call.inner};
  const void* x = from(call.input, call.dtype, first * call.inner);
  Moments moments[channel_tile_limit];
  Line lines[channel_tile_limit];
  if (!call.fixed) kernels.moments(x, segments, count, moments);
  for (int64_t i = 0; i < count; i++) {
    int64_t c = first + i;
    Standard s = call.fixed ? given(call, c)
                            : found(call, c, moments[i].mean, moments[i].squares, segments.elements());
    lines[i] = output_line(call, s, c);
  }
  kernels.transform(x, from(call.out, call.dtype, first * call.inner), segments, count, lines);
}

void backward_channels(const ChannelNormCall& call, const SegmentNormKernels& kernels, int64_t first,
                       int64_t count) {
  Segments segments{call.outer, call.channels * call.inner, call.inner};
  const void *x = from(call.input, call.dtype, first * call.inner),
             *g = from(call.grad, call.dtype, first * call.inner);
  double mean[channel_tile_limit], n = double(segments.elements());
  GradientSums sums[channel_tile_limit] = {};
  GradientLine lines[channel_tile_limit];
  for (int64_t i = 0; i < count; i++) mean[i] = given(call, first + i).mean;
  if (!call.fixed || call.grad_weight || call.grad_bias) kernels.sums(g, x, segments, count, mean, sums);
  for (int64_t i = 0; i < count; i++) {
    int64_t c = first + i;
    Standard s = given(call, c);
    put_number(call.grad_weight, call.dtype, c, sums[i].product * s.scale);
    put_number(call.grad_bias, call.dtype, c, sums[i].grad);
    double weight = number_at(call.weight, call.dtype, c, 1);
    lines[i] = input_gradient(s, weight, sums[i].grad / n, sums[i].product / n, call.fixed);
  }
  if (!call.grad_input) return;
  kernels.gradient(g, x, from(call.grad_input, call.dtype, first * call.inner), segments, count, lines);
}

// Channels that are taken together: enough for long stretches of memory, but leaving work for many threads.
int64_t channel_tile(const ChannelNormCall& call) {
  constexpr int64_t run = 4096, tasks = 16;
  return std::max<int64_t>(1, std::min({run / call.inner, call.channels / tasks, channel_tile_limit}));
}

// ---------------------------------------------------------------- batch norm, channels side by side

struct ColumnNumbers {
  double mean[column_norm_limit], first[column_norm_limit], second[column_norm_limit],
      third[column_norm_limit];
};

void forward_columns(const ChannelNormCall& call, const ColumnNormKernels& kernels, int64_t begin,
                     int64_t width) {
  Columns columns{call.outer, call.channels, width};
  const void* x = from(call.input, call.dtype, begin);
  ColumnNumbers v;
  double *mean = v.mean, *squares = v.first, *scale = v.second, *shift = v.third;
  if (!call.fixed) kernels.moments(x, columns, mean, squares);
  for (int64_t j = 0; j < width; j++) {
    int64_t c = begin + j;
    Standard s = call.fixed ? given(call, c) : found(call, c, mean[j], squares[j], call.outer);
    mean[j] = s.mean;
    scale[j] = s.scale * number_at(call.weight, call.dtype, c, 1);
    shift[j] = number_at(call.bias, call.dtype, c, 0);
  }
  kernels.transform(x, from(call.out, call.dtype, begin), columns, mean, scale, shift);
}

void backward_columns(const ChannelNormCall& call, const ColumnNormKernels& kernels, int64_t begin,
                      int64_t width) {
  Columns columns{call.outer, call.channels, width};
  const void *x = from(call.input, call.dtype, begin), *g = from(call.grad, call.dtype, begin);
  ColumnNumbers v;
  double *mean = v.mean, *scale = v.first, *slope = v.second, *shift = v.third;
  for (int64_t j = 0; j < width; j++) mean[j] = number_at(call.mean, call.dtype, begin + j);
  kernels.sums(g, x, columns, mean, scale, slope);
  double n = double(call.outer);
  for (int64_t j = 0; j < width; j++) {
    int64_t c = begin + j;
    Standard s = given(call, c);
    put_number(call.grad_weight, call.dtype, c, slope[j] * s.scale);
    put_number(call.grad_bias, call.dtype, c, scale[j]);
    double weight = number_at(call.weight, call.dtype, c, 1);
    GradientLine f = input_gradient(s, weight, scale[j] / n, slope[j] / n, call.fixed);
    scale[j] = f.scale;
    slope[j] = f.slope;
    shift[j] = f.shift;
  }
  if (!call.grad_input) return;
  kernels.gradient(g, x, from(call.grad_input, call.dtype, begin), columns, scale, slope, mean, shift);
}

void batch_norm(const ChannelNormCall& call) {
  bool wide = call.dtype == DType::Float64;
  if (call.inner == 1) {
    const ColumnNormKernels& kernels = normalize_table().columns[wide];
    // Wide enough for long reads, narrow enough that threads share the work; the same for any number of them.
    int64_t width = call.channels * call.outer < elements_at_once ? column_norm_limit : column_norm_limit / 4;
    int64_t tiles = (call.channels + width - 1) / width;
    int64_t grain = std::max<int64_t>(1, elements_at_once / (call.outer * width));
    parallel_for(0, tiles, grain, [&](int64_t begin, int64_t end) {
      for (int64_t tile = begin; tile < end; tile++) {
        int64_t first = tile * width, count = std::min(width, call.channels - first);
        call.grad ? backward_columns(call, kernels, first, count)
                  : forward_columns(call, kernels, first, count);
      }
    });
    return;
  }
  const SegmentNormKernels& kernels = normalize_table().segments[wide];
  int64_t tile = channel_tile(call), tiles = (call.channels + tile - 1) / tile;
  int64_t grain = std::max<int64_t>(1, elements_at_once / (call.outer * call.inner * tile));
  parallel_for(0, tiles, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      int64_t first = i * tile, count = std::min(tile, call.channels - first);
      call.grad ? backward_channels(call, kernels, first, count)
                : forward_channels(call, kernels, first, count);
    }
  });
}

// ---------------------------------------------------------------- group norm

void forward_group(const ChannelNormCall& call, const SegmentNormKernels& kernels, int64_t group) {
  int64_t count = call.channels / call.groups, first = group % call.groups * count;
  int64_t start = group * count * call.inner;
  Segments whole{1, 0, count * call.inner}, one{1, 0, call.inner};
  Moments m;
  kernels.moments(from(call.input, call.dtype, start), whole, 1, &m);
  Standard s = found(call, group, m.mean, m.squares, whole.length);
  for (int64_t k = 0; k < count; k++) {
    int64_t at = start + k * call.inner;
    Line line = output_line(call, s, first + k);
    kernels.transform(from(call.input, call.dtype, at), from(call.out, call.dtype, at), one, 1, &line);
  }
}

// `sums` has one entry for each channel of each sample.
void backward_group(const ChannelNormCall& call, const SegmentNormKernels& kernels, int64_t group,
                    GradientSums* sums) {
  int64_t count = call.channels / call.groups, first = group % call.groups * count;
  int64_t start = group * count * call.inner;
  Segments one{1, 0, call.inner};
  Standard s = given(call, group);
  double grad = 0, product = 0, n = double(count * call.inner);
  for (int64_t k = 0; k < count; k++) {
    int64_t at = start + k * call.inner;
    GradientSums& own = sums[group * count + k];
    kernels.sums(from(call.grad, call.dtype, at), from(call.input, call.dtype, at), one, 1, &s.mean, &own);
    double weight = number_at(call.weight, call.dtype, first + k, 1);
    grad += weight * own.grad;
    product += weight * own.product;
  }
  // The means hold the weights of all channels, the factor of g that of one.
  GradientLine line = input_gradient(s, 1, grad / n, product / n, false);
  for (int64_t k = 0; call.grad_input && k < count; k++) {
    int64_t at = start + k * call.inner;
    line.scale = s.scale * number_at(call.weight, call.dtype, first + k, 1);
    kernels.gradient(from(call.grad, call.dtype, at), from(call.input, call.dtype, at),
                     from(call.grad_input, call.dtype, at), one, 1, &line);
  }
}

void group_norm(const ChannelNormCall& call) {
  const SegmentNormKernels& kernels = normalize_table().segments[call.dtype == DType::Float64];
  int64_t groups = call.outer * call.groups, count = call.channels / call.groups;
  int64_t grain = std::max<int64_t>(1, elements_at_once / (count * call.inner));
  Scratch scratch(call.grad ? call.outer * call.channels * int64_t(sizeof(GradientSums)) : 0);
  GradientSums* sums = scratch.as<GradientSums>();
  parallel_for(0, groups, grain, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; group++)
      call.grad ? backward_group(call, kernels, group, sums) : forward_group(call, kernels, group);
  });
  for (int64_t c = 0; (call.grad_weight || call.grad_bias) && c < call.channels; c++) {
    double grad = 0, product = 0;
    for (int64_t i = 0; i < call.outer; i++) {
      const GradientSums& own = sums[i * call.channels + c];
      grad += own.grad;
      product += own.product * given(call, i * call.groups + c / count).scale;
    }
    put_number(call.grad_weight, call.dtype, c, product);
    put_number(call.grad_bias, call.dtype, c, grad);
  }
}

// Channels of one element each: a group is a row, whose weights are those of its place in the sample.
void group_norm_of_rows(const ChannelNormCall& call) {
  RowNormCall rows{call.dtype,  true,    call.outer * call.groups, call.channels / call.groups,
                   call.groups, call.eps};
  rows.input = call.input;
  rows.weight = call.weight;
  rows.bias = call.bias;
  rows.mean = call.mean;
  rows.scale = call.scale;
  rows.out = call.out;
  rows.grad = call.grad;
  rows.grad_input = call.grad_input;
  rows.grad_weight = call.grad_weight;
  rows.grad_bias = call.grad_bias;
  cpu_row_norm(rows);
}

}  // namespace

void cpu_channel_norm(const ChannelNormCall& call) {
  if (call.groups && call.inner == 1) group_norm_of_rows(call);
  else if (call.groups) group_norm(call);
  else batch_norm(call);
}

// ---------------------------------------------------------------- rows

namespace {

// The gradients of weight and bias are sums over all rows: a sum for each block of rows, added in order.
void row_norm_backward(const RowNormCall& call, const RowNormKernels& kernels) {
  constexpr int64_t most_blocks = 64, fewest_rows = 16;
  int64_t block =
      std::max({fewest_rows, (call.rows + most_blocks - 1) / most_blocks, elements_at_once / call.n});
  block = (block + call.period - 1) / call.period * call.period;
  int64_t blocks = (call.rows + block - 1) / block, size = call.n * call.period;
  bool weights = call.grad_weight, biases = call.grad_bias;
  Scratch scratch((weights + biases) * blocks * size * int64_t(sizeof(double)));
  double *weight_sums = scratch.as<double>(), *bias_sums = weight_sums + (weights ? blocks * size : 0);
  parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      double *own_weights = weights ? weight_sums + i * size : nullptr,
             *own_biases = biases ? bias_sums + i * size : nullptr;
      if (weights) std::fill_n(own_weights, size, 0.0);
      if (biases) std::fill_n(own_biases, size, 0.0);
      kernels.backward(call, i * block, std::min(call.rows, (i + 1) * block), own_weights, own_biases);
    }
  });
  auto add = [&](const double* sums, void* out) {
    for (int64_t j = 0; j < size; j++) {
      double sum = 0;
      for (int64_t i = 0; i < blocks; i++) sum += sums[i * size + j];
      put_number(out, call.dtype, j, sum);
    }
  };
  if (weights) add(weight_sums, call.grad_weight);
  if (biases) add(bias_sums, call.grad_bias);
}

}  // namespace

void cpu_row_norm(const RowNormCall& call) {
  const RowNormKernels& kernels = row_norm_table().kernels[call.dtype == DType::Float64];
  if (call.grad) return row_norm_backward(call, kernels);
  int64_t grain = std::max<int64_t>(1, elements_at_once / call.n);
  parallel_for(0, call.rows, grain, [&](int64_t begin, int64_t end) { kernels.forward(call, begin, end); });
}

}  // namespace tt
