"""Numbers of an interval: evenly spread, or leaning to one side."""

from __future__ import annotations

import math
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor

from . import constraints
from .constraints import Constraint
from .counts import Chances
from .distribution import Distribution, ExponentialFamily
from .utils import Shape, clamp_probs


class Uniform(Distribution):
    """Numbers evenly spread over [low, high)."""

    arg_constraints: dict[str, Constraint] = {
        "low": constraints.dependent(is_discrete=False, event_dim=0),
        "high": constraints.dependent(is_discrete=False, event_dim=0),
    }
    has_rsample = True
    low: Tensor
    high: Tensor

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, low=low, high=high)
        if self._validate_args and not bool((self.low < self.high).all()):
            raise ValueError(
                f"Uniform is not defined when low >= high, got {self!r}: {self.low} and {self.high}"
            )

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Constraint:
        return constraints.interval(self.low, self.high)

    def _draw(self, shape: Shape) -> Tensor:
        return self.low + _C.rand(shape, dtype=self.low.dtype, device=self.low.device) * (
            self.high - self.low
        )

    def _log_prob(self, value: Tensor) -> Tensor:
        inside = (self.low <= value) & (value < self.high)
        return _C.where(inside, -(self.high - self.low).log(), -math.inf)

    def _cdf(self, value: Tensor) -> Tensor:
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def icdf(self, value: Tensor) -> Tensor:
        return value * (self.high - self.low) + self.low

    @property
    def mean(self) -> Tensor:
        return (self.high + self.low) / 2

    @property
    def mode(self) -> Tensor:
        return math.nan * self.high

    @property
    def stddev(self) -> Tensor:
        return (self.high - self.low) / math.sqrt(12)

    @property
    def variance(self) -> Tensor:
        return (self.high - self.low).square() / 12

    def entropy(self) -> Tensor:
        return (self.high - self.low).log()


class ContinuousBernoulli(Chances, ExponentialFamily):
    """Numbers of [0, 1] with a density that goes like p^x (1 - p)^(1 - x).

    Between `lims` the formulas divide 0 by 0, and Taylor series at p = 1/2 stand in for them.
    """

    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0.0

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._lims = lims
        self._take_chances(probs, logits, validate_args)
        if "probs" in self._taken:
            self.probs = clamp_probs(self.probs)

    @property
    def _plain(self) -> Tensor:
        """Where the formulas hold."""
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    @property
    def _off(self) -> Tensor:
        """Chances that the formulas can take."""
        return _C.where(self._plain, self.probs, self._lims[0])

    @property
    def _log_constant(self) -> Tensor:
        """log of what makes the density's integral 1: 2 atanh(1 - 2 p) / (1 - 2 p)"""
        p, near = self._off, (self.probs - 0.5).square()
        far = ((-p).log1p() - p.log()).abs().log() - (1 - 2 * p).abs().log()
        return _C.where(self._plain, far, math.log(2) + (4 / 3 + 104 / 45 * near) * near)

    def _draw(self, shape: Shape) -> Tensor:
        return self.icdf(_C.rand(shape, dtype=self.probs.dtype, device=self.probs.device))

    def _log_prob(self, value: Tensor) -> Tensor:
        return self._log_odds(value) + self._log_constant

    def _cdf(self, value: Tensor) -> Tensor:
        p = self._off
        bent = (p**value * (1 - p) ** (1 - value) + p - 1) / (2 * p - 1)
        inner = _C.where(self._plain, bent, value)
        return _C.where(value <= 0, 0.0, _C.where(value >= 1, 1.0, inner))

    def icdf(self, value: Tensor) -> Tensor:
        p = self._off
        bent = ((-p + value * (2 * p - 1)).log1p() - (-p).log1p()) / (p.log() - (-p).log1p())
        return _C.where(self._plain, bent, value)

    @property
    def mean(self) -> Tensor:
        p, near = self._off, self.probs - 0.5
        far = p / (2 * p - 1) + 1 / ((-p).log1p() - p.log())
        return _C.where(self._plain, far, 0.5 + (1 / 3 + 16 / 45 * near.square()) * near)

    @property
    def variance(self) -> Tensor:
        p, near = self._off, (self.probs - 0.5).square()
        far = p * (p - 1) / (1 - 2 * p).square() + 1 / ((-p).log1p() - p.log()).square()
        return _C.where(self._plain, far, 1 / 12 - (1 / 15 - 128 / 945 * near) * near)

    def entropy(self) -> Tensor:
        return -self._log_odds(self.mean) - self._log_constant

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        """log((e^x - 1) / x)"""
        (x,) = natural_params
        low, high = (math.log(p / (1 - p)) for p in self._lims)
        plain = (x <= low) | (x > high)
        off = _C.where(plain, x, low)
        return _C.where(plain, (off.expm1() / off).log(), x / 2 + x.square() / 24 - x.pow(4) / 2880)

    @property
    def _expected_statistics(self) -> tuple[Tensor, ...]:
        return (self.mean,)
