"""Many elements to one: sums, extremes, moments, norms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.onnx._graph import Graph, Table, axes_of, axis_of
from tinytensor.onnx._sizes import is_dynamic, product

TABLE = Table()


def _reduced(g: Graph, kind: str, input: Any, x: Tensor, dim: Any, keepdim: bool) -> str:
    return (
        g.reduce(kind, input, None if dim is None else axes_of(x, dim), keepdim) if x.ndim else g.name(input)
    )


@TABLE.writes("sum", "mean")
def total(g: Graph, input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> str:
    kind = "ReduceSum" if g.operator == "sum" else "ReduceMean"
    return _reduced(g, kind, g.cast(input, g.result.dtype), input, dim, keepdim)


@TABLE.writes("prod", "amax", "amin")
def extreme_or_product(
    g: Graph, input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> str:
    kind = {"prod": "ReduceProd", "amax": "ReduceMax", "amin": "ReduceMin"}[g.operator]
    return _reduced(g, kind, g.cast(input, g.result.dtype), input, dim, keepdim)


@TABLE.writes("logsumexp")
def logsumexp(g: Graph, input: Tensor, dim: Any, keepdim: bool = False) -> str:
    return _reduced(g, "ReduceLogSumExp", g.cast(input, g.result.dtype), input, dim, keepdim)


@TABLE.writes("any", "all")
def any_or_all(g: Graph, input: Tensor, dim: Any = None, keepdim: bool = False) -> str:
    kind = "ReduceMax" if g.operator == "any" else "ReduceMin"
    truth = g.cast_name(g.cast(input, _C.bool), _C.int32)
    return g.cast_name(_reduced(g, kind, truth, input, dim, keepdim), _C.bool)


@TABLE.writes("count_nonzero")
def count_nonzero(g: Graph, input: Tensor, dim: Any = None) -> str:
    truth = g.cast_name(g.cast(input, _C.bool), _C.int64)
    return _reduced(g, "ReduceSum", truth, input, dim, False)


# ---------------------------------------------------------------- extremes and their places


@TABLE.writes("max", "min")
def extreme(g: Graph, input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    most = "Max" if g.operator == "max" else "Min"
    if isinstance(dim, Tensor):
        return g.op(most, g.cast(input, g.result.dtype), g.cast(dim, g.result.dtype))
    values = _reduced(g, f"Reduce{most}", input, input, dim, keepdim)
    return values if dim is None else (values, _place(g, f"Arg{most}", input, dim, keepdim))


def _place(g: Graph, kind: str, x: Tensor, dim: int, keepdim: bool) -> str:
    return g.op(kind, x, axis=axis_of(x, dim), keepdims=int(keepdim))


@TABLE.writes("argmax", "argmin")
def argmax(g: Graph, input: Tensor, dim: int | None = None, keepdim: bool = False) -> str:
    kind = "ArgMax" if g.operator == "argmax" else "ArgMin"
    if dim is not None:
        return _place(g, kind, input, dim, keepdim)
    if keepdim:
        raise g.refuse("keepdim without dim")
    return g.op(kind, g.reshape(input, [-1]), axis=0, keepdims=0)


# ---------------------------------------------------------------- moments and norms


def _moments(
    g: Graph, x: Tensor, dim: Any, unbiased: bool | None, correction: Any, keepdim: bool
) -> tuple[str, str]:
    """The variance and the mean, with the sum of squares divided by count - correction."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 0 if unbiased is False else 1
    axes = axes_of(x, dim)
    count = product(x.shape[axis] for axis in axes)
    mean = g.reduce("ReduceMean", x, axes, True)
    squares = g.reduce("ReduceSumSquare", g.op("Sub", x, mean), axes, keepdim)
    if is_dynamic(count):
        divisor = g.op("Sub", g.number(count, x.dtype), g.number(correction, x.dtype))
    else:
        divisor = g.number(max(count - correction, 0), x.dtype)
    return g.op("Div", squares, divisor), mean if keepdim else g.squeeze(mean, axes)


@TABLE.writes("var", "std", "var_mean", "std_mean")
def var(
    g: Graph,
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Any = None,
) -> Any:
    spread, mean = _moments(g, input, dim, unbiased, correction, keepdim)
    spread = g.op("Sqrt", spread) if g.operator.startswith("std") else spread
    return (spread, mean) if g.operator.endswith("_mean") else spread


