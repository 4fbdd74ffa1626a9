#include "core/shape.h"

#include "core/error.h"

namespace tt {

std::ostream& operator<<(std::ostream& stream, const Shape& shape) {
  stream << '(';
  for (int i = 0; i < shape.size(); i++) stream << (i ? ", " : "") << shape[i];
  return stream << (shape.size() == 1 ? ",)" : ")");
}

int64_t element_count(const char* op, const Shape& sizes) {
  int64_t count = 1;
  bool overflow = false, empty = false;
  for (int64_t size : sizes) {
    check(size >= 0, op, ": sizes must not be negative, got ", sizes);
    empty |= size == 0;
    overflow |= __builtin_mul_overflow(count, size, &count);
  }
  if (empty) return 0;
  check(!overflow && count <= INT64_MAX / 16, op, ": sizes ", sizes,
        " overflow the number of elements or bytes");
  return count;
}

Shape contiguous_strides(const Shape& sizes) {
  Shape strides;
  strides.resize(sizes.size());
  int64_t stride = 1;
  for (int i = sizes.size() - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= std::max<int64_t>(sizes[i], 1);
  }
  return strides;
}

bool is_contiguous(const Shape& sizes, const Shape& strides) {
  int64_t expected = 1;
  for (int i = sizes.size() - 1; i >= 0; i--) {
    if (sizes[i] == 0) return true;
    if (sizes[i] == 1) continue;
    if (strides[i] != expected) return product(sizes) == 0;
    expected *= sizes[i];
  }
  return true;
}

Shape broadcast(const char* op, const Shape& a, const Shape& b) {
  if (a == b) return a;
  int rank = std::max(a.size(), b.size());
  Shape out;
  out.resize(rank);
  for (int i = 1; i <= rank; i++) {
    int64_t m = i <= a.size() ? a[a.size() - i] : 1, n = i <= b.size() ? b[b.size() - i] : 1;
    check(m == n || m == 1 || n == 1, op, ": shapes ", a, " and ", b,
          " do not broadcast: the size of tensor a (", m, ") must match the size of tensor b (", n,
          ") at dimension ", rank - i);
    out[rank - i] = m == 1 ? n : m;
  }
  return out;
}

bool expandable(const Shape& from, const Shape& to) {
  if (from.size() > to.size()) return false;
  for (int i = 1; i <= from.size(); i++) {
    int64_t size = from[from.size() - i];
    if (size != 1 && size != to[to.size() - i]) return false;
  }
  return true;
}

int wrap_dim(const char* op, int64_t dim, int rank) {
  int range = std::max(rank, 1);
  check_index(dim >= -range && dim < range, op, ": Dimension out of range (expected to be in range of [",
              -range, ", ", range - 1, "], but got ", dim, ")");
  return int(dim < 0 ? dim + range : dim);
}

Shape wrap_dims(const char* op, const Shape& dims, int rank) {
  Shape out;
  for (int64_t dim : dims) {
    int wrapped = wrap_dim(op, dim, rank);
    check(!out.contains(wrapped), op, ": dim ", wrapped, " appears multiple times in the list of dims ",
          dims);
    out.push_back(wrapped);
  }
  return out;
}

}  // namespace tt
