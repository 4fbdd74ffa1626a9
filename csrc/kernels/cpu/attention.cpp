// The softmax inside attention, on blocks of scores.
#include "kernels/attention.h"

#include "kernels/cpu/exp_lanes.h"
#include "kernels/cpu/fold_rows.h"

namespace tt::TT_ISA {
namespace {

using reductions::Fold;

template <class T>
constexpr T infinity = math::Real<T>::infinity;

// The keys that a row of the block sees.
TT_INLINE int64_t visible(const ScoreBlock& b, int64_t row) {
  int64_t n = b.visible + row;
  return n < 0 ? 0 : n < b.keys ? n : b.keys;
}

template <class T>
TT_INLINE const T* row_of_mask(const ScoreBlock& b, int64_t row) {
  return b.mask ? static_cast<const T*>(b.mask) + row * b.mask_row : nullptr;
}

template <class T>
TT_INLINE void clear(T* x, int64_t from, int64_t to) {
  for (int64_t j = from; j < to; j++) x[j] = 0;
}

template <class T>
TT_INLINE void scale_row(T* x, int64_t n, T factor) {
#pragma GCC ivdep
  for (int64_t j = 0; j < n; j++) x[j] *= factor;
}

// score * scale + mask, and the largest of them
template <class T>
TT_INLINE T settle_scores(T* score, const T* mask, int64_t n, T scale) {
  Vector<T> largest = broadcast(-infinity<T>);
  auto settle = [&](auto masked) {
    by_vectors<T>(n, [&](int64_t j, auto count) {
      Vector<T> v = load(score + j, count) * scale;
      if constexpr (masked.value) v += load(mask + j, count);
      store(score + j, v, count);
      v = within(v, -infinity<T>, count);
      largest = largest > v ? largest : v;
    });
  };
  mask ? settle(std::true_type{}) : settle(std::false_type{});
  return fold_lanes<Fold<Reduction::max>, T>(largest);
}

// Each score becomes e^(score - shift); their sum
template <class T>
TT_INLINE T exponential_row(T* score, int64_t n, T shift) {
  Vector<T> sum = {};
  by_vectors<T>(n, [&](int64_t j, auto count) {
    Vector<T> e = exp_lanes<T>(load(score + j, count) - shift);
    store(score + j, e, count);
    sum += within(e, T(0), count);
  });
  return fold_lanes<reductions::Add, T>(sum);
}

template <class T>
void exponentials(const ScoreBlock& b, bool first, void* maximum, void* sum, void* out, int64_t out_row,
                  int64_t width) {
  for (int64_t i = 0; i < b.rows; i++) {
    T* score = static_cast<T*>(b.scores) + i * b.pitch;
    const int64_t n = visible(b, i);
    const T here = settle_scores(score, row_of_mask<T>(b, i), n, T(b.scale));
    T &largest = static_cast<T*>(maximum)[i], &total = static_cast<T*>(sum)[i];
    const T before = first ? -infinity<T> : largest;
    largest = before > here ? before : here;
    const T shift = largest == -infinity<T> ? T(0) : largest;  // nothing is visible yet
    const T added = exponential_row(score, n, shift);
    clear(score, n, b.keys);
    if (first) {
      total = added;
      continue;
    }
    const T kept = math::exp_of_negative(before - shift);
    total = total * kept + added;
    if (kept != T(1)) scale_row(static_cast<T*>(out) + i * out_row, width, kept);
  }
}

template <class T>
void finish(int64_t rows, const void* maximum, const void* sum, void* out, int64_t out_row, int64_t width,
            void* logsum) {
  for (int64_t i = 0; i < rows; i++) {
    const T total = static_cast<const T*>(sum)[i];
    scale_row(static_cast<T*>(out) + i * out_row, width, total == T(0) ? T(0) : T(1) / total);
    if (!logsum) continue;
    const T largest = static_cast<const T*>(maximum)[i];
    static_cast<T*>(logsum)[i] = total == T(0) ? infinity<T> : largest + math::log(total);
  }
}

template <class T>
void row_products(int64_t rows, int64_t width, const void* out, int64_t out_row, const void* grad,
                  int64_t grad_row, void* delta) {
  for (int64_t i = 0; i < rows; i++) {
    const T *y = static_cast<const T*>(out) + i * out_row, *g = static_cast<const T*>(grad) + i * grad_row;
    static_cast<T*>(delta)[i] = T(fold_each<reductions::Add, T>(
        width, [&](int64_t j, auto count) { return load(y + j, count) * load(g + j, count); }));
  }
}

template <class T>
void gradients(const ScoreBlock& b, void* grads, const void* logsum, const void* delta) {
  const T scale = T(b.scale);
  for (int64_t i = 0; i < b.rows; i++) {
    T *p = static_cast<T*>(b.scores) + i * b.pitch, *g = static_cast<T*>(grads) + i * b.pitch;
    const T shift = static_cast<const T*>(logsum)[i], mean = static_cast<const T*>(delta)[i];
    const T* mask = row_of_mask<T>(b, i);
    const int64_t n = visible(b, i);
    auto put = [&](auto masked) {
      by_vectors<T>(n, [&](int64_t j, auto count) {
        Vector<T> v = load(p + j, count) * scale;
        if constexpr (masked.value) v += load(mask + j, count);
        v = exp_lanes<T>(v - shift);
        store(p + j, v, count);
        store(g + j, v * (load(g + j, count) - mean) * scale, count);
      });
    };
    mask ? put(std::true_type{}) : put(std::false_type{});
    clear(p, n, b.keys);
    clear(g, n, b.keys);
  }
}

}  // namespace

#define TT_TYPES(f) {f<float>, f<double>}
constinit const AttentionTable attention_table = {TT_TYPES(exponentials), TT_TYPES(finish),
                                                  TT_TYPES(row_products), TT_TYPES(gradients)};
#undef TT_TYPES

}  // namespace tt::TT_ISA
