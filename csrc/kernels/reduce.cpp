// Reductions over strided memory. The reduced elements of one output are cut into blocks by the shape alone;
// each block is folded by one thread into accumulators, and the blocks' accumulators are combined pairwise.
// So the bits of a result do not depend on the number of threads.
#include "kernels/reduce.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/parallel.h"
#include "core/scratch.h"
#include "kernels/accumulators.h"

namespace tt {
namespace {

constexpr int64_t block_elements = 32768;  // about what one thread folds at a time
constexpr int64_t tile_limit = 1024;       // outputs that one call of a kernel may serve
constexpr int64_t few = 8;                 // a loop this short is not worth being the inner one
constexpr int64_t narrow = 64;             // columns, that are taken several rows at a time

// A division takes longer than all else in the plan of a small reduction; most of them are by 1.
inline int64_t pieces(int64_t n, int64_t size) { return n <= size ? 1 : (n + size - 1) / size; }

struct Dimension {
  int64_t size, in, out;  // out is 0 for a reduced dimension
};

struct Dimensions {
  int count = 0;
  Dimension list[max_rank];

  void push(Dimension d) { list[count++] = d; }
  Dimension take(int at) {
    Dimension taken = list[at];
    std::copy(list + at + 1, list + count, list + at);
    count--;
    return taken;
  }
  int64_t product() const {
    int64_t total = 1;
    for (int d = 0; d < count; d++) total *= list[d].size;
    return total;
  }
  // Larger steps outside; a step of 0 reads the same memory again and is the outermost of all.
  void sort() {
    auto step = [](const Dimension& d) { return d.in ? d.in : std::numeric_limits<int64_t>::max(); };
    for (int d = 1; d < count; d++)
      for (int e = d; e > 0 && step(list[e - 1]) < step(list[e]); e--) std::swap(list[e - 1], list[e]);
  }
  void merge() {
    int kept = 0;
    for (int d = 1; d < count; d++) {
      Dimension &outer = list[kept], &inner = list[d];
      if (outer.in == inner.in * inner.size && outer.out == inner.out * inner.size)
        outer = {outer.size * inner.size, inner.in, inner.out};
      else list[++kept] = inner;
    }
    count = std::min(count, kept + 1);
  }
  // The steps of the position that `index` stands for in row-major order.
  void locate(int64_t index, int64_t& in, int64_t& out) const {
    in = out = 0;
    for (int d = count - 1; d >= 0; d--) {
      int64_t quotient = d ? index / list[d].size : 0, at = index - quotient * list[d].size;
      in += at * list[d].in;
      out += at * list[d].out;
      index = quotient;
    }
  }
};

FoldType fold_type(const ReduceCall& call) {
  bool exact_in_int32 = call.in.dtype < DType::Int32;  // as many as one chunk sums
  switch (call.op) {
    case Reduction::any:
    case Reduction::all:
    case Reduction::count_nonzero:
      return FoldType::int32;
    case Reduction::moments:
      return FoldType::float64;
    case Reduction::sum:
      if (exact_in_int32 && !is_floating(call.compute)) return FoldType::int32;
      break;
    default:
      break;
  }
  if (call.compute == DType::Float64) return FoldType::float64;
  if (is_floating(call.compute)) return FoldType::float32;
  return call.compute == DType::Int64 ? FoldType::int64 : FoldType::int32;
}

FoldPair kernels_of(const ReduceCall& call, FoldType type) {
  if (call.op == Reduction::moments) return placed_fold_table().moments;
  if (call.index && call.op == Reduction::max) return placed_fold_table().max[int(type)];
  if (call.index && call.op == Reduction::min) return placed_fold_table().min[int(type)];
  FoldPair pair = fold_table().fold[int(call.op)][int(type)];
  if (pair.rows && !call.index) return pair;
  fail(ErrorKind::NotImplemented, "reduce: no kernel for reduction ", int(call.op), " in ",
       name_of(call.compute), call.index ? " with positions" : "");
}

class Plan {
 public:
  explicit Plan(const ReduceCall& call);
  void run();

 private:
  void choose_loops();
  void choose_blocks();
  void fold_block(int64_t group, int64_t block, Accumulators result) const;
  void fold_narrow(const FoldCall& fold) const;
  void combine_blocks(int64_t first, int64_t count, Accumulators all) const;
  void finish(int64_t group, Accumulators result) const;

