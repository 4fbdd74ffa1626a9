"""All partial results of combining slices, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _C
from ..utils import _pytree as pytree

__all__ = ["associative_scan"]


def associative_scan(
    combine_fn: Callable[[Any, Any], Any],
    xs: Any,
    dim: int,
    reverse: bool = False,
    combine_mode: str = "pointwise",
) -> Any:
    """x0, combine_fn(x0, x1), combine_fn(that, x2), ... for the slices of the tensors in `xs` along `dim`, from the end
    with `reverse`. Slices are combined in their order, whatever the mode.
    """
    if combine_mode not in ("pointwise", "generic"):
        raise ValueError(f"associative_scan: combine_mode is pointwise or generic, got {combine_mode!r}")
    leaves, shape = pytree.tree_flatten(xs)
    if not leaves or not all(isinstance(leaf, _C.Tensor) for leaf in leaves):
        raise ValueError("associative_scan: xs holds one tensor or more, and nothing else")
    counts = {leaf.size(dim) for leaf in leaves}
    if len(counts) > 1 or 0 in counts:
        raise ValueError(
            f"associative_scan: the tensors must have the same size along dim {dim}, not 0: {counts}"
        )
    (count,) = counts
    places = range(count)[::-1] if reverse else range(count)
    slices = [pytree.tree_unflatten([leaf.select(dim, i) for leaf in leaves], shape) for i in places]
    results = slices[:1]
    for part in slices[1:]:
        results.append(combine_fn(results[-1], part))
    columns = [pytree.tree_leaves(result) for result in (results[::-1] if reverse else results)]
    return pytree.tree_unflatten([_C.stack(column, dim) for column in zip(*columns)], shape)
