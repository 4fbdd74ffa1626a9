// The transforms of Winograd's convolution F(4 x 4, 3 x 3), on matrices whose elements are vectors of
// channels.
#include "kernels/convolution_winograd.h"
#include "kernels/cpu/lanes.h"

#define TT_UNROLL _Pragma("GCC unroll 32")

namespace tt::TT_ISA {
namespace {

// The points at which the polynomials are multiplied; the sixth is infinity. These keep the rounding error
// smallest among those whose products are exact in float.
constexpr double points[5] = {0, 0.625, -0.625, 1.5, -1.5};

template <int P, int Q>
struct Matrix {
  double at[P][Q] = {};
};

// Row i of the input's matrix holds the coefficients of the product of (x - points[j]), j other than i.
constexpr Matrix<6, 6> make_input() {
  Matrix<6, 6> m;
  for (int i = 0; i < 6; i++) {
    double product[7] = {1};
    int degree = 0;
    for (int j = 0; j < 5; j++) {
      if (j == i) continue;
      degree++;
      for (int k = degree; k >= 0; k--) product[k] = (k ? product[k - 1] : 0) - points[j] * product[k];
    }
    for (int k = 0; k < 6; k++) m.at[i][k] = product[k];
  }
  return m;
}

constexpr double power(double x, int n) { return n == 0 ? 1 : x * power(x, n - 1); }

// Row i evaluates a polynomial of degree Q - 1 at point i, over `scale`.
template <int Q>
constexpr Matrix<6, Q> make_values(bool scaled) {
  Matrix<6, Q> m;
  for (int i = 0; i < 5; i++) {
    double scale = 1;
    for (int j = 0; j < 5 && scaled; j++)
      if (j != i) scale *= points[i] - points[j];
    for (int k = 0; k < Q; k++) m.at[i][k] = power(points[i], k) / scale;
  }
  m.at[5][Q - 1] = 1;
  return m;
}

template <int P, int Q>
constexpr Matrix<Q, P> transposed(const Matrix<P, Q>& m) {
  Matrix<Q, P> t;
  for (int i = 0; i < P; i++)
    for (int j = 0; j < Q; j++) t.at[j][i] = m.at[i][j];
  return t;
}

constexpr Matrix<6, 6> input_matrix = make_input();
constexpr Matrix<6, 3> weight_matrix = make_values<3>(true);
constexpr Matrix<6, 4> gradient_matrix = make_values<4>(false);
constexpr Matrix<4, 6> output_matrix = transposed(gradient_matrix);
constexpr Matrix<3, 6> weight_gradient_matrix = transposed(weight_matrix);

using Lane = Vector<float>;

// The product of row `row` with v, from column `column` on.
template <const auto& matrix, int row, int size, int column = 0>
TT_INLINE Lane row_times(const Lane* v, Lane sum) {
  if constexpr (column == size) return sum;
  else {
    constexpr float factor = float(matrix.at[row][column]);
    if constexpr (factor == 1) sum += v[column];
    else if constexpr (factor != 0) sum += factor * v[column];
    return row_times<matrix, row, size, column + 1>(v, sum);
  }
}

template <const auto& matrix, int P, int Q, int... row>
TT_INLINE void times(const Lane* v, Lane* out, int step, std::integer_sequence<int, row...>) {
  ((out[row * step] = row_times<matrix, row, Q>(v, Lane{})), ...);
}

// out = matrix in matrix'
template <const auto& matrix, int P, int Q>
TT_INLINE void transform_one(const TransformCall& call, const float* in, float* out, Lane added) {
  constexpr std::make_integer_sequence<int, P> rows;
  Lane half[P * Q];
  TT_UNROLL for (int j = 0; j < Q; j++) {
    Lane column[Q];
    TT_UNROLL for (int i = 0; i < Q; i++) column[i] = load_vector(in + i * call.in_row + j * call.in_column);
    times<matrix, P, Q>(column, half + j, Q, rows);
  }
  TT_UNROLL for (int i = 0; i < P; i++) {
    Lane result[P];
    times<matrix, P, Q>(half + i * Q, result, 1, rows);
    TT_UNROLL for (int j = 0; j < P; j++)
        store_vector(out + i * call.out_row + j * call.out_column, result[j] + added);
  }
}

template <const auto& matrix, int P, int Q>
void transform(const TransformCall& call) {
  const Lane added = call.added ? load_vector(call.added) : Lane{};
  for (int64_t i = 0; i < call.count; i++)
    transform_one<matrix, P, Q>(call, call.in + i * call.in_step, call.out + i * call.out_step, added);
}

}  // namespace

constinit const WinogradTable winograd_table = {
    transform<input_matrix, 6, 6>, transform<weight_matrix, 6, 3>, transform<output_matrix, 4, 6>,
    transform<gradient_matrix, 6, 4>, transform<weight_gradient_matrix, 3, 6>};

}  // namespace tt::TT_ISA
