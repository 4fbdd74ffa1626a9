"""Angles."""

from __future__ import annotations

import math
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.special import i1

from . import constraints
from .distribution import Distribution
from .utils import Shape, lazy_property, same_as

_FAR = 40.0  # from here on Hankel's expansions of the Bessel functions are exact


def _bessel(order: int, x: Tensor) -> tuple[Tensor, Tensor]:
    """log(I(x)) in two parts: a multiple of x, and the rest."""
    near = x.clamp(max=_FAR)
    u = 1 / (8 * x.clamp(min=_FAR))
    series = term = _C.ones_like(u)
    for k in range(1, 9):
        term = term * ((2 * k - 1) ** 2 - 4 * order**2) / k * u
        series = series + term
    far = series.log() - 0.5 * (2 * math.pi * x.clamp(min=_FAR)).log()
    whole = (i1 if order else _C.i0)(near).log()
    return _C.where(x < _FAR, 0.0, x), _C.where(x < _FAR, whole, far)


class VonMises(Distribution):
    """Angles in [-pi, pi) around loc: the normal distribution of the circle."""

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    loc: Tensor
    concentration: Tensor

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, concentration=concentration)

    @lazy_property
    def _proposal(self) -> Tensor:
        """r of the wrapped Cauchy distribution that lies closest above."""
        k = self.concentration.double()
        tau = 1 + (1 + 4 * k.square()).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * k)
        # As k falls to 0, (1 + rho^2) / (2 rho) becomes 1 / k + k.
        return _C.where(k < 1e-5, 1 / k + k, (1 + rho.square()) / (2 * rho))

    def _draw(self, shape: Shape) -> Tensor:
        """Best and Fisher 1979, "Efficient simulation of the von Mises distribution"."""
        k, r, loc = (x.double().expand(shape) for x in (self.concentration, self._proposal, self.loc))
        angle = _C.zeros(shape, dtype=_C.float64, device=loc.device)
        found = _C.zeros(shape, dtype=_C.bool, device=loc.device)
        while not bool(found.all()):
            u1, u2, u3 = _C.rand((3, *shape), dtype=_C.float64, device=loc.device).unbind()
            z = (math.pi * u1).cos()
            f = (1 + r * z) / (r + z)
            c = k * (r - f)
            accepted = (c * (2 - c) > u2) | ((c / u2).log() + 1 - c >= 0)
            angle = _C.where(accepted, (u3 - 0.5).sign() * f.acos(), angle)
            found = found | accepted
        return ((angle + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    def _log_prob(self, value: Tensor) -> Tensor:
        whole, rest = _bessel(0, self.concentration)
        return self.concentration * (value - self.loc).cos() - whole - rest - math.log(2 * math.pi)

    mean = mode = same_as("loc")

    @property
    def variance(self) -> Tensor:
        """1 minus the mean of cos(x - loc)."""
        ratio = _bessel(1, self.concentration)[1] - _bessel(0, self.concentration)[1]
        return -ratio.expm1()
