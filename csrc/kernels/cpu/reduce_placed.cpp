// Folds with a second result: maximum and minimum with the position of the first one, and mean with the sum
// of squared distances from it.
#include <algorithm>

#include "kernels/cpu/fold_rows.h"
#include "kernels/reduce.h"

namespace tt::TT_ISA {
namespace {

using namespace reductions;

// Whether b, which stands later, takes the place of a; for scalars and vectors.
template <class Extremum, class V>
TT_INLINE auto replaces(V b, V a) {
  if constexpr (std::is_same_v<Extremum, Maximum>) return (b > a) | ((b != b) & (a == a));
  else return (b < a) | ((b != b) & (a == a));
}

// Where the value, which is there, stands first.
template <class T>
TT_INLINE int64_t position_of(T value, const T* x, int64_t n) {
  const Vector<T> wanted = broadcast(value);
  const bool nan = value != value;
  auto hit = [&](Vector<T> v) { return first_set(nan ? v != v : v == wanted); };
  for (int64_t i = 0; i + lanes<T> <= n; i += lanes<T>)
    if (int lane = hit(load_vector(x + i)); lane < lanes<T>) return i + lane;
  int64_t i = n - n % lanes<T>;
  return i + hit(load_some(x + i, n - i));
}

template <class Extremum>
struct PlainExtremum : Identity, Extremum {};

// First the value of a chunk, then, if it is the best so far, its position: comparing is cheap, keeping
// positions in step is not.
template <class Extremum, class T>
void placed_rows(const FoldCall& call) {
  Reader<T> read(call.dtype);
  alignas(64) T buffer[row_chunk];
  for (int64_t j = 0; j < call.count; j++) {
    auto& best = static_cast<Wide<T>*>(call.value)[j];
    auto& position = static_cast<int64_t*>(call.second)[j];
    const char* row = call.in + j * call.count_stride * read.size;
    for (int64_t i = 0; i < call.n; i += row_chunk) {
      int64_t length = std::min(row_chunk, call.n - i);
      const T* x = read(row + i * call.stride * read.size, call.stride, length, buffer);
      Wide<T> value = fold_array<PlainExtremum<Extremum>>(x, length);
      if (call.folded + i && !replaces<Extremum>(value, best)) continue;
      best = value;
      position = call.folded + i + position_of(T(value), x, length);
    }
  }
}

constexpr int64_t column_tile = 512;

template <class Extremum, class T>
TT_INLINE void place_row(T* best, Position<T>* place, const T* x, int64_t width, Position<T> i) {
  int64_t j = 0;
  const Vector<Position<T>> here = broadcast(i);
  for (; j + lanes<T> <= width; j += lanes<T>) {
    Vector<T> old = load_vector(best + j), element = load_vector(x + j);
    auto wins = replaces<Extremum>(element, old);
    store_vector(best + j, wins ? element : old);
    store_vector(place + j, wins ? here : load_vector(place + j));
  }
  for (; j < width; j++) {
    bool wins = replaces<Extremum>(x[j], best[j]);
    best[j] = wins ? x[j] : best[j];
    place[j] = wins ? i : place[j];
  }
}

template <class Extremum, class T>
void placed_columns(const FoldCall& call) {
  Reader<T> read(call.dtype);
  alignas(64) T best[column_tile], buffer[column_tile];
  alignas(64) Position<T> place[column_tile];
  for (int64_t first = 0; first < call.count; first += column_tile) {
    int64_t width = std::min(column_tile, call.count - first);
    const char* column = call.in + first * call.count_stride * read.size;
    auto row = [&](int64_t i) {
      return read(column + i * call.stride * read.size, call.count_stride, width, buffer);
    };
    std::copy_n(row(0), width, best);
    std::fill_n(place, width, 0);
    for (int64_t i = 1; i < call.n; i++) place_row<Extremum>(best, place, row(i), width, Position<T>(i));

    auto* value = static_cast<Wide<T>*>(call.value) + first;
    auto* position = static_cast<int64_t*>(call.second) + first;
    for (int64_t j = 0; j < width; j++) {
      bool wins = !call.folded || replaces<Extremum>(Wide<T>(best[j]), value[j]);
      value[j] = wins ? best[j] : value[j];
      position[j] = wins ? call.folded + place[j] : position[j];
    }
  }
}

// sum of (x - mean)^2, with the sum of (x - mean) that rounding of the mean has left over
TT_INLINE Moments<double> chunk_moments(const double* x, int64_t n) {
  double mean = fold_array<reductions::Fold<Reduction::sum>>(x, n) / double(n);
  const Vector<double> shift = broadcast(mean);
  Vector<double> squares[2] = {}, rest[2] = {};
  auto add = [&](Vector<double> v, int k) {
    rest[k] += v - shift;
    squares[k] += (v - shift) * (v - shift);
  };
  int64_t i = 0;
  for (; i + 2 * lanes<double> <= n; i += 2 * lanes<double>) {
    add(load_vector(x + i), 0);
    add(load_vector(x + i + lanes<double>), 1);
  }
  Vector<double> all_squares = squares[0] + squares[1], all_rest = rest[0] + rest[1];
  double total = 0, left = 0;
  for (int k = 0; k < lanes<double>; k++) {
    total += all_squares[k];
    left += all_rest[k];
  }
  for (; i < n; i++) {
    left += x[i] - mean;
    total += (x[i] - mean) * (x[i] - mean);
  }
  double exact = total - left * left / double(n);
  return {mean + left / double(n), exact < 0 ? 0 : exact, double(n)};
}

void moments_rows(const FoldCall& call) {
  Reader<double> read(call.dtype);
  alignas(64) double buffer[row_chunk];
  for (int64_t j = 0; j < call.count; j++) {
    double &squares = static_cast<double*>(call.value)[j], &mean = static_cast<double*>(call.second)[j];
    const char* row = call.in + j * call.count_stride * read.size;
    for (int64_t i = 0; i < call.n; i += row_chunk) {
      int64_t length = std::min(row_chunk, call.n - i), before = call.folded + i;
      const double* x = read(row + i * call.stride * read.size, call.stride, length, buffer);
      Moments<double> chunk = chunk_moments(x, length);
      if (before) chunk = combine_moments(Moments<double>{mean, squares, double(before)}, chunk);
      squares = chunk.squares;
      mean = chunk.mean;
    }
  }
}

// Welford's recurrence, one row at a time.
void moments_columns(const FoldCall& call) {
  Reader<double> read(call.dtype);
  alignas(64) double buffer[column_tile];
  for (int64_t first = 0; first < call.count; first += column_tile) {
    int64_t width = std::min(column_tile, call.count - first);
    double* __restrict squares = static_cast<double*>(call.value) + first;
    double* __restrict mean = static_cast<double*>(call.second) + first;
    if (!call.folded) {
      std::fill_n(squares, width, 0.0);
      std::fill_n(mean, width, 0.0);
    }
    const char* column = call.in + first * call.count_stride * read.size;
    for (int64_t i = 0; i < call.n; i++) {
      const double* x = read(column + i * call.stride * read.size, call.count_stride, width, buffer);
      double share = 1 / double(call.folded + i + 1);
      for (int64_t j = 0; j < width; j++) {
        double delta = x[j] - mean[j];
        mean[j] += delta * share;
        squares[j] += delta * (x[j] - mean[j]);
      }
    }
  }
}

template <class Extremum, class T>
constexpr FoldPair placed = {placed_rows<Extremum, T>, placed_columns<Extremum, T>};

}  // namespace

#define TT_PLACED(Extremum) \
  {placed<Extremum, int32_t>, placed<Extremum, int64_t>, placed<Extremum, float>, placed<Extremum, double>}
constinit const PlacedFoldTable placed_fold_table = {
    TT_PLACED(Maximum), TT_PLACED(Minimum), {moments_rows, moments_columns}};
#undef TT_PLACED

}  // namespace tt::TT_ISA
