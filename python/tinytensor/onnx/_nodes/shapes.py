"""Other shapes of the same elements, and tensors joined and taken apart."""

from __future__ import annotations

from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.onnx._graph import LARGEST, Graph, Table, axes_of, axis_of
from tinytensor.onnx._sizes import is_dynamic, product

TABLE = Table()


def sizes_of(args: tuple[Any, ...]) -> list[Any]:
    """The sizes of `view(2, 3)` or `view((2, 3))`."""
    return list(args[0]) if len(args) == 1 and isinstance(args[0], (tuple, list)) else list(args)


def shape_vector(g: Graph, x: Tensor) -> str:
    return g.op("Shape", x) if any(map(is_dynamic, x.shape)) else g.vector(x.shape)


# ---------------------------------------------------------------- one shape for another


def reshaped(g: Graph, x: Tensor | str, sizes: list[Any]) -> str:
    """The operation's result in this shape. One dynamic size need not be computed: -1 stands for it."""
    pairs = list(zip(g.result.shape, g.second_result.shape))
    if 0 not in g.result.shape and sum(example != second for example, second in pairs) == 1:
        sizes = [example if example == second else -1 for example, second in pairs]
    return g.reshape(x, sizes)


@TABLE.writes("view", "reshape", "_unsafe_view")
def view(g: Graph, input: Tensor, *shape: Any, **named: Any) -> str:
    if shape and isinstance(shape[0], _C.dtype):
        raise g.refuse("no bits of one type read as another's")
    return reshaped(g, input, sizes_of(shape or tuple(named.values())))


@TABLE.writes("view_as", "reshape_as")
def view_as(g: Graph, input: Tensor, other: Tensor) -> str:
    return reshaped(g, input, list(other.shape))


@TABLE.writes("flatten", "ravel")
def flatten(g: Graph, input: Tensor, start_dim: int = 0, end_dim: int = -1) -> str:
    sizes = list(input.shape)
    if not sizes:
        return g.reshape(input, [1])
    first, last = axis_of(input, start_dim), axis_of(input, end_dim)
    return reshaped(g, input, [*sizes[:first], product(sizes[first : last + 1]), *sizes[last + 1 :]])


@TABLE.writes("unflatten")
def unflatten(g: Graph, input: Tensor, dim: int, sizes: Any) -> str:
    axis = axis_of(input, dim)
    return reshaped(g, input, [*input.shape[:axis], *sizes, *input.shape[axis + 1 :]])


@TABLE.writes("squeeze")
def squeeze(g: Graph, input: Tensor, dim: Any = None) -> str:
    axes = [
        axis for axis in axes_of(input, dim) if not is_dynamic(input.shape[axis]) and input.shape[axis] == 1
    ]
    return g.squeeze(input, axes) if axes else g.name(input)


@TABLE.writes("unsqueeze")
def unsqueeze(g: Graph, input: Tensor, dim: int) -> str:
    return g.unsqueeze(input, [int(dim) % (input.ndim + 1)])


# ---------------------------------------------------------------- other orders of axes


def _swapped(g: Graph, x: Tensor, first: int, second: int) -> str:
    order = list(range(x.ndim))
    order[first], order[second] = order[second], order[first]
    return g.transpose(x, order)


@TABLE.writes("transpose", "swapaxes", "swapdims")
def transpose(g: Graph, input: Tensor, dim0: int, dim1: int) -> str:
    return _swapped(g, input, dim0, dim1) if input.ndim else g.name(input)


@TABLE.writes("t", "mT", "adjoint", "mH")
def t(g: Graph, input: Tensor) -> str:
    return _swapped(g, input, -2, -1) if input.ndim > 1 else g.name(input)


@TABLE.writes("T", "H")
def reversed_axes(g: Graph, input: Tensor) -> str:
    return g.transpose(input, list(range(input.ndim))[::-1])


@TABLE.writes("permute")
def permute(g: Graph, input: Tensor, *dims: Any, **named: Any) -> str:
    return g.transpose(input, axes_of(input, sizes_of(dims or tuple(named.values()))))


@TABLE.writes("movedim", "moveaxis")
def movedim(g: Graph, input: Tensor, source: Any, destination: Any) -> str:
    taken, wanted = axes_of(input, source), axes_of(input, destination)
    order = [axis for axis in range(input.ndim) if axis not in taken]
    for place, axis in sorted(zip(wanted, taken)):
        order.insert(place, axis)
    return g.transpose(input, order)


@TABLE.writes("flip")
def flip(g: Graph, input: Tensor, *dims: Any) -> str:
    x = g.name(input)
    for axis in axes_of(input, sizes_of(dims)):
        x = g.slice(x, axis, -1, -LARGEST, -1)
    return x


