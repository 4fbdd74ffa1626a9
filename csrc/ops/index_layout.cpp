// The same elements elsewhere, or more often: flips, rolls, repetitions.
#include "ops/index_places.h"
#include "ops/ops.h"

namespace tt {
namespace {

// Moves one box of elements between operands of any strides, negative ones included.
void copy_box(const Shape& sizes, const Tensor& to, int64_t to_offset, const Shape& to_strides,
              const Tensor& from, int64_t from_offset, const Shape& from_strides) {
  if (product(sizes) == 0) return;
  Operand out = operand_of(to, to_strides), in = operand_of(from, from_strides);
  out.data += to_offset * size_of(to.dtype());
  in.data += from_offset * size_of(from.dtype());
  kernels_of(to.device()).copy({sizes.size(), sizes.data(), out, in});
}

}  // namespace

Tensor flip(const Tensor& x, const Shape& dims) {
  Shape chosen = wrap_dims("flip", dims, x.rank()), strides = x.strides();
  Tensor y = empty_like(x);
  int64_t start = 0;
  for (int64_t dim : chosen) {
    if (x.rank() == 0) break;
    start += (x.sizes()[int(dim)] - 1) * strides[int(dim)];
    strides[int(dim)] = -strides[int(dim)];
  }
  copy_box(x.sizes(), y, 0, y.strides(), x, start, strides);
  return record("FlipBackward0", y, inputs(x), save(chosen),
                [](const Tensor& g, const Shape& dims) { return flip(g, dims); });
}

Tensor fliplr(const Tensor& x) {
  check(x.rank() >= 2, "fliplr: input must be >= 2-d, got shape ", x.sizes());
  return flip(x, {1});
}

Tensor flipud(const Tensor& x) {
  check(x.rank() >= 1, "flipud: input must be >= 1-d, got a 0-dim tensor");
  return flip(x, {0});
}

static Tensor rotated(const Tensor& x, int quarters, int a, int b) {
  GradGuard off(false);
  Tensor y =
      quarters == 0 ? start_from(x, {}) : flip(x, quarters == 2 ? Shape{a, b} : Shape{quarters == 1 ? b : a});
  return quarters % 2 ? detach(transpose(y, a, b)) : y;
}

Tensor rot90(const Tensor& x, int64_t k, const Shape& dims) {
  const char* op = "rot90";
  check(dims.size() == 2, op, ": expected total rotation dims == 2, but got dims = ", dims.size());
  check(x.rank() >= 2, op, ": expected total dims >= 2, but got total dims = ", x.rank());
  int a = wrap_dim(op, dims[0], x.rank()), b = wrap_dim(op, dims[1], x.rank());
  check(a != b, op, ": expected rotation dims to be different, but got dim0 = ", dims[0],
        " and dim1 = ", dims[1]);
  Tensor y = rotated(x, int((k % 4 + 4) % 4), a, b);
  int64_t back = -(k % 4);
  return record("Rot90Backward0", y, inputs(x), save(back, dims),
                [](const Tensor& g, const int64_t& back, const Shape& dims) { return rot90(g, back, dims); });
}

// ---------------------------------------------------------------- roll

namespace {

// Copies x into y, from dimension d on in two parts each, the last `shift` elements to the front.
void roll_from(int d, const Shape& shifts, Shape& sizes, const Tensor& y, int64_t to, const Tensor& x,
               int64_t from) {
  while (d < x.rank() && shifts[d] == 0) d++;
  if (d == x.rank()) return copy_box(sizes, y, to, y.strides(), x, from, x.strides());
  int64_t size = x.sizes()[d], shift = shifts[d], to_stride = y.strides()[d], from_stride = x.strides()[d];
  sizes[d] = shift;
  roll_from(d + 1, shifts, sizes, y, to, x, from + (size - shift) * from_stride);
  sizes[d] = size - shift;
  roll_from(d + 1, shifts, sizes, y, to + shift * to_stride, x, from);
  sizes[d] = size;
}

}  // namespace

Tensor roll(const Tensor& x, const Shape& shifts, const Dims& dims) {
  const char* op = "roll";
  check(!shifts.empty(), op, ": `shifts` required");
  if (!dims || dims->empty()) {
    check(shifts.size() == 1, op, ": shifts and dimensions must align. shifts: ", shifts.size(), ", dims: 0");
    return reshape(roll(reshape(x, {-1}), shifts, Shape{0}), x.sizes());
  }
  if (x.count() == 0) return clone(x);
  check(shifts.size() == dims->size(), op, ": shifts and dimensions must align. shifts: ", shifts.size(),
        ", dims: ", dims->size());
  check_index(x.rank() > 0, op, ": Dimension specified as ", (*dims)[0], " but tensor has no dimensions");
  Shape by = Shape::filled(x.rank(), 0), back = by;
  for (int i = 0; i < shifts.size(); i++) {
    int at = wrap_dim(op, (*dims)[i], x.rank());
    int64_t size = std::max<int64_t>(x.sizes()[at], 1);
    by[at] = (by[at] + shifts[i] % size + size) % size;
    back[at] = -by[at];
  }
  Tensor y = empty(x.sizes(), x.dtype(), x.device());
  Shape sizes = x.sizes();
  roll_from(0, by, sizes, y, 0, x, 0);
  return record("RollBackward0", y, inputs(x), save(back), [](const Tensor& g, const Shape& back) {
    Shape every;
    for (int i = 0; i < back.size(); i++) every.push_back(i);
    return roll(g, back, every);
  });
}

// ---------------------------------------------------------------- repetitions

Tensor repeat(const Tensor& x, const Shape& repeats) {
  const char* op = "repeat";
  int extra = repeats.size() - x.rank();
  check(extra >= 0, op, ": the number of repeat dims (", repeats.size(),
        ") can not be smaller than the number of "
        "dimensions of the tensor (",
        x.rank(), ")");
  // Each dimension as a pair: which copy, and where in it.
  Shape sizes, pairs, from_strides, to_strides;
  bool overflow = false;
  for (int i = 0; i < repeats.size(); i++) {
    int64_t size = i < extra ? 1 : x.sizes()[i - extra], total = 0;
    check(repeats[i] >= 0, op, ": trying to create tensor with negative dimension ", repeats[i] * size,
          " by repeats ", repeats);
    overflow |= __builtin_mul_overflow(size, repeats[i], &total);
    sizes.push_back(total);
    pairs.push_back(repeats[i]);
    pairs.push_back(size);
    from_strides.push_back(0);
    from_strides.push_back(i < extra ? 0 : x.strides()[i - extra]);
  }
  check(!overflow, op, ": repeats ", repeats, " overflow the sizes ", x.sizes());
  element_count(op, sizes);
  Tensor y = empty(sizes, x.dtype(), x.device());
  copy_box(pairs, y, 0, contiguous_strides(pairs), x, 0, from_strides);
  return record("RepeatBackward0", y, inputs(x), save(pairs), [](const Tensor& g, const Shape& pairs) {
    Shape copies;
    for (int i = 0; i < pairs.size(); i += 2) copies.push_back(i);
    return copies.empty() ? g : sum(reshape(g, pairs), copies);
  });
}

Tensor tile(const Tensor& x, const Shape& repeats) {
  Shape all = Shape::filled(std::max(0, x.rank() - repeats.size()), 1);
  for (int64_t count : repeats) all.push_back(count);
  return repeat(x, all);
}

Tensor repeat_interleave(const Tensor& x, int64_t repeats, std::optional<int64_t> dim,
                         std::optional<int64_t> output_size) {
  const char* op = "repeat_interleave";
  if (!dim) return repeat_interleave(reshape(x, {-1}), repeats, 0, output_size);
  check(repeats >= 0, op, ": repeats must be non-negative, got ", repeats);
  int at = wrap_dim(op, *dim, x.rank());
  check_index(x.rank() > 0, op, ": Dimension specified as ", *dim, " but tensor has no dimensions");
  int64_t total = x.sizes()[at] * repeats;
  check(!output_size || *output_size == total, op, ": invalid output_size, expected ", total, " but got ",
        output_size.value_or(0));
  Shape spread = x.sizes(), sizes = x.sizes();
  spread.insert(at + 1, repeats);
  sizes[at] = total;
  return reshape(contiguous(expand(unsqueeze(x, at + 1), spread)), sizes);
}

// The number of each entry, as often as it says.
Tensor repeat_interleave(const Tensor& repeats, std::optional<int64_t> output_size) {
  const char* op = "repeat_interleave";
  check(repeats.rank() == 1, op, ": only accepts a 1D vector as repeats, got shape ", repeats.sizes());
  if (repeats.dtype() != DType::Int64 && repeats.dtype() != DType::Int32)
    fail(ErrorKind::NotImplemented, op, ": not implemented for repeats of dtype ", name_of(repeats.dtype()));
  GradGuard off(false);
  Tensor counts = contiguous(as_int64(repeats, {}));
  auto* count = counts.data<int64_t>();
  int64_t total = 0;
  for (int64_t i = 0; i < counts.count(); i++) {
    check(count[i] >= 0, op, ": repeats can not be negative, got ", count[i]);
    bool overflow = __builtin_add_overflow(total, count[i], &total);
    check(!overflow, op, ": the repeats overflow");
  }
  check(!output_size || *output_size == total, op, ": allocated size ", output_size.value_or(0),
        " does not match required size ", total);
  Tensor places = empty({total}, DType::Int64);
  auto* place = places.data<int64_t>();
  for (int64_t i = 0; i < counts.count(); i++) {
    std::fill(place, place + count[i], i);
    place += count[i];
  }
  return to_device(to_dtype(places, repeats.dtype()), repeats.device());
}

Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, std::optional<int64_t> dim,
                         std::optional<int64_t> output_size) {
  const char* op = "repeat_interleave";
  if (!dim) return repeat_interleave(reshape(x, {-1}), repeats, 0, output_size);
  int at = wrap_dim(op, *dim, x.rank());
  check_index(x.rank() > 0, op, ": Dimension specified as ", *dim, " but tensor has no dimensions");
  int64_t size = x.sizes()[at];
  check(repeats.rank() <= 1, op, ": repeats must be 0-dim or 1-dim tensor, got shape ", repeats.sizes());
  check(repeats.count() == size || repeats.count() == 1, op,
        ": repeats must have the same size as input along dim, but got "
        "repeats.size(0) = ",
        repeats.count(), " and input.size(", at, ") = ", size);
  Tensor counts = repeats.rank() && repeats.count() == size ? repeats : expand(reshape(repeats, {1}), {size});
  return index_select(x, at, repeat_interleave(counts, output_size));
}

}  // namespace tt
