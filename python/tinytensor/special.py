"""Special functions: `torch.special`."""

from __future__ import annotations

import math

from . import _C
from ._C import (  # noqa: F401
    Tensor,
    digamma,
    erf,
    erfc,
    erfinv,
    exp2,
    expm1,
    i0,
    log1p,
    log_softmax,
    logit,
    logsumexp,
    polygamma,
    round,
    sinc,
    softmax,
    xlogy,
)

expit = _C.sigmoid
gammainc = _C.igamma
gammaincc = _C.igammac
gammaln = _C.lgamma
i1 = _C._special_i1
multigammaln = _C.mvlgamma
psi = _C.digamma


def _deliver(result: Tensor, out: Tensor | None) -> Tensor:
    return result if out is None else out.resize_(result.shape).copy_(result)


def entr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return -input * log(input), 0 at zero and minus infinity below."""
    below = _C.where(input < 0, -math.inf, 0.0)
    return _deliver(below - xlogy(input.clamp(min=0), input.clamp(min=0)), out)


def ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the probability that a standard normal value lies below input."""
    return _deliver(0.5 * erfc(input * -math.sqrt(0.5)), out)


def ndtri(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return the value below which a standard normal one lies with probability input."""
    return _deliver(math.sqrt(2) * erfinv(2 * input - 1), out)


def xlog1py(input: Tensor | float, other: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    """Return input * log(1 + other), and 0 where input is 0 and other is a number."""
    first, second = _C.as_tensor(input), _C.as_tensor(other)
    vanishes = (first == 0) & ~_C.isnan(second)
    return _deliver(_C.where(vanishes, 0.0, first * log1p(second)), out)
