// x^y, as 2^(y log2 x) with a logarithm of more bits than the type: for float in double, for double in two
// doubles.
#pragma once
#include "kernels/math_exponential.h"

namespace tt::math {

struct Pair {  // high + low, |low| at most half a unit of high
  double high, low;
};
TT_INLINE Pair sum(double larger, double smaller) {
  double high = larger + smaller;
  return {high, (larger - high) + smaller};
}
TT_INLINE Pair product(Pair a, Pair b) {
  double high = a.high * b.high;
  return {high, (a.high * b.low + a.low * b.high) - residue(high, a.high, b.high)};
}

// log2 x = e + s (2 + 2/3 s^2 + 2/5 s^4 + ...) / ln 2 with s = (m - 1) / (m + 1), x = 2^e m; to 65 bits
TT_INLINE Pair log2_of_double(double x) {
  constexpr Pair two = {0x1.71547652b82fep+1, 0x1.777d0ffda0d24p-55};         // 2 / ln 2
  constexpr Pair two_thirds = {0x1.ec709dc3a03fdp-1, 0x1.d27f05548af0cp-55};  // 2 / (3 ln 2)
  auto [e, m] = reduce_log(x);
  Pair divisor = {m + 1.0, m - ((m + 1.0) - 1.0)};
  double f = m - 1.0, quotient = f / divisor.high;
  Pair s = {quotient, (residue(f, quotient, divisor.high) - quotient * divisor.low) / divisor.high};
  Pair z = product(s, s);
  double rest =
      polynomial(z.high, 0.577078016355617941, 0.412198583091944317, 0.320598902272929972,
                 0.262307701168024524, 0.22198399638770057, 0.191255179594279212, 0.19038537243584583);
  Pair series = product(z, sum(two_thirds.high, two_thirds.low + z.high * rest));
  Pair factor = sum(two.high, series.high);
  factor.low += two.low + series.low;
  Pair log = product(s, factor), result = sum(e, log.high);
  result.low += log.low;
  return result;
}
// 2^(high + low)
TT_INLINE double exp2(Pair x) {
  constexpr Pair ln2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
  double shifted = x.high + Real<double>::shifter, r = x.high - (shifted - Real<double>::shifter);
  Pair linear = product(ln2, {r, 0.0});
  double rest = polynomial(r, 0.240226506959101325, 0.0555041086648216886, 0.00961812910759354148,
                           0.00133335581463864163, 1.54035304578799812e-4, 1.52527338627851359e-5,
                           1.32154348944228465e-6, 1.01780479111147581e-7, 7.07384965906630507e-9,
                           4.45721789867528754e-10);
  Pair result = sum(1.0, linear.high);
  double curve = r * r * rest, slope = (result.high + curve) * ln2.high;
  double p = result.high + (curve + ((result.low + linear.low) + slope * x.low));
  p = scaled_down(p, shifted, x.high, -1020.0, -1080.0);
  return x.high >= 1024.0 ? Real<double>::infinity : p;
}

TT_INLINE double usual_power(double x, double y) { return exp2(product(log2_of_double(x), {y, 0.0})); }
TT_INLINE float usual_power(float x, float y) {
  double exponent = double(y) * log2_of_float(x);
  exponent = exponent > 200.0 ? 200.0 : exponent < -200.0 ? -200.0 : exponent;
  double shifted = exponent + Real<double>::shifter, r = exponent - (shifted - Real<double>::shifter);
  double p = polynomial(r, 0.999999999961, 0.693147180731, 0.240226512042, 0.0555041034731, 0.00961802643873,
                        0.00133339254484, 1.54695542782e-4, 1.52017276872e-5);
  return float(p * power_of_two(shifted));
}

template <class T>
TT_INLINE T pow(T x, T y) {
  constexpr T infinity = Real<T>::infinity;
  T base = abs(x), size = abs(y), result = usual_power(base, y);
  bool integral = trunc(y) == y, odd = integral & (trunc(y * T(0.5)) != y * T(0.5)), up = y > T(0);
  // What the extremes are raised to or give: infinity on one side of 1, zero on the other.
  T extreme = (base > T(1)) == up ? infinity : T(0);
  result = (base == T(0)) | (base == infinity) | (size == infinity) ? extreme : result;
  result = (base == T(1)) & (size == infinity) ? T(1) : result;
  result = (x < T(0)) & !integral & (base < infinity) ? Real<T>::nan : result;
  result = odd ? copysign(result, x) : result;
  result = (x != x) | (y != y) ? x + y : result;
  return (y == T(0)) | (x == T(1)) ? T(1) : result;
}

}  // namespace tt::math
