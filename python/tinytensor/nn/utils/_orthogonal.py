"""Maps onto the orthogonal matrices, for the parametrization of that name."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.autograd.grad_mode import no_grad
from tinytensor.nn.modules.module import Module

ORTHOGONAL_MAPS = ("matrix_exp", "cayley", "householder")


def _from_numpy(values: Any, like: Tensor) -> Tensor:
    import numpy as np

    return tinytensor.from_numpy(np.ascontiguousarray(values)).to(like.device, like.dtype)


def cayley(a: Tensor) -> Tensor:
    """(1 - a / 2)^-1 (1 + a / 2)."""
    from tinytensor.linalg import solve

    identity = _C.eye(a.size(-1), dtype=a.dtype, device=a.device)
    return solve(identity - a / 2, identity + a / 2)


def householder_product(a: Tensor, tau: Tensor) -> Tensor:
    """The first columns of H_0 H_1 ..., where H_i = 1 - tau_i v_i v_i^T.

    v_i is column i of `a` below its diagonal, with a 1 on it.
    """
    rows, columns = a.size(-2), a.size(-1)
    tops = _C.eye(rows, columns, dtype=a.dtype, device=a.device)
    vectors = a.tril(-1) + tops
    product = tops.expand_as(a)
    for i in reversed(range(columns)):
        v = vectors[..., i : i + 1]
        product = product - tau[..., i : i + 1, None] * (v @ (v.mT @ product))
    return product


def _is_orthogonal(q: Tensor) -> bool:
    identity = _C.eye(q.size(-1), dtype=q.dtype, device=q.device)
    eps = 10 * q.size(-2) * {_C.float64: 2.0**-52}.get(q.dtype, 2.0**-23)
    return bool(_C.allclose(q.mT @ q, identity.expand(*q.shape[:-2], *identity.shape), atol=eps))


def _make_orthogonal(a: Tensor) -> Tensor:
    """The orthogonal factor of a = q r, with a diagonal of r that is not negative."""
    import numpy as np

    q, r = np.linalg.qr(a.detach().cpu().numpy())
    return _from_numpy(q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :], a)


class _Orthogonal(Module):
    base: Tensor

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool = True) -> None:
        super().__init__()
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        is_wide = X.size(-2) < X.size(-1)
        x = X.mT if is_wide else X
        q = self._from_reflections(x) if self.orthogonal_map == "householder" else self._from_skew(x)
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if is_wide else q

    def _from_reflections(self, x: Tensor) -> Tensor:
        below = x.tril(-1)
        tau = 2.0 / (1.0 + (below * below).sum(-2))
        # The signs on the diagonal are not trained.
        signs = x.detach().diagonal(dim1=-2, dim2=-1).trunc().unsqueeze(-2)
        return householder_product(below, tau) * signs

    def _from_skew(self, x: Tensor) -> Tensor:
        rows, columns = x.size(-2), x.size(-1)
        x = x.tril()
        if rows != columns:
            x = _C.cat([x, x.new_zeros(*x.shape[:-2], rows, rows - columns)], -1)
        skew = x - x.mT
        from tinytensor.linalg import matrix_exp

        q = matrix_exp(skew) if self.orthogonal_map == "matrix_exp" else cayley(skew)
        return q[..., :columns]

    def right_inverse(self, Q: Tensor) -> Tensor:
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. "
                f"Got a tensor of shape {Q.shape}."
            )
        with no_grad():
            is_wide = Q.size(-2) < Q.size(-1)
            q = Q.mT if is_wide else Q
            if not hasattr(self, "base"):
                reflections = self._to_reflections(q)
                return reflections.mT if is_wide else reflections

            rows, columns = q.size(-2), q.size(-1)
            if rows != columns:
                more = _C.randn(*q.shape[:-2], rows, rows - columns, dtype=q.dtype, device=q.device)
                q = _make_orthogonal(_C.cat([q, more], -1))
            else:
                q = q.clone() if _is_orthogonal(q) else _make_orthogonal(q)
            self.base = q
            # The map of -1 is the identity, whichever it is.
            start = _C.zeros_like(Q)
            start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
            return start

    def _to_reflections(self, q: Tensor) -> Tensor:
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential "
                "or the Cayley parametrizations when use_trivialization=False."
            )
        import numpy as np

        raw, tau = np.linalg.qr(q.detach().cpu().numpy(), mode="raw")
        reflections = _from_numpy(raw.swapaxes(-1, -2), q)
        diagonal = reflections.diagonal(dim1=-2, dim2=-1)
        # LAPACK gives exactly 0 for a reflection it leaves out, and the map always reflects.
        kept = 1 - 2 * (_from_numpy(tau, q) == 0).to(q.dtype)
        diagonal.copy_(diagonal.sign() * kept)
        return reflections
