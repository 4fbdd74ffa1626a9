"""Maps of vectors and matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tinytensor import _C
from tinytensor._C import Size, Tensor

from . import constraints
from ._transform import Comparable
from .utils import eps_of, tiny_of, tril_matrix_to_vec, vec_to_tril_matrix


def _resized(shape: Sequence[int], dims: int, *sizes: int) -> Size:
    """The shape with other sizes in the place of its last `dims`."""
    if len(shape) < dims:
        raise ValueError(f"Too few dimensions on input: expected at least {dims}, got shape {tuple(shape)}")
    return Size((*shape[: len(shape) - dims], *sizes))


class SoftmaxTransform(Comparable):
    """Chances from logits; of all logits that lead to the same chances, the inverse takes log(y)."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return _C.softmax(x, -1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def forward_shape(self, shape: Sequence[int]) -> Size:
        return _resized(shape, 1, *shape[-1:])

    inverse_shape = forward_shape


class StickBreakingTransform(Comparable):
    """Parts of a stick: each number breaks off a part of what is left, one more part is what remains."""

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    @staticmethod
    def _offset(x: Tensor) -> Tensor:
        """log(how many parts are still to come): numbers of 0 lead to equal parts."""
        return _C.arange(x.shape[-1], 0, -1, dtype=x.dtype, device=x.device).log()

    def _call(self, x: Tensor) -> Tensor:
        part = (x - self._offset(x)).sigmoid()
        left = (1 - part).cumprod(-1)
        return _C.cat([part, _C.ones_like(part[..., :1])], -1) * _C.cat(
            [_C.ones_like(left[..., :1]), left], -1
        )

    def _inverse(self, y: Tensor) -> Tensor:
        left = (1 - y[..., :-1].cumsum(-1)).clamp(min=tiny_of(y))
        return y[..., :-1].log() - left.log() + self._offset(y[..., :-1])

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        x = x - self._offset(x)
        return (-x + _C.logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> Size:
        return _resized(shape, 1, *(n + 1 for n in shape[-1:]))

    def inverse_shape(self, shape: Sequence[int]) -> Size:
        return _resized(shape, 1, *(n - 1 for n in shape[-1:]))


class CorrCholeskyTransform(Comparable):
    """Factors of correlation matrices: rows of length 1, from partial correlations tanh(x)."""

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        eps = eps_of(x)
        partial = vec_to_tril_matrix(x.tanh().clamp(min=eps - 1, max=1 - eps), diag=-1)
        left = (1 - partial.square()).sqrt().cumprod(-1)  # the length that earlier columns leave
        with_diagonal = partial + _C.eye(partial.shape[-1], dtype=x.dtype, device=x.device)
        return with_diagonal * _C.cat([_C.ones_like(left[..., :1]), left[..., :-1]], -1)

    @staticmethod
    def _left(y: Tensor) -> Tensor:
        """Below the diagonal: the squared length that the earlier columns leave of a row of length 1."""
        left = 1 - y.square().cumsum(-1)
        left = tril_matrix_to_vec(_C.cat([_C.ones_like(left[..., :1]), left[..., :-1]], -1), -1)
        return left.clamp(min=tiny_of(y))

    def _inverse(self, y: Tensor) -> Tensor:
        return (tril_matrix_to_vec(y, -1) / self._left(y).sqrt()).atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        slope = -2 * (x + _C.softplus(-2 * x) - math.log(2))  # of tanh
        return (slope + 0.5 * self._left(y).log()).sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> Size:
        count = shape[-1] if len(shape) else 0
        size = round(0.5 + math.sqrt(0.25 + 2 * count))
        if size * (size - 1) // 2 != count:
            raise ValueError(f"{count} numbers are not the lower triangle of a correlation matrix")
        return _resized(shape, 1, size, size)

    def inverse_shape(self, shape: Sequence[int]) -> Size:
        if len(shape) >= 2 and shape[-1] != shape[-2]:
            raise ValueError(f"CorrCholeskyTransform: expected square matrices, got shape {tuple(shape)}")
        return _resized(shape, 2, *(n * (n - 1) // 2 for n in shape[-1:]))


class LowerCholeskyTransform(Comparable):
    """Lower triangles with a positive diagonal: the exponential of what it was."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(Comparable):
    """Positive definite matrices, from their factors' logarithms."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Tensor) -> Tensor:
        from tinytensor.linalg import cholesky

        return LowerCholeskyTransform().inv(cholesky(y))
