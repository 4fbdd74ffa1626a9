"""Factorizations: Cholesky, QR, eigenvalues of symmetric matrices, singular values.

The derivatives are formulas of differentiable operations on the results, so that they can be differentiated again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.autograd import Function

from ._arrays import LinAlgError, array, batch_element, check_matrices, shown_as, tensor_like


class Cholesky(NamedTuple):
    L: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return shown_as("linalg_cholesky_ex", self)


class Qr(NamedTuple):
    Q: Tensor
    R: Tensor

    def __repr__(self) -> str:
        return shown_as("linalg_qr", self)


class Eigh(NamedTuple):
    eigenvalues: Tensor
    eigenvectors: Tensor

    def __repr__(self) -> str:
        return shown_as("linalg_eigh", self)


class Svd(NamedTuple):
    U: Tensor
    S: Tensor
    Vh: Tensor

    def __repr__(self) -> str:
        return shown_as("linalg_svd", self)


def _order_of_failure(matrix: numpy.ndarray) -> int:
    """The size of the smallest leading part that is not positive definite, 0 if there is none."""
    for size in range(1, len(matrix) + 1):
        try:
            numpy.linalg.cholesky(matrix[:size, :size])
        except numpy.linalg.LinAlgError:
            return size
    return 0


class _Cholesky(Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        lower = tensor_like(numpy.linalg.cholesky(array(matrix)), matrix)
        ctx.save_for_backward(lower)
        return lower

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        # dA = L^-T S L^-1, made symmetric, where S is the lower part of L^T dL with half its diagonal
        from ._solve import solve_triangular

        (lower,) = ctx.saved_tensors
        half = (lower.mT @ grad).tril()
        half = half - half.diagonal(dim1=-2, dim2=-1).diag_embed() / 2
        left = solve_triangular(lower.mT, half, upper=True)
        found = solve_triangular(lower, left, upper=False, left=False)
        return (found + found.mT) / 2


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> Cholesky:
    """`cholesky` that tells of failures in `info`, which holds the order of the part that failed, or 0."""
    check_matrices("linalg.cholesky", A, square=True)
    matrices = array(A)
    try:
        numpy.linalg.cholesky(matrices)
        info = numpy.zeros(matrices.shape[:-2], numpy.int32)
    except numpy.linalg.LinAlgError:
        flat = matrices.reshape(-1, *matrices.shape[-2:])
        info = numpy.array([_order_of_failure(x) for x in flat], numpy.int32).reshape(matrices.shape[:-2])
    bad = info != 0
    if bad.any():
        if check_errors:
            order = int(info[bad].flat[0])
            raise LinAlgError(
                f"linalg.cholesky: {batch_element(bad)}The factorization could not be completed because the input "
                f"is not positive-definite (the leading minor of order {order} is not positive-definite)."
            )
        return Cholesky(_C.full_like(A, float("nan")), _C.from_numpy(info).to(A.device))
    lower = _Cholesky.apply(A)
    return Cholesky(lower.mT if upper else lower, _C.from_numpy(numpy.asarray(info)).to(A.device))


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The lower triangular L with A = L L^T, or the upper one, L^T."""
    return cholesky_ex(A, upper=upper, check_errors=True).L


class _QR(Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor, mode: Any) -> Any:
        q, r = (tensor_like(part, matrix) for part in numpy.linalg.qr(array(matrix), mode=mode))
        ctx.save_for_backward(q, r)
        ctx.set_materialize_grads(True)
        return q, r

    @staticmethod
    def backward(ctx: Any, grad_q: Any, grad_r: Any) -> Any:
        q, r = ctx.saved_tensors
        size = r.shape[-2]
        if q.shape[-1] > r.shape[-1]:
            raise RuntimeError(
                "The QR decomposition is not differentiable when mode='complete' and nrows > ncols"
            )
        wide = grad_r[..., size:]
        first = _square_backward(q, r[..., :size], grad_q + (q @ r[..., size:]) @ wide.mT, grad_r[..., :size])
        return _C.cat([first, q @ wide], -1), None


def _square_backward(q: Tensor, r: Tensor, grad_q: Tensor, grad_r: Tensor) -> Tensor:
    """dA = (dQ + Q copy(M)) R^-T with M = R dR^T - dQ^T Q, where copy() mirrors the lower part upwards."""
    from ._solve import solve_triangular

    m = r @ grad_r.mT - grad_q.mT @ q
    mirrored = m.tril() + m.tril(-1).mT
    return solve_triangular(r.mT, grad_q + q @ mirrored, upper=False, left=False)


