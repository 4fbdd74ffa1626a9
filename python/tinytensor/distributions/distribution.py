"""What all distributions are made of.

A family names its parameters in `arg_constraints`, hands them to `_take`, and writes `_draw`, `_log_prob` and `_cdf`:
broadcasting, checking, expanding and printing are here, for all of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

from tinytensor._C import Size, Tensor
from tinytensor.autograd import grad
from tinytensor.autograd.grad_mode import enable_grad, no_grad
from tinytensor.functional import broadcast_shapes

from . import constraints
from .constraints import Constraint
from .utils import Shape, as_tensors, lazy_property, sum_rightmost


def _refuse(distribution: Any, name: str) -> NoReturn:
    raise NotImplementedError(f"{type(distribution).__name__}.{name} is not implemented")


def _missing(name: str, doc: str) -> property:
    return property(lambda self: _refuse(self, name), doc=doc)


class Distribution:
    """A batch of independent probability distributions over events."""

    has_rsample: Any = False
    has_enumerate_support: Any = False
    arg_constraints: dict[str, Constraint] = {}
    _validate_args = __debug__
    _taken: frozenset[str] = frozenset()  # names of the parameters that were given

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether arguments are checked where `validate_args` is not given."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: expected True or False, got {value!r}")
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Sequence[int] = Size(),
        event_shape: Sequence[int] = Size(),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    # ---------------------------------------------------------------- parameters

    def _take(self, validate_args: bool | None, event_shape: Sequence[int] = (), **parameters: Any) -> None:
        """Keeps the parameters that are not None, broadcast up to their own event dimensions."""
        given = {name: value for name, value in parameters.items() if value is not None}
        tensors = as_tensors(tuple(given.values()))
        events = []
        for name, tensor in zip(given, tensors):
            dims = self.arg_constraints[name].event_dim if name in self.arg_constraints else 0
            if tensor.dim() < dims:
                size = {1: "one", 2: "two"}[dims]
                raise ValueError(f"`{name}` parameter must be at least {size}-dimensional.")
            events.append(tensor.shape[tensor.dim() - dims :])
        batch_shape = broadcast_shapes(
            *(tensor.shape[: tensor.dim() - len(event)] for tensor, event in zip(tensors, events))
        )
        for name, tensor, event in zip(given, tensors, events):
            setattr(self, name, tensor.expand(batch_shape + event))
        self._taken = frozenset(given)
        Distribution.__init__(self, batch_shape, event_shape, validate_args)

    def _check_parameters(self) -> None:
        for name, constraint in self.arg_constraints.items():
            derived = isinstance(getattr(type(self), name, None), lazy_property) and name not in vars(self)
            if derived or constraints.is_dependent(constraint):
                continue
            value = getattr(self, name)
            if not bool(constraint.check(value).all()):
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                    f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """The same distribution for a larger batch; parameters share their memory with those here."""
        new = self._get_checked_instance(type(self), _instance)
        batch_shape, own = Size(batch_shape), len(self._batch_shape)
        for name, value in vars(self).items():
            if isinstance(value, Distribution):
                value = value.expand(batch_shape + value.batch_shape[own:])
            elif isinstance(value, Tensor) and (name in self._taken or name in self.arg_constraints):
                value = value.expand(batch_shape + value.shape[own:])
            elif isinstance(getattr(type(self), name, None), lazy_property):
                continue
            vars(new)[name] = value
        new._batch_shape = batch_shape
        return new

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        return type(self).__new__(type(self)) if _instance is None else _instance

    def __repr__(self) -> str:
        values = {name: vars(self)[name] for name in self.arg_constraints if name in vars(self)}
        shown = (f"{n}: {value if value.numel() == 1 else value.size()}" for n, value in values.items())
        return f"{type(self).__name__}({', '.join(shown)})"

    # ---------------------------------------------------------------- shapes

    @property
    def batch_shape(self) -> Size:
        """The shape over which parameters vary."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of a single draw."""
        return self._event_shape

    def _extended_shape(self, sample_shape: Sequence[int] = Size()) -> Size:
        """The shape of draws: sample_shape + batch_shape + event_shape."""
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    # ---------------------------------------------------------------- draws

    def _draw(self, shape: Shape) -> Tensor:
        """Draws of an extended shape, which parameters reach by gradients if `has_rsample`."""
        return self.rsample(shape[: len(shape) - len(self._batch_shape) - len(self._event_shape)])

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        """Draws, without gradients."""
        with no_grad():
            return self._draw(self._extended_shape(sample_shape))

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        """Draws through which gradients reach the parameters."""
        if not self.has_rsample or type(self)._draw is Distribution._draw:
            raise NotImplementedError(f"{type(self).__name__}.rsample: draws have no gradients here")
        return self._draw(self._extended_shape(sample_shape))

    def sample_n(self, n: int) -> Tensor:
        """n draws."""
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", FutureWarning, stacklevel=2
        )
        return self.sample((n,))

    # ---------------------------------------------------------------- functions of a value

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the chance, at value."""
        self._validate(value)
        return self._log_prob(value)

    def cdf(self, value: Tensor) -> Tensor:
        """The chance of a draw up to value."""
        self._validate(value)
        return self._cdf(value)

    def icdf(self, value: Tensor) -> Tensor:
        """The inverse of cdf: where a draw lies below with the chance value."""
        _refuse(self, "icdf")

    def _log_prob(self, value: Tensor) -> Tensor:
        _refuse(self, "log_prob")

    def _cdf(self, value: Tensor) -> Tensor:
        _refuse(self, "cdf")

    def _validate(self, value: Tensor) -> None:
        if self._validate_args:
            self._validate_sample(value)

    def _validate_sample(self, value: Tensor) -> None:
        """ValueError where value is no possible draw."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, event = value.shape, self._event_shape
        if shape[max(0, len(shape) - len(event)) :] != event:
            raise ValueError(f"The right-most size of value must match event_shape: {shape} vs {event}.")
        expected = self._batch_shape + event
        if any(a != 1 and b != 1 and a != b for a, b in zip(reversed(shape), reversed(expected))):
            raise ValueError(
                f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {expected}."
            )
        support = self.support
        if not bool(support.check(value).all()):
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(shape)}) to be within the support "
                f"({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    # ---------------------------------------------------------------- what a family tells of itself

    support: Any = _missing("support", "The set of possible draws.")
    mean: Any = _missing("mean", "The mean.")
    mode: Any = _missing("mode", "Where the density or the chance is highest.")
    variance: Any = _missing("variance", "The variance.")

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def entropy(self) -> Tensor:
        """The mean of -log_prob."""
        _refuse(self, "entropy")

    def perplexity(self) -> Tensor:
        """exp(entropy)"""
        return self.entropy().exp()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All possible events along a new first dimension, for each of the batch if `expand`."""
        _refuse(self, "enumerate_support")


class ExponentialFamily(Distribution):
    """Densities h(x) exp(theta . t(x) - A(theta)).

    A family tells theta in `_natural_params`, A in `_log_normalizer`, the mean of log h(x) in `_mean_carrier_measure`,
    and may tell the mean of t(x) in `_expected_statistics`: it is the gradient of A.
    """

    _natural_params: Any = _missing("_natural_params", "theta")
    _mean_carrier_measure: Any = _missing("_mean_carrier_measure", "The mean of log h(x).")

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        _refuse(self, "_log_normalizer")

    @property
    def _expected_statistics(self) -> tuple[Tensor, ...]:
        with enable_grad():
            params = [p if p.requires_grad else p.detach().requires_grad_() for p in self._natural_params]
            return grad(self._log_normalizer(*params).sum(), params, create_graph=True)

    def _inner(self, params: Sequence[Tensor]) -> Any:
        """params . E[t(x)]"""
        products = [p * mean for p, mean in zip(params, self._expected_statistics)]
        return sum(sum_rightmost(product, product.dim() - len(self._batch_shape)) for product in products)

    def entropy(self) -> Tensor:
        params = self._natural_params
        return self._log_normalizer(*params) - self._inner(params) - self._mean_carrier_measure
