"""Random matrices: of scatter, and of correlation."""

from __future__ import annotations

import math
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor

from . import constraints
from .constraints import Constraint
from .distribution import Distribution, ExponentialFamily
from .gamma import Beta, Chi2
from .multivariate_normal import Scatter, log_diagonal, solve_lower
from .utils import Shape, as_tensors, tiny_of


class Wishart(Scatter, ExponentialFamily):
    """The sum of x x^T over df normal vectors of mean 0 and the given covariance."""

    arg_constraints: dict[str, Constraint] = {**Scatter._matrix_constraints, "df": constraints.positive}
    support = constraints.positive_definite
    has_rsample = True
    df: Tensor
    _mean_carrier_measure = 0.0

    def __init__(
        self,
        df: Any,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = self._only(
            covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril
        )
        ((name, matrix),) = given.items()
        df, _ = as_tensors((df, matrix))
        size = matrix.shape[-1]
        if bool((df <= size - 1).any()):
            raise ValueError(
                f"Value of df={df} expected to be greater than ndim - 1 = {size - 1} for matrices of shape "
                f"{tuple(matrix.shape[-2:])}"
            )
        self._take(validate_args, matrix.shape[-2:], df=df, **given)
        self._take_matrix(name)

    @property
    def _size(self) -> int:
        return self._event_shape[-1]

    def _draw(self, shape: Shape) -> Tensor:
        """Bartlett 1933: the factor of a draw is L A, A lower triangular with roots of chi-squares on the diagonal."""
        size = self._size
        falling = self.df.unsqueeze(-1) - _C.arange(size, dtype=self.df.dtype, device=self.df.device)
        diagonal = Chi2(falling, False)._draw(shape[:-1]).sqrt()
        normal = _C.randn(shape, dtype=self.df.dtype, device=self.df.device).tril(-1)
        factor = self._triangle @ (normal + diagonal.diag_embed())
        return factor @ factor.mT

    def _log_prob(self, value: Tensor) -> Tensor:
        from tinytensor.linalg import cholesky

        half, size = 0.5 * self.df, self._size
        triangle = cholesky(value)
        relative = solve_lower(self._triangle, triangle)
        return (
            (self.df - size - 1) * log_diagonal(triangle)
            - 0.5 * relative.square().sum((-2, -1))
            - self.df * (0.5 * size * math.log(2) + log_diagonal(self._triangle))
            - half.mvlgamma(size)
        )

    @property
    def mean(self) -> Tensor:
        return self.df[..., None, None] * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = (self.df - self._size - 1).masked_fill(self.df <= self._size + 1, math.nan)
        return factor[..., None, None] * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        matrix = self.covariance_matrix
        diagonal = matrix.diagonal(dim1=-2, dim2=-1)
        products = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self.df[..., None, None] * (matrix.square() + products)

    # t(X) = X, log det X with theta = -S^-1 / 2, (df - size - 1) / 2

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return -0.5 * self.precision_matrix, 0.5 * (self.df - self._size - 1)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        from tinytensor.linalg import slogdet

        half = natural_params[1] + 0.5 * (self._size + 1)
        return -half * slogdet(-natural_params[0]).logabsdet + half.mvlgamma(self._size)

    @property
    def _expected_statistics(self) -> tuple[Tensor, ...]:
        steps = 0.5 * _C.arange(self._size, dtype=self.df.dtype, device=self.df.device)
        log_det = (0.5 * self.df.unsqueeze(-1) - steps).digamma().sum(-1) + self._size * math.log(2)
        return self.mean, log_det + 2 * log_diagonal(self._triangle)


class LKJCholesky(Distribution):
    """Lower factors L of correlation matrices, with a density that goes like det(L L^T)^(concentration - 1)."""

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    concentration: Tensor

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        self._take(validate_args, (dim, dim), concentration=concentration)

    @property
    def _beta(self) -> Beta:
        """Of the squared length that a row with k numbers left of the diagonal has there; k of the first is a stopgap."""
        k = _C.arange(self.dim, dtype=self.concentration.dtype, device=self.concentration.device).clamp(min=1)
        return Beta(0.5 * k, self.concentration.unsqueeze(-1) + 0.5 * (self.dim - 1 - k), False)

    def _draw(self, shape: Shape) -> Tensor:
        """Lewandowski, Kurowicka and Joe 2009, the onion method: a direction on a sphere, and a length, for each row."""
        square = self._beta._draw(shape[:-1]).unsqueeze(-1)
        normal = _C.randn(shape, dtype=square.dtype, device=square.device).tril(-1)
        direction = normal / normal.norm(dim=-1, keepdim=True)
        direction = _C.cat([_C.zeros_like(direction[..., :1, :]), direction[..., 1:, :]], -2)
        rows = square.sqrt() * direction
        diagonal = (1 - rows.square().sum(-1)).clamp(min=tiny_of(rows)).sqrt()
        return rows + diagonal.diag_embed()

    def _log_prob(self, value: Tensor) -> Tensor:
        less = self.dim - 1
        diagonal = value.diagonal(dim1=-2, dim2=-1)[..., 1:]
        order = _C.arange(2, self.dim + 1, dtype=self.concentration.dtype, device=self.concentration.device)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - order
        alpha = self.concentration + 0.5 * less
        above = (alpha - 0.5).mvlgamma(less)
        constant = 0.5 * less * math.log(math.pi) + above - alpha.lgamma() * less
        return (order * diagonal.log()).sum(-1) - constant
