"""One of several categories: as an index, as a vector with a 1, as counts of many draws."""

from __future__ import annotations

import math
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.functional import broadcast_tensors

from . import constraints
from .constraints import Constraint
from .counts import Binomial, Chances
from .distribution import Distribution
from .utils import Shape, same_as


class _Categories(Chances):
    """Chances along the last dimension."""

    arg_constraints: dict[str, Constraint] = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    _is_binary = False


class Categorical(_Categories):
    """The index of a category. Chances need not sum to 1: they are normalized."""

    has_enumerate_support = True

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
        if probs is not None and probs.dim():
            probs = probs / probs.sum(-1, keepdim=True)
        if logits is not None and logits.dim():
            logits = logits - logits.logsumexp(-1, keepdim=True)
        self._take_chances(probs, logits, validate_args)
        self._num_events = self._param.shape[-1]

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Constraint:
        return constraints.integer_interval(0, self._num_events - 1)

    def _draw(self, shape: Shape) -> Tensor:
        count = math.prod(shape[: len(shape) - len(self._batch_shape)])
        rows = self.probs.reshape(-1, self._num_events)
        return _C.multinomial(rows, count, True).T.reshape(shape)

    def _log_prob(self, value: Tensor) -> Tensor:
        value, logits = broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    @property
    def mean(self) -> Tensor:
        return _C.full_like(self._param[..., 0], math.nan)

    variance = mean

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    def entropy(self) -> Tensor:
        # A category that never comes adds 0, not 0 times infinity.
        return -(self.probs * self.logits.nan_to_num(nan=math.nan)).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._listed(_C.arange(self._num_events, device=self._param.device), expand)


class _OfCategorical(Distribution):
    """A family over vectors, one number for each category of a Categorical."""

    arg_constraints = _Categories.arg_constraints
    _categorical: Categorical

    logits = same_as("_categorical.logits")
    probs = same_as("_categorical.probs")
    param_shape = same_as("_categorical.param_shape")
    _param = same_as("_categorical._param")

    def _take_categorical(self, probs: Any, logits: Any, validate_args: bool | None) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    def _check_parameters(self) -> None:
        """The Categorical has checked them."""


class OneHotCategorical(_OfCategorical):
    """1 at a category, 0 elsewhere."""

    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
        self._take_categorical(probs, logits, validate_args)

    def _hot(self, index: Tensor) -> Tensor:
        return _C.one_hot(index, self._event_shape[0]).to(self._param.dtype)

    def _draw(self, shape: Shape) -> Tensor:
        return self._hot(self._categorical._draw(shape[:-1]))

    def _log_prob(self, value: Tensor) -> Tensor:
        return self._categorical.log_prob(value.argmax(-1))

    mean = same_as("_categorical.probs")

    @property
    def mode(self) -> Tensor:
        return self._hot(self._categorical.mode)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def entropy(self) -> Tensor:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._hot(self._categorical.enumerate_support(expand))


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """A OneHotCategorical whose draws hand gradients to the chances, as if they were these."""

    has_rsample = True

    def _draw(self, shape: Shape) -> Tensor:
        return super()._draw(shape) + (self.probs - self.probs.detach())


class Multinomial(_OfCategorical):
    """How often each category comes in total_count draws."""

    total_count: int

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._take_categorical(probs, logits, validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Constraint:
        return constraints.multinomial(self.total_count)

    def _draw(self, shape: Shape) -> Tensor:
        indices = self._categorical._draw((self.total_count, *shape[:-1])).unsqueeze(-1)
        indices = indices.transpose(0, -1).squeeze(0)  # the draws along the last dimension
        return self._param.new_zeros(shape).scatter_add(-1, indices, self._param.new_ones(indices.shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_tensors(self.logits, value)
        logits = logits.masked_fill((value == 0) & (logits == -math.inf), 0.0)
        return (value.sum(-1) + 1).lgamma() + (logits * value - (value + 1).lgamma()).sum(-1)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def entropy(self) -> Tensor:
        # n H - log n! + the mean of the sum of log x_i!, where x_i is binomial
        binomial = Binomial(self.total_count, self.probs, validate_args=False)
        counts = binomial.enumerate_support(False)
        mean = (binomial._log_prob(counts).exp() * (counts + 1).lgamma()).sum((0, -1))
        return self.total_count * self._categorical.entropy() - math.lgamma(self.total_count + 1) + mean
