// The distribution functions of the gamma distribution, and how draws of the gamma and the beta distribution
// move with their parameters: dx / da = -(dF(x; a) / da) / (dF / dx), F being the distribution function.
#pragma once

namespace tt::gamma {

double lower(double a, double x);  // P(a, x), the chance that a gamma number of shape a is at most x
double upper(double a, double x);  // 1 - P(a, x)

enum class Digits { six, all };
double slope(double a, double x, Digits digits);  // dx / da of a gamma number x
// dx / da / (1 - x) of a number x of Beta(a, b), or of a coordinate of Dirichlet's distribution.
double beta_slope(double a, double b, double x, Digits digits);

}  // namespace tt::gamma
