#include "kernels/loss.h"

#include <algorithm>

#include "core/parallel.h"
#include "core/scratch.h"

namespace tt {
namespace {

constexpr int64_t stretch = 16384;  // elements worth a thread's while

PairLossCall part_of(const PairLossCall& call, int64_t first, int64_t n) {
  int64_t size = size_of(call.dtype);
  auto at = [&](const void* data) { return data ? static_cast<const char*>(data) + first * size : nullptr; };
  PairLossCall part = call;
  part.n = n;
  part.input = at(call.input);
  part.target = at(call.target);
  part.weight = at(call.weight);
  part.positive = at(call.positive);
  if (!call.summed) part.grad = at(call.grad);
  if (call.grad || !call.summed) part.out = static_cast<char*>(call.out) + first * size;
  return part;
}

void put_number(void* out, DType dtype, double value) {
  if (dtype == DType::Float64) *static_cast<double*>(out) = value;
  else *static_cast<float*>(out) = float(value);
}

}  // namespace

void cpu_pair_loss(PairLossCall& call) {
  const PairLossKernels& kernels = pair_loss_table().kernels[int(call.op)][call.dtype == DType::Float64];
  bool check_input = kernels.valid && !call.grad, add = call.summed && !call.grad;
  int64_t parts = (call.n + stretch - 1) / stretch;
  Scratch scratch(parts * (int64_t(sizeof(double)) + 1));
  double* sums = scratch.as<double>();
  bool* valid = reinterpret_cast<bool*>(sums + parts);
  parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      PairLossCall part = part_of(call, i * stretch, std::min(stretch, call.n - i * stretch));
      valid[i] = !check_input || kernels.valid(part);
      if (add) sums[i] = kernels.total(part);
      else if (call.grad) kernels.slopes(part);
      else kernels.values(part);
    }
  });
  call.valid = std::all_of(valid, valid + parts, [](bool v) { return v; });
  if (!add) return;
  double sum = 0;
  for (int64_t i = 0; i < parts; i++) sum += sums[i];
  put_number(call.out, call.dtype, call.scale * sum);
}

// ---------------------------------------------------------------- classes

namespace {

const void* advanced(const void* data, int64_t bytes) {
  return data ? static_cast<const char*>(data) + bytes : nullptr;
}
void* advanced(void* data, int64_t bytes) { return data ? static_cast<char*>(data) + bytes : nullptr; }

// The call from a place on, whose scores start `elements` after those of the first.
ClassLossCall part_of(const ClassLossCall& call, int64_t place, int64_t elements) {
  int64_t size = size_of(call.dtype);
  ClassLossCall part = call;
  part.input = advanced(call.input, elements * size);
  part.probabilities = advanced(call.probabilities, elements * size);
  part.out = advanced(call.out, elements * size);
  if (call.target) part.target = call.target + place;
  part.loss = advanced(call.loss, place * size);
  part.log_sums = advanced(call.log_sums, place * size);
  if (!call.summed) part.grad = advanced(call.grad, place * size);
  return part;
}

using PlacesKernel = void (*)(const ClassLossCall& call, int64_t places);

void run_rows(PlacesKernel kernel, const ClassLossCall& call) {
  int64_t grain = std::max<int64_t>(1, stretch / call.classes);
  parallel_for(0, call.outer, grain, [&](int64_t begin, int64_t end) {
    kernel(part_of(call, begin, begin * call.classes), end - begin);
  });
}

void run_columns(PlacesKernel kernel, const ClassLossCall& call) {
  int64_t width = std::clamp<int64_t>(65536 / call.classes, 128, 1024) / 64 * 64;
  int64_t tiles = (call.inner + width - 1) / width,
          grain = std::max<int64_t>(1, stretch / (call.classes * width));
  parallel_for(0, call.outer * tiles, grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      int64_t image = task / tiles, first = task % tiles * width;
      ClassLossCall part =
          part_of(call, image * call.inner + first, image * call.classes * call.inner + first);
      kernel(part, std::min(width, call.inner - first));
    }
  });
}

// Losses of logarithms: of each place, one element counts.
template <class T, class Body>
void each_chosen(const ClassLossCall& call, Body&& body) {
  parallel_for(0, call.outer * call.inner, stretch, [&](int64_t begin, int64_t end) {
    for (int64_t place = begin; place < end; place++) {
      int64_t target = call.target[place];
      if (target == call.ignored) {
        if (call.loss) static_cast<T*>(call.loss)[place] = 0;
        continue;
      }
      int64_t element = (place / call.inner * call.classes + target) * call.inner + place % call.inner;
      body(place, element, call.factor ? static_cast<const T*>(call.factor)[target] : T(1));
    }
  });
}

template <class T>
void choose(const ClassLossCall& call) {
  const T *x = static_cast<const T*>(call.input), *grad = static_cast<const T*>(call.grad);
  T *loss = static_cast<T*>(call.loss), *out = static_cast<T*>(call.out), scale = T(call.scale);
  if (!grad)
    return each_chosen<T>(call, [&](int64_t place, int64_t i, T factor) { loss[place] = -factor * x[i]; });
  int64_t count = call.outer * call.classes * call.inner;
  parallel_for(0, count, stretch,
               [&](int64_t begin, int64_t end) { std::fill(out + begin, out + end, T(0)); });
  each_chosen<T>(call, [&](int64_t place, int64_t i, T factor) {
    out[i] = -scale * factor * grad[call.summed ? 0 : place];
  });
}

}  // namespace

void cpu_class_loss(ClassLossCall& call) {
  bool wide = call.dtype == DType::Float64;
  const ClassLossKernels& kernels = class_loss_table().kernels[wide];
  int64_t places = call.outer * call.inner;
  if (places * call.classes == 0) {
    std::fill_n(static_cast<char*>(call.loss), call.loss ? places * size_of(call.dtype) : 0, 0);
    return;
  }
  if (call.logarithms) wide ? choose<double>(call) : choose<float>(call);
  else if (call.inner == 1) run_rows(call.grad ? kernels.rows_backward : kernels.rows, call);
  else run_columns(call.grad ? kernels.columns_backward : kernels.columns, call);
  if (call.loss) call.sum = kernels.sum(call.loss, places);
}

}  // namespace tt
