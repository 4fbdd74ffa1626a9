"""Kullback-Leibler divergence: the mean under p of log p(x) - log q(x).

Pairs of one family have formulas of their own, in which what is equal cancels. For two families it is -H(p) - E[log q(x)]:
a family tells E[log q(x)] in terms of E[x], E[log x] and the like under p, and that serves all p that know these.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import total_ordering
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.functional import broadcast_shapes

from .categorical import Categorical, OneHotCategorical
from .composed import Independent, TransformedDistribution
from .counts import Bernoulli, Binomial, Geometric, Poisson
from .derived import HalfNormal, Pareto
from .distribution import Distribution, ExponentialFamily
from .gamma import Beta, Dirichlet, Exponential, Gamma
from .location_scale import Cauchy, Gumbel, Laplace, Normal
from .multivariate_normal import (
    LowRankMultivariateNormal,
    MultivariateNormal,
    log_diagonal,
    solve_lower,
    square_length,
)
from .uniform import ContinuousBernoulli, Uniform
from .utils import euler_constant, sum_rightmost

__all__ = ["kl_divergence", "register_kl"]

_Formula = Callable[[Any, Any], Tensor]
_registry: dict[tuple[type, type], _Formula] = {}
_found: dict[tuple[type, type], _Formula | None] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[_Formula], _Formula]:
    """A decorator: the function holds for p and q of these classes, and for subclasses without a closer one."""
    for given in (type_p, type_q):
        if not (isinstance(given, type) and issubclass(given, Distribution)):
            raise TypeError(f"register_kl: expected a Distribution subclass but got {given!r}")

    def register(formula: _Formula) -> _Formula:
        _registry[type_p, type_q] = formula
        _found.clear()
        return formula

    return register


@total_ordering
class _Closeness:
    """Orders pairs of classes: a subclass is closer, the first counts before the second."""

    def __init__(self, *types: type) -> None:
        self.types = types

    def __eq__(self, other: Any) -> bool:
        return self.types == other.types

    def __le__(self, other: Any) -> bool:
        for own, others in zip(self.types, other.types):
            if not issubclass(own, others):
                return False
            if own is not others:
                break
        return True


def _closest(type_p: type, type_q: type) -> _Formula | None:
    fitting = [(a, b) for a, b in _registry if issubclass(type_p, a) and issubclass(type_q, b)]
    if not fitting:
        return None
    by_p = min(_Closeness(a, b) for a, b in fitting).types
    by_q = min(_Closeness(b, a) for a, b in fitting).types[::-1]
    if _registry[by_p] is not _registry[by_q]:  # type: ignore[index]
        names = [f"kl_divergence({a.__name__}, {b.__name__})" for a, b in (by_p, by_q)]
        warnings.warn(f"{names[0]} and {names[1]} are equally close: the first is taken", RuntimeWarning)
    return _registry[by_p]  # type: ignore[index]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p || q), for each of the batch."""
    kinds = type(p), type(q)
    if kinds not in _found:
        _found[kinds] = _closest(*kinds)
    formula = _found[kinds]
    if formula is None:
        names = f"p type {kinds[0].__name__} and q type {kinds[1].__name__}"
        raise NotImplementedError(f"No KL(p || q) is implemented for {names}")
    return formula(p, q)


# ---------------------------------------------------------------- one family


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: Any, q: Any) -> Tensor:
    """A(theta_q) - A(theta_p) - E_p[t] . (theta_q - theta_p)"""
    if type(p) is not type(q):
        names = f"{type(p).__name__} and {type(q).__name__}"
        raise NotImplementedError(
            f"kl_divergence: the cross KL of exponential families {names} is not implemented"
        )
    return _divergence_of_normalizers(p, q)


def _divergence_of_normalizers(p: Any, q: Any) -> Tensor:
    theta_p, theta_q = p._natural_params, q._natural_params
    difference = [b - a for a, b in zip(theta_p, theta_q)]
    products = [mean * d for mean, d in zip(p._expected_statistics, difference)]
    dims = max(len(p.batch_shape), len(q.batch_shape))
    inner = sum(sum_rightmost(product, product.dim() - dims) for product in products)
    return q._log_normalizer(*theta_q) - p._log_normalizer(*theta_p) - inner


for _family in (Gamma, Exponential, Dirichlet, Poisson, ContinuousBernoulli):
    register_kl(_family, _family)(_divergence_of_normalizers)


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    return _divergence_of_normalizers(p._dirichlet, q._dirichlet)


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Tensor:
    ratio = (p.scale / q.scale).square()
    distance = ((p.loc - q.loc) / q.scale).square()
    return 0.5 * (ratio + distance - 1 - ratio.log())


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Tensor:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return ratio * (-distance / p.scale).exp() + distance / q.scale - ratio.log() - 1


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Tensor:
    above = (p.scale + q.scale).square() + (p.loc - q.loc).square()
    return above.log() - (4 * p.scale * q.scale).log()


