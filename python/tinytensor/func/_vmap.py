"""One call per row of a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tinytensor
from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.utils._pytree import TreeSpec, tree_flatten, tree_unflatten


def _spread(dims: Any, shape: TreeSpec, what: str) -> list[Any]:
    """One dimension for each leaf; a number stands for all that is below it."""
    if dims is None or isinstance(dims, int):
        return [dims] * shape.num_leaves
    children = list(dims.values()) if isinstance(dims, dict) else dims
    if (
        not isinstance(children, (list, tuple))
        or shape.is_leaf()
        or len(children) != shape.num_children
        or isinstance(dims, dict) != isinstance(shape.context, list)
    ):
        raise ValueError(f"vmap: {what}={dims!r} does not fit what is nested as {shape}")
    return [dim for part, below in zip(children, shape.children_specs) for dim in _spread(part, below, what)]


def _rows(leaves: Sequence[Any], dims: Sequence[Any]) -> tuple[int, list[Any]]:
    """How many rows there are, and the rows of each leaf, or the leaf itself where its dimension is None."""
    sizes: dict[int, None] = {}
    for leaf, dim in zip(leaves, dims):
        if dim is None:
            continue
        if not isinstance(leaf, Tensor):
            raise ValueError(
                f"vmap: in_dims={dim} for a value of type {type(leaf).__name__}; None leaves it whole"
            )
        if not -leaf.dim() <= dim < leaf.dim():
            raise ValueError(f"vmap: in_dims={dim} for a tensor of {leaf.dim()} dimensions")
        sizes[leaf.shape[dim]] = None
    if not sizes:
        raise ValueError("vmap: in_dims must name a dimension of at least one input")
    if len(sizes) > 1:
        raise ValueError(f"vmap: the mapped dimensions have different sizes: {list(sizes)}")
    (count,) = sizes
    rows = [leaf if dim is None else leaf.unbind(dim) for leaf, dim in zip(leaves, dims)]
    return count, rows


class _Randomness:
    """Lets every row draw for itself, draw the same, or not draw at all."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.start = tinytensor.get_rng_state()

    def before_row(self) -> None:
        if self.kind == "same":
            tinytensor.set_rng_state(self.start)

    def after_row(self) -> None:
        if self.kind == "error" and not _C.equal(tinytensor.get_rng_state(), self.start):
            raise RuntimeError(
                "vmap: the function draws random numbers: randomness='different' lets each row draw its own, "
                "'same' lets all draw the same"
            )


def _joined(results: list[Tensor], dim: Any) -> Tensor:
    if dim is not None:
        return _C.stack(results, dim)
    if any(not _C.equal(result, results[0]) for result in results[1:]):
        raise ValueError("vmap: out_dims is None for a result that differs between rows")
    return results[0]


def _stacked(results: list[Any], out_dims: Any) -> Any:
    rows = []
    for result in results:
        leaves, shape = tree_flatten(result)
        wrong = [leaf for leaf in leaves if not isinstance(leaf, Tensor)]
        if wrong:
            raise ValueError(f"vmap: the function must return Tensors, got {type(wrong[0]).__name__}")
        rows.append(leaves)
    dims = _spread(out_dims, shape, "out_dims")
    return tree_unflatten([_joined(list(column), dim) for column, dim in zip(zip(*rows), dims)], shape)


def vmap(
    func: Callable,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable:
    """The function that calls `func` for each row of its arguments and stacks the results. `in_dims` and `out_dims`
    tell which dimension the rows are of, None what is the same for all.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"vmap: randomness must be 'error', 'different' or 'same', got {randomness!r}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size must be positive, got {chunk_size}")
    if not isinstance(in_dims, (int, tuple, list)):
        raise ValueError(f"vmap: in_dims must be a number or a tuple, got {type(in_dims).__name__}")

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        if not args:
            raise ValueError("vmap: there are no positional arguments")
        leaves, shape = tree_flatten(args)
        dims = _spread(list(in_dims) if isinstance(in_dims, tuple) else in_dims, shape, "in_dims")
        count, rows = _rows(leaves, dims)
        draws = _Randomness(randomness)

        def call(row: list[Any]) -> Any:
            draws.before_row()
            result = func(*tree_unflatten(row, shape), **kwargs)
            draws.after_row()
            return result

        def row(i: int) -> list[Any]:
            return [part if dim is None else part[i] for part, dim in zip(rows, dims)]

        if count:
            return _stacked([call(row(i)) for i in range(count)], out_dims)
        # Without rows, a row of zeros tells the shapes of the results.
        empty = [
            leaf
            if dim is None
            else leaf.new_zeros([size for d, size in enumerate(leaf.shape) if d != dim % leaf.dim()])
            for leaf, dim in zip(leaves, dims)
        ]
        results, result_shape = tree_flatten(_stacked([call(empty)], out_dims))
        dims_out = _spread(out_dims, result_shape, "out_dims")
        return tree_unflatten(
            [x if dim is None else x.narrow(dim, 0, 0) for x, dim in zip(results, dims_out)], result_shape
        )

    return mapped
