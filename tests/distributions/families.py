"""The families under test: how one of each is made, and its density by NumPy alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

lgamma = np.vectorize(math.lgamma)
erf = np.vectorize(math.erf)
PI = math.pi


def uniform(*shape: int, seed: int = 0, low: float = 0.3, high: float = 2.5) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, shape)


def simplex(*shape: int, seed: int = 0) -> np.ndarray:
    parts = uniform(*shape, seed=seed)
    return parts / parts.sum(-1, keepdims=True)


def definite(size: int, *batch: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal((*batch, size, size))
    return x @ np.swapaxes(x, -1, -2) + size * np.eye(size)


def lower(size: int, *batch: int, seed: int = 0) -> np.ndarray:
    return np.linalg.cholesky(definite(size, *batch, seed=seed))


@dataclass
class Family:
    name: str
    arguments: dict[str, Any]
    # log of the density or the chance, from a value and the arguments; None where it is tested otherwise
    log_prob: Callable[..., np.ndarray] | None = None
    # what a distribution function is integrated over: "line", "count" or "" for vectors
    kind: str = "line"
    # the domain in which numerical integration finds all but 1e-6 of the chance
    domain: tuple[float, float] = (-60.0, 60.0)
    moments: bool = True  # mean and variance exist
    note: str = field(default="")

    def __str__(self) -> str:
        return self.name + self.note

    def tensors(self, module: Any, dtype: str = "float64") -> dict[str, Any]:
        """The arguments, arrays as tensors of a module of PyTorch's shape."""
        kind = getattr(module, dtype)
        return {
            name: module.tensor(value, dtype=kind) if isinstance(value, np.ndarray) else value
            for name, value in self.arguments.items()
        }

    def make(self, module: Any, dtype: str = "float64") -> Any:
        """The distribution."""
        return getattr(module.distributions, self.name)(**self.tensors(module, dtype))


# ---------------------------------------------------------------- densities


def normal(x, loc, scale):
    return -0.5 * ((x - loc) / scale) ** 2 - np.log(scale) - 0.5 * np.log(2 * PI)


def laplace(x, loc, scale):
    return -abs(x - loc) / scale - np.log(2 * scale)


def cauchy(x, loc, scale):
    return -np.log(PI * scale * (1 + ((x - loc) / scale) ** 2))


def gumbel(x, loc, scale):
    z = (x - loc) / scale
    return -(z + np.exp(-z)) - np.log(scale)


def student(x, df, loc, scale):
    z = (x - loc) / scale
    constant = lgamma((df + 1) / 2) - lgamma(df / 2) - 0.5 * np.log(df * PI) - np.log(scale)
    return constant - (df + 1) / 2 * np.log(1 + z**2 / df)


def gamma(x, concentration, rate):
    a = concentration
    return a * np.log(rate) + (a - 1) * np.log(x) - rate * x - lgamma(a)


def beta(x, concentration1, concentration0):
    a, b = concentration1, concentration0
    return (a - 1) * np.log(x) + (b - 1) * np.log(1 - x) + lgamma(a + b) - lgamma(a) - lgamma(b)


def dirichlet(x, concentration):
    a = concentration
    return ((a - 1) * np.log(x)).sum(-1) + lgamma(a.sum(-1)) - lgamma(a).sum(-1)


def fisher(x, df1, df2):
    a, b = df1 / 2, df2 / 2
    log_beta = lgamma(a) + lgamma(b) - lgamma(a + b)
    return a * np.log(df1 / df2) + (a - 1) * np.log(x) - (a + b) * np.log(1 + df1 / df2 * x) - log_beta


def weibull(x, scale, concentration):
    k, z = concentration, x / scale
    return np.log(k / scale) + (k - 1) * np.log(z) - z**k


def kumaraswamy(x, concentration1, concentration0):
    a, b = concentration1, concentration0
    return np.log(a * b) + (a - 1) * np.log(x) + (b - 1) * np.log(1 - x**a)


def continuous_bernoulli(x, probs):
    constant = 2 * np.arctanh(1 - 2 * probs) / (1 - 2 * probs)
    return x * np.log(probs) + (1 - x) * np.log(1 - probs) + np.log(constant)


def generalized_pareto(x, loc, scale, concentration):
    return -(1 + 1 / concentration) * np.log(1 + concentration * (x - loc) / scale) - np.log(scale)


def von_mises(x, loc, concentration):
    angles = np.linspace(-PI, PI, 4096, endpoint=False)
    scaled = np.exp(concentration[..., None] * (np.cos(angles) - 1)).mean(-1)
    return concentration * (np.cos(x - loc) - 1) - np.log(2 * PI * scaled)


def binomial(x, total_count, probs):
    choices = lgamma(total_count + 1) - lgamma(x + 1) - lgamma(total_count - x + 1)
    return choices + x * np.log(probs) + (total_count - x) * np.log(1 - probs)


