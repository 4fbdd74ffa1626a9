"""Gamma numbers, and what is made of them: waiting times, parts of a whole, ratios."""

from __future__ import annotations

import math
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor

from . import constraints
from .distribution import Distribution, ExponentialFamily
from .utils import Shape, broadcast_all, same_as, tiny_of


class Gamma(ExponentialFamily):
    """The sum of `concentration` waiting times at the given rate."""

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    concentration: Tensor
    rate: Tensor

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration=concentration, rate=rate)

    def _draw(self, shape: Shape) -> Tensor:
        value = _C._standard_gamma(self.concentration.expand(shape)) / self.rate
        value.detach().clamp_(min=tiny_of(value))
        return value

    def _log_prob(self, value: Tensor) -> Tensor:
        a, rate = self.concentration, self.rate
        return _C.xlogy(a, rate) + _C.xlogy(a - 1, value) - rate * value - a.lgamma()

    def _cdf(self, value: Tensor) -> Tensor:
        return _C.igamma(self.concentration, self.rate * value)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate.square()

    # h(x) = 1 / x, t(x) = log x, x

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return self.concentration, -self.rate

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        first, second = natural_params
        return first.lgamma() - first * (-second).log()

    @property
    def _expected_statistics(self) -> tuple[Tensor, ...]:
        return self.concentration.digamma() - self.rate.log(), self.mean

    @property
    def _mean_carrier_measure(self) -> Tensor:
        return -self._expected_statistics[0]


class Chi2(Gamma):
    """The sum of the squares of df normal numbers."""

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args)

    @property
    def df(self) -> Tensor:
        """Degrees of freedom."""
        return 2 * self.concentration


class Exponential(ExponentialFamily):
    """The time until something happens that happens at the given rate."""

    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    rate: Tensor
    _mean_carrier_measure = 0.0

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, rate=rate)

    def _draw(self, shape: Shape) -> Tensor:
        return self.rate.new_empty(shape).exponential_() / self.rate

    def _log_prob(self, value: Tensor) -> Tensor:
        return self.rate.log() - self.rate * value

    def _cdf(self, value: Tensor) -> Tensor:
        return -(-self.rate * value).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        return -(-value).log1p() / self.rate

    @property
    def mean(self) -> Tensor:
        return self.rate.reciprocal()

    stddev = same_as("mean")

    @property
    def mode(self) -> Tensor:
        return _C.zeros_like(self.rate)

    @property
    def variance(self) -> Tensor:
        return self.rate.pow(-2)

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (-self.rate,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return -(-natural_params[0]).log()

    @property
    def _expected_statistics(self) -> tuple[Tensor, ...]:
        return (self.mean,)


# ---------------------------------------------------------------- parts of a whole


class Dirichlet(ExponentialFamily):
    """Gamma numbers over their sum."""

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True
    concentration: Tensor

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration.shape[-1:], concentration=concentration)

    def _draw(self, shape: Shape) -> Tensor:
        return _C._sample_dirichlet(self.concentration.expand(shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        return _C.xlogy(self.concentration - 1, value).sum(-1) - self._log_normalizer(self.concentration)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        # Where no concentration reaches 1, the density grows without bound towards every corner.
        above = (self.concentration - 1).clamp(min=0)
        corner = _C.zeros_like(above).scatter(-1, self.concentration.argmax(-1, True), 1.0)
        return _C.where((self.concentration < 1).all(-1, True), corner, above / above.sum(-1, True))

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        return self.mean * (1 - self.mean) / (total + 1)

    # h(x) = 1 / (the product of x), t(x) = log x

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.concentration,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        (concentration,) = natural_params
        return concentration.lgamma().sum(-1) - concentration.sum(-1).lgamma()

    @property
    def _expected_statistics(self) -> tuple[Tensor, ...]:
        return (self.concentration.digamma() - self.concentration.sum(-1, True).digamma(),)

    @property
    def _mean_carrier_measure(self) -> Tensor:
        return -self._expected_statistics[0].sum(-1)


class Beta(ExponentialFamily):
    """The first part of a whole that Dirichlet's distribution cuts in two."""

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        both = _C.stack(broadcast_all(concentration1, concentration0), -1)
        self._dirichlet = Dirichlet(both, validate_args=False)
        super().__init__(self._dirichlet.batch_shape, validate_args=validate_args)

    @property
    def concentration1(self) -> Tensor:
        """The exponent of x, plus 1."""
        return self._dirichlet.concentration[..., 0]

    @property
    def concentration0(self) -> Tensor:
        """The exponent of 1 - x, plus 1."""
        return self._dirichlet.concentration[..., 1]

    def _draw(self, shape: Shape) -> Tensor:
        return self._dirichlet._draw(shape + (2,))[..., 0]

    def _log_prob(self, value: Tensor) -> Tensor:
        return self._dirichlet._log_prob(_C.stack([value, 1 - value], -1))

    mean: Any = property(lambda self: self._dirichlet.mean[..., 0])
    mode: Any = property(lambda self: self._dirichlet.mode[..., 0])
    variance: Any = property(lambda self: self._dirichlet.variance[..., 0])
    _natural_params: Any = same_as("_dirichlet._natural_params")
    _expected_statistics: Any = same_as("_dirichlet._expected_statistics")
    _mean_carrier_measure: Any = same_as("_dirichlet._mean_carrier_measure")

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return self._dirichlet._log_normalizer(*natural_params)


class FisherSnedecor(Distribution):
    """The ratio of two mean squares, of df1 and df2 normal numbers."""

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True
    df1: Tensor
    df2: Tensor

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, df1=df1, df2=df2)

    def _draw(self, shape: Shape) -> Tensor:
        above, below = (Gamma(0.5 * df, 0.5 * df, False)._draw(shape) for df in (self.df1, self.df2))
        ratio = above / below
        ratio.detach().clamp_(min=tiny_of(ratio))
        return ratio

    def _log_prob(self, value: Tensor) -> Tensor:
        half1, half2, ratio = 0.5 * self.df1, 0.5 * self.df2, self.df1 / self.df2
        log_beta = half1.lgamma() + half2.lgamma() - (half1 + half2).lgamma()
        power = half1 * ratio.log() + (half1 - 1) * value.log() - (half1 + half2) * (ratio * value).log1p()
        return power - log_beta

    @property
    def mean(self) -> Tensor:
        return (self.df2 / (self.df2 - 2)).masked_fill(self.df2 <= 2, math.nan)

    @property
    def mode(self) -> Tensor:
        mode = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return mode.masked_fill(self.df1 <= 2, math.nan)

    @property
    def variance(self) -> Tensor:
        df1, df2 = self.df1, self.df2
        variance = 2 * df2.square() * (df1 + df2 - 2) / (df1 * (df2 - 2).square() * (df2 - 4))
        return variance.masked_fill(df2 <= 4, math.nan)
