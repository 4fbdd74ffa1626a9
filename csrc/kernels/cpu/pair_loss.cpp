// Losses of an input and a target, as plain loops over their formulas.
#include "core/scratch.h"
#include "kernels/cpu/fold_rows.h"
#include "kernels/loss.h"
#include "kernels/loss_formulas.h"

namespace tt::TT_ISA {
namespace {

constexpr int64_t chunk = 1024;  // elements whose losses stay in the first-level cache until they are added

// out[i] = scale * factor(i) * of(x, t, parameter, positive weight)
template <class T, bool weighted, class Of, class Factor>
TT_INLINE void each(const PairLossCall& call, int64_t first, int64_t n, T* __restrict out, Of&& of,
                    Factor&& factor) {
  const T *x = static_cast<const T*>(call.input) + first, *t = static_cast<const T*>(call.target) + first;
  const T *w = static_cast<const T*>(call.weight), *positive = static_cast<const T*>(call.positive);
  T p = T(call.parameter);
  if constexpr (weighted) {
    for (int64_t i = 0; i < n; i++)
      out[i] = factor(first + i) * (w ? w[first + i] : T(1)) *
               of(x[i], t[i], p, positive ? positive[first + i] : T(1));
  } else {
    for (int64_t i = 0; i < n; i++) out[i] = factor(first + i) * of(x[i], t[i], p, T(1));
  }
}

template <class Loss, class T, class Of, class Factor>
TT_INLINE void each_weighted(const PairLossCall& call, int64_t first, int64_t n, T* out, Of&& of,
                             Factor&& factor) {
  if constexpr (std::is_same_v<Loss, loss::Bce> || std::is_same_v<Loss, loss::BceWithLogits>)
    if (call.weight || call.positive) return each<T, true>(call, first, n, out, of, factor);
  each<T, false>(call, first, n, out, of, factor);
}

template <class Loss, class T>
TT_INLINE void values_of(const PairLossCall& call, int64_t first, int64_t n, T scale, T* out) {
  each_weighted<Loss>(
      call, first, n, out, [](T x, T t, T p, T w) { return Loss::template value<T>(x, t, p, w); },
      [scale](int64_t) { return scale; });
}

template <class Loss, class T>
void values(const PairLossCall& call) {
  values_of<Loss>(call, 0, call.n, T(call.scale), static_cast<T*>(call.out));
}

template <class Loss, class T>
double total(const PairLossCall& call) {
  alignas(64) T buffer[chunk];
  double sum = 0;
  for (int64_t first = 0; first < call.n; first += chunk) {
    int64_t n = call.n - first < chunk ? call.n - first : chunk;
    values_of<Loss>(call, first, n, T(1), buffer);
    sum += double(fold_array<reductions::Fold<Reduction::sum>>(buffer, n));
  }
  return sum;
}

template <class Loss, class T>
void slopes(const PairLossCall& call) {
  T* out = static_cast<T*>(call.out);
  const T* grad = static_cast<const T*>(call.grad);
  T scale = T(call.scale);
  auto of = [](T x, T t, T p, T w) { return Loss::template slope<T>(x, t, p, w); };
  if (call.summed) {
    T factor = scale * grad[0];
    return each_weighted<Loss>(call, 0, call.n, out, of, [factor](int64_t) { return factor; });
  }
  each_weighted<Loss>(call, 0, call.n, out, of, [scale, grad](int64_t i) { return scale * grad[i]; });
}

template <class T>
bool valid(const PairLossCall& call) {
  const T* x = static_cast<const T*>(call.input);
  int64_t outside = 0;
  for (int64_t i = 0; i < call.n; i++) outside += !((x[i] >= T(0)) & (x[i] <= T(1)));
  return outside == 0;
}

template <class Loss, class T>
constexpr PairLossKernels kernels_of = {values<Loss, T>, total<Loss, T>, slopes<Loss, T>,
                                        std::is_same_v<Loss, loss::Bce> ? valid<T> : nullptr};

}  // namespace

#define TT_LOSS(Loss) {kernels_of<loss::Loss, float>, kernels_of<loss::Loss, double>}
constinit const PairLossTable pair_loss_table = {{TT_LOSS(Mse), TT_LOSS(L1), TT_LOSS(SmoothL1),
                                                  TT_LOSS(Huber), TT_LOSS(Bce), TT_LOSS(BceWithLogits),
                                                  TT_LOSS(KlDiv), TT_LOSS(KlDivLog), TT_LOSS(SoftMargin)}};
#undef TT_LOSS

}  // namespace tt::TT_ISA
