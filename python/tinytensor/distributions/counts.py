"""Successes and failures, and how many of them: distributions over 0, 1, 2, ..."""

from __future__ import annotations

import math
from typing import Any

from tinytensor import _C
from tinytensor._C import Size, Tensor
from tinytensor.functional import broadcast_tensors

from . import constraints
from .constraints import Constraint
from .distribution import Distribution, ExponentialFamily
from .utils import Shape, lazy_property, logits_to_probs, probs_to_logits, same_as, tiny_of


class Chances(Distribution):
    """A family with a parameter `probs` that can be given as `logits`."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    _is_binary = True

    def _take_chances(
        self,
        probs: Any,
        logits: Any,
        validate_args: bool | None,
        event_shape: Any = (),
        **others: Any,
    ) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        self._take(validate_args, event_shape, **others, probs=probs, logits=logits)

    @lazy_property
    def probs(self) -> Tensor:
        """The chance."""
        return logits_to_probs(self.logits, self._is_binary)

    @lazy_property
    def logits(self) -> Tensor:
        """log(p / (1 - p)) of a binary chance, else log(p) up to a constant."""
        return probs_to_logits(self.probs, self._is_binary)

    @property
    def _param(self) -> Tensor:
        return self.probs if "probs" in self._taken else self.logits

    @property
    def param_shape(self) -> Size:
        """The shape of probs, or logits."""
        return self._param.shape

    def _log_odds(self, value: Tensor) -> Tensor:
        """value log(p) + (1 - value) log(1 - p)"""
        logits, value = broadcast_tensors(self.logits, value)
        return -_C.binary_cross_entropy_with_logits(logits, value, reduction="none")

    def _listed(self, values: Tensor, expand: bool) -> Tensor:
        """Values along a new first dimension."""
        values = values.reshape((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1,) + tuple(self._batch_shape)) if expand else values


class Bernoulli(Chances, ExponentialFamily):
    """1 with the chance probs, else 0."""

    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0.0

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._take_chances(probs, logits, validate_args)

    def _draw(self, shape: Shape) -> Tensor:
        return _C.bernoulli(self.probs.expand(shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        return self._log_odds(value)

    mean = same_as("probs")

    @property
    def mode(self) -> Tensor:
        return (self.probs >= 0.5).to(self.probs.dtype).masked_fill(self.probs == 0.5, math.nan)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def entropy(self) -> Tensor:
        return -self._log_odds(self.probs)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._listed(_C.arange(2, dtype=self._param.dtype, device=self._param.device), expand)

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return _C.softplus(natural_params[0])


class Geometric(Chances):
    """The failures before the first success."""

    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._take_chances(probs, logits, validate_args)
        if self._validate_args and "probs" in self._taken and not bool((self.probs > 0).all()):
            raise ValueError(
                f"Expected parameter probs (Tensor of shape {tuple(self.probs.shape)}) of distribution {self!r} to be "
                f"positive but found invalid values:\n{self.probs}"
            )

    def _draw(self, shape: Shape) -> Tensor:
        u = self.probs.new_empty(shape).uniform_(tiny_of(self.probs), 1)
        return (u.log() / (-self.probs).log1p()).floor()

    def _log_prob(self, value: Tensor) -> Tensor:
        failing = _C.where((self.probs == 1) & (value == 0), 0.0, self.probs)  # no failure, no log(0)
        return value * (-failing).log1p() + self.probs.log()

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return _C.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def entropy(self) -> Tensor:
        return -self._log_odds(self.probs) / self.probs


def _like_chances(count: Any, probs: Any, logits: Any) -> Any:
    """A count of the dtype of chances."""
    given = probs if probs is not None else logits
    if not isinstance(count, Tensor):
        return count
    return count.to(given.dtype if isinstance(given, Tensor) else _C.get_default_dtype())


class Binomial(Chances):
    """The successes in total_count trials."""

    arg_constraints: dict[str, Constraint] = {
        "total_count": constraints.nonnegative_integer,
        **Chances.arg_constraints,
    }
    has_enumerate_support = True
    total_count: Tensor

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        count = _like_chances(total_count, probs, logits)
        self._take_chances(probs, logits, validate_args, total_count=count)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Constraint:
        return constraints.integer_interval(0, self.total_count)

    def _draw(self, shape: Shape) -> Tensor:
        return _C.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        n, logits = self.total_count, self.logits
        choices = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        # value log(p) + (n - value) log(1 - p) with log(1 - p) = -softplus(logits), exact for large logits
        return choices + value * logits - n * (logits.clamp(min=0) + (-logits.abs()).exp().log1p())

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return _C.minimum(((self.total_count + 1) * self.probs).floor(), self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def entropy(self) -> Tensor:
        log_prob = self._log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        most = int(self.total_count.max())
        if int(self.total_count.min()) != most:
            raise NotImplementedError("Inhomogeneous total count not supported by `enumerate_support`.")
        return self._listed(_C.arange(1 + most, dtype=self._param.dtype, device=self._param.device), expand)


class NegativeBinomial(Chances):
    """The successes, each of the chance probs, before total_count failures."""

    arg_constraints: dict[str, Constraint] = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer
    total_count: Tensor

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        count = _like_chances(total_count, probs, logits)
        self._take_chances(probs, logits, validate_args, total_count=count)

    def _draw(self, shape: Shape) -> Tensor:
        from .gamma import Gamma

        return _C.poisson(Gamma(self.total_count, (-self.logits).exp(), False)._draw(shape).detach())

    def _log_prob(self, value: Tensor) -> Tensor:
        n = self.total_count
        choices = (n + value).lgamma() - (value + 1).lgamma() - n.lgamma()
        choices = choices.masked_fill(n + value == 0, 0.0)
        return n * _C.logsigmoid(-self.logits) + value * _C.logsigmoid(self.logits) + choices

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.mean / (-self.logits).sigmoid()


class Poisson(ExponentialFamily):
    """How often something happens, in the mean `rate` times."""

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer
    rate: Tensor

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, rate=rate)

    def _draw(self, shape: Shape) -> Tensor:
        return _C.poisson(self.rate.expand(shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        return _C.xlogy(value, self.rate) - self.rate - (value + 1).lgamma()

    mean = variance = same_as("rate")

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.rate.log(),)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return natural_params[0].exp()

    @property
    def _expected_statistics(self) -> tuple[Tensor, ...]:
        return (self.rate,)
