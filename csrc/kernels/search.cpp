// Where masks are true, triangles, and places in sorted rows.
#include <cstring>
#include <vector>

#include "core/error.h"
#include "core/parallel.h"
#include "kernels/index.h"
#include "kernels/index_walk.h"

namespace tt {
namespace {

constexpr int64_t block = 65536;  // of a mask

int64_t count_block(const bool* mask, int64_t n) {
  auto* bytes = reinterpret_cast<const uint8_t*>(mask);
  int64_t count = 0;
  for (int64_t start = 0; start < n; start += 255) {
    int64_t end = std::min<int64_t>(n, start + 255);
    uint8_t some = 0;  // holds up to 255
    for (int64_t i = start; i < end; i++) some = uint8_t(some + (bytes[i] != 0));
    count += some;
  }
  return count;
}

// The positions of the hits in a row, counted from `start`. Every position is written and then kept or not:
// masks are too irregular for branches. What is written in vain stays in a buffer.
int64_t write_row(int64_t* out, const bool* mask, int64_t n, int64_t start) {
  auto* bytes = reinterpret_cast<const uint8_t*>(mask);
  constexpr int64_t part = 256;
  int64_t hits[part], total = 0;
  for (int64_t first = 0; first < n; first += part) {
    int64_t count = 0, last = std::min(n, first + part);
    for (int64_t i = first; i < last; i++) {
      hits[count] = start + i;
      count += bytes[i] != 0;
    }
    std::copy(hits, hits + count, out + total);
    total += count;
  }
  return total;
}

// Coordinates of the hits among mask[first, last), the first of which is hit number k.
void write_hits(const NonzeroCall& call, int64_t first, int64_t last, int64_t k) {
  int64_t position[max_rank] = {}, rest = first;
  for (int d = call.rank - 1; d >= 0; d--) {
    position[d] = rest % call.sizes[d];
    rest /= call.sizes[d];
  }
  int inner = call.rank - 1;
  for (int64_t i = first; i < last;) {
    int64_t run = std::min(last - i, call.sizes[inner] - position[inner]), before = k;
    k += write_row(call.out + inner * call.pitch + k, call.mask + i, run, position[inner]);
    for (int d = 0; d < inner; d++)
      std::fill(call.out + d * call.pitch + before, call.out + d * call.pitch + k, position[d]);
    i += run;
    position[inner] += run;
    for (int d = inner; d > 0 && position[d] == call.sizes[d]; d--) {
      position[d] = 0;
      position[d - 1]++;
    }
  }
}

}  // namespace

int64_t cpu_nonzero(const NonzeroCall& call) {
  int64_t n = 1;
  for (int d = 0; d < call.rank; d++) n *= call.sizes[d];
  int64_t blocks = (n + block - 1) / block, total = 0;
  std::vector<int64_t> starts(blocks);
  parallel_for(0, blocks, 1, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; b++)
      starts[b] = count_block(call.mask + b * block, std::min(block, n - b * block));
  });
  for (int64_t& start : starts) {
    int64_t count = start;
    start = total;
    total += count;
  }
  if (!call.out || call.rank == 0) return total;
  parallel_for(0, blocks, 1, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; b++)
      write_hits(call, b * block, std::min(n, (b + 1) * block), starts[b]);
  });
  return total;
}

void cpu_triangle(const TriangleCall& call) {
  int64_t item = size_of(call.x->dtype), rows = call.sizes[call.rank - 2],
          columns = call.sizes[call.rank - 1];
  int64_t row_stride = call.x->strides[call.rank - 2] * item, stride = call.x->strides[call.rank - 1] * item;
  auto zero_row = [&](char* row, int64_t i) {
    int64_t edge = std::clamp<int64_t>(i + call.diagonal + (call.keeps_lower ? 1 : 0), 0, columns);
    int64_t first = call.keeps_lower ? edge : 0, last = call.keeps_lower ? columns : edge;
    if (stride == item) std::memset(row + first * item, 0, (last - first) * item);
    else
      for (int64_t j = first; j < last; j++) std::memset(row + j * stride, 0, item);
  };
  int64_t sizes[max_rank];
  std::copy(call.sizes, call.sizes + call.rank, sizes);
  sizes[call.rank - 1] = sizes[call.rank - 2] = 1;
  const Operand* operands[] = {call.x};
  IndexWalk<1> walk;
  if (rows == 0 || columns == 0 || !walk.build(call.rank, sizes, operands, false)) return;
  int64_t matrices = walk.inner(), matrix_stride = walk.inner_stride(0);
  walk.each_row([&](char* const* data) {
    parallel_for(0, matrices * rows, std::max<int64_t>(1, block / columns), [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; i++)
        zero_row(data[0] + i / rows * matrix_stride + i % rows * row_stride, i % rows);
    });
  });
}

namespace {

template <class T>
TT_INLINE auto comparable(T x) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) return to_float(x);
  else return x;
}

// NaN sorts behind everything.
template <class T>
void search(const SearchCall& call) {
  auto* values = static_cast<const T*>(call.values);
  auto find = [&](const T* row, const int64_t* sorter, T value) {
    auto wanted = comparable(value);
    auto behind = [&](int64_t i) {
      auto here = comparable(row[sorter ? sorter[i] : i]);
      return call.right ? !(here > wanted) : !(here >= wanted);
    };
    // The steps are the same for every value, so that nothing has to be guessed.
    int64_t low = 0;
    for (int64_t left = call.n; left > 0;) {
      int64_t half = (left + 1) / 2;
      low += behind(low + half - 1) ? half : 0;
      left -= half;
    }
    return low;
  };
  int64_t total = call.rows * call.count;
  parallel_for(0, total, 1024, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) {
      int64_t row = call.shared ? 0 : i / call.count;
      auto* sorted = static_cast<const T*>(call.sorted) + row * call.n;
      call.out[i] = find(sorted, call.sorter ? call.sorter + row * call.n : nullptr, values[i]);
    }
  });
}

}  // namespace

void cpu_search(const SearchCall& call) {
  visit(call.dtype, [&](auto tag) { search<typename decltype(tag)::type>(call); });
}

}  // namespace tt
