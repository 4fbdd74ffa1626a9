"""The matrix exponential."""

from __future__ import annotations

import math
from typing import Any

import numpy

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.autograd import Function

from ._arrays import array, check_matrices, tensor_like

# exp(X) = (V - U)^-1 (V + U), where U holds the odd and V the even powers with these coefficients, divided by the
# first; exact to double precision up to the norm.
_PADE = tuple(
    math.factorial(26 - k)
    // (math.factorial(13 - k) * math.factorial(k))
    / (math.factorial(26) // math.factorial(13))
    for k in range(14)
)
_LARGEST_NORM = 5.371920351148152


def _exponential(matrices: numpy.ndarray) -> numpy.ndarray:
    """exp(X) = exp(X / 2^s)^(2^s), s chosen for each matrix."""
    finite = numpy.isfinite(matrices).all((-2, -1))[..., None, None]
    x = numpy.where(finite, matrices, 0).astype(numpy.float64)
    norms = numpy.abs(x).sum(-2).max(-1, initial=0)
    halvings = numpy.maximum(numpy.ceil(numpy.log2(numpy.maximum(norms, 1e-300) / _LARGEST_NORM)), 0)
    x = x / numpy.exp2(halvings)[..., None, None]
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    c, one = _PADE, numpy.eye(x.shape[-1])
    odd = x @ (x6 @ (c[13] * x6 + c[11] * x4 + c[9] * x2) + c[7] * x6 + c[5] * x4 + c[3] * x2 + c[1] * one)
    even = x6 @ (c[12] * x6 + c[10] * x4 + c[8] * x2) + c[6] * x6 + c[4] * x4 + c[2] * x2 + c[0] * one
    found = numpy.linalg.solve(even - odd, even + odd)
    with numpy.errstate(over="ignore", invalid="ignore"):
        for step in range(int(halvings.max(initial=0))):
            found = numpy.where((halvings > step)[..., None, None], found @ found, found)
    return numpy.where(finite, found, numpy.nan)


class _MatrixExp(Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        ctx.save_for_backward(matrix)
        with numpy.errstate(over="ignore"):
            return tensor_like(_exponential(array(matrix)), matrix)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        # the upper right block of exp([[A^T, G], [0, A^T]])
        (matrix,) = ctx.saved_tensors
        size, turned = matrix.shape[-1], matrix.mT
        above = _C.cat([turned, grad], -1)
        below = _C.cat([_C.zeros_like(turned), turned], -1)
        return _MatrixExp.apply(_C.cat([above, below], -2))[..., :size, size:]


def matrix_exp(input: Tensor) -> Tensor:
    """The sum of input^k / k! over all k."""
    if isinstance(input, Tensor) and input.dtype in (_C.float16, _C.bfloat16):
        return matrix_exp(input.float()).to(input.dtype)
    check_matrices("linalg.matrix_exp", input, square=True)
    return _MatrixExp.apply(input)
