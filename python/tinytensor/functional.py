"""Composites: functions that rearrange, broadcast or contract by calling other operations."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import tinytensor
from tinytensor import _C
from tinytensor._einsum import einsum

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block_diag",
    "broadcast_shapes",
    "broadcast_tensors",
    "cartesian_prod",
    "combinations",
    "einsum",
    "meshgrid",
    "norm",
    "tensordot",
]


def _check_tensors(caller: str, tensors: Sequence[Any]) -> None:
    for position, tensor in enumerate(tensors):
        if not isinstance(tensor, tinytensor.Tensor):
            raise TypeError(f"{caller}: expected Tensor as argument {position}, got {type(tensor).__name__}")


def _unpacked(arguments: tuple) -> tuple:
    """The tensors of a function that takes them one by one or as a single sequence."""
    if len(arguments) == 1 and isinstance(arguments[0], (list, tuple)):
        return tuple(arguments[0])
    return arguments


# ---------------------------------------------------------------- grids and combinations


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple:
    """One grid per 1-D tensor, of the shape that all sizes make together, varying along its own dimension.

    `indexing` "ij" puts the first tensor along dimension 0, "xy" along dimension 1, as plots have it. The
    grids are views of the tensors.
    """
    axes = _unpacked(tensors)
    _check_tensors("meshgrid", axes)
    if not axes:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing is None:
        warnings.warn("meshgrid: pass the indexing argument, 'ij' is used", stacklevel=2)
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f"meshgrid: indexing must be one of 'xy' or 'ij', got {indexing!r}")
    for position, axis in enumerate(axes):
        if axis.dim() > 1:
            raise RuntimeError(
                f"meshgrid: expected 0D or 1D tensors, got shape {tuple(axis.shape)} at position {position}"
            )
        if axis.dtype != axes[0].dtype:
            raise RuntimeError(
                f"meshgrid expects all tensors to have the same dtype, got {axes[0].dtype} and {axis.dtype}"
            )
    shape = [axis.numel() for axis in axes]
    grids = [
        axis.reshape([-1 if other == position else 1 for other in range(len(axes))]).expand(shape)
        for position, axis in enumerate(axes)
    ]
    if indexing == "xy" and len(axes) > 1:
        grids = [grid.transpose(0, 1) for grid in grids]
    return tuple(grids)


def _check_vector(caller: str, tensor: Any) -> None:
    if tensor.dim() != 1:
        raise RuntimeError(f"{caller}: Expect a 1D vector, but got shape {list(tensor.shape)}")


def cartesian_prod(*tensors: Any) -> Any:
    """All choices of one element from each 1-D tensor, one per row, the last element varying fastest."""
    _check_tensors("cartesian_prod", tensors)
    for tensor in tensors:
        _check_vector("cartesian_prod", tensor)
    if len(tensors) == 1:
        return tensors[0]
    grids = meshgrid(*tensors, indexing="ij")
    return tinytensor.stack([grid.reshape(-1) for grid in grids], 1)


def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """All choices of `r` elements of a 1-D tensor in their order, one choice per row."""
    _check_vector("combinations", input)
    if r < 0:
        raise RuntimeError(f"combinations: Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    places = meshgrid(*[tinytensor.arange(input.numel(), device=input.device)] * r, indexing="ij")
    chosen = tinytensor.ones(places[0].shape, dtype=tinytensor.bool, device=input.device)
    for earlier, later in zip(places, places[1:]):
        chosen = chosen & (earlier <= later if with_replacement else earlier < later)
    return tinytensor.stack([input[place[chosen]] for place in places], 1)


def block_diag(*tensors: Any) -> Any:
    """A matrix with the given ones along its diagonal and zeros elsewhere; a vector counts as a row."""
    _check_tensors("block_diag", tensors)
    for position, tensor in enumerate(tensors):
        if tensor.dim() > 2:
            raise RuntimeError(
                "block_diag: Input tensors must have 2 or fewer dimensions. "
                f"Input {position} has {tensor.dim()} dimensions"
            )
    if not tensors:
        return tinytensor.empty(1, 0)
    blocks = [atleast_2d(tensor) for tensor in tensors]
    dtype = blocks[0].dtype
    for block in blocks[1:]:
        dtype = tinytensor.promote_types(dtype, block.dtype)
    width = sum(block.shape[1] for block in blocks)
    rows, start = [], 0
    for block in blocks:
        height, columns = block.shape
        before = block.new_zeros(height, start, dtype=dtype)
        after = block.new_zeros(height, width - start - columns, dtype=dtype)
        rows.append(tinytensor.cat([before, block.to(dtype), after], 1))
        start += columns
    return tinytensor.cat(rows, 0)


# ---------------------------------------------------------------- broadcasting


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape that tensors of these shapes (tuples, or ints for one dimension) have after broadcasting."""
    result: list[int] = []
    for position, shape in enumerate(shapes):
        sizes = [shape] if isinstance(shape, int) else list(tinytensor.Size(shape))
        result = [1] * (len(sizes) - len(result)) + result
        for dim, size in enumerate(sizes, len(result) - len(sizes)):
            if size < 0:
                raise ValueError(
                    f"broadcast_shapes: negative size {size} in shape {position}: {tuple(sizes)}"
                )
            if size not in (1, result[dim]) and result[dim] != 1:
                raise RuntimeError(
                    f"broadcast_shapes: shape {position}, {tuple(sizes)}, does not broadcast to the one so "
                    f"far, {tuple(result)}: size {size} meets {result[dim]} in dimension {dim - len(result)}"
                )
            if size != 1:
                result[dim] = size
    return tinytensor.Size(result)


