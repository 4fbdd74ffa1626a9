"""Categories made continuous: draws that have gradients and, as the temperature falls, become 0 and 1."""

from __future__ import annotations

from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor

from . import constraints
from .categorical import Categorical, _Categories
from .composed import TransformedDistribution
from .counts import Chances
from .distribution import Distribution
from .transforms import ExpTransform, SigmoidTransform
from .utils import Shape, clamp_probs, same_as


class LogitRelaxedBernoulli(Chances):
    """The logits of RelaxedBernoulli."""

    support = constraints.real
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self.temperature = _C.as_tensor(temperature)
        self._take_chances(probs, logits, validate_args)

    def _draw(self, shape: Shape) -> Tensor:
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(_C.rand(shape, dtype=probs.dtype, device=probs.device))
        return (u.log() - (-u).log1p() + probs.log() - (-probs).log1p()) / self.temperature

    def _log_prob(self, value: Tensor) -> Tensor:
        difference = self.logits - value * self.temperature
        return self.temperature.log() + difference - 2 * _C.softplus(difference)


class ExpRelaxedCategorical(_Categories):
    """The logarithm of RelaxedOneHotCategorical."""

    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self.temperature = _C.as_tensor(temperature)
        normalized = Categorical(probs, logits, False)
        name = "probs" if logits is None else "logits"
        self._take_chances(
            **{"probs": None, "logits": None, name: normalized._param},
            validate_args=validate_args,
            event_shape=normalized.param_shape[-1:],
        )

    def _draw(self, shape: Shape) -> Tensor:
        u = clamp_probs(_C.rand(shape, dtype=self.logits.dtype, device=self.logits.device))
        return _C.log_softmax((self.logits - (-u.log()).log()) / self.temperature, -1)

    def _log_prob(self, value: Tensor) -> Tensor:
        count = value.new_tensor(float(self._event_shape[0]))
        constant = count.lgamma() + (count - 1) * self.temperature.log()
        return _C.log_softmax(self.logits - value * self.temperature, -1).sum(-1) + constant


class _Relaxed(TransformedDistribution):
    has_rsample = True
    temperature = same_as("base_dist.temperature")
    logits = same_as("base_dist.logits")
    probs = same_as("base_dist.probs")


class RelaxedBernoulli(_Relaxed):
    """Numbers between 0 and 1, near 1 about as often as probs says."""

    arg_constraints = Chances.arg_constraints
    support: Any = constraints.unit_interval

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base: Distribution = LogitRelaxedBernoulli(temperature, probs, logits, False)
        super().__init__(base, SigmoidTransform(), validate_args)


class RelaxedOneHotCategorical(_Relaxed):
    """Vectors of sum 1, near 1 at a category about as often as probs says."""

    arg_constraints = _Categories.arg_constraints
    support: Any = constraints.simplex

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base: Distribution = ExpRelaxedCategorical(temperature, probs, logits, False)
        super().__init__(base, ExpTransform(), validate_args)