def qr(A: Tensor, mode: str = "reduced") -> Qr:
    """A = Q R: orthonormal columns times an upper triangular matrix."""
    check_matrices("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    if mode != "r":
        return Qr(*_QR.apply(A, mode))
    if A.requires_grad and _C.is_grad_enabled():
        raise RuntimeError("The derivative of linalg.qr depends on Q, which mode='r' does not compute")
    return Qr(
        _C.empty(0, dtype=A.dtype, device=A.device), tensor_like(numpy.linalg.qr(array(A), mode="r"), A)
    )


def _differences(values: Tensor) -> Tensor:
    """E_ij = x_j - x_i, with infinity on the diagonal: what is divided by it there becomes 0."""
    size = values.shape[-1]
    gaps = values.unsqueeze(-2) - values.unsqueeze(-1)
    eye = _C.eye(size, dtype=_C.bool, device=values.device)
    return gaps.masked_fill(eye, float("inf"))


class _Eigh(Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor, uplo: Any) -> Any:
        values, vectors = (tensor_like(part, matrix) for part in numpy.linalg.eigh(array(matrix), UPLO=uplo))
        ctx.save_for_backward(values, vectors)
        return values, vectors

    @staticmethod
    def backward(ctx: Any, grad_values: Any, grad_vectors: Any) -> Any:
        # dA = V (diag(dl) + (V^T dV) / E) V^T
        values, vectors = ctx.saved_tensors
        inner = (vectors.mT @ grad_vectors) / _differences(values) + grad_values.diag_embed()
        return vectors @ inner @ vectors.mT, None


def eigh(A: Tensor, UPLO: str = "L") -> Eigh:
    """Eigenvalues, in ascending order, and eigenvectors of symmetric matrices given by one triangle."""
    check_matrices("linalg.eigh", A, square=True)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return Eigh(*_Eigh.apply(A, UPLO.upper()))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Eigenvalues of symmetric matrices, in ascending order."""
    return eigh(A, UPLO).eigenvalues


class _SVD(Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor, full: bool) -> Any:
        found = numpy.linalg.svd(array(matrix), full_matrices=full)
        u, s, vh = (tensor_like(part, matrix) for part in found)
        ctx.save_for_backward(u, s, vh)
        ctx.set_materialize_grads(False)
        return u, s, vh

    @staticmethod
    def backward(ctx: Any, grad_u: Any, grad_s: Any, grad_vh: Any) -> Any:
        u, s, vh = ctx.saved_tensors
        if u.shape[-1] != vh.shape[-2] and (grad_u is not None or grad_vh is not None):
            raise RuntimeError(
                "svd_backward: vectors of a full svd have no derivative; use full_matrices=False"
            )
        size = s.shape[-1]
        return _svd_backward((u[..., :size], s, vh[..., :size, :]), grad_u, grad_s, grad_vh), None


def _svd_backward(factors: tuple, grad_u: Any, grad_s: Any, grad_vh: Any) -> Tensor:
    """dA = U [skew(U^T dU)/E S + S skew(V^T dV)/E + diag(dS)] V^T, and what leaves the spans of U and V;
    skew(X) = X - X^T, E_ij = S_j^2 - S_i^2.
    """
    u, s, vh = factors
    row, column = s.unsqueeze(-2), s.unsqueeze(-1)
    middle = _C.zeros_like(u.mT @ u) if grad_s is None else grad_s.diag_embed()
    outside = None
    if grad_u is not None:
        inner = u.mT @ grad_u
        middle = middle + (inner - inner.mT) / _differences(s * s) * row
        if u.shape[-2] > u.shape[-1]:
            outside = ((grad_u - u @ inner) / row) @ vh
    if grad_vh is not None:
        inner = vh @ grad_vh.mT
        middle = middle + column * ((inner - inner.mT) / _differences(s * s))
        if vh.shape[-1] > vh.shape[-2]:
            more = u @ ((grad_vh - inner.mT @ vh) / column)
            outside = more if outside is None else outside + more
    found = u @ middle @ vh
    return found if outside is None else found + outside


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> Svd:
    """A = U diag(S) Vh: orthonormal columns, singular values in descending order, orthonormal rows."""
    check_matrices("linalg.svd", A)
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        )
    return Svd(*_SVD.apply(A, bool(full_matrices)))


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """Singular values, in descending order."""
    return svd(A, full_matrices=False, driver=driver).S
