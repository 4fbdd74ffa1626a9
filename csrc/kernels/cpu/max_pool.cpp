// Max-pooling with lanes along a row of results. Windows of 2 x 2 are read where they lie; for all others a
// row is copied once, with the padding around it and its columns sorted by their remainder modulo the stride,
// so that every tap of the window is a contiguous load.
#include <algorithm>
#include <limits>

#include "core/scratch.h"
#include "kernels/cpu/elements.h"
#include "kernels/cpu/pairs.h"
#include "kernels/pooling.h"

namespace tt::TT_ISA {
namespace {

template <class T>
using Numbers = Vector<Position<T>>;
template <class T>
using Bytes = typename VectorOf<uint8_t, lanes<T>>::type;

template <class T>
TT_INLINE void store_bytes(uint8_t* to, Numbers<T> z, Full) {
  Bytes<T> bytes = __builtin_convertvector(z, Bytes<T>);
  __builtin_memcpy(to, &bytes, sizeof bytes);
}
template <class T>
TT_INLINE void store_bytes(uint8_t* to, Numbers<T> z, int64_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) _mm512_mask_cvtepi32_storeu_epi8(to, __mmask16((1u << n) - 1), __m512i(z));
  else _mm512_mask_cvtepi64_storeu_epi8(to, __mmask8((1u << n) - 1), __m512i(z));
#else
  for (int k = 0; k < lanes<T>; k++)
    if (k < n) to[k] = uint8_t(z[k]);
#endif
}
template <class T>
TT_INLINE Numbers<T> load_bytes(const uint8_t* from, Full) {
  Bytes<T> bytes;
  __builtin_memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, Numbers<T>);
}
template <class T>
TT_INLINE Numbers<T> load_bytes(const uint8_t* from, int64_t n) {
  Bytes<T> bytes = {};
  for (int k = 0; k < lanes<T>; k++)
    if (k < n) bytes[k] = from[k];
  return __builtin_convertvector(bytes, Numbers<T>);
}

template <class T>
struct Best {
  Vector<T> value;
  Numbers<T> position;
  TT_INLINE void offer(Vector<T> v, Position<T> at) {
    auto better = (v > value) | (v != v);
    value = better ? v : value;
    position = better ? broadcast(at) : position;
  }
};

template <class T>
void pool_pairs(const MaxPoolCall& call, int64_t first, int64_t last) {
  const PoolWindow& w = *call.window;
  const int64_t width = w.in[2], columns = w.out[2];
  for (int64_t p = first; p < last; p++)
    for (int64_t i = 0; i < w.out[1]; i++) {
      const T* upper = static_cast<const T*>(call.in) + (p * w.in[1] + 2 * i) * width;
      const int64_t at = (p * w.out[1] + i) * columns;
      T* out = static_cast<T*>(call.out) + at;
      by_vectors<T>(columns, [&](int64_t j, auto n) {
        Pair<T> above(upper + 2 * j, n), below(upper + width + 2 * j, n);
        Best<T> best{above.evens(), {}};
        best.offer(above.odds(), 1);
        best.offer(below.evens(), 2);
        best.offer(below.odds(), 3);
        store(out + j, best.value, n);
        if (call.position) store_bytes<T>(call.position + at + j, best.position, n);
      });
    }
}

template <class T>
void scatter_pairs(const PickCall& call, int64_t first, int64_t last) {
  const PoolWindow& w = *call.window;
  const int64_t width = w.in[2], columns = w.out[2];
  for (int64_t p = first; p < last; p++) {
    T* plane = static_cast<T*>(call.plane) + p * w.in[1] * width;
    for (int64_t i = 0; i < w.out[1]; i++) {
      T *upper = plane + 2 * i * width, *lower = upper + width;
      const int64_t at = (p * w.out[1] + i) * columns;
      const T* g = static_cast<const T*>(call.dense) + at;
      by_vectors<T>(columns, [&](int64_t j, auto n) {
        Vector<T> grad = load(g + j, n), none = {};
        Numbers<T> z = load_bytes<T>(call.position + at + j, n);
        store_pairs(upper + 2 * j, z == 0 ? grad : none, z == 1 ? grad : none, n);
        store_pairs(lower + 2 * j, z == 2 ? grad : none, z == 3 ? grad : none, n);
      });
      for (int64_t j = 2 * columns; j < width; j++) upper[j] = lower[j] = 0;
    }
    std::fill(plane + 2 * w.out[1] * width, plane + w.in[1] * width, T(0));
  }
}