def _norm(g: Graph, x: Any, p: Any, axes: list[int], keepdim: bool, dtype: Any) -> str:
    simple: dict[Any, str] = {1: "ReduceL1", 2: "ReduceL2"}
    if p in simple:
        return g.reduce(simple[p], x, axes, keepdim)
    magnitudes = g.op("Abs", x)
    if abs(p) == math.inf:
        return g.reduce("ReduceMax" if p > 0 else "ReduceMin", magnitudes, axes, keepdim)
    if p == 0:
        return g.reduce("ReduceSum", g.cast_name(g.cast_name(magnitudes, _C.bool), dtype), axes, keepdim)
    powers = g.reduce("ReduceSum", g.op("Pow", magnitudes, g.number(p, dtype)), axes, keepdim)
    return g.op("Pow", powers, g.number(1 / p, dtype))


@TABLE.writes("vector_norm", "linalg_vector_norm")
def vector_norm(
    g: Graph, x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> str:
    if dtype not in (None, x.dtype):
        raise g.refuse("another dtype: use x.to(dtype)")
    return _norm(g, x, ord, axes_of(x, dim), keepdim, x.dtype)


@TABLE.writes("norm")
def norm(g: Graph, input: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False) -> str:
    return _norm(g, input, 2 if p in (None, "fro") else p, axes_of(input, dim), keepdim, input.dtype)


@TABLE.writes("normalize")
def normalize(g: Graph, input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> str:
    length = g.clip(_norm(g, input, p, axes_of(input, dim), True, input.dtype), eps, None, input.dtype)
    return g.op("Div", input, length)


@TABLE.writes("cosine_similarity")
def cosine_similarity(g: Graph, x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> str:
    axes = [axis_of(g.result, 0) if max(x1.ndim, x2.ndim) == 1 else dim % max(x1.ndim, x2.ndim)]
    units = (
        g.op("Div", x, g.clip(g.reduce("ReduceL2", x, [dim], True), eps, None, x1.dtype)) for x in (x1, x2)
    )
    return g.reduce("ReduceSum", g.op("Mul", *units), axes, False)


@TABLE.writes("pairwise_distance")
def pairwise_distance(
    g: Graph, x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> str:
    apart = g.op("Add", g.op("Sub", x1, x2), g.number(eps, x1.dtype))
    kinds = {1.0: "ReduceL1", 2.0: "ReduceL2"}
    if p not in kinds:
        raise g.refuse("p must be 1 or 2")
    return g.reduce(kinds[p], apart, [-1], keepdim)


# ---------------------------------------------------------------- running sums, and losses


@TABLE.writes("cumsum")
def cumsum(g: Graph, input: Tensor, dim: int, *, dtype: Any = None) -> str:
    return g.op("CumSum", g.cast(input, g.result.dtype), g.constant(axis_of(input, dim)))


def _loss(element: Callable) -> Callable:
    def write(
        g: Graph,
        input: Tensor,
        target: Tensor,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> str:
        if size_average is not None or reduce is not None:
            raise g.refuse("size_average and reduce: use reduction")
        each = element(g, g.op("Sub", input, target))
        if reduction == "none":
            return each
        return g.reduce("ReduceMean" if reduction == "mean" else "ReduceSum", each, None, False)

    return write


TABLE["mse_loss"] = _loss(lambda g, apart: g.op("Mul", apart, apart))
TABLE["l1_loss"] = _loss(lambda g, apart: g.op("Abs", apart))


@TABLE.writes("dist")
def dist(g: Graph, input: Tensor, other: Tensor, p: Any = 2) -> str:
    if tuple(input.shape) != tuple(other.shape):
        raise g.refuse("tensors of one shape are needed")
    apart = g.reshape(g.op("Sub", input, other), [-1])
    return _norm(g, apart, p, [0], False, input.dtype)


@TABLE.writes("nll_loss", "cross_entropy")
def nll_loss(
    g: Graph,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> str:
    if size_average is not None or reduce is not None or label_smoothing or target.dtype.is_floating_point:
        raise g.refuse("size_average, reduce, label_smoothing and targets that are probabilities")
    kind = "NegativeLogLikelihoodLoss" if g.operator == "nll_loss" else "SoftmaxCrossEntropyLoss"
    return g.op(kind, input, target, weight, ignore_index=ignore_index, reduction=reduction)