@TABLE.writes("fliplr", "flipud")
def fliplr(g: Graph, input: Tensor) -> str:
    return flip(g, input, int(g.operator == "fliplr"))


@TABLE.writes("roll")
def roll(g: Graph, input: Tensor, shifts: Any, dims: Any = None) -> str:
    if dims is None or isinstance(dims, (tuple, list)) and not dims:
        flat = _rolled(g, g.reshape(input, [-1]), 0, shifts if isinstance(shifts, int) else shifts[0])
        return reshaped(g, flat, list(input.shape))
    x = g.name(input)
    shifts = [shifts] if isinstance(shifts, int) else shifts
    for axis, shift in zip(axes_of(input, dims), shifts):
        size = input.shape[axis]
        x = _rolled(g, x, axis, shift if is_dynamic(size) else shift % max(size, 1))
    return x


def _rolled(g: Graph, x: str, axis: int, shift: int) -> str:
    if shift == 0:
        return x
    return g.op("Concat", g.slice(x, axis, -shift, LARGEST), g.slice(x, axis, 0, -shift), axis=axis)


# ---------------------------------------------------------------- repeated


@TABLE.writes("expand", "broadcast_to")
def expand(g: Graph, input: Tensor, *size: Any, implicit: bool = False, **named: Any) -> str:
    sizes = sizes_of(size or tuple(named.values()))
    kept = [1 if not is_dynamic(one) and one == -1 else one for one in sizes]
    return g.op("Expand", input, g.vector(kept))


@TABLE.writes("expand_as")
def expand_as(g: Graph, input: Tensor, other: Tensor) -> str:
    return g.op("Expand", input, shape_vector(g, other))


@TABLE.writes("repeat", "tile")
def repeat(g: Graph, input: Tensor, *repeats: Any, **named: Any) -> str:
    counts = sizes_of(repeats or tuple(named.values()))
    counts = [1] * (input.ndim - len(counts)) + counts
    missing = len(counts) - input.ndim
    x = g.unsqueeze(input, list(range(missing))) if missing else g.name(input)
    return g.op("Tile", x, g.vector(counts))


@TABLE.writes("repeat_interleave")
def repeat_interleave(
    g: Graph, input: Tensor, repeats: Any, dim: int | None = None, *, output_size: int | None = None
) -> str:
    if isinstance(repeats, Tensor):
        raise g.refuse("numbers of repeats in a tensor have no counterpart in ONNX")
    x = g.reshape(input, [-1]) if dim is None else g.name(input)
    axis, rank = (0, 1) if dim is None else (axis_of(input, dim), input.ndim)
    counts = [repeats if place == axis + 1 else 1 for place in range(rank + 1)]
    sizes = [-1] if dim is None else list(input.shape)
    sizes[axis] = -1
    return g.reshape(g.op("Tile", g.unsqueeze(x, [axis + 1]), g.vector(counts)), sizes)


# ---------------------------------------------------------------- joined


@TABLE.writes("cat", "concat", "concatenate")
def cat(g: Graph, tensors: Any, dim: int = 0, **named: Any) -> str:
    axis = axis_of(g.result, named.get("axis", dim))
    filled = [one for one in tensors if one.ndim != 1 or g.result.ndim == 1]  # PyTorch skips empty vectors
    parts = [g.cast(one, g.result.dtype) for one in filled]
    return g.op("Concat", *parts, axis=axis) if len(parts) > 1 else parts[0]


@TABLE.writes("stack")
def stack(g: Graph, tensors: Any, dim: int = 0) -> str:
    axis = axis_of(g.result, dim)
    return g.op("Concat", *(g.unsqueeze(g.cast(one, g.result.dtype), [axis]) for one in tensors), axis=axis)


@TABLE.writes("hstack", "vstack", "dstack")
def hstack(g: Graph, tensors: Any) -> str:
    axis = {"h": 0 if tensors[0].ndim < 2 else 1, "v": 0, "d": 2}[g.operator[0]]
    if any(one.ndim != g.result.ndim for one in tensors):
        raise g.refuse("tensors of fewer axes than the result has: use torch.cat")
    return g.op("Concat", *(g.cast(one, g.result.dtype) for one in tensors), axis=axis)


# ---------------------------------------------------------------- taken apart