// ---------------------------------------------------------------- any window

// Rows of the plane that is being pooled, made ready as they are needed. Column c of the padded row stands at
// [c % stride][c / stride]; what is beyond the border is the lowest number.
template <class T>
struct ReadyRows {
  const PoolWindow& w;
  Reader<T> read;
  int64_t stride, pitch, row_size, slots;
  int64_t next[most_positions];  // by slice of the window: the first row not ready yet
  T *rows, *buffer;

  static int64_t span(const PoolWindow& w) { return (w.kernel[1] - 1) * w.dilation[1] + 1; }
  static int64_t pitch_of(const PoolWindow& w) {
    int64_t reach = (w.out[2] - 1) * w.stride[2] + (w.kernel[2] - 1) * w.dilation[2];
    return std::max(reach, w.in[2] + w.padding[2]) / w.stride[2] + 1 + lanes<T>;
  }
  static int64_t size_of_rows(const PoolWindow& w) {
    return w.kernel[0] * span(w) * pitch_of(w) * w.stride[2] + w.in[2];
  }

  ReadyRows(const PoolWindow& window, DType dtype, T* memory)
      : w(window),
        read(dtype),
        stride(w.stride[2]),
        pitch(pitch_of(w)),
        row_size(pitch * stride),
        slots(span(w)) {
    rows = memory;
    buffer = memory + w.kernel[0] * slots * row_size;
    std::fill(rows, buffer, -std::numeric_limits<T>::infinity());
  }

  TT_INLINE T* at(int64_t slice, int64_t h) { return rows + (slice * slots + h % slots) * row_size; }

  void make_ready(T* row, const char* in) {
    const T* x = read(in, 1, w.in[2], buffer);
    if (stride == 1) {
      std::copy_n(x, w.in[2], row + w.padding[2]);
    } else if (stride == 2) {
      T *near = row + w.padding[2] % 2 * pitch + w.padding[2] / 2,
        *far = row + (w.padding[2] + 1) % 2 * pitch + (w.padding[2] + 1) / 2;
      for (int64_t c = 0; c < w.in[2] / 2; c++) near[c] = x[2 * c], far[c] = x[2 * c + 1];
      if (w.in[2] % 2) near[w.in[2] / 2] = x[w.in[2] - 1];
    } else {
      for (int64_t c = 0; c < w.in[2]; c++)
        row[(c + w.padding[2]) % stride * pitch + (c + w.padding[2]) / stride] = x[c];
    }
  }

  // Row h of a slice of the plane, the slice being number `slice` of the window. Rows are asked for in rising
  // order.
  const T* operator()(const char* plane, int64_t slice, int64_t d, int64_t h) {
    for (int64_t i = std::max(next[slice], h - slots + 1); i <= h; i++)
      make_ready(at(slice, i), plane + (d * w.in[1] + i) * w.in[2] * read.size);
    next[slice] = std::max(next[slice], h + 1);
    return at(slice, h);
  }
};

template <class T>
struct WindowRow {
  const T* data;
  Position<T> position;  // of its first element in the window
};

template <class T>
struct Taps {
  int64_t offset[most_positions];  // of each column of the window in a ready row
  const Position<T>* first;        // the first column of the window that is inside, by result
};