@register_kl(Pareto, Pareto)
def _pareto(p: Any, q: Any) -> Tensor:
    ratio = q.alpha / p.alpha
    value = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return _C.where(q.scale <= p.scale, value, math.inf)


def _information(chance: Tensor, other: Tensor, log_ratio: Tensor) -> Tensor:
    """p log(p / q), where 0 log 0 is 0."""
    value = (chance * log_ratio).masked_fill(chance == 0, 0.0)
    return value.masked_fill((other == 0) & (chance != 0), math.inf)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Tensor:
    p_log, q_log = p.logits, q.logits
    success = _information(p.probs, q.probs, _C.logsigmoid(p_log) - _C.logsigmoid(q_log))
    failure = _information(1 - p.probs, 1 - q.probs, _C.logsigmoid(-p_log) - _C.logsigmoid(-q_log))
    return success + failure


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Tensor:
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    value = p.total_count * _bernoulli(p, q)
    return _C.where(p.total_count > q.total_count, math.inf, value)


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Tensor:
    return -p.entropy() - _C.log1p(-q.probs) / p.probs - q.logits


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Tensor:
    return _information(p.probs, q.probs, p.logits - q.logits).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Tensor:
    return _categorical(p._categorical, q._categorical)


# ---------------------------------------------------------------- normal vectors


def _check_events(p: Distribution, q: Distribution) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"KL-divergence of normal vectors with different event shapes: {p.event_shape} and {q.event_shape}"
        )


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: Any, q: Any) -> Tensor:
    """(tr(S_q^-1 S_p) + |L_q^-1 (m_p - m_q)|^2 - d + log det S_q - log det S_p) / 2"""
    _check_events(p, q)
    shape = broadcast_shapes(p.batch_shape, q.batch_shape) + p.event_shape * 2
    relative = solve_lower(q.scale_tril.expand(shape), p.scale_tril.expand(shape))
    distance = square_length(q.scale_tril, p.loc - q.loc)
    log_ratio = log_diagonal(q.scale_tril) - log_diagonal(p.scale_tril)
    return 0.5 * (relative.square().sum((-2, -1)) + distance - p.event_shape[0]) + log_ratio


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _low_rank_normal(p: Any, q: Any) -> Tensor:
    _check_events(p, q)
    return _multivariate_normal(
        *(MultivariateNormal(x.loc, scale_tril=x.scale_tril, validate_args=False) for x in (p, q))
    )


# ---------------------------------------------------------------- made of others


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError(f"kl_divergence: {p!r} and {q!r} have different transforms")
    own = len(p.event_shape) - len(p.base_dist.event_shape)
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), max(own, 0))


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(
            f"kl_divergence: {p.reinterpreted_batch_ndims} and {q.reinterpreted_batch_ndims} independent dimensions"
        )
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


# ---------------------------------------------------------------- two families: what p knows


def _x_log_x(x: Tensor) -> Tensor:
    return _C.xlogy(x, x)


# E[log x], of families over positive numbers
_MEAN_LOG: dict[type, Callable[[Any], Tensor]] = {
    Beta: lambda p: p._expected_statistics[0][..., 0],
    Exponential: lambda p: -euler_constant - p.rate.log(),
    Gamma: lambda p: p._expected_statistics[0],
    Pareto: lambda p: p.scale.log() + p.alpha.reciprocal(),
    Uniform: lambda p: (_x_log_x(p.high) - _x_log_x(p.low)) / (p.high - p.low) - 1,
}
# E[log(1 - x)], of families over [0, 1]
_MEAN_LOG_REST: dict[type, Callable[[Any], Tensor]] = {
    Beta: lambda p: p._expected_statistics[0][..., 1],
    Uniform: lambda p: (_x_log_x(1 - p.low) - _x_log_x(1 - p.high)) / (p.high - p.low) - 1,
}
# log E[exp(t x)]
_LOG_MEAN_EXP: dict[type, Callable[[Any, Tensor], Tensor]] = {
    Normal: lambda p, t: t * p.loc + 0.5 * (t * p.scale).square(),
    Exponential: lambda p, t: -(-t / p.rate).log1p(),
    Gamma: lambda p, t: -p.concentration * (-t / p.rate).log1p(),
    Gumbel: lambda p, t: t * p.loc + (1 - t * p.scale).lgamma(),
    Uniform: lambda p, t: t * p.low + ((t * (p.high - p.low)).expm1() / (t * (p.high - p.low))).log(),
}
# The ends of what p draws
_BOUNDS: dict[type, Callable[[Any], tuple[Any, Any]]] = {
    **dict.fromkeys((Beta, ContinuousBernoulli), lambda p: (0.0, 1.0)),
    **dict.fromkeys((Exponential, Gamma), lambda p: (0.0, math.inf)),
    **dict.fromkeys((Gumbel, Laplace, Normal), lambda p: (-math.inf, math.inf)),
    Pareto: lambda p: (p.scale, math.inf),
    Uniform: lambda p: (p.low, p.high),
}

