"""What exceeds a high threshold."""

from __future__ import annotations

import math
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor

from . import constraints
from .constraints import Constraint
from .location_scale import _Invertible
from .utils import Shape


class GeneralizedPareto(_Invertible):
    """Numbers above loc, with a tail x^(-1 / concentration); a negative concentration ends it."""

    arg_constraints: dict[str, Constraint] = {
        **_Invertible.arg_constraints,
        "concentration": constraints.real,
    }
    concentration: Tensor

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, scale=scale, concentration=concentration)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Constraint:  # type: ignore[override]
        end = self.loc - self.scale / self.concentration
        bounded = self.concentration < 0
        return constraints.interval(self.loc, _C.where(bounded, end, math.inf))

    @property
    def _zero(self) -> Tensor:
        """Where it is the exponential distribution."""
        return _C.isclose(self.concentration, _C.zeros_like(self.concentration))

    @property
    def _off(self) -> Tensor:
        """Concentrations that one can divide by."""
        return self.concentration.masked_fill(self._zero, 1.0)

    def _log_survival(self, z: Tensor) -> Tensor:
        """log of the chance to exceed z"""
        return _C.where(self._zero, -z, -(self._off * z).log1p() / self._off)

    def _unit_draw(self, shape: Shape) -> Tensor:
        return self._unit_icdf(_C.rand(shape, dtype=self.loc.dtype, device=self.loc.device))

    def _unit_log_prob(self, z: Tensor) -> Tensor:
        return (1 + self.concentration) * self._log_survival(z)

    def _unit_cdf(self, z: Tensor) -> Tensor:
        return -self._log_survival(z).expm1()

    def _unit_icdf(self, p: Tensor) -> Tensor:
        log_survival = (-p).log1p()
        return _C.where(self._zero, -log_survival, (-self._off * log_survival).expm1() / self._off)

    @property
    def _unit_mean(self) -> Tensor:
        return (1 / (1 - self.concentration)).masked_fill(self.concentration >= 1, math.inf)

    @property
    def _unit_variance(self) -> Tensor:
        k = self.concentration
        return (1 / ((1 - k).square() * (1 - 2 * k))).masked_fill(k >= 0.5, math.inf)

    @property
    def _unit_entropy(self) -> Tensor:
        return 1 + self.concentration
