"""loc + scale * z, where z is normal, Laplace, Cauchy, Gumbel or Student."""

from __future__ import annotations

import math
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.special import ndtr, ndtri

from . import constraints
from .distribution import Distribution, ExponentialFamily
from .gamma import Chi2
from .utils import Shape, eps_of, euler_constant, same_as, tiny_of


class LocationScale(Distribution):
    """A family describes z in the members named `_unit`."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    loc: Tensor
    scale: Tensor

    _unit_mean: Any = 0.0
    _unit_variance: Any
    _unit_entropy: Any

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, scale=scale)

    def _unit_draw(self, shape: Shape) -> Tensor:
        raise NotImplementedError

    def _unit_log_prob(self, z: Tensor) -> Tensor:
        raise NotImplementedError

    def _draw(self, shape: Shape) -> Tensor:
        return self.loc + self._unit_draw(shape) * self.scale

    def _log_prob(self, value: Tensor) -> Tensor:
        return self._unit_log_prob((value - self.loc) / self.scale) - self.scale.log()

    @property
    def mean(self) -> Tensor:
        return self.loc + self._unit_mean * self.scale

    mode = same_as("loc")

    @property
    def variance(self) -> Tensor:
        return self._unit_variance * self.scale.square()

    def entropy(self) -> Tensor:
        return self._unit_entropy + self.scale.log()


class _Invertible(LocationScale):
    """A distribution function that is known, and its inverse too."""

    def _unit_cdf(self, z: Tensor) -> Tensor:
        raise NotImplementedError

    def _unit_icdf(self, p: Tensor) -> Tensor:
        raise NotImplementedError

    def _cdf(self, value: Tensor) -> Tensor:
        return self._unit_cdf((value - self.loc) / self.scale)

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * self._unit_icdf(value)


class Normal(_Invertible, ExponentialFamily):
    """Normal numbers of mean loc and standard deviation scale."""

    _unit_variance = 1.0
    _unit_entropy = 0.5 + 0.5 * math.log(2 * math.pi)
    _mean_carrier_measure = 0.0
    mean = same_as("loc")
    stddev = same_as("scale")

    def _unit_draw(self, shape: Shape) -> Tensor:
        return _C.randn(shape, dtype=self.loc.dtype, device=self.loc.device)

    def _unit_log_prob(self, z: Tensor) -> Tensor:
        return -0.5 * z.square() - 0.5 * math.log(2 * math.pi)

    def _unit_cdf(self, z: Tensor) -> Tensor:
        return ndtr(z)

    def _unit_icdf(self, p: Tensor) -> Tensor:
        return ndtri(p)

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return self.loc / self.variance, -0.5 / self.variance

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        first, second = natural_params
        return -0.25 * first.square() / second + 0.5 * (-math.pi / second).log()


class Laplace(_Invertible):
    """Two exponential distributions, back to back at loc."""

    _unit_variance = 2.0
    _unit_entropy = 1 + math.log(2)
    mean = same_as("loc")

    def _unit_draw(self, shape: Shape) -> Tensor:
        u = self.loc.new_empty(shape).uniform_(eps_of(self.loc) - 1, 1)
        return -u.sign() * (-u.abs()).log1p()

    def _unit_log_prob(self, z: Tensor) -> Tensor:
        return -z.abs() - math.log(2)

    def _unit_cdf(self, z: Tensor) -> Tensor:
        return 0.5 - 0.5 * z.sign() * (-z.abs()).expm1()

    def _unit_icdf(self, p: Tensor) -> Tensor:
        centred = p - 0.5
        return -centred.sign() * (-2 * centred.abs()).log1p()


class Cauchy(_Invertible):
    """The ratio of two normal numbers: its mean does not exist."""

    _unit_mean = math.nan
    _unit_variance = math.inf
    _unit_entropy = math.log(4 * math.pi)

    def _unit_draw(self, shape: Shape) -> Tensor:
        return self.loc.new_empty(shape).cauchy_()

    def _unit_log_prob(self, z: Tensor) -> Tensor:
        return -math.log(math.pi) - z.square().log1p()

    def _unit_cdf(self, z: Tensor) -> Tensor:
        return z.atan() / math.pi + 0.5

    def _unit_icdf(self, p: Tensor) -> Tensor:
        return (math.pi * (p - 0.5)).tan()


class Gumbel(_Invertible):
    """-log of exponential numbers: the largest of many."""

    _unit_mean = euler_constant
    _unit_variance = math.pi**2 / 6
    _unit_entropy = 1 + euler_constant

    def _unit_draw(self, shape: Shape) -> Tensor:
        low, high = tiny_of(self.loc), 1 - eps_of(self.loc)
        return self._unit_icdf(low + self.loc.new_empty(shape).uniform_() * (high - low))

    def _unit_log_prob(self, z: Tensor) -> Tensor:
        return -z - (-z).exp()

    def _unit_cdf(self, z: Tensor) -> Tensor:
        return (-(-z).exp()).exp()

    def _unit_icdf(self, p: Tensor) -> Tensor:
        return -(-p.log()).log()


class StudentT(LocationScale):
    """A normal number over the root of a mean of df squares of such."""

    arg_constraints = {"df": constraints.positive, **LocationScale.arg_constraints}
    df: Tensor

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self._take(validate_args, df=df, loc=loc, scale=scale)

    def _unit_draw(self, shape: Shape) -> Tensor:
        normal = _C.randn(shape, dtype=self.df.dtype, device=self.df.device)
        return normal * (Chi2(self.df, validate_args=False)._draw(shape) / self.df).rsqrt()

    def _unit_log_prob(self, z: Tensor) -> Tensor:
        half = 0.5 * (self.df + 1)
        return -half * (z.square() / self.df).log1p() - self._log_beta - 0.5 * self.df.log()

    @property
    def _log_beta(self) -> Tensor:
        """log B(1/2, df / 2)"""
        return 0.5 * math.log(math.pi) + (0.5 * self.df).lgamma() - (0.5 * (self.df + 1)).lgamma()

    @property
    def mean(self) -> Tensor:
        return self.loc.masked_fill(self.df <= 1, math.nan)

    @property
    def _unit_variance(self) -> Tensor:
        heavy = self.df <= 2
        variance = self.df / (self.df - 2).masked_fill(heavy, 1.0)
        return variance.masked_fill(heavy, math.inf).masked_fill(self.df <= 1, math.nan)

    @property
    def _unit_entropy(self) -> Tensor:
        half = 0.5 * (self.df + 1)
        return half * (half.digamma() - (0.5 * self.df).digamma()) + 0.5 * self.df.log() + self._log_beta