# ---------------------------------------------------------------- two families: what q asks


def _under(table: dict[type, Callable], p: Any, *more: Any) -> Tensor:
    return next(table[kind] for kind in type(p).__mro__ if kind in table)(p, *more)


def _mean_log_normal(p: Any, q: Any) -> Tensor:
    spread = p.variance + (p.mean - q.loc).square()
    return -0.5 * spread / q.scale.square() - q.scale.log() - 0.5 * math.log(2 * math.pi)


def _mean_log_exponential(p: Any, q: Any) -> Tensor:
    return q.rate.log() - q.rate * p.mean


def _mean_log_gamma(p: Any, q: Any) -> Tensor:
    a, rate = q.concentration, q.rate
    return a * rate.log() - a.lgamma() + (a - 1) * _under(_MEAN_LOG, p) - rate * p.mean


def _mean_log_beta(p: Any, q: Any) -> Tensor:
    first, rest = q.concentration1, q.concentration0
    constant = q._dirichlet._log_normalizer(q._dirichlet.concentration)
    return (first - 1) * _under(_MEAN_LOG, p) + (rest - 1) * _under(_MEAN_LOG_REST, p) - constant


def _mean_log_pareto(p: Any, q: Any) -> Tensor:
    return q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * _under(_MEAN_LOG, p)


def _mean_log_gumbel(p: Any, q: Any) -> Tensor:
    slope = -q.scale.reciprocal()
    power = (_under(_LOG_MEAN_EXP, p, slope) + q.loc / q.scale).exp()
    return (p.mean - q.loc) * slope - power - q.scale.log()


def _mean_log_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return q._log_odds(p.mean) + q._log_constant


def _mean_log_uniform(p: Any, q: Any) -> Tensor:
    return -(q.high - q.low).log()


def _mean_log_laplace(p: Any, q: Any) -> Tensor:
    """From the mean of |x - loc| of normal numbers."""
    z = (p.loc - q.loc) / p.scale
    size = p.scale * (math.sqrt(2 / math.pi) * (-0.5 * z.square()).exp() + z * (z * math.sqrt(0.5)).erf())
    return -size / q.scale - (2 * q.scale).log()


_LOGARITHMIC = (Beta, Exponential, Gamma, Gumbel, Laplace, Normal, Pareto, Uniform)
_REAL = (ContinuousBernoulli, *_LOGARITHMIC)
_ASKED: dict[type, tuple[tuple[type, ...], _Formula]] = {
    Normal: (_REAL, _mean_log_normal),
    Laplace: ((Normal,), _mean_log_laplace),
    Gumbel: (tuple(_LOG_MEAN_EXP), _mean_log_gumbel),
    Exponential: (_REAL, _mean_log_exponential),
    Gamma: (_LOGARITHMIC, _mean_log_gamma),
    Beta: (_LOGARITHMIC, _mean_log_beta),
    ContinuousBernoulli: (_REAL, _mean_log_continuous_bernoulli),
    Pareto: (_REAL, _mean_log_pareto),
    Uniform: (_REAL, _mean_log_uniform),
}


def _within(p: Any, q: Any) -> Tensor:
    """Whether q may draw what p draws."""
    (low, high), (q_low, q_high) = _under(_BOUNDS, p), _under(_BOUNDS, q)
    shape = broadcast_shapes(p.batch_shape, q.batch_shape)
    model = p.mean
    low, high, q_low, q_high = (
        _C.as_tensor(x, dtype=model.dtype, device=model.device) for x in (low, high, q_low, q_high)
    )
    return ((q_low <= low) & (high <= q_high)).expand(shape)


def _across(mean_log: _Formula) -> _Formula:
    def formula(p: Any, q: Any) -> Tensor:
        within = _within(p, q)
        if not bool(within.any()):
            return _C.full_like(within, math.inf, dtype=p.mean.dtype)
        return _C.where(within, -p.entropy() - mean_log(p, q), math.inf)

    return formula


for _q, (_asking, _mean_log) in _ASKED.items():
    for _p in _asking:
        if (_p, _q) not in _registry:
            register_kl(_p, _q)(_across(_mean_log))


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Any, q: Any) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Poisson, Bernoulli)
@register_kl(Poisson, Binomial)
def _poisson_bounded(p: Any, q: Any) -> Tensor:
    shape = broadcast_shapes(p.batch_shape, q.batch_shape)
    return _C.full(shape, math.inf, dtype=p.rate.dtype, device=p.rate.device)