def negative_binomial(x, total_count, probs):
    choices = lgamma(total_count + x) - lgamma(x + 1) - lgamma(total_count)
    return choices + x * np.log(probs) + total_count * np.log(1 - probs)


def categorical(x, probs):
    index = np.broadcast_to(x, np.broadcast_shapes(x.shape, probs.shape[:-1])).astype(int)
    table = np.broadcast_to(np.log(probs), index.shape + probs.shape[-1:])
    return np.take_along_axis(table, index[..., None], -1)[..., 0]


def multinomial(x, total_count, probs):
    return lgamma(total_count + 1) - lgamma(x + 1).sum(-1) + (x * np.log(probs)).sum(-1)


def multivariate_normal(x, loc, covariance_matrix):
    d = x - loc
    distance = (d * np.linalg.solve(covariance_matrix, d[..., None])[..., 0]).sum(-1)
    log_det = np.linalg.slogdet(covariance_matrix)[1]
    return -0.5 * (distance + log_det + loc.shape[-1] * np.log(2 * PI))


def by_precision(x, loc, precision_matrix):
    return multivariate_normal(x, loc, np.linalg.inv(precision_matrix))


def by_factor(x, loc, scale_tril):
    return multivariate_normal(x, loc, scale_tril @ np.swapaxes(scale_tril, -1, -2))


def low_rank(x, loc, cov_factor, cov_diag):
    covariance = cov_factor @ np.swapaxes(cov_factor, -1, -2) + np.eye(loc.shape[-1]) * cov_diag[..., None]
    return multivariate_normal(x, loc, covariance)


def wishart(x, df, covariance_matrix):
    size = x.shape[-1]
    steps = np.arange(size) / 2
    multi = size * (size - 1) / 4 * np.log(PI) + lgamma(df[..., None] / 2 - steps).sum(-1)
    log_det, trace = (
        np.linalg.slogdet(x)[1],
        np.trace(np.linalg.solve(covariance_matrix, x), axis1=-2, axis2=-1),
    )
    constant = df / 2 * (size * np.log(2) + np.linalg.slogdet(covariance_matrix)[1]) + multi
    return (df - size - 1) / 2 * log_det - trace / 2 - constant


def relaxed_bernoulli(x, temperature, probs):
    t, odds = temperature, probs / (1 - probs)
    top = np.log(t * odds) - (t + 1) * np.log(x * (1 - x))
    return top - 2 * np.log(odds * x**-t + (1 - x) ** -t)


def relaxed_one_hot(x, temperature, probs):
    t, n = temperature, probs.shape[-1]
    each = (np.log(probs) - (t + 1) * np.log(x)).sum(-1)
    return lgamma(float(n)) + (n - 1) * np.log(t) + each - n * np.log((probs * x**-t).sum(-1))


A, B = uniform(3, 2), uniform(2, seed=1)
CHANCES = uniform(3, 2, low=0.1, high=0.9)
POSITIVE, UNIT = (1e-12, 400.0), (1e-9, 1 - 1e-9)

