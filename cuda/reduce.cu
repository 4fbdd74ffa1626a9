// Reductions in passes: a block folds a segment of the reduced elements of a few outputs into one state per
// output, and the states are folded again until one is left. How the work is cut follows from the shape
// alone, so the bits of a result never change.
#include <algorithm>
#include <bit>
#include <cstdlib>
#include <memory>

#include "cuda/elements.h"

namespace tt::cuda {
namespace {

using namespace reductions;

// ---------------------------------------------------------------- what is folded: in double or int64, as on
// the CPU

template <Reduction op, class S>
struct Folded {
  using State = S;
  static constexpr bool tests =
      op == Reduction::any || op == Reduction::all || op == Reduction::count_nonzero;
  static TT_INLINE State start() { return Fold<op>::template start<S>; }
  static TT_INLINE State state_of(S x, int64_t) { return Fold<op>::map(x); }
  static TT_INLINE State combine(State a, State b) { return Fold<op>::combine(a, b); }
  using Element = S;
};

template <class Extremum, class S>
struct FoldedPlace {
  using State = Placed<S>;
  using Element = S;
  static constexpr bool tests = false;
  static TT_INLINE State start() { return {Extremum::template start<S>, Limits<int64_t>::highest}; }
  static TT_INLINE State state_of(S x, int64_t position) { return {x, position}; }
  static TT_INLINE State combine(State a, State b) { return combine_placed<Extremum>(a, b); }
};

struct FoldedMoments {
  using State = Moments<double>;
  using Element = double;
  static constexpr bool tests = false;
  static TT_INLINE State start() { return {0, 0, 0}; }
  static TT_INLINE State state_of(double x, int64_t) { return {x, 0, 1}; }
  static TT_INLINE State combine(State a, State b) { return a.count == 0 ? b : combine_moments(a, b); }
};

// ---------------------------------------------------------------- the kernel

struct Axes {  // of the index space that is kept or reduced; the last one is innermost; strides in elements
  int rank = 0;
  int64_t sizes[kernel_rank], in[kernel_rank], out[kernel_rank];
};

struct Pass {
  int64_t outputs, n;         // n: elements, or states of the pass before, of each output
  int64_t segment, segments;  // elements that a block folds, and how many such there are
  int width, lanes;           // outputs of a block, and threads that share one of them
  bool across;                // neighbouring threads work on neighbouring outputs
  Axes kept, reduced;
  const char* in;
  DType in_dtype;
  bool single;            // elements are rounded to float
  const char* states_in;  // [n, outputs] of the pass before; null in the first
  char* states_out;       // [segments, outputs]; null in the last
  char *out, *mean;
  int64_t* index;
  DType out_dtype;
};
using PassKernel = void (*)(Pass);

__device__ __forceinline__ void locate_axes(const Axes& axes, int64_t i, int64_t* in, int64_t* out) {
  *in = *out = 0;
  for (int d = axes.rank - 1; d >= 0; d--) {
    int64_t quotient = d ? i / axes.sizes[d] : 0, at = i - quotient * axes.sizes[d];
    *in += at * axes.in[d];
    *out += at * axes.out[d];
    i = quotient;
  }
}

template <class Rule>
__device__ __forceinline__ typename Rule::Element element_at(const Pass& pass, int64_t at) {
  using Element = typename Rule::Element;
  const char* data = pass.in + at * dtype_size(pass.in_dtype);
  if constexpr (Rule::tests) {
    return Element(load_converted<bool>(data, pass.in_dtype));
  } else if constexpr (std::is_same_v<Element, double>) {
    if (pass.in_dtype == DType::Float32) return read<float>(data);
    double x = load_converted<double>(data, pass.in_dtype);
    return pass.single ? float(x) : x;
  } else {
    return load_converted<Element>(data, pass.in_dtype);
  }
}

// One thread's share of a segment.
template <class Rule>
__device__ __forceinline__ typename Rule::State fold_lane(const Pass& pass, int64_t output, int64_t first,
                                                          int64_t last) {
  using State = typename Rule::State;
  int64_t base = 0, ignored, offset;
  State total = Rule::start();
  if (pass.states_in) {
    for (int64_t i = first; i < last; i += pass.lanes)
      total = Rule::combine(total, reinterpret_cast<const State*>(pass.states_in)[i * pass.outputs + output]);
    return total;
  }
  locate_axes(pass.kept, output, &base, &ignored);
  for (int64_t i = first; i < last; i += pass.lanes) {
    locate_axes(pass.reduced, i, &offset, &ignored);
    total = Rule::combine(total, Rule::state_of(element_at<Rule>(pass, base + offset), i));
  }
  return total;
}

template <class S>
__device__ void finish(const Pass& pass, int64_t at, S value) {
  store_converted(pass.out + at * dtype_size(pass.out_dtype), pass.out_dtype, value);
}
template <class S>
__device__ void finish(const Pass& pass, int64_t at, Placed<S> state) {
  pass.index[at] = state.position;
  if (pass.out) finish(pass, at, state.value);
}
__device__ inline void finish(const Pass& pass, int64_t at, Moments<double> state) {
  finish(pass, at, state.squares);
  store_converted(pass.mean + at * dtype_size(pass.out_dtype), pass.out_dtype, state.mean);
}

template <class Rule>
__global__ void fold(const __grid_constant__ Pass pass) {
  using State = typename Rule::State;
  __shared__ State shared[threads_per_block];
  int thread = int(threadIdx.x);
  int column = pass.across ? thread % pass.width : thread / pass.lanes;
  int lane = pass.across ? thread / pass.width : thread % pass.lanes;
  int next = pass.across ? pass.width : 1;
  int64_t tiles = (pass.outputs + pass.width - 1) / pass.width;

  for (int64_t task = blockIdx.x; task < tiles * pass.segments; task += gridDim.x) {
    int64_t segment = task % pass.segments, output = task / pass.segments * pass.width + column;
    int64_t first = segment * pass.segment,
            last = first + pass.segment < pass.n ? first + pass.segment : pass.n;
    bool present = output < pass.outputs;
    State state = present ? fold_lane<Rule>(pass, output, first + lane, last) : Rule::start();
    shared[thread] = state;
    for (int half = pass.lanes / 2; half > 0; half /= 2) {
      __syncthreads();
      if (lane < half) shared[thread] = state = Rule::combine(state, shared[thread + half * next]);
    }
    __syncthreads();
    if (lane > 0 || !present) continue;
    if (pass.states_out) {
      reinterpret_cast<State*>(pass.states_out)[segment * pass.outputs + output] = state;
      continue;
    }
    int64_t ignored, at;
    locate_axes(pass.kept, output, &ignored, &at);
    finish(pass, at, state);
  }
}

// ---------------------------------------------------------------- which kernel

struct Chosen {
  PassKernel kernel;
  int64_t state_bytes;
};
template <class Rule>
Chosen choice() {
  return {&fold<Rule>, int64_t(sizeof(typename Rule::State))};
}

template <class S>
Chosen choose(Reduction op) {
  switch (op) {
#define TT_FOLD(name)   \
  case Reduction::name: \
    return choice<Folded<Reduction::name, S>>();
    TT_FOLD(sum)
    TT_FOLD(prod)
    TT_FOLD(max)
    TT_FOLD(min)
    TT_FOLD(sum_of_squares) TT_FOLD(sum_of_abs) TT_FOLD(max_abs) TT_FOLD(min_abs) TT_FOLD(nansum)
#undef TT_FOLD
        default : fail(ErrorKind::NotImplemented, "reduce: not implemented on cuda, reduction ", int(op));
  }
}

template <class S>
Chosen choose_typed(const ReduceCall& call) {
  if (!call.index) return choose<S>(call.op);
  check(call.op == Reduction::max || call.op == Reduction::min, "reduce: only max and min have positions");
  return call.op == Reduction::max ? choice<FoldedPlace<Maximum, S>>() : choice<FoldedPlace<Minimum, S>>();
}

Chosen choose(const ReduceCall& call) {
  switch (call.op) {
    case Reduction::any:
      return choice<Folded<Reduction::any, int32_t>>();
    case Reduction::all:
      return choice<Folded<Reduction::all, int32_t>>();
    case Reduction::count_nonzero:
      return choice<Folded<Reduction::count_nonzero, int64_t>>();
    case Reduction::moments:
      return choice<FoldedMoments>();
    default:
      break;
  }
  return is_floating(call.compute) ? choose_typed<double>(call) : choose_typed<int64_t>(call);
}

// ---------------------------------------------------------------- the passes

void push(Axes& axes, int64_t size, int64_t in, int64_t out) {
  int last = axes.rank - 1;
  if (last >= 0 && axes.in[last] == in * size && axes.out[last] == out * size) {
    axes.sizes[last] *= size, axes.in[last] = in, axes.out[last] = out;
    return;
  }
  check(axes.rank < kernel_rank, "reduce: more than ", kernel_rank, " dimensions that do not merge");
  int at = axes.rank++;
  axes.sizes[at] = size, axes.in[at] = in, axes.out[at] = out;
}

int64_t product(const Axes& axes) {
  int64_t total = 1;
  for (int d = 0; d < axes.rank; d++) total *= axes.sizes[d];
  return total;
}

int power_of_two(int64_t n, int limit) { return n >= limit ? limit : int(std::bit_ceil(uint64_t(n))); }

// Few elements per thread while there are few blocks, more when the device is busy anyway.
void cut(Pass& pass) {
  constexpr int64_t shortest = 32, longest = 1024, enough_blocks = 2048;
  if (pass.across) {
    int lanes = std::max(8, threads_per_block / power_of_two(pass.outputs, threads_per_block));
    pass.lanes = power_of_two(pass.n, lanes);
  } else {
    pass.lanes = power_of_two(pass.n, threads_per_block);
  }
  pass.width = threads_per_block / pass.lanes;
  int64_t per_lane = shortest, tiles = (pass.outputs + pass.width - 1) / pass.width;
  auto segments = [&] { return (pass.n + pass.lanes * per_lane - 1) / (pass.lanes * per_lane); };
  while (per_lane < longest && tiles * segments() > enough_blocks) per_lane *= 2;
  pass.segment = pass.lanes * per_lane;
  pass.segments = segments();
}

int64_t inner_stride(const Axes& axes) { return axes.rank ? std::abs(axes.in[axes.rank - 1]) : 0; }

Pass first_pass(const ReduceCall& call) {
  Pass pass{};
  for (int d = 0; d < call.rank; d++)
    if (call.sizes[d] != 1)
      push(call.out.strides[d] ? pass.kept : pass.reduced, call.sizes[d], call.in.strides[d],
           call.out.strides[d]);
  pass.outputs = product(pass.kept);
  pass.n = product(pass.reduced);
  int64_t kept = inner_stride(pass.kept), reduced = inner_stride(pass.reduced);
  pass.across = pass.outputs >= 8 && kept && (!reduced || kept < reduced);
  pass.in = call.in.data, pass.in_dtype = call.in.dtype;
  pass.single = call.compute == DType::Float32;
  pass.out = call.out.data, pass.out_dtype = call.out.dtype;
  pass.index = call.index, pass.mean = static_cast<char*>(call.mean);
  return pass;
}

}  // namespace

void reduce(const ReduceCall& call) {
  auto [kernel, state_bytes] = choose(call);
  Pass pass = first_pass(call);
  DeviceScope scope(call.in.data);
  std::unique_ptr<Workspace> previous, next;
  for (;;) {
    cut(pass);
    bool last = pass.segments == 1;
    if (!last)
      next = std::make_unique<Workspace>(pass.segments * pass.outputs * state_bytes, current_device());
    pass.states_out = last ? nullptr : next->data();
    int64_t blocks = (pass.outputs + pass.width - 1) / pass.width * pass.segments;
    TT_LAUNCH(kernel, unsigned(std::min<int64_t>(blocks, 1 << 20)), threads_per_block, pass);
    check_launch("reduce");
    if (last) return;
    std::swap(previous, next);
    pass.states_in = previous->data();
    pass.n = pass.segments;
    pass.across = pass.outputs >= 8;
  }
}

}  // namespace tt::cuda
