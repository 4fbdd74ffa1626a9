"""The names that stand in the package itself, some with older arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

from tinytensor import _C
from tinytensor._C import Tensor

from . import _factors, _solve
from ._arrays import shown_as
from ._exponential import matrix_exp
from ._factors import Qr
from ._solve import det, inv, slogdet

__all__ = ["cholesky", "det", "inverse", "logdet", "matrix_exp", "pinverse", "qr", "slogdet", "svd"]

inverse = inv


class Svd(NamedTuple):
    U: Tensor
    S: Tensor
    V: Tensor

    def __repr__(self) -> str:
        return shown_as("svd", self)


def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant: not a number where that is negative."""
    sign, logarithm = slogdet(input)
    return _C.where(sign < 0, _C.full_like(logarithm, float("nan")), logarithm)


def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The lower triangular L with A = L L^T, or the upper one, L^T."""
    return _factors.cholesky(input, upper=upper)


def qr(input: Tensor, some: bool = True) -> Qr:
    """A = Q R, with a square Q if not `some`."""
    return _factors.qr(input, "reduced" if some else "complete")


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Svd:
    """A = U diag(S) V^T, with square U and V if not `some`; without `compute_uv`, these are zeros."""
    if compute_uv:
        u, s, vh = _factors.svd(input, full_matrices=not some)
        return Svd(u, s, vh.mT)
    rows, columns = input.shape[-2:]
    batch, like = input.shape[:-2], {"dtype": input.dtype, "device": input.device}
    s = _factors.svdvals(input)
    return Svd(_C.zeros(*batch, rows, rows, **like), s, _C.zeros(*batch, columns, columns, **like))


def pinverse(input: Tensor, rcond: Any = 1e-15) -> Tensor:
    """The pseudo-inverse; singular values up to rcond times the largest count as zero."""
    return _solve.pinv(input, rtol=rcond)
