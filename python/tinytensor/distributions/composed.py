"""Distributions made of others: transformed, with more dimensions in the event, mixed."""

from __future__ import annotations

from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor

from . import constraints
from .categorical import Categorical
from .constraints import Constraint
from .distribution import Distribution
from .transforms import ComposeTransform, Transform
from .utils import Shape, sum_rightmost


def _draw_from(base: Distribution, shape: Shape) -> Tensor:
    """Draws of a shape that ends in the base's: with gradients where it has them."""
    sample_shape = shape[: len(shape) - len(base.batch_shape) - len(base.event_shape)]
    return base.rsample(sample_shape) if base.has_rsample else base.sample(sample_shape)


class TransformedDistribution(Distribution):
    """Draws of a base distribution, after transforms."""

    arg_constraints: dict[str, Constraint] = {}
    has_rsample: Any = property(lambda self: self.base_dist.has_rsample)

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | list[Transform],
        validate_args: bool | None = None,
    ) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else transforms
        if not isinstance(self.transforms, list) or not all(
            isinstance(t, Transform) for t in self.transforms
        ):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        whole = ComposeTransform(self.transforms)
        base = base_distribution
        before, own = base.batch_shape + base.event_shape, len(base.event_shape)
        domain_dim, codomain_dim = whole.domain.event_dim, whole.codomain.event_dim
        if len(before) < domain_dim:
            raise ValueError(
                f"base_distribution needs to have shape with size at least {domain_dim}, but got {before}."
            )
        after = whole.forward_shape(before)
        grown = whole.inverse_shape(after)
        if grown != before:
            base = base.expand(grown[: len(grown) - own])
        if domain_dim > own:
            base = Independent(base, domain_dim - own)
        self.base_dist = base
        cut = len(after) - codomain_dim - max(len(base.event_shape) - domain_dim, 0)
        super().__init__(after[:cut], after[cut:], validate_args)

    @constraints.dependent_property
    def support(self) -> Constraint:
        if not self.transforms:
            return self.base_dist.support
        support = self.transforms[-1].codomain
        more = len(self.event_shape) - support.event_dim
        return constraints.independent(support, more) if more > 0 else support

    def _draw(self, shape: Shape) -> Tensor:
        # Transforms keep the dimensions of samples, which come first.
        count = len(shape) - len(self._batch_shape) - len(self._event_shape)
        x = _draw_from(self.base_dist, self.base_dist._extended_shape(shape[:count]))
        for transform in self.transforms:
            x = transform(x)
        return x

    def _log_prob(self, value: Tensor) -> Tensor:
        dims = len(self.event_shape)
        total: Any = 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(value)
            dims += transform.domain.event_dim - transform.codomain.event_dim
            slope = transform.log_abs_det_jacobian(x, value)
            total = total - sum_rightmost(slope, dims - transform.domain.event_dim)
            value = x
        return total + sum_rightmost(self.base_dist.log_prob(value), dims - len(self.base_dist.event_shape))

    def _mirrored(self, chance: Tensor) -> Tensor:
        """1 - chance where the transforms turn the order round."""
        sign: Any = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        return chance if isinstance(sign, int) and sign == 1 else sign * (chance - 0.5) + 0.5

    def _cdf(self, value: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        return self._mirrored(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        value = self.base_dist.icdf(self._mirrored(value))
        for transform in self.transforms:
            value = transform(value)
        return value


class Independent(Distribution):
    """A distribution of which the last dimensions of the batch belong to the event."""

    arg_constraints: dict[str, Constraint] = {}

    def __init__(
        self,
        base_distribution: Distribution,
        reinterpreted_batch_ndims: int,
        validate_args: bool | None = None,
    ) -> None:
        shape = base_distribution.batch_shape
        if reinterpreted_batch_ndims > len(shape):
            raise ValueError(
                "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), "
                f"actual {reinterpreted_batch_ndims} vs {len(shape)}"
            )
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        cut = len(shape) - reinterpreted_batch_ndims
        super().__init__(shape[:cut], shape[cut:] + base_distribution.event_shape, validate_args)

    has_rsample: Any = property(lambda self: self.base_dist.has_rsample)
    has_enumerate_support: Any = property(
        lambda self: not self.reinterpreted_batch_ndims and self.base_dist.has_enumerate_support
    )
    mean: Any = property(lambda self: self.base_dist.mean)
    mode: Any = property(lambda self: self.base_dist.mode)
    variance: Any = property(lambda self: self.base_dist.variance)

    @constraints.dependent_property
    def support(self) -> Constraint:
        support = self.base_dist.support
        more = self.reinterpreted_batch_ndims
        return constraints.independent(support, more) if more else support

    def _draw(self, shape: Shape) -> Tensor:
        return _draw_from(self.base_dist, shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Tensor:
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        if self.reinterpreted_batch_ndims > 0:
            raise NotImplementedError("Enumeration over cartesian product is not implemented")
        return self.base_dist.enumerate_support(expand=expand)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamily(Distribution):
    """A draw of one of several distributions, which are the last dimension of the components' batch."""

    arg_constraints: dict[str, Constraint] = {}

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        mixture, component = mixture_distribution, component_distribution
        if not isinstance(mixture, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an instance of torch.distributions.Categorical, got "
                f"{type(mixture).__name__}"
            )
        if not isinstance(component, Distribution):
            raise ValueError(
                "The Component distribution need to be an instance of torch.distributions.Distribution, got "
                f"{type(component).__name__}"
            )
        count = mixture.logits.shape[-1]
        if component.batch_shape[-1:] != (count,):
            raise ValueError(
                f"`mixture_distribution` has {count} components, but `component_distribution.batch_shape` is "
                f"{tuple(component.batch_shape)}"
            )
        batch_shape = component.batch_shape[:-1]
        if mixture.batch_shape != batch_shape:
            mixture = mixture.expand(batch_shape)
        self._mixture_distribution = mixture
        self._component_distribution = component
        super().__init__(batch_shape, component.event_shape, validate_args)

    @constraints.dependent_property
    def support(self) -> Constraint:
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """Which component how often."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components."""
        return self._component_distribution

    def _pad(self, value: Tensor) -> Tensor:
        """With a dimension for the components."""
        return value.unsqueeze(-1 - len(self._event_shape))

    def _average(self, values: Tensor) -> Tensor:
        """The mean over components of something of the shape of events."""
        dims = len(self._event_shape)
        probs = self._mixture_distribution.probs
        return (probs.reshape(probs.shape + (1,) * dims) * values).sum(-1 - dims)

    @property
    def mean(self) -> Tensor:
        return self._average(self._component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        component = self._component_distribution
        return self._average(component.variance + (component.mean - self._pad(self.mean)).square())

    def _cdf(self, value: Tensor) -> Tensor:
        chances = self._component_distribution.cdf(self._pad(value))
        return (chances * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate(value)
        each = self._component_distribution.log_prob(self._pad(value))
        return (each + _C.log_softmax(self._mixture_distribution.logits, -1)).logsumexp(-1)

    def _draw(self, shape: Shape) -> Tensor:
        dims = len(self._event_shape)
        sample_shape = shape[: len(shape) - dims - len(self._batch_shape)]
        which = self._mixture_distribution.sample(sample_shape)
        drawn = self._component_distribution.sample(sample_shape)
        place = which.reshape(which.shape + (1,) * (dims + 1)).expand(which.shape + (1,) + self._event_shape)
        return drawn.gather(-1 - dims, place).squeeze(-1 - dims)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self._mixture_distribution},\n  {self._component_distribution})"
