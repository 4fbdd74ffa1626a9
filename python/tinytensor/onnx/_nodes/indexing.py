"""Elements taken by place, put in place, and put in order."""

from __future__ import annotations

from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.onnx._graph import LARGEST, Graph, Table, axis_of
from tinytensor.onnx._nodes.shapes import shape_vector
from tinytensor.onnx._sizes import is_dynamic, product

TABLE = Table()


# ---------------------------------------------------------------- x[...]


def _items(x: Tensor, index: Any) -> list[Any]:
    """The index with one item per axis of x, besides those None that make axes."""
    items = list(index) if isinstance(index, tuple) else [index]
    used = sum(one is not None and one is not ... for one in items)
    place = next((place for place, one in enumerate(items) if one is ...), len(items))
    return items[:place] + [slice(None)] * (x.ndim - used) + items[place + 1 :]


def _is_whole(one: Any) -> bool:
    return isinstance(one, slice) and one.start is None and one.stop is None and one.step in (None, 1)


@TABLE.writes("getitem")
def getitem(g: Graph, input: Tensor, index: Any) -> str:
    """Slices first, then tensors of places, then single places and new axes."""
    x, items = g.name(input), _items(input, index)
    kept: list[Any] = []  # per axis of the sliced tensor: None for a new axis, a number, a tensor, or a slice
    axis = 0
    for one in items:
        if isinstance(one, bool):
            raise g.refuse("True and False as an index")
        if isinstance(one, slice) and not _is_whole(one):
            start, stop = (0 if one.start is None else one.start), (LARGEST if one.stop is None else one.stop)
            x = g.slice(x, axis, start, stop, one.step or 1)
        kept.append(_from_front(g, one, input.shape[axis]) if isinstance(one, int) else _places(one))
        axis += one is not None
    return _new_axes(g, *_by_tensors(g, *_by_numbers(g, x, kept)))


def _from_front(g: Graph, place: Any, size: Any) -> Any:
    """Before opset 11 places did not count from the back."""
    if g.opset >= 11 or is_dynamic(place) or place >= 0:
        return place
    if is_dynamic(size):
        g.needs(11)
    return place + size


def _places(one: Any) -> Any:
    return _C.tensor(one) if isinstance(one, (list, range)) else one


def _by_numbers(g: Graph, x: str, kept: list[Any]) -> tuple[str, list[Any]]:
    tensors = any(isinstance(one, Tensor) for one in kept)
    if tensors:  # then a number is a tensor of one place, and stands where the tensors do
        return x, kept
    left, axis = [], 0
    for one in kept:
        if isinstance(one, int):
            x = g.op("Gather", x, g.number(one, _C.int64), axis=axis)
            continue
        left.append(one)
        axis += one is not None
    return x, left


def _by_tensors(g: Graph, x: str, kept: list[Any]) -> tuple[str, list[Any]]:
    """Gather along one axis, GatherND along several."""
    axes = [one for one in kept if one is not None]
    chosen = [axis for axis, one in enumerate(axes) if isinstance(one, (Tensor, int))]
    if not chosen:
        return x, kept
    if any(isinstance(one, Tensor) and one.dtype in (_C.bool, _C.uint8) for one in axes):
        raise g.refuse("a mask as an index makes a tensor whose size depends on values: use torch.where")
    if None in kept:
        raise g.refuse("new axes together with tensors of places: use unsqueeze")
    places = [axes[axis] for axis in chosen]
    rank = max(one.ndim for one in places if isinstance(one, Tensor))
    if len(chosen) == 1:
        return g.op("Gather", x, places[0], axis=chosen[0]), [slice(None)] * (len(axes) - 1 + rank)
    together = chosen[-1] - chosen[0] == len(chosen) - 1
    others = [axis for axis in range(len(axes)) if axis not in chosen]
    gathered = g.op("GatherND", g.transpose(x, chosen + others), _stacked(g, places))
    if together and chosen[0]:  # the new axes stand where the chosen ones stood
        order = list(range(rank, rank + chosen[0])) + list(range(rank))
        gathered = g.transpose(gathered, order + list(range(rank + chosen[0], rank + len(others))))
    return gathered, [slice(None)] * (rank + len(others))


