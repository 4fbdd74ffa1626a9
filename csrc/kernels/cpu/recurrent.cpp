// The gates of the recurrent cells, forward and backward, between the products of a step.
#include "kernels/recurrent.h"

#include "kernels/math_special.h"

namespace tt::TT_ISA {
namespace {

template <class T>
TT_INLINE T* row_of(void* data, int64_t row, int64_t pitch) {
  return data ? static_cast<T*>(data) + row * pitch : nullptr;
}
template <class T>
TT_INLINE const T* row_of(const void* data, int64_t row, int64_t pitch) {
  return data ? static_cast<const T*>(data) + row * pitch : nullptr;
}

// Calls body(j) for all elements of a row; rows never share memory with each other.
template <class Body>
TT_INLINE void each(int64_t n, Body&& body) {
#pragma GCC ivdep
  for (int64_t j = 0; j < n; j++) body(j);
}

template <class T>
TT_INLINE void copy_row(T* to, const T* from, int64_t n) {
  if (!to) return;
  each(n, [&](int64_t j) { to[j] = from[j]; });
}

// h = activation(gates)
template <bool relu>
struct Plain {
  template <class T>
  static void forward(const GateRows& r) {
    for (int64_t i = 0; i < r.count; i++) {
      T *gate = row_of<T>(r.gates, i, r.gates_pitch), *state = row_of<T>(r.state, i, r.state_pitch);
      each(r.hidden, [&](int64_t j) {
        T h = relu ? (gate[j] < T(0) ? T(0) : gate[j]) : math::tanh(gate[j]);
        gate[j] = state[j] = h;
      });
      copy_row(row_of<T>(r.out, i, r.out_pitch), gate, r.hidden);
    }
  }
  template <class T>
  static void backward(const GateGradRows& r) {
    for (int64_t i = 0; i < r.count; i++) {
      const T *h = row_of<T>(r.gates, i, r.gates_pitch), *out = row_of<T>(r.grad_out, i, r.grad_out_pitch);
      const T* state = row_of<T>(r.grad_state, i, r.hidden);
      T* grad = row_of<T>(r.grad_gates, i, r.gates_pitch);
      auto put = [&](auto with_out) {
        each(r.hidden, [&](int64_t j) {
          T g = with_out.value ? state[j] + out[j] : state[j];
          grad[j] = relu ? (h[j] > T(0) ? g : T(0)) : g * (T(1) - h[j] * h[j]);
        });
      };
      out ? put(std::true_type{}) : put(std::false_type{});
    }
  }
};

// c = f c + i g,  h = o tanh(c)
struct Lstm {
  template <class T>
  static void forward(const GateRows& r) {
    const int64_t n = r.hidden;
    for (int64_t row = 0; row < r.count; row++) {
      T *i = row_of<T>(r.gates, row, r.gates_pitch), *f = i + n, *g = f + n, *o = g + n;
      T *c = row_of<T>(r.cell_state, row, n), *h = row_of<T>(r.state, row, r.state_pitch);
      copy_row(row_of<T>(r.inner, row, r.inner_pitch), c, n);
      each(n, [&](int64_t j) {
        T in = math::sigmoid(i[j]), forget = math::sigmoid(f[j]);
        T candidate = math::tanh(g[j]), out = math::sigmoid(o[j]);
        T cell = forget * c[j] + in * candidate;
        i[j] = in;
        f[j] = forget;
        g[j] = candidate;
        o[j] = out;
        c[j] = cell;
        h[j] = out * math::tanh(cell);
      });
      copy_row(row_of<T>(r.out, row, r.out_pitch), h, n);
    }
  }
  template <class T>
  static void backward(const GateGradRows& r) {
    const int64_t n = r.hidden;
    for (int64_t row = 0; row < r.count; row++) {
      const T *i = row_of<T>(r.gates, row, r.gates_pitch), *f = i + n, *g = f + n, *o = g + n;
      const T *c = row_of<T>(r.inner, row, r.inner_pitch),
              *out = row_of<T>(r.grad_out, row, r.grad_out_pitch);
      const T* dh = row_of<T>(r.grad_state, row, n);
      T *dc = row_of<T>(r.grad_cell_state, row, n), *di = row_of<T>(r.grad_gates, row, r.gates_pitch);
      T *df = di + n, *dg = df + n, *d_o = dg + n;
      auto put = [&](auto with_out) {
        each(n, [&](int64_t j) {
          T t = math::tanh(f[j] * c[j] + i[j] * g[j]), grad = with_out.value ? dh[j] + out[j] : dh[j];
          T cell = dc[j] + grad * o[j] * (T(1) - t * t);
          di[j] = cell * g[j] * i[j] * (T(1) - i[j]);
          df[j] = cell * c[j] * f[j] * (T(1) - f[j]);
          dg[j] = cell * i[j] * (T(1) - g[j] * g[j]);
          d_o[j] = grad * t * o[j] * (T(1) - o[j]);
          dc[j] = cell * f[j];
        });
      };
      out ? put(std::true_type{}) : put(std::false_type{});
    }
  }
};

// n = tanh(x_n + r p_n),  h = n + z (h - n), with p the product with the state
struct Gru {
  template <class T>
  static void forward(const GateRows& rows) {
    const int64_t n = rows.hidden;
    for (int64_t row = 0; row < rows.count; row++) {
      T *r = row_of<T>(rows.gates, row, rows.gates_pitch), *z = r + n, *candidate = z + n;
      const T *p_r = row_of<T>(rows.product, row, rows.product_pitch), *p_z = p_r + n, *p_n = p_z + n;
      T* h = row_of<T>(rows.state, row, rows.state_pitch);
      copy_row(row_of<T>(rows.inner, row, rows.inner_pitch), p_n, n);
      each(n, [&](int64_t j) {
        T reset = math::sigmoid(r[j] + p_r[j]), update = math::sigmoid(z[j] + p_z[j]);
        T value = math::tanh(candidate[j] + reset * p_n[j]);
        r[j] = reset;
        z[j] = update;
        candidate[j] = value;
        h[j] = value + update * (h[j] - value);
      });
      copy_row(row_of<T>(rows.out, row, rows.out_pitch), h, n);
    }
  }
  template <class T>
  static void backward(const GateGradRows& rows) {
    const int64_t n = rows.hidden;
    for (int64_t row = 0; row < rows.count; row++) {
      const T *r = row_of<T>(rows.gates, row, rows.gates_pitch), *z = r + n, *value = z + n;
      const T *p_n = row_of<T>(rows.inner, row, rows.inner_pitch),
              *h = row_of<T>(rows.previous, row, rows.previous_pitch),
              *out = row_of<T>(rows.grad_out, row, rows.grad_out_pitch);
      T *dh = row_of<T>(rows.grad_state, row, n), *dr = row_of<T>(rows.grad_gates, row, rows.gates_pitch),
        *dz = dr + n, *dn = dz + n;
      T *pr = row_of<T>(rows.grad_product, row, rows.gates_pitch), *pz = pr + n, *pn = pz + n;
      auto put = [&](auto with_out) {
        each(n, [&](int64_t j) {
          T grad = with_out.value ? dh[j] + out[j] : dh[j];
          T candidate = grad * (T(1) - z[j]) * (T(1) - value[j] * value[j]);
          T update = grad * (h[j] - value[j]) * z[j] * (T(1) - z[j]);
          T reset = candidate * p_n[j] * r[j] * (T(1) - r[j]);
          dn[j] = candidate;
          pn[j] = candidate * r[j];
          dz[j] = pz[j] = update;
          dr[j] = pr[j] = reset;
          dh[j] = grad * z[j];
        });
      };
      out ? put(std::true_type{}) : put(std::false_type{});
    }
  }
};

}  // namespace

#define TT_FORWARD(Cell) {Cell::forward<float>, Cell::forward<double>}
#define TT_BACKWARD(Cell) {Cell::backward<float>, Cell::backward<double>}
constinit const RecurrentTable recurrent_table = {
    {TT_FORWARD(Plain<false>), TT_FORWARD(Plain<true>), TT_FORWARD(Lstm), TT_FORWARD(Gru)},
    {TT_BACKWARD(Plain<false>), TT_BACKWARD(Plain<true>), TT_BACKWARD(Lstm), TT_BACKWARD(Gru)}};
#undef TT_FORWARD
#undef TT_BACKWARD

}  // namespace tt::TT_ISA
