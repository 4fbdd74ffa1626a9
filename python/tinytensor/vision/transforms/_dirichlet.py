"""Shares that sum to 1, drawn as PyTorch's generator draws them."""

from __future__ import annotations

import math

import tinytensor
from tinytensor import Tensor


def _uniform() -> float:
    return tinytensor.empty(1, dtype=tinytensor.float64).uniform_().item()


def _normal() -> float:
    return tinytensor.empty(1, dtype=tinytensor.float64).normal_().item()


def _gamma(alpha: float) -> float:
    """A draw from the gamma distribution by the method of Marsaglia and Tsang (2000)."""
    scale = 1.0
    if alpha < 1.0:
        if alpha == 0.0:
            return 0.0
        scale = (1.0 - _uniform()) ** (1.0 / alpha)
        alpha += 1.0
    d = alpha - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = _normal()
        if 1.0 + c * x <= 0:
            continue
        v = (1.0 + c * x) ** 3
        u = 1.0 - _uniform()
        if u < 1.0 - 0.0331 * x**4 or math.log(u) < 0.5 * x * x + d * (1.0 - v + math.log(v)):
            return scale * d * v


def dirichlet(alpha: Tensor) -> Tensor:
    """Shares [batch, n], each row drawn with the weights in the row of alpha."""
    rows = [[_gamma(weight) for weight in row] for row in alpha.tolist()]
    shares = tinytensor.tensor([[part / sum(row) for part in row] for row in rows], dtype=tinytensor.float64)
    limits = tinytensor.finfo(alpha.dtype)
    return shares.to(alpha.dtype).clamp(limits.tiny, 1 - limits.eps / 2)