def _stacked(g: Graph, places: list[Any]) -> str:
    """The places along several axes as vectors, the axis of the vectors last."""
    spread = [g.cast(one, _C.int64) for one in places]
    total = spread[0]
    for one in spread[1:]:
        total = g.op("Add", total, one)
    full = g.op("Shape", total)
    return g.op("Concat", *(g.unsqueeze(g.op("Expand", one, full), [-1]) for one in spread), axis=-1)


def _new_axes(g: Graph, x: str, kept: list[Any]) -> str:
    new = [place for place, one in enumerate(kept) if one is None]
    return g.unsqueeze(x, new) if new else x


# ---------------------------------------------------------------- x[...] = value


@TABLE.writes("setitem")
def setitem(g: Graph, input: Tensor, index: Any, value: Any) -> str:
    if isinstance(index, Tensor) and index.dtype == _C.bool:
        return _where_masked(g, input, index, value)
    used = values_in(index)
    if any(isinstance(one, Tensor) and type(one) is not Tensor for one in used):
        raise g.refuse("places computed from inputs: use scatter")
    if any(map(is_dynamic, [*input.shape, *used])):
        return _put_along_one_axis(g, input, index, value)
    # The numbers of the elements, indexed in the same way, tell where the values go.
    numbers = _C.arange(product(input.shape)).reshape(tuple(input.shape))[index]
    values = g.op("Expand", g.cast(value, input.dtype), g.vector(numbers.shape))
    flat = g.op(
        "ScatterElements", g.reshape(input, [-1]), numbers.reshape(-1), g.reshape(values, [-1]), axis=0
    )
    return g.reshape(flat, input.shape)


def values_in(index: Any) -> list[Any]:
    """What stands in brackets, slices opened."""
    items = index if isinstance(index, tuple) else (index,)
    return [
        one
        for item in items
        for one in ((item.start, item.stop, item.step) if isinstance(item, slice) else (item,))
    ]


def _where_masked(g: Graph, x: Tensor, mask: Tensor, value: Any) -> str:
    if isinstance(value, Tensor) and value.ndim:
        raise g.refuse("a mask and as many values as it has True: use torch.where")
    missing = list(range(mask.ndim, x.ndim))
    return g.op("Where", g.unsqueeze(mask, missing) if missing else mask, g.cast(value, x.dtype), x)


def _put_along_one_axis(g: Graph, x: Tensor, index: Any, value: Any) -> str:
    """Before, new values, behind: for a whole number or a slice of step 1 along one axis."""
    items = _items(x, index)
    changed = [axis for axis, one in enumerate(items) if not _is_whole(one)]
    if not changed:
        return g.op("Expand", g.cast(value, x.dtype), shape_vector(g, x))
    if len(changed) > 1 or None in items:
        raise g.refuse("a part along several axes of a tensor with a dynamic axis")
    (axis,) = changed
    one = items[axis]
    part = TABLE["getitem"](g, x, (slice(None),) * axis + (one,))
    filled = g.op("Expand", g.cast(value, x.dtype), g.op("Shape", part))
    if isinstance(one, slice) and one.step in (None, 1):
        start, stop = (0 if one.start is None else one.start), (LARGEST if one.stop is None else one.stop)
    elif isinstance(one, int):
        filled = g.unsqueeze(filled, [axis])
        start, stop = one, (one + 1 if is_dynamic(one) or one != -1 else LARGEST)
    else:
        raise g.refuse("such a part of a tensor with a dynamic axis")
    head, tail = g.slice(x, axis, 0, start), g.slice(x, axis, stop, LARGEST)
    return g.op("Concat", head, filled, tail, axis=axis)


# ---------------------------------------------------------------- functions


@TABLE.writes("select")
def select(g: Graph, input: Tensor, dim: int, index: Any) -> str:
    axis = axis_of(input, dim)
    return g.op("Gather", input, g.number(_from_front(g, index, input.shape[axis]), _C.int64), axis=axis)


@TABLE.writes("narrow")
def narrow(g: Graph, input: Tensor, dim: int, start: Any, length: Any) -> str:
    axis = axis_of(input, dim)
    begin = start if is_dynamic(start) or start >= 0 else start + input.shape[axis]
    return g.slice(input, axis, begin, begin + length)