def broadcast_tensors(*tensors: Any) -> tuple:
    """The tensors, expanded without a copy to the shape they have in common."""
    _check_tensors("broadcast_tensors", tensors)
    shape = broadcast_shapes(*[tensor.shape for tensor in tensors])
    return tuple(tensor.expand(shape) for tensor in tensors)


def _with_dimensions(caller: str, tensors: tuple, view: Callable[[Any], Any]) -> Any:
    """`view` of one tensor, or a tuple of them for several or for a sequence."""
    given = _unpacked(tensors)
    _check_tensors(caller, given)
    if len(tensors) == 1 and given is tensors:
        return view(tensors[0])
    return tuple(view(tensor) for tensor in given)


def atleast_1d(*tensors: Any) -> Any:
    """Each tensor, with 0-dim ones as vectors of one element."""
    return _with_dimensions(
        "atleast_1d", tensors, lambda tensor: tensor if tensor.dim() else tensor.reshape(1)
    )


def atleast_2d(*tensors: Any) -> Any:
    """Each tensor, with vectors as rows, and 0-dim ones as 1 x 1 matrices."""

    def view(tensor: Any) -> Any:
        if tensor.dim() >= 2:
            return tensor
        return tensor.reshape(1, 1) if tensor.dim() == 0 else tensor.unsqueeze(0)

    return _with_dimensions("atleast_2d", tensors, view)


def atleast_3d(*tensors: Any) -> Any:
    """Each tensor; a vector gets a dimension before and one after, a matrix one after."""

    def view(tensor: Any) -> Any:
        if tensor.dim() >= 3:
            return tensor
        if tensor.dim() == 2:
            return tensor.unsqueeze(-1)
        return tensor.reshape(1, 1, 1) if tensor.dim() == 0 else tensor.unsqueeze(0).unsqueeze(-1)

    return _with_dimensions("atleast_3d", tensors, view)


# ---------------------------------------------------------------- contraction and norm


def _stored(caller: str, result: Any, out: Any) -> Any:
    """`result`, or `out` after it was written there."""
    if out is None:
        return result
    if result.requires_grad or out.requires_grad:
        raise RuntimeError(
            f"{caller}: out=... does not support automatic differentiation, but a tensor requires grad"
        )
    if out.dtype != result.dtype:
        raise RuntimeError(f"{caller}: expected out of dtype {result.dtype}, got {out.dtype}")
    if out.shape != result.shape:
        out.resize_(result.shape)
    return out.copy_(result)