FAMILIES = [
    Family("Normal", {"loc": A - 1, "scale": B}, normal),
    Family("Laplace", {"loc": A - 1, "scale": B}, laplace),
    Family("Cauchy", {"loc": A - 1, "scale": B}, cauchy, moments=False, domain=(-4e6, 4e6)),
    Family("Gumbel", {"loc": A - 1, "scale": B}, gumbel, domain=(-20.0, 60.0)),
    Family("StudentT", {"df": A + 8, "loc": B, "scale": B}, student),
    Family(
        "Uniform",
        {"low": A - 4, "high": B},
        lambda x, low, high: -np.log(high - low) + 0 * x,
        domain=(-4.0, 3.0),
    ),
    Family("HalfNormal", {"scale": A}, lambda x, scale: normal(x, 0, scale) + np.log(2), domain=POSITIVE),
    Family(
        "HalfCauchy",
        {"scale": A},
        lambda x, scale: cauchy(x, 0, scale) + np.log(2),
        moments=False,
        domain=(1e-9, 1e7),
    ),
    Family(
        "LogNormal",
        {"loc": A - 1, "scale": B / 3},
        lambda x, loc, scale: normal(np.log(x), loc, scale) - np.log(x),
        domain=POSITIVE,
    ),
    Family("LogisticNormal", {"loc": A - 1, "scale": B}, kind=""),
    Family("Gamma", {"concentration": A, "rate": B}, gamma, domain=POSITIVE),
    Family("Chi2", {"df": A + 1}, lambda x, df: gamma(x, df / 2, 0.5), domain=POSITIVE),
    Family("Exponential", {"rate": A}, lambda x, rate: np.log(rate) - rate * x, domain=POSITIVE),
    Family(
        "InverseGamma",
        {"concentration": A + 6, "rate": B},
        lambda x, concentration, rate: gamma(1 / x, concentration, rate) - 2 * np.log(x),
        domain=POSITIVE,
    ),
    Family("Weibull", {"scale": A, "concentration": B + 0.5}, weibull, domain=POSITIVE),
    Family(
        "Pareto",
        {"scale": A, "alpha": B + 6},
        lambda x, scale, alpha: np.log(alpha) + alpha * np.log(scale) - (alpha + 1) * np.log(x),
        domain=POSITIVE,
    ),
    Family("Kumaraswamy", {"concentration1": A + 0.7, "concentration0": B + 0.7}, kumaraswamy, domain=UNIT),
    Family("Beta", {"concentration1": A + 0.7, "concentration0": B + 0.7}, beta, domain=UNIT),
    Family("FisherSnedecor", {"df1": A + 2, "df2": B + 20}, fisher, domain=POSITIVE),
    Family(
        "GeneralizedPareto",
        {"loc": A, "scale": B, "concentration": np.array([-0.3, 0.1])},
        generalized_pareto,
        domain=POSITIVE,
    ),
    Family(
        "ContinuousBernoulli", {"probs": uniform(4, low=0.05, high=0.45)}, continuous_bernoulli, domain=UNIT
    ),
    Family(
        "VonMises",
        {"loc": A - 1, "concentration": np.array([0.4, 70.0])},
        von_mises,
        domain=(-PI, PI),
        moments=False,
    ),
    Family(
        "RelaxedBernoulli",
        {"temperature": np.array(0.7), "probs": CHANCES},
        relaxed_bernoulli,
        domain=(1e-12, 1 - 1e-12),
        moments=False,
    ),
    Family("Dirichlet", {"concentration": uniform(3, 4)}, dirichlet, kind=""),
    Family(
        "RelaxedOneHotCategorical",
        {"temperature": np.array(0.7), "probs": simplex(3, 4)},
        relaxed_one_hot,
        kind="",
    ),
    Family("Bernoulli", {"probs": CHANCES}, lambda x, probs: binomial(x, 1.0, probs), "count"),
    Family(
        "Bernoulli",
        {"logits": A - 1},
        lambda x, logits: binomial(x, 1.0, 1 / (1 + np.exp(-logits))),
        "count",
        note=", logits",
    ),
    Family("Geometric", {"probs": CHANCES}, lambda x, probs: x * np.log(1 - probs) + np.log(probs), "count"),
    Family("Binomial", {"total_count": 7, "probs": CHANCES}, binomial, "count"),
    Family(
        "NegativeBinomial",
        {"total_count": A * 3, "probs": uniform(2, low=0.1, high=0.6)},
        negative_binomial,
        "count",
    ),
    Family("Poisson", {"rate": A * 8}, lambda x, rate: x * np.log(rate) - rate - lgamma(x + 1), "count"),
    Family("Categorical", {"probs": simplex(3, 4)}, categorical, ""),
    Family(
        "Categorical",
        {"logits": uniform(5)},
        lambda x, logits: categorical(x, np.exp(logits) / np.exp(logits).sum()),
        "",
        note=", logits",
    ),
    Family("OneHotCategorical", {"probs": simplex(3, 4)}, lambda x, probs: (x * np.log(probs)).sum(-1), ""),
    Family(
        "OneHotCategoricalStraightThrough",
        {"probs": simplex(3, 4)},
        lambda x, probs: (x * np.log(probs)).sum(-1),
        "",
    ),
    Family("Multinomial", {"total_count": 9, "probs": simplex(3, 4)}, multinomial, ""),
    Family(
        "MultivariateNormal",
        {"loc": uniform(2, 3), "covariance_matrix": definite(3)},
        multivariate_normal,
        "",
    ),
    Family(
        "MultivariateNormal",
        {"loc": uniform(3), "precision_matrix": definite(3, 2)},
        by_precision,
        "",
        note=", precision",
    ),
    Family(
        "MultivariateNormal",
        {"loc": uniform(2, 3), "scale_tril": lower(3, 2)},
        by_factor,
        "",
        note=", factor",
    ),
    Family(
        "LowRankMultivariateNormal",
        {"loc": uniform(2, 4), "cov_factor": uniform(4, 2), "cov_diag": uniform(2, 4)},
        low_rank,
        "",
    ),
    Family("Wishart", {"df": uniform(2) + 5, "covariance_matrix": definite(3)}, wishart, ""),
    Family("LKJCholesky", {"dim": 4, "concentration": uniform(3)}, kind=""),
]
NAMES = [str(family) for family in FAMILIES]
LINES = [family for family in FAMILIES if family.kind == "line"]
COUNTS = [family for family in FAMILIES if family.kind == "count"]
