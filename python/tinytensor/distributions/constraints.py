"""Sets that parameters and values may lie in: `constraint.check(value)` tells for each event whether it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor._types_info import finfo

__all__ = [
    "Constraint",
    "MixtureSameFamilyConstraint",
    "boolean",
    "cat",
    "corr_cholesky",
    "dependent",
    "dependent_property",
    "greater_than",
    "greater_than_eq",
    "half_open_interval",
    "independent",
    "integer_interval",
    "interval",
    "is_dependent",
    "less_than",
    "lower_cholesky",
    "lower_triangular",
    "multinomial",
    "nonnegative",
    "nonnegative_integer",
    "one_hot",
    "positive",
    "positive_definite",
    "positive_integer",
    "positive_semidefinite",
    "real",
    "real_vector",
    "simplex",
    "square",
    "stack",
    "symmetric",
    "unit_interval",
]

_TOLERANCE = 1e-6  # of sums to 1 and of symmetry


class Constraint:
    """A set. The last `event_dim` dimensions of a value are one member of it."""

    is_discrete: Any = False
    event_dim: Any = 0

    def check(self, value: Any) -> Tensor:
        """Whether each event of `value` lies in the set."""
        raise NotImplementedError

    def __repr__(self) -> str:
        bounds = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"{type(self).__name__.lstrip('_')}({bounds})"


def _all(conditions: Tensor, dims: int) -> Tensor:
    """Whether all hold, over the last `dims` dimensions."""
    if conditions.dim() < dims:
        raise ValueError(
            f"expected a value of at least {dims} dimensions, got shape {tuple(conditions.shape)}"
        )
    return conditions.flatten(-dims).all(-1) if dims else conditions


# ---------------------------------------------------------------- constraints that depend on an instance


class _Dependent(Constraint):
    """Stands for a constraint that depends on other parameters; what is None is not known beforehand."""

    def __init__(self, *, is_discrete: bool | None = None, event_dim: int | None = None) -> None:
        self._known: dict[str, Any] = {"is_discrete": is_discrete, "event_dim": event_dim}

    def _look_up(self, name: str) -> Any:
        if self._known[name] is None:
            raise NotImplementedError(f".{name} cannot be determined statically")
        return self._known[name]

    is_discrete = property(lambda self: self._look_up("is_discrete"))
    event_dim = property(lambda self: self._look_up("event_dim"))

    def __call__(self, *, is_discrete: bool | None = None, event_dim: int | None = None) -> _Dependent:
        """The same with more known."""
        given: dict[str, Any] = {"is_discrete": is_discrete, "event_dim": event_dim}
        return _Dependent(**{n: self._known[n] if v is None else v for n, v in given.items()})

    def check(self, value: Any) -> Tensor:
        raise ValueError("Cannot determine validity of dependent constraint")

    def __repr__(self) -> str:
        return f"{type(self).__name__.lstrip('_')}()"


class _DependentProperty(property, _Dependent):
    """A property of a class that is a constraint: of the class a dependent one, of an instance what it returns.

    Also a decorator with arguments: `@dependent_property(is_discrete=False, event_dim=1)`.
    """

    def __init__(
        self,
        fn: Callable[[Any], Constraint] | None = None,
        *,
        is_discrete: bool | None = None,
        event_dim: int | None = None,
    ) -> None:
        property.__init__(self, fn)
        _Dependent.__init__(self, is_discrete=is_discrete, event_dim=event_dim)

    def __call__(self, fn: Callable[[Any], Constraint]) -> _DependentProperty:  # type: ignore[override]
        return _DependentProperty(fn, **self._known)


def is_dependent(constraint: Any) -> bool:
    """Whether a constraint depends on other parameters."""
    return isinstance(constraint, _Dependent)


# ---------------------------------------------------------------- numbers


class _Real(Constraint):
    def check(self, value: Any) -> Tensor:
        return value == value  # not-a-number is not


class _Boolean(Constraint):
    is_discrete = True

    def check(self, value: Any) -> Tensor:
        return (value == 0) | (value == 1)


class _GreaterThan(Constraint):
    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound

    def check(self, value: Any) -> Tensor:
        return self.lower_bound < value


class _GreaterThanEq(_GreaterThan):
    def check(self, value: Any) -> Tensor:
        return self.lower_bound <= value


class _LessThan(Constraint):
    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Any) -> Tensor:
        return value < self.upper_bound


class _Interval(Constraint):
    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self.lower_bound = lower_bound
        self.upper_bound = upper_bound

    def check(self, value: Any) -> Tensor:
        return (self.lower_bound <= value) & (value <= self.upper_bound)


class _HalfOpenInterval(_Interval):
    def check(self, value: Any) -> Tensor:
        return (self.lower_bound <= value) & (value < self.upper_bound)


class _IntegerInterval(_Interval):
    is_discrete = True

    def check(self, value: Any) -> Tensor:
        return super().check(value) & (value % 1 == 0)


class _IntegerGreaterThan(_GreaterThanEq):
    is_discrete = True

    def check(self, value: Any) -> Tensor:
        return super().check(value) & (value % 1 == 0)


# ---------------------------------------------------------------- vectors


class _Simplex(Constraint):
    """Chances: not negative, and of sum 1."""

    event_dim = 1

    def check(self, value: Any) -> Tensor:
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < _TOLERANCE)


class _OneHot(Constraint):
    is_discrete = True
    event_dim = 1

    def check(self, value: Any) -> Tensor:
        return boolean.check(value).all(-1) & (value.sum(-1) == 1)


class _Multinomial(Constraint):
    """Counts whose sum is at most `upper_bound`."""

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Any) -> Tensor:
        return (value >= 0).all(-1) & (value.sum(-1) <= self.upper_bound)

    def __repr__(self) -> str:
        return "Multinomial()"


# ---------------------------------------------------------------- matrices


class _Matrix(Constraint):
    event_dim = 2


class _LowerTriangular(_Matrix):
    def check(self, value: Any) -> Tensor:
        return _all(value.tril() == value, 2)


class _LowerCholesky(_LowerTriangular):
    """Lower triangular with a positive diagonal."""

    def check(self, value: Any) -> Tensor:
        return super().check(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    """The factor of a correlation matrix: rows of length 1."""

    def check(self, value: Any) -> Tensor:
        tolerance = 10 * value.shape[-1] * finfo(value.dtype).eps
        return super().check(value) & ((value.norm(dim=-1) - 1).abs() < tolerance).all(-1)


class _Square(_Matrix):
    def check(self, value: Any) -> Tensor:
        return _C.full(
            value.shape[:-2], value.shape[-1] == value.shape[-2], dtype=_C.bool, device=value.device
        )


class _Symmetric(_Square):
    def check(self, value: Any) -> Tensor:
        square = super().check(value)
        if value.shape[-1] != value.shape[-2]:
            return square
        return _all(_C.isclose(value, value.mT, atol=_TOLERANCE), 2)


class _PositiveSemidefinite(_Symmetric):
    def check(self, value: Any) -> Tensor:
        from tinytensor.linalg import eigvalsh

        symmetric = super().check(value)
        return (eigvalsh(value) >= 0).all(-1) if bool(symmetric.all()) else symmetric


class _PositiveDefinite(_Symmetric):
    def check(self, value: Any) -> Tensor:
        from tinytensor.linalg import cholesky_ex

        symmetric = super().check(value)
        return cholesky_ex(value).info == 0 if bool(symmetric.all()) else symmetric


# ---------------------------------------------------------------- made of others


class _IndependentConstraint(Constraint):
    """The last dimensions of a constraint's batch belong to the event."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        if not isinstance(reinterpreted_batch_ndims, int) or reinterpreted_batch_ndims < 0:
            raise ValueError(
                f"independent: reinterpreted_batch_ndims must be an int >= 0, got {reinterpreted_batch_ndims!r}"
            )
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    is_discrete = property(lambda self: self.base_constraint.is_discrete)
    event_dim = property(lambda self: self.base_constraint.event_dim + self.reinterpreted_batch_ndims)

    def check(self, value: Any) -> Tensor:
        return _all(self.base_constraint.check(value), self.reinterpreted_batch_ndims)

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class _Parts(Constraint):
    """Constraints for the parts of a value along one dimension."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0) -> None:
        self.cseq = list(cseq)
        self.dim = dim

    is_discrete = property(lambda self: any(part.is_discrete for part in self.cseq))
    event_dim = property(lambda self: max(part.event_dim for part in self.cseq))

    def _check_dim(self, value: Tensor) -> None:
        if not -value.dim() <= self.dim < value.dim():
            raise ValueError(f"{self!r}: no dimension {self.dim} in a value of shape {tuple(value.shape)}")

    def __repr__(self) -> str:
        return f"{type(self).__name__.lstrip('_')}()"


class _Cat(_Parts):
    """Parts of the given lengths, one after the other."""

    def __init__(
        self, cseq: Sequence[Constraint], dim: int = 0, lengths: Sequence[int] | None = None
    ) -> None:
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise ValueError(f"cat: {len(self.cseq)} constraints but {len(self.lengths)} lengths")

    def check(self, value: Any) -> Tensor:
        self._check_dim(value)
        parts = value.split(self.lengths, self.dim)
        return _C.cat([constraint.check(part) for constraint, part in zip(self.cseq, parts)], self.dim)


class _Stack(_Parts):
    """One constraint for each place."""

    @property
    def event_dim(self) -> int:
        dims = max(part.event_dim for part in self.cseq)
        return dims + 1 if self.dim + dims < 0 else dims

    def check(self, value: Any) -> Tensor:
        self._check_dim(value)
        parts = value.unbind(self.dim)
        if len(parts) != len(self.cseq):
            raise ValueError(f"stack: {len(self.cseq)} constraints for {len(parts)} parts")
        return _C.stack([constraint.check(part) for constraint, part in zip(self.cseq, parts)], self.dim)


class MixtureSameFamilyConstraint(Constraint):
    """The set of a mixture's components, for values without the dimension of components."""

    def __init__(self, base_constraint: Constraint) -> None:
        self.base_constraint = base_constraint

    is_discrete = property(lambda self: self.base_constraint.is_discrete)
    event_dim = property(lambda self: self.base_constraint.event_dim)

    def check(self, value: Any) -> Tensor:
        own = self.base_constraint.event_dim
        return self.base_constraint.check(value.unsqueeze(-1 - own)).all(-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamilyConstraint({self.base_constraint!r})"


# ---------------------------------------------------------------- the names that programs use

dependent = _Dependent()
dependent_property = _DependentProperty
independent = _IndependentConstraint
cat = _Cat
stack = _Stack
boolean = _Boolean()
one_hot = _OneHot()
real = _Real()
real_vector = independent(real, 1)
greater_than = _GreaterThan
greater_than_eq = _GreaterThanEq
less_than = _LessThan
interval = _Interval
half_open_interval = _HalfOpenInterval
integer_interval = _IntegerInterval
multinomial = _Multinomial
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
nonnegative_integer = _IntegerGreaterThan(0)
positive_integer = _IntegerGreaterThan(1)
simplex = _Simplex()
lower_triangular = _LowerTriangular()
lower_cholesky = _LowerCholesky()
corr_cholesky = _CorrCholesky()
square = _Square()
symmetric = _Symmetric()
positive_semidefinite = _PositiveSemidefinite()
positive_definite = _PositiveDefinite()