def _parts(g: Graph, x: Tensor, axis: int, each: Any) -> tuple[str, ...]:
    """Parts of the sizes that the result has; `each` is the size of all but the last where the axis is dynamic."""
    sizes, seconds = ([one.shape[axis] for one in parts] for parts in (g.result, g.second_result))
    if not is_dynamic(x.shape[axis]):
        return g.split(x, axis, sizes)
    if len(seconds) != len(sizes):
        return tuple(g.name(x) for _ in sizes)  # the recording ends with the two numbers of parts
    if each is not None:
        starts = [each * place for place in range(len(sizes))]
    elif sizes[:-1] == seconds[:-1]:
        starts = [sum(sizes[:place]) for place in range(len(sizes))]
    else:
        raise g.refuse("parts of several dynamic sizes")
    return tuple(g.slice(x, axis, start, end) for start, end in zip(starts, [*starts[1:], LARGEST]))


@TABLE.writes("split", "split_with_sizes")
def split(g: Graph, input: Tensor, split_size: Any = None, dim: int = 0, **named: Any) -> tuple[str, ...]:
    if not set(named) <= {"split_size_or_sections", "split_sizes"}:
        raise g.refuse(f"arguments without a counterpart in ONNX: {', '.join(named)}")
    section = split_size if split_size is not None else next(iter(named.values()))
    each = section if isinstance(section, int) else None
    return _parts(g, input, axis_of(input, dim), each)


@TABLE.writes("chunk")
def chunk(g: Graph, input: Tensor, chunks: int, dim: int = 0) -> tuple[str, ...]:
    axis = axis_of(input, dim)
    return _parts(g, input, axis, -(-input.shape[axis] // chunks))


@TABLE.writes("tensor_split")
def tensor_split(
    g: Graph, input: Tensor, indices_or_sections: Any = None, dim: int = 0, **named: Any
) -> tuple[str, ...]:
    return _parts(g, input, axis_of(input, dim), None)


@TABLE.writes("unbind")
def unbind(g: Graph, input: Tensor, dim: int = 0) -> tuple[str, ...]:
    axis = axis_of(input, dim)
    return tuple(g.op("Gather", input, g.constant(place), axis=axis) for place in range(len(g.result)))


# ---------------------------------------------------------------- space


@TABLE.writes("pixel_shuffle")
def pixel_shuffle(g: Graph, input: Tensor, upscale_factor: int) -> str:
    if input.ndim != 4:
        raise g.refuse("four axes are needed")
    if g.opset >= 11:
        return g.op("DepthToSpace", input, blocksize=upscale_factor, mode="CRD")
    batch, channels, height, width = input.shape
    r = upscale_factor
    blocks = g.reshape(input, [batch, channels // (r * r), r, r, height, width])
    mixed = g.transpose(blocks, [0, 1, 4, 2, 5, 3])
    return reshaped(g, mixed, [batch, channels // (r * r), height * r, width * r])


@TABLE.writes("pixel_unshuffle")
def pixel_unshuffle(g: Graph, input: Tensor, downscale_factor: int) -> str:
    batch, channels, height, width = input.shape
    r = downscale_factor
    blocks = g.reshape(input, [batch, channels, height // r, r, width // r, r])
    mixed = g.transpose(blocks, [0, 1, 3, 5, 2, 4])
    return reshaped(g, mixed, [batch, channels * r * r, height // r, width // r])


@TABLE.writes("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(g: Graph, input: Tensor, groups: int) -> str:
    batch, channels, *space = input.shape
    grouped = g.reshape(input, [batch, groups, channels // groups, *space])
    return reshaped(g, g.transpose(grouped, [0, 2, 1, *range(3, input.ndim + 1)]), [batch, channels, *space])


_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}


@TABLE.writes("pad", "constant_pad_nd")
def pad(g: Graph, input: Tensor, pad: Any, mode: str = "constant", value: Any = None) -> str:
    before, after = [0] * input.ndim, [0] * input.ndim
    for place, (low, high) in enumerate(zip(pad[::2], pad[1::2])):
        before[-1 - place], after[-1 - place] = low, high
    if mode == "circular":
        return _circular(g, input, before, after)
    return g.pad(input, before, after, _MODES[mode], value or 0, input.dtype)


def _circular(g: Graph, x: Tensor, before: list[int], after: list[int]) -> str:
    padded = g.name(x)
    for axis, (low, high) in enumerate(zip(before, after)):
        head = [g.slice(padded, axis, -low, LARGEST)] if low else []
        tail = [g.slice(padded, axis, 0, high)] if high else []
        padded = g.op("Concat", *head, padded, *tail, axis=axis) if head or tail else padded
    return padded


@TABLE.writes("_shape_as_tensor")
def shape_as_tensor(g: Graph, input: Tensor) -> str:
    return g.op("Shape", input)


@TABLE.writes("_reshape_from_tensor")
def reshape_from_tensor(g: Graph, input: Tensor, shape: Tensor) -> str:
    return g.reshape(input, shape)