def tensordot(a: Any, b: Any, dims: Any = 2, out: Any = None) -> Any:
    """Sum of products over pairs of dimensions.

    `dims` is a pair of lists, the dimensions of `a` and those of `b` they meet, or a number n: the last n
    dimensions of `a` meet the first n of `b`. The result has the other dimensions of `a`, then those of `b`.
    """
    a_dims, b_dims = _contracted_dimensions(a, b, dims)
    if len(a_dims) != len(b_dims):
        raise RuntimeError(
            f"tensordot: both dimension lists should have same length, got {a_dims} and {b_dims}"
        )
    if a.dtype != b.dtype:
        raise RuntimeError(f"tensordot: both inputs should have same dtype, got {a.dtype} and {b.dtype}")
    a_dims, b_dims = _wrapped_dimensions(a_dims, a.dim()), _wrapped_dimensions(b_dims, b.dim())
    for first, second in zip(a_dims, b_dims):
        if a.shape[first] == b.shape[second]:
            continue
        # A size of 1 broadcasts: every element along the other dimension meets the same factor.
        if a.shape[first] == 1:
            b = b.sum(second, keepdim=True)
        elif b.shape[second] == 1:
            a = a.sum(first, keepdim=True)
        else:
            raise RuntimeError(
                f"tensordot: contracted dimensions need to match, but first has size {a.shape[first]} in dim "
                f"{first} and second has size {b.shape[second]} in dim {second}"
            )
    a_free = [dim for dim in range(a.dim()) if dim not in a_dims]
    b_free = [dim for dim in range(b.dim()) if dim not in b_dims]
    inner = math.prod(a.shape[dim] for dim in a_dims)
    rows, columns = [a.shape[dim] for dim in a_free], [b.shape[dim] for dim in b_free]
    left = a.permute(a_free + a_dims).reshape(math.prod(rows), inner)
    right = b.permute(b_dims + b_free).reshape(inner, math.prod(columns))
    return _stored("tensordot", left.mm(right).reshape(rows + columns), out)


def _contracted_dimensions(a: Any, b: Any, dims: Any) -> tuple[list[int], list[int]]:
    if isinstance(dims, tinytensor.Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot expects dims <= {min(a.dim(), b.dim())} here, but got dims={dims}")
        return list(range(-dims, 0)), list(range(dims))
    if not isinstance(dims, (list, tuple)) or len(dims) != 2:
        raise RuntimeError(f"tensordot expects dims to be an int or a pair of lists, but got dims={dims}")
    if not all(isinstance(part, (list, tuple)) for part in dims):
        raise TypeError(f"tensordot: dims must be an int or a pair of lists of ints, got {dims}")
    return list(dims[0]), list(dims[1])


def _wrapped_dimensions(dims: list[int], ndim: int) -> list[int]:
    wrapped = []
    for dim in dims:
        if not -ndim <= dim < ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {dim})"
            )
        if dim % ndim in wrapped:
            raise RuntimeError(f"dim {dim % ndim} appears multiple times in the list of dims")
        wrapped.append(dim % ndim)
    return wrapped


def norm(
    input: Any,
    p: float | str | None = "fro",
    dim: Any = None,
    keepdim: bool = False,
    out: Any = None,
    dtype: Any = None,
) -> Any:
    """The p-norm over all elements, or over `dim`, an int or several.

    `p` is a number, inf and -inf included, "fro" for the square root of the sum of squares, or "nuc" for the
    sum of the singular values of matrices. `dtype` is what the elements are converted to first.
    """
    dims = None if dim is None or dim == [] or dim == () else dim
    if p == "nuc":
        return _stored("norm", _nuclear_norm(input, dims, keepdim, dtype), out)
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"norm: order {p!r} is not supported, use a number, 'fro' or 'nuc'")
    if p == "fro" and isinstance(dims, (list, tuple)) and len(dims) > 2:
        raise RuntimeError(f"norm: p='fro' takes one or two dimensions, got dim={dims}")
    order = 2.0 if p is None or isinstance(p, str) else p
    return _stored("norm", _C.vector_norm(input, order, dims, keepdim, dtype), out)


def _nuclear_norm(input: Any, dims: Any, keepdim: bool, dtype: Any) -> Any:
    pair = list(range(input.dim())) if dims is None else dims
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        raise RuntimeError(f"norm: p='nuc' takes two dimensions, got dim={pair}")
    first, second = _wrapped_dimensions(list(pair), input.dim())
    matrices = input.movedim((first, second), (-2, -1))
    linalg = getattr(tinytensor, "linalg", None)
    if linalg is None or not hasattr(linalg, "svdvals"):
        raise NotImplementedError("norm: p='nuc' needs linalg.svdvals, which this build does not have")
    result = linalg.svdvals(matrices if dtype is None else matrices.to(dtype)).sum(-1)
    if not keepdim:
        return result
    for position in sorted((first, second)):
        result = result.unsqueeze(position)
    return result
