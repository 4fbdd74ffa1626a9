"""Norms of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor

from ._arrays import _NAMES
from ._factors import svdvals
from ._solve import inv


def _floating(function: str, x: Tensor, dtype: Any) -> Tensor:
    if not x.is_floating_point():
        name = str(x.dtype).rpartition(".")[2]
        raise RuntimeError(
            f"{function}: Expected a floating point or complex tensor as input. Got {_NAMES.get(name, name)}"
        )
    return x if dtype is None else x.to(dtype)


def vector_norm(
    x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """(sum |x|^ord)^(1/ord) over dimensions, over all of them if `dim` is None; inf, -inf and 0 stand for the
    largest, the smallest and the number of those that are not zero.
    """
    if isinstance(ord, str) or not isinstance(ord, (int, float)):
        raise TypeError(f"linalg_vector_norm(): argument 'ord' must be Number, not {type(ord).__name__}")
    x = _floating("linalg.vector_norm", x, dtype)
    dims = tuple(range(x.dim())) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    dims = dims or tuple(range(x.dim()))
    empty = any(x.shape[d] == 0 for d in dims)
    if empty and (ord < 0 or ord == math.inf):
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the operation does not "
            "have an identity"
        )
    return _C.vector_norm(x, float(ord), dims, keepdim, None)


def _both(function: str, x: Tensor, dim: Any) -> tuple[int, int]:
    if len(dim) != 2:
        raise RuntimeError(f"{function}: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    first, second = (d % x.dim() for d in dim)
    if first == second:
        raise RuntimeError(f"{function}: dims must be different. Got ({dim[0]}, {dim[1]})")
    return first, second


def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Norms of matrices: 'fro', 'nuc', and 1, 2, inf, or their smallest counterparts -1, -2, -inf."""
    if A.dim() < 2:
        raise RuntimeError(
            f"linalg.matrix_norm: The input tensor A must have at least 2 dimensions, got {A.dim()}"
        )
    rows, columns = _both("linalg.matrix_norm", A, dim)
    A = _floating("linalg.matrix_norm", A, dtype)
    if ord == "fro":
        return vector_norm(A, 2, (rows, columns), keepdim)
    if ord in ("nuc", 2, -2):
        matrices: Any = A
        values = svdvals(matrices.movedim((rows, columns), (-2, -1)))
        found = values.sum(-1) if ord == "nuc" else values.amax(-1) if ord == 2 else values.amin(-1)
    elif ord in (1, -1, math.inf, -math.inf):
        along, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = A.abs().sum(along, True)
        found = (sums.amax if ord > 0 else sums.amin)((along, other), False)
    else:
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    if not keepdim:
        return found
    for d in sorted((rows, columns)):
        found = found.unsqueeze(d)
    return found


def norm(
    input: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The norm of a vector, where `dim` is a number or the input has one dimension or no `ord` is given without
    `dim`; else that of a matrix.
    """
    dims = (dim,) if isinstance(dim, int) else dim
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got [{', '.join(map(str, dims))}]"
        )
    if dims is None and ord is not None and input.dim() not in (1, 2):
        raise RuntimeError(
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. "
            f"Got {input.dim()}D."
        )
    if ord is not None and (input.dim() == 2 if dims is None else len(dims) == 2):
        return matrix_norm(input, ord, dims or (0, 1), keepdim, dtype=dtype)
    return vector_norm(input, 2 if ord is None else ord, dims, keepdim, dtype=dtype)


def cond(A: Tensor, p: Any = None) -> Tensor:
    """How much an equation with that matrix may enlarge errors: |A| |A^-1|, in the norm `p` (None stands for 2)."""
    if p in (None, 2, -2):
        values = svdvals(A)
        ratio = values[..., 0] / values[..., -1]
        return 1 / ratio if p == -2 else ratio
    return matrix_norm(A, p) * matrix_norm(inv(A), p)