@TABLE.writes("unfold")
def unfold(g: Graph, input: Tensor, dimension: int, size: int, step: int) -> str:
    """The k-th elements of all windows are a slice; they stand side by side along a new last axis."""
    axis = axis_of(input, dimension)
    length = input.shape[axis] - size + 1
    parts = (g.slice(input, axis, place, length + place, step) for place in range(size))
    return g.op("Concat", *(g.unsqueeze(part, [input.ndim]) for part in parts), axis=input.ndim)


@TABLE.writes("index_select")
def index_select(g: Graph, input: Tensor, dim: int, index: Tensor) -> str:
    return g.op("Gather", input, index, axis=axis_of(input, dim))


@TABLE.writes("gather")
def gather(g: Graph, input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> str:
    return g.op("GatherElements", input, index, axis=axis_of(input, dim))


@TABLE.writes("take_along_dim")
def take_along_dim(g: Graph, input: Tensor, indices: Tensor, dim: int) -> str:
    return g.op("GatherElements", input, indices, axis=axis_of(input, dim))


@TABLE.writes("scatter", "scatter_add")
def scatter(
    g: Graph,
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
) -> str:
    source = value if src is None else src
    reduction = {None: None, "add": "add", "multiply": "mul"}[reduce]
    if g.operator.startswith("scatter_add"):
        reduction = "add"
    if reduction:
        g.needs(16)
    values = g.cast(source, input.dtype)
    if not isinstance(source, Tensor):
        values = g.op("Expand", values, shape_vector(g, index))
    elif any(map(is_dynamic, index.shape)) or tuple(source.shape) != tuple(index.shape):
        for axis, size in enumerate(index.shape):
            values = g.slice(values, axis, 0, size)
    return g.op("ScatterElements", input, index, values, axis=axis_of(input, dim), reduction=reduction)


@TABLE.writes("index_add")
def index_add(g: Graph, input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> str:
    g.needs(16)
    axis = axis_of(input, dim)
    shaped = g.unsqueeze(index, [other for other in range(input.ndim) if other != axis])
    spread = g.op("Expand", shaped, g.op("Shape", source))
    value = g.name(source) if alpha == 1 else g.op("Mul", source, g.number(alpha, input.dtype))
    return g.op("ScatterElements", input, spread, value, axis=axis, reduction="add")


@TABLE.writes("index_fill")
def index_fill(g: Graph, input: Tensor, dim: int, index: Tensor, value: Any) -> str:
    axis = axis_of(input, dim)
    shaped = g.unsqueeze(index, [other for other in range(input.ndim) if other != axis])
    part = g.op("Shape", g.op("Gather", input, index, axis=axis))
    places, values = (g.op("Expand", one, part) for one in (shaped, g.cast(value, input.dtype)))
    return g.op("ScatterElements", input, places, values, axis=axis)


@TABLE.writes("tril", "triu")
def tril(g: Graph, input: Tensor, diagonal: Any = 0) -> str:
    upper = int(g.operator.startswith("triu"))
    if input.dtype == _C.bool:
        numbers = g.op("Trilu", g.cast(input, _C.int64), g.number(diagonal, _C.int64), upper=upper)
        return g.cast_name(numbers, _C.bool)
    return g.op("Trilu", input, g.number(diagonal, _C.int64), upper=upper)


@TABLE.writes("one_hot")
def one_hot(g: Graph, tensor: Tensor, num_classes: int = -1) -> str:
    if num_classes == -1:
        raise g.refuse("num_classes must be told")
    return g.op("OneHot", tensor, g.constant([num_classes]), g.constant([0, 1]), axis=-1)


@TABLE.writes("topk")
def topk(g: Graph, input: Tensor, k: Any, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    axis = axis_of(input, dim)
    return g.ops(2, "TopK", input, g.vector([k]), axis=axis, largest=int(largest), sorted=int(sorted))


@TABLE.writes("sort", "argsort")
def sort(g: Graph, input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    ordered = topk(g, input, input.shape[dim], dim, largest=descending)
    return ordered[1] if g.operator == "argsort" else ordered
