"""Tensors made from sizes: constants where the sizes are, nodes where they are dynamic."""

from __future__ import annotations

from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.onnx._graph import Graph, Table
from tinytensor.onnx._nodes.shapes import shape_vector, sizes_of
from tinytensor.onnx._proto import data_type

TABLE = Table()


def _filled(g: Graph, shape: str, value: Any) -> str:
    dtype = g.result.dtype
    if isinstance(value, Tensor):
        return g.op("Expand", g.cast(value, dtype), shape)
    return g.op("ConstantOfShape", shape, value=_C.full((1,), value, dtype=dtype))


@TABLE.writes("zeros_like", "ones_like", "empty_like", "full_like")
def full_like(g: Graph, input: Tensor, fill_value: Any = None, **options: Any) -> str:
    value = fill_value if fill_value is not None else int(g.operator == "ones_like")
    return _filled(g, shape_vector(g, input), value)


@TABLE.writes("new_zeros", "new_ones", "new_empty")
def new_zeros(g: Graph, input: Tensor, *size: Any, **options: Any) -> str:
    sizes = sizes_of(size or (options["size"],))
    return _filled(g, g.vector(sizes), int(g.operator == "new_ones"))


@TABLE.writes("new_full")
def new_full(g: Graph, input: Tensor, size: Any, fill_value: Any, **options: Any) -> str:
    return _filled(g, g.vector(size), fill_value)


@TABLE.writes("new_tensor")
def new_tensor(g: Graph, input: Tensor, data: Any, **options: Any) -> str:
    return g.name(g.result)


@TABLE.writes("zeros", "ones", "empty")
def zeros(g: Graph, *size: Any, **options: Any) -> str:
    return _filled(g, g.vector(sizes_of(size or (options["size"],))), int(g.operator == "ones"))


@TABLE.writes("full")
def full(g: Graph, size: Any, fill_value: Any, **options: Any) -> str:
    return _filled(g, g.vector(size), fill_value)


@TABLE.writes("tensor", "as_tensor", "scalar_tensor")
def tensor(g: Graph, data: Any, dtype: Any = None, device: Any = None, **options: Any) -> str:
    """Of sizes, or of a tensor."""
    if isinstance(data, Tensor) or isinstance(data, int):
        return g.cast(data, g.result.dtype)
    if any(not isinstance(size, int) for size in data):
        raise g.refuse("more than a list of sizes: use torch.stack")
    vector = g.vector(data)
    return vector if g.result.dtype == _C.int64 else g.cast_name(vector, g.result.dtype)


@TABLE.writes("arange")
def arange(g: Graph, start: Any, end: Any = None, step: Any = 1, **options: Any) -> str:
    if end is None:
        start, end = 0, start
    return g.op("Range", *(g.number(one, g.result.dtype) for one in (start, end, step)))


@TABLE.writes("eye")
def eye(g: Graph, n: Any, m: Any = None, **options: Any) -> str:
    blank = g.op("ConstantOfShape", g.vector([n, n if m is None else m]), value=_C.zeros(1, dtype=_C.float32))
    return g.op("EyeLike", blank, dtype=data_type(g.result.dtype))


# ---------------------------------------------------------------- random numbers


@TABLE.writes("randn_like", "randn")
def randn(g: Graph, *input: Any, **options: Any) -> str:
    return _random(g, "RandomNormalLike", input)


@TABLE.writes("rand_like", "rand")
def rand(g: Graph, *input: Any, **options: Any) -> str:
    return _random(g, "RandomUniformLike", input)


def _random(g: Graph, kind: str, args: tuple[Any, ...]) -> str:
    g.random = True
    if args and isinstance(args[0], Tensor):
        like = g.name(args[0])
    else:
        like = g.op("ConstantOfShape", g.vector(sizes_of(args)), value=_C.zeros(1, dtype=g.result.dtype))
    return g.op(kind, like, dtype=data_type(g.result.dtype))
