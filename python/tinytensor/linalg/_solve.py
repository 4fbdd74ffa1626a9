"""Equations, inverses and determinants."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.autograd import Function
from tinytensor.functional import broadcast_shapes

from ._arrays import LinAlgError, array, batch_element, check_matrices, shown_as, tensor_like


class Slogdet(NamedTuple):
    sign: Tensor
    logabsdet: Tensor

    def __repr__(self) -> str:
        return shown_as("linalg_slogdet", self)


class Lstsq(NamedTuple):
    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor

    def __repr__(self) -> str:
        return shown_as("linalg_lstsq", self)


class Inverse(NamedTuple):
    inverse: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return shown_as("linalg_inv_ex", self)


def _batched(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Both with the same batch dimensions."""
    batch = broadcast_shapes(first.shape[:-2], second.shape[:-2])
    return first.expand(*batch, *first.shape[-2:]), second.expand(*batch, *second.shape[-2:])


class _Solve(Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor, right: Tensor) -> Tensor:
        found = tensor_like(numpy.linalg.solve(array(matrix), array(right)), right)
        ctx.save_for_backward(matrix, found)
        return found

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        # dB = A^-T dX, dA = -dB X^T
        matrix, found = ctx.saved_tensors
        grad_right = _Solve.apply(matrix.mT, grad)
        return -grad_right @ found.mT, grad_right


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The X with A X = B, or with X A = B if not `left`. B is a vector, or one per matrix, where its shape is that
    of A without the last dimension.
    """
    vector = B.dim() == 1 or (A.dim() - 1 == B.dim() and B.shape == A.shape[:-1])
    right = B.unsqueeze(-1) if vector else B
    check_matrices("linalg.solve", A, right, square=True)
    if vector and not left:
        raise RuntimeError(
            "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False."
        )
    if A.shape[-1] != right.shape[-2 if left else -1]:
        shapes = "{}x{} and {}x{}".format(*A.shape[-2:], *right.shape[-2:])
        equation = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation {equation} ({shapes})"
        )
    if not left:
        return solve(A.mT, B.mT).mT
    try:
        found = _Solve.apply(*_batched(A, right))
    except numpy.linalg.LinAlgError:
        raise LinAlgError(
            "torch.linalg.solve: The solver failed because the input matrix is singular."
        ) from None
    return found.squeeze(-1) if vector else found


def _substitute(matrix: numpy.ndarray, right: numpy.ndarray, upper: bool, unit: bool) -> numpy.ndarray:
    found = right.copy()
    size = matrix.shape[-1]
    for row in range(size - 1, -1, -1) if upper else range(size):
        known = slice(row + 1, size) if upper else slice(0, row)
        found[..., row, :] -= (matrix[..., row, None, known] @ found[..., known, :])[..., 0, :]
        if not unit:
            found[..., row, :] /= matrix[..., row, row, None]
    return found


class _SolveTriangular(Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor, right: Tensor, upper: bool, unit: bool) -> Tensor:
        with numpy.errstate(all="ignore"):
            found = tensor_like(_substitute(array(matrix), array(right), upper, unit), right)
        ctx.save_for_backward(matrix, found)
        ctx.upper, ctx.unit = upper, unit
        return found

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        matrix, found = ctx.saved_tensors
        grad_right = _SolveTriangular.apply(matrix.mT, grad, not ctx.upper, ctx.unit)
        full = -grad_right @ found.mT
        beside = int(ctx.unit)
        return full.triu(beside) if ctx.upper else full.tril(-beside), grad_right, None, None


def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """The X with A X = B, or X A = B if not `left`, where only one triangle of A counts; `unitriangular` takes its
    diagonal as ones. A zero on the diagonal gives infinities.
    """
    check_matrices("linalg.solve_triangular", A, square=True)
    if B.dim() < 2:
        raise RuntimeError("linalg.solve_triangular: The input tensor B must have at least 2 dimensions.")
    check_matrices("linalg.solve_triangular", A, B, square=True)
    if A.shape[-1] != B.shape[-2 if left else -1]:
        shapes = "{}x{} and {}x{}".format(*A.shape[-2:], *B.shape[-2:])
        equation = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"linalg.solve_triangular: Incompatible shapes of A and B for the equation {equation} ({shapes})"
        )
    if not left:
        return solve_triangular(A.mT, B.mT, upper=not upper, unitriangular=unitriangular).mT
    return _SolveTriangular.apply(*_batched(A, B), bool(upper), bool(unitriangular))


class _Inverse(Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        found = tensor_like(numpy.linalg.inv(array(matrix)), matrix)
        ctx.save_for_backward(found)
        return found

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (found,) = ctx.saved_tensors
        return -found.mT @ grad @ found.mT


def _first_zero(matrices: numpy.ndarray) -> tuple[str, int]:
    """Which matrix is singular, and the first diagonal element (from 1) that elimination leaves zero."""
    flat = matrices.reshape(-1, *matrices.shape[-2:])
    ranks = numpy.linalg.matrix_rank(flat)
    bad = (numpy.linalg.det(flat) == 0) | (ranks < flat.shape[-1])
    which = int(numpy.flatnonzero(bad)[0]) if bad.any() else 0
    left = flat[which].astype(numpy.float64)
    for column in range(len(left)):
        pivot = column + int(numpy.abs(left[column:, column]).argmax())
        if left[pivot, column] == 0:
            return (batch_element(bad) if matrices.ndim > 2 else ""), column + 1
        left[[column, pivot]] = left[[pivot, column]]
        left[column + 1 :] -= left[column + 1 :, column, None] / left[column, column] * left[column]
    return (batch_element(bad) if matrices.ndim > 2 else ""), len(left)


def inv(A: Tensor) -> Tensor:
    """The inverse of square matrices."""
    check_matrices("linalg.inv", A, square=True)
    try:
        return _Inverse.apply(A)
    except numpy.linalg.LinAlgError:
        which, row = _first_zero(array(A))
        raise LinAlgError(
            f"linalg.inv: {which}The diagonal element {row} is zero, the inversion could not be completed because "
            "the input matrix is singular."
        ) from None


def inv_ex(A: Tensor, *, check_errors: bool = False) -> Inverse:
    """`inv` that tells in `info` of singular matrices, and gives infinities for them."""
    try:
        found, singular = inv(A), False
    except LinAlgError:
        if check_errors:
            raise
        found, singular = _C.full_like(A, float("inf")), True
    info = _C.full(A.shape[:-2], int(singular), dtype=_C.int32, device=A.device)
    return Inverse(found, info)


def _cofactors(matrices: numpy.ndarray) -> numpy.ndarray:
    """The derivative of det also at singular matrices: det(U) det(V) U diag(products of the other s) V^T."""
    u, s, vh = numpy.linalg.svd(matrices)
    size = s.shape[-1]
    others = numpy.where(numpy.eye(size, dtype=bool), 1, s[..., None, :]).prod(-1)
    signs = numpy.linalg.det(u) * numpy.linalg.det(vh)
    return signs[..., None, None] * (u * others[..., None, :]) @ vh


class _Det(Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        found = tensor_like(numpy.linalg.det(array(matrix)), matrix)
        ctx.save_for_backward(matrix, found)
        return found

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        matrix, found = ctx.saved_tensors
        if not _C.is_grad_enabled():
            return grad[..., None, None] * tensor_like(_cofactors(array(matrix)), matrix)
        if bool((found == 0).any()):
            raise NotImplementedError("linalg.det: a singular matrix has no second derivative here")
        return (grad * found)[..., None, None] * inv(matrix).mT


def det(A: Tensor) -> Tensor:
    """The determinant of square matrices."""
    check_matrices("linalg.det", A, square=True)
    return _Det.apply(A)


class _Slogdet(Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Any:
        sign, logarithm = (tensor_like(part, matrix) for part in numpy.linalg.slogdet(array(matrix)))
        ctx.save_for_backward(matrix)
        ctx.mark_non_differentiable(sign)
        return sign, logarithm

    @staticmethod
    def backward(ctx: Any, _: Any, grad: Any) -> Any:
        (matrix,) = ctx.saved_tensors
        return grad[..., None, None] * inv(matrix).mT


def slogdet(A: Tensor) -> Slogdet:
    """The sign of the determinant, and the logarithm of its absolute value."""
    check_matrices("linalg.slogdet", A, square=True)
    return Slogdet(*_Slogdet.apply(A))


class _Pinv(Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor, limit: numpy.ndarray) -> Tensor:
        u, s, vh = numpy.linalg.svd(array(matrix), full_matrices=False)
        inverted = numpy.where(s > limit[..., None], 1 / numpy.where(s == 0, 1, s), 0)
        found = tensor_like((vh.swapaxes(-1, -2) * inverted[..., None, :]) @ u.swapaxes(-1, -2), matrix)
        ctx.save_for_backward(matrix, found)
        return found

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        # dP = -P dA P + P P^T dA^T (1 - A P) + (1 - P A) dA^T P^T P
        a, p = ctx.saved_tensors
        right, left = grad.mT @ p @ p.mT, p.mT @ p @ grad.mT
        return -p.mT @ grad @ p.mT + right - a @ (p @ right) + left - (left @ p) @ a, None


def _limit(A: Tensor, atol: Any, rtol: Any) -> numpy.ndarray:
    """Singular values up to max(atol, rtol * the largest) count as zero."""
    matrices = array(A)
    usual = 0.0 if atol is not None else max(A.shape[-2:], default=0) * float(numpy.finfo(matrices.dtype).eps)
    given = [0.0 if atol is None else atol, usual if rtol is None else rtol]
    absolute, relative = (array(x) if isinstance(x, Tensor) else numpy.asarray(x) for x in given)
    largest = numpy.linalg.svd(matrices, compute_uv=False).max(-1, initial=0)
    return numpy.maximum(absolute, relative * largest)


def pinv(
    A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:
    """The pseudo-inverse; singular values up to max(atol, rtol * the largest) count as zero."""
    check_matrices("linalg.pinv", A, square=hermitian)
    return _Pinv.apply(A, _limit(A, atol, rcond if rtol is None else rtol))


def matrix_rank(A: Tensor, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Tensor:
    """How many singular values are above max(atol, rtol * the largest)."""
    check_matrices("linalg.matrix_rank", A, square=hermitian)
    values = numpy.linalg.svd(array(A), compute_uv=False)
    count = (values > _limit(A, atol, rtol)[..., None]).sum(-1)
    return _C.from_numpy(numpy.asarray(count, numpy.int64)).to(A.device)


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Lstsq:
    """The X of least norm with the least |A X - B|. `driver` chooses what else is computed: the rank, unless it is
    'gels'; the residuals, unless it is 'gelsy', the default; the singular values, if it is 'gelsd' or 'gelss'.
    """
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)"
        )
    vector = A.dim() - 1 == B.dim() and B.shape == A.shape[:-1]
    right = B.unsqueeze(-1) if vector else B
    check_matrices("linalg.lstsq", A, right)
    solution = pinv(A, rtol=rcond) @ right
    ranks = matrix_rank(A, rtol=rcond)
    nothing = _C.empty(0, dtype=A.dtype, device=A.device)
    residuals = nothing
    if A.shape[-2] > A.shape[-1] and driver not in (None, "gelsy") and bool((ranks == A.shape[-1]).all()):
        residuals = (A @ solution - right).square().sum(-2)
    values = nothing
    if driver in ("gelsd", "gelss"):
        values = tensor_like(numpy.linalg.svd(array(A), compute_uv=False), A)
    rank = _C.empty(0, dtype=_C.int64) if driver == "gels" else ranks
    return Lstsq(solution.squeeze(-1) if vector else solution, residuals, rank, values)
