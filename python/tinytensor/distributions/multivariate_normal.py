"""Normal vectors, and matrices made of them."""

from __future__ import annotations

import math
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.linalg import cholesky, solve_triangular

from . import constraints
from .constraints import Constraint
from .distribution import Distribution
from .utils import Shape, lazy_property, same_as


def compact(value: Tensor, event_dims: int) -> Tensor:
    """Without the copies that expanding made of batches: those dimensions have size 1."""
    batch = value.stride()[: value.dim() - event_dims]
    return value[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in batch)]


def log_diagonal(triangle: Tensor) -> Tensor:
    """log det of a triangular matrix"""
    return triangle.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def solve_lower(triangle: Tensor, right: Tensor) -> Tensor:
    return solve_triangular(triangle, right, upper=False)


def square_length(triangle: Tensor, vectors: Tensor) -> Tensor:
    """|L^-1 v|^2, of the last dimension"""
    triangle, size = compact(triangle, 2), triangle.shape[-1]
    if triangle.numel() == size * size:  # one matrix for all vectors: they are the columns of one equation
        columns = vectors.reshape(-1, size).mT
        return solve_lower(triangle.reshape(size, size), columns).square().sum(0).reshape(vectors.shape[:-1])
    return solve_lower(triangle, vectors.unsqueeze(-1)).squeeze(-1).square().sum(-1)


class Scatter(Distribution):
    """A family with a positive definite matrix, given as covariance, precision or lower factor of the covariance."""

    _triangle: Tensor

    _matrix_constraints: dict[str, Constraint] = {
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }

    @staticmethod
    def _only(**matrices: Any) -> dict[str, Tensor]:
        given = {name: matrix for name, matrix in matrices.items() if matrix is not None}
        if len(given) != 1:
            raise ValueError(f"Exactly one of {' or '.join(matrices)} may be specified, got {len(given)}.")
        for name, matrix in given.items():
            if matrix.dim() < 2:
                raise ValueError(
                    f"{name} must be at least two-dimensional, with optional leading batch dimensions"
                )
        return given

    def _take_matrix(self, name: str) -> None:
        """Factors the given matrix. The factor keeps out the copies that expanding makes, and serves larger batches."""
        matrix = compact(getattr(self, name), 2)
        if name == "covariance_matrix":
            matrix = cholesky(matrix)
        elif name == "precision_matrix":
            # With rows and columns in reverse order, the factor of the precision is the inverse of L^T.
            reverse = cholesky(matrix.flip((-2, -1))).flip((-2, -1)).mT
            matrix = solve_lower(reverse, _eye_like(reverse))
        self._triangle = matrix

    def _for_batch(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + matrix.shape[-2:])

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower triangular L with L L^T = the covariance."""
        return self._for_batch(self._triangle)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        return self._for_batch(self._triangle @ self._triangle.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        inverse = solve_lower(self._triangle, _eye_like(self._triangle))
        return self._for_batch(inverse.mT @ inverse)


def _eye_like(matrix: Tensor) -> Tensor:
    return _C.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)


class MultivariateNormal(Scatter):
    """Normal vectors of mean loc and a covariance."""

    arg_constraints: dict[str, Constraint] = {"loc": constraints.real_vector, **Scatter._matrix_constraints}
    support = constraints.real_vector
    has_rsample = True
    loc: Tensor

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = self._only(
            covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril
        )
        ((name, matrix),) = given.items()
        loc = loc.expand(loc.shape[:-1] + matrix.shape[-1:])
        self._take(validate_args, loc.shape[-1:], loc=loc, **given)
        self._take_matrix(name)

    def _draw(self, shape: Shape) -> Tensor:
        normal = _C.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + (self._triangle @ normal.unsqueeze(-1)).squeeze(-1)

    def _log_prob(self, value: Tensor) -> Tensor:
        size = self._event_shape[0]
        distance = square_length(self._triangle, value - self.loc)
        return -0.5 * (size * math.log(2 * math.pi) + distance) - log_diagonal(self._triangle)

    mean = mode = same_as("loc")

    @property
    def variance(self) -> Tensor:
        return self._triangle.square().sum(-1).expand(self._batch_shape + self._event_shape)

    def entropy(self) -> Tensor:
        entropy = 0.5 * self._event_shape[0] * (1 + math.log(2 * math.pi)) + log_diagonal(self._triangle)
        return entropy.expand(self._batch_shape)


class LowRankMultivariateNormal(Distribution):
    """Normal vectors of the covariance W W^T + D: W is `cov_factor`, with few columns, D has the diagonal `cov_diag`."""

    arg_constraints: dict[str, Constraint] = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True
    loc: Tensor
    cov_factor: Tensor
    cov_diag: Tensor

    def __init__(
        self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2 or cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(
                f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m, got {cov_factor.shape}"
            )
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(
                f"cov_diag must be a batch of vectors with shape {event_shape}, got {cov_diag.shape}"
            )
        self._take(validate_args, event_shape, loc=loc, cov_factor=cov_factor, cov_diag=cov_diag)
        factor = compact(self.cov_factor, 2)
        inner = (factor.mT / compact(self.cov_diag, 1).unsqueeze(-2)) @ factor
        self._capacitance_tril = cholesky(inner + _eye_like(inner))  # of 1 + W^T D^-1 W

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        return self.cov_factor @ self.cov_factor.mT + self.cov_diag.diag_embed()

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower triangular L with L L^T = the covariance."""
        return cholesky(self.covariance_matrix)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance: D^-1 - A^T A with A = C^-1 W^T D^-1, C the lower factor of 1 + W^T D^-1 W."""
        weighted = self.cov_factor.mT / self.cov_diag.unsqueeze(-2)
        inner = solve_lower(self._capacitance_tril, weighted)
        return self.cov_diag.reciprocal().diag_embed() - inner.mT @ inner

    def _draw(self, shape: Shape) -> Tensor:
        options = {"dtype": self.loc.dtype, "device": self.loc.device}
        few = _C.randn(shape[:-1] + self.cov_factor.shape[-1:], **options)
        each = _C.randn(shape, **options)
        along = (self.cov_factor @ few.unsqueeze(-1)).squeeze(-1)
        return self.loc + along + self.cov_diag.sqrt() * each

    @property
    def _half_log_det(self) -> Tensor:
        return log_diagonal(self._capacitance_tril) + 0.5 * self.cov_diag.log().sum(-1)

    def _square_length(self, vectors: Tensor) -> Tensor:
        """v^T (W W^T + D)^-1 v"""
        weighted = vectors / self.cov_diag
        within = (self.cov_factor.mT @ weighted.unsqueeze(-1)).squeeze(-1)
        return (vectors * weighted).sum(-1) - square_length(self._capacitance_tril, within)

    def _log_prob(self, value: Tensor) -> Tensor:
        size = self._event_shape[0]
        distance = self._square_length(value - self.loc)
        return -0.5 * (size * math.log(2 * math.pi) + distance) - self._half_log_det

    mean = mode = same_as("loc")

    @lazy_property
    def variance(self) -> Tensor:
        return self.cov_factor.square().sum(-1) + self.cov_diag

    def entropy(self) -> Tensor:
        entropy = 0.5 * self._event_shape[0] * (1 + math.log(2 * math.pi)) + self._half_log_det
        return entropy.expand(self._batch_shape)