// kw: the width of the window, or 0 for any
template <int kw, bool positions, class T>
TT_INLINE void pool_row(const Taps<T>& taps, const WindowRow<T>* rows, int64_t count, int64_t width,
                        int64_t columns, T* out, uint8_t* position) {
  by_vectors<T>(columns, [&](int64_t j, auto n) {
    Best<T> best{broadcast(-std::numeric_limits<T>::infinity()), {}};
    if constexpr (positions) best.position = load_vector(taps.first + j) + broadcast(rows[0].position);
    for (int64_t r = 0; r < count; r++) {
      const T* row = rows[r].data + j;
      for (int64_t k = 0; k < (kw ? kw : width); k++)
        best.offer(load_vector(row + taps.offset[k]), Position<T>(rows[r].position + k));
    }
    store(out + j, best.value, n);
    if constexpr (positions) store_bytes<T>(position + j, best.position, n);
  });
}

template <bool positions, class T>
void pool_row_of(const Taps<T>& taps, const WindowRow<T>* rows, int64_t count, int64_t width, int64_t columns,
                 T* out, uint8_t* position) {
  if (width == 3) return pool_row<3, positions>(taps, rows, count, width, columns, out, position);
  if (width == 2) return pool_row<2, positions>(taps, rows, count, width, columns, out, position);
  pool_row<0, positions>(taps, rows, count, width, columns, out, position);
}

template <class T>
void pool_any(const MaxPoolCall& call, int64_t first, int64_t last) {
  const PoolWindow& w = *call.window;
  const int64_t columns = w.out[2], width = w.kernel[2], room = (columns + lanes<T>)*2;
  Scratch memory((ReadyRows<T>::size_of_rows(w) + room) * int64_t(sizeof(T)));
  Position<T>* inside = memory.as<Position<T>>();
  T* staged = memory.as<T>() + columns + lanes<T>;
  ReadyRows<T> ready(w, call.dtype, memory.as<T>() + room);
  Taps<T> taps;
  taps.first = inside;
  for (int64_t k = 0; k < width; k++) {
    int64_t column = k * w.dilation[2];
    taps.offset[k] = column % w.stride[2] * ready.pitch + column / w.stride[2];
  }
  for (int64_t j = 0; j < columns + lanes<T>; j++) {
    int64_t before = std::max<int64_t>(w.padding[2] - j * w.stride[2], 0);
    inside[j] = Position<T>((before + w.dilation[2] - 1) / w.dilation[2]);
  }
  WindowRow<T> rows[most_positions];
  for (int64_t p = first; p < last; p++) {
    const char* plane = static_cast<const char*>(call.in) + p * w.in_size() * ready.read.size;
    for (int64_t od = 0; od < w.out[0]; od++) {
      std::fill_n(ready.next, w.kernel[0], 0);
      for (int64_t oh = 0; oh < w.out[1]; oh++) {
        int64_t count = 0;
        for (int64_t kd = 0; kd < w.kernel[0]; kd++)
          for (int64_t kh = 0; kh < w.kernel[1]; kh++) {
            int64_t d = od * w.stride[0] - w.padding[0] + kd * w.dilation[0],
                    h = oh * w.stride[1] - w.padding[1] + kh * w.dilation[1];
            if (d < 0 || d >= w.in[0] || h < 0 || h >= w.in[1]) continue;
            rows[count++] = {ready(plane, kd, d, h), Position<T>((kd * w.kernel[1] + kh) * width)};
          }
        const int64_t at = ((p * w.out[0] + od) * w.out[1] + oh) * columns;
        char* out = static_cast<char*>(call.out) + at * ready.read.size;
        T* result = ready.read.native ? reinterpret_cast<T*>(out) : staged;
        if (call.position) pool_row_of<true>(taps, rows, count, width, columns, result, call.position + at);
        else pool_row_of<false, T>(taps, rows, count, width, columns, result, nullptr);
        if (result == staged) stores<T>[int(call.dtype)](staged, columns, out, 1);
      }
    }
  }
}

template <class T>
void pool_planes(const MaxPoolCall& call, int64_t first, int64_t last) {
  if (is_pairs(*call.window) && call.dtype == dtype_of<T>) return pool_pairs<T>(call, first, last);
  pool_any<T>(call, first, last);
}

}  // namespace

constinit const MaxPoolTable max_pool_table = {{pool_planes<float>, pool_planes<double>},
                                               {scatter_pairs<float>, scatter_pairs<double>}};

}  // namespace tt::TT_ISA