  int64_t outer_of(int64_t group) const { return tiles_ == 1 ? group : group / tiles_; }
  int64_t first_of(int64_t group) const { return tiles_ == 1 ? 0 : group % tiles_ * tile_; }
  int64_t width_of(int64_t group) const { return std::min(tile_, count_ - first_of(group)); }
  int64_t output_of(int64_t group) const { return outer_of(group) * count_ + first_of(group); }
  // How many reduced elements stand before a unit.
  int64_t before(int64_t unit) const {
    return segments_ == 1 ? unit * n_ : unit / segments_ * n_ + std::min(unit % segments_ * segment_, n_);
  }

  const ReduceCall& call_;
  FoldType type_;
  Accumulation accumulation_;
  FoldPair kernels_;
  bool has_second_, by_columns_ = false;
  int64_t rows_per_fold_ = 1;  // of narrow columns, side by side

  Dimensions kept_, reduced_;      // but for the two that the kernel walks along:
  int64_t n_ = 1, in_stride_ = 1;  // the reduced one
  int64_t count_ = 1, count_in_stride_ = 1, count_stride_ = 1;  // and the kept one
  int64_t tile_ = 1, tiles_ = 1;        // outputs per call of the kernel, and calls along the kept dimension
  int64_t groups_ = 1, outputs_ = 1;    // tiles and outputs in all
  int64_t segment_ = 1, segments_ = 1;  // likewise for the reduced one; a unit is one segment
  int64_t units_ = 1, units_per_block_ = 1, blocks_ = 1;
};

Plan::Plan(const ReduceCall& call)
    : call_(call),
      type_(fold_type(call)),
      accumulation_(call, type_),
      kernels_(kernels_of(call, type_)),
      has_second_(call.index || call.op == Reduction::moments) {
  for (int d = 0; d < call.rank; d++) {
    if (call.sizes[d] == 1) continue;
    Dimension dimension = {call.sizes[d], call.in.strides[d], call.out.strides[d]};
    (dimension.out ? kept_ : reduced_).push(dimension);
  }
  kept_.sort();
  kept_.merge();
  if (!call.index) reduced_.sort();  // positions count in row-major order
  reduced_.merge();
  choose_loops();
  choose_blocks();
}

void Plan::choose_loops() {
  int inner = reduced_.count - 1;
  if (inner > 0 && !call_.index && reduced_.list[inner].size < few)
    inner = int(std::max_element(reduced_.list, reduced_.list + reduced_.count,
                                 [](auto& a, auto& b) { return a.size < b.size; }) -
                reduced_.list);
  if (inner >= 0) {
    Dimension d = reduced_.take(inner);
    n_ = d.size, in_stride_ = d.in;
  }
  if (kept_.count) {
    Dimension d = kept_.take(kept_.count - 1);
    count_ = d.size, count_in_stride_ = d.in, count_stride_ = d.out;
  }
  bool kept_is_closer = count_in_stride_ && (!in_stride_ || count_in_stride_ < in_stride_);
  bool dense = count_in_stride_ == 1 && in_stride_ == count_;
  if (dense && !has_second_ && 1 < count_ && count_ < narrow && n_ > 4 * narrow)
    rows_per_fold_ = tile_limit / 2 / count_;
  by_columns_ = rows_per_fold_ > 1 || (count_ >= few && (kept_is_closer || n_ < few));
}

void Plan::choose_blocks() {
  if (by_columns_) {
    tile_ = std::min(count_, tile_limit);
    segment_ = n_ <= 512 ? n_ : std::min(n_, std::max<int64_t>(512, block_elements / tile_));
  } else {
    segment_ = std::min(n_, block_elements);
    tile_ =
        count_ == 1 ? 1 : std::min(count_, std::clamp<int64_t>(block_elements / segment_, 1, tile_limit / 4));
  }
  tiles_ = pieces(count_, tile_);
  segments_ = pieces(n_, segment_);
  units_ = reduced_.product() * segments_;
  if (units_ > 1) units_per_block_ = std::max<int64_t>(1, block_elements / (segment_ * tile_));
  blocks_ = pieces(units_, units_per_block_);
  int64_t outer = kept_.product();
  groups_ = outer * tiles_;
  outputs_ = outer * count_;
}

// Few columns, whose rows follow each other: a group of rows is one long row, and the folds of its parts are
// then combined.
void Plan::fold_narrow(const FoldCall& fold) const {
  alignas(64) char value[8 * tile_limit];
  int64_t width = rows_per_fold_ * count_, whole = fold.n / rows_per_fold_, rest = fold.n % rows_per_fold_;
  accumulation_.start({value, nullptr}, width);
  FoldCall wide = fold;
  wide.n = whole, wide.stride = width, wide.count = width, wide.value = value;
  kernels_.columns(wide);
  wide.in += whole * width * size_of(fold.dtype);
  wide.n = 1, wide.count = rest * count_;
  kernels_.columns(wide);
  Accumulators result = {static_cast<char*>(fold.value), nullptr};
  for (int64_t row = 0; row < rows_per_fold_; row++)
    accumulation_.combine(result, {value + 8 * row * count_, nullptr}, count_, 0, 0);
}

void Plan::fold_block(int64_t group, int64_t block, Accumulators result) const {
  int64_t width = width_of(group), size = size_of(call_.in.dtype), in, out;
  kept_.locate(outer_of(group), in, out);
  const char* begin = call_.in.data + (in + first_of(group) * count_in_stride_) * size;
  accumulation_.start(result, width);

  int64_t first = block * units_per_block_, last = std::min(units_, first + units_per_block_);
  for (int64_t unit = first; unit < last; unit++) {
    int64_t outer = segments_ == 1 ? unit : unit / segments_, at = (unit - outer * segments_) * segment_;
    reduced_.locate(outer, in, out);
    FoldCall fold = {begin + (in + at * in_stride_) * size,
                     call_.in.dtype,
                     std::min(segment_, n_ - at),
                     in_stride_,
                     width,
                     count_in_stride_,
                     before(unit) - before(first),
                     result.value,
                     result.second};
    if (rows_per_fold_ > 1) fold_narrow(fold);
    else (by_columns_ ? kernels_.columns : kernels_.rows)(fold);
  }
  if (!call_.index || !first) return;
  auto* position = reinterpret_cast<int64_t*>(result.second);
  for (int64_t j = 0; j < width; j++) position[j] += before(first);
}

void Plan::combine_blocks(int64_t first, int64_t count, Accumulators all) const {
  auto elements = [&](int64_t block, int64_t span) {
    return double(before(std::min(units_, (block + span) * units_per_block_)) -
                  before(block * units_per_block_));
  };
  for (int64_t step = 1; step < blocks_; step *= 2)
    for (int64_t block = 0; block + step < blocks_; block += 2 * step)
      accumulation_.combine(all + (block * outputs_ + first), all + ((block + step) * outputs_ + first),
                            count, elements(block, step), elements(block + step, step));
}

void Plan::finish(int64_t group, Accumulators result) const {
  int64_t in, out;
  kept_.locate(outer_of(group), in, out);
  accumulation_.store(result, width_of(group), call_, out + first_of(group) * count_stride_, count_stride_);
}

void Plan::run() {
  int64_t work = units_per_block_ * segment_ * tile_;  // in one block of one group
  int64_t grain = work >= block_elements ? 1 : block_elements / work;
  if (blocks_ == 1)
    return parallel_for(0, groups_, grain, [&](int64_t begin, int64_t end) {
      alignas(64) char value[8 * tile_limit], second[8 * tile_limit];
      for (int64_t group = begin; group < end; group++) {
        fold_block(group, 0, {value, second});
        finish(group, {value, second});
      }
    });

  Scratch scratch(8 * blocks_ * outputs_ * (has_second_ ? 2 : 1));
  char* memory = scratch.as<char>();
  Accumulators all = {memory, has_second_ ? memory + 8 * blocks_ * outputs_ : nullptr};
  parallel_for(0, groups_ * blocks_, grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      int64_t group = task / blocks_, block = task % blocks_;
      fold_block(group, block, all + (block * outputs_ + output_of(group)));
    }
  });
  parallel_for(0, groups_, std::max<int64_t>(1, block_elements / (blocks_ * tile_)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t group = begin; group < end; group++) {
                   combine_blocks(output_of(group), width_of(group), all);
                   finish(group, all + output_of(group));
                 }
               });
}

// A small contiguous block that is reduced as a whole needs no plan.
bool reduce_directly(const ReduceCall& call) {
  int64_t n = 1;
  for (int d = call.rank - 1; d >= 0; d--) {
    if (call.sizes[d] == 1) continue;
    if (call.out.strides[d] || call.in.strides[d] != n) return false;
    n *= call.sizes[d];
  }
  if (n > block_elements || call.mean || call.index) return false;
  FoldType type = fold_type(call);
  Accumulation accumulation(call, type);
  alignas(8) char value[8];
  Accumulators result = {value, nullptr};
  accumulation.start(result, 1);
  kernels_of(call, type).rows({call.in.data, call.in.dtype, n, 1, 1, n, 0, value, nullptr});
  accumulation.store(result, 1, call, 0, 1);
  return true;
}

}  // namespace

void cpu_reduce(const ReduceCall& call) {
  if (call.op != Reduction::moments && reduce_directly(call)) return;
  Plan(call).run();
}

}  // namespace tt
