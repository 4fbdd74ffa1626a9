"""Pooling."""

from __future__ import annotations

from typing import Any, NamedTuple

import tinytensor
from tinytensor._C import Tensor
from tinytensor.onnx._graph import Graph, Table
from tinytensor.onnx._nodes.convolution import each, with_batch
from tinytensor.onnx._sizes import is_dynamic

TABLE = Table()


def _without_batch(g: Graph, y: str, alone: bool) -> str:
    return g.squeeze(y, [0]) if alone else y


_DIMS = {f"{name}{n}d": n for n in (1, 2, 3) for name in ("max_pool", "avg_pool", "lp_pool")}


def _pads(g: Graph, sizes: Any, window: _Window, ceil_mode: bool) -> list[int]:
    """Before every axis, then behind: as much as the last window of the result reaches past the input.

    ONNX's ceil_mode also has windows that begin behind the input, which PyTorch leaves out.
    """
    if not ceil_mode:
        return window.padding * 2
    n = len(window.kernel)
    results = g.result.shape[-n:]
    behind = [
        max((result - 1) * stride + (kernel - 1) * dilation + 1 - size - padding, padding)
        for result, size, kernel, stride, padding, dilation in zip(results, sizes, *window)
    ]
    return window.padding + behind


class _Window(NamedTuple):
    kernel: list[int]
    stride: list[int]
    padding: list[int]
    dilation: list[int]

    def always_ceil(self, g: Graph, sizes: Any, ceil_mode: bool) -> int | None:
        """Whether ONNX's ceil_mode must be used, since the sizes are not known."""
        if not ceil_mode or not any(map(is_dynamic, sizes)):
            return None
        alike = zip(self.kernel, self.stride, self.padding)
        if any(stride > 1 and (padding or stride > kernel) for kernel, stride, padding in alike):
            raise g.refuse(
                "ceil_mode with a dynamic axis, and with padding or a stride larger than the kernel"
            )
        return 1


def _window(n: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1) -> _Window:
    kernel = each(kernel_size, n)
    return _Window(kernel, _strides(stride, kernel), each(padding, n), each(dilation, n))


@TABLE.writes("max_pool1d", "max_pool2d", "max_pool3d")
def max_pool(
    g: Graph,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> str:
    if return_indices:
        raise g.refuse("places of the largest elements are counted in another way in ONNX")
    n = _DIMS[g.operator]
    window, sizes = _window(n, kernel_size, stride, padding, dilation), input.shape[-n:]
    ceil = window.always_ceil(g, sizes, ceil_mode)
    x, alone = with_batch(g, input, n)
    settings = {"kernel_shape": window.kernel, "strides": window.stride, "dilations": window.dilation}
    pads = _pads(g, sizes, window, ceil_mode and not ceil)
    return _without_batch(g, g.op("MaxPool", x, pads=pads, ceil_mode=ceil, **settings), alone)


@TABLE.writes("avg_pool1d", "avg_pool2d", "avg_pool3d")
def avg_pool(
    g: Graph,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> str:
    if divisor_override:
        raise g.refuse("no divisor_override in ONNX")
    n = _DIMS[g.operator]
    sizes = input.shape[-n:]
    x, alone = with_batch(g, input, n)
    if any(map(is_dynamic, sizes)) and tuple(sizes) == _given(kernel_size, n):
        return _without_batch(g, g.op("GlobalAveragePool", x), alone)
    window = _window(n, kernel_size, stride, padding)
    ceil = window.always_ceil(g, sizes, ceil_mode)
    counted = count_include_pad and any(window.padding)
    if counted and ceil_mode and not ceil:  # what is padded counts, what the last window has beyond does not
        around = [0, 0, *window.padding]
        x = g.pad(x, around, around, "constant", 0, input.dtype)
        sizes = [size + 2 * padding for size, padding in zip(sizes, window.padding)]
        window, counted = window._replace(padding=[0] * n), False
    pads = _pads(g, sizes, window, ceil_mode and not ceil)
    settings = {"kernel_shape": window.kernel, "strides": window.stride, "ceil_mode": ceil}
    y = g.op("AveragePool", x, pads=pads, count_include_pad=int(counted), **settings)
    return _without_batch(g, y, alone)


def _given(kernel_size: Any, n: int) -> tuple:
    return (kernel_size,) * n if isinstance(kernel_size, int) else tuple(kernel_size)


def _strides(stride: Any, kernel: list[int]) -> list[int]:
    return kernel if stride is None or stride == [] else each(stride, len(kernel))


# ---------------------------------------------------------------- to a given size


def _output_sizes(x: Tensor, output_size: Any, n: int) -> list[Any]:
    wanted = [output_size] * n if isinstance(output_size, int) or output_size is None else list(output_size)
    wanted = wanted * n if len(wanted) == 1 else wanted
    return [x.shape[axis - n] if size is None else size for axis, size in enumerate(wanted)]


def _windows(size: int, count: int) -> list[tuple[int, int]]:
    """From and to: as many windows as wanted, as equal as can be, which may overlap."""
    return [(place * size // count, -(-(place + 1) * size // count)) for place in range(count)]


def _is_even(size: Any, count: Any) -> bool:
    """Whether all windows have one length: of a dynamic axis, if it keeps its size."""
    if is_dynamic(size) or is_dynamic(count):
        apart = size - count
        return not is_dynamic(apart) and apart == 0
    return size % count == 0


def _is_one(count: Any) -> bool:
    return not is_dynamic(count) and count == 1


def _adaptive(g: Graph, input: Tensor, output_size: Any, kind: str) -> str:
    n = int(g.operator[-2])
    x, alone = with_batch(g, input, n)
    sizes, counts = list(input.shape[-n:]), _output_sizes(input, output_size, n)
    if all(map(_is_one, counts)):
        return _without_batch(g, g.op(f"Global{kind}Pool", x), alone)
    if all(map(_is_even, sizes, counts)):
        kernel = [1 if is_dynamic(size) else size // count for size, count in zip(sizes, counts)]
        even = g.op(f"{kind}Pool", x, kernel_shape=kernel, strides=kernel) if max(kernel) > 1 else x
        return _without_batch(g, even, alone)
    for axis, (size, count) in enumerate(zip(sizes, counts)):
        if is_dynamic(size) and not _is_one(count) and not _is_even(size, count):
            raise g.refuse(f"a dynamic axis cannot be pooled to {count}, only to 1")
        x = _pooled_along(g, x, 2 + axis, n + 2, size, count, kind, input.dtype)
    return _without_batch(g, x, alone)


def _pooled_along(
    g: Graph, x: str, axis: int, rank: int, size: Any, count: Any, kind: str, dtype: Any
) -> str:
    """Windows of unequal lengths: averages are a product with a matrix, maxima are taken one by one."""
    whole = "ReduceMean" if kind == "Average" else "ReduceMax"
    if is_dynamic(size) and not _is_one(count):
        return x
    if _is_one(count):
        return g.reduce(whole, x, [axis], True)
    windows = _windows(size, count)
    if kind == "Max":
        parts = (g.reduce(whole, g.slice(x, axis, start, end), [axis], True) for start, end in windows)
        return g.op("Concat", *parts, axis=axis)
    shares = tinytensor.zeros(size, count, dtype=dtype)
    for place, (start, end) in enumerate(windows):
        shares[start:end, place] = 1 / (end - start)
    order = list(range(rank))
    order[axis], order[-1] = order[-1], order[axis]
    return g.transpose(g.op("MatMul", g.transpose(x, order), shares), order)


@TABLE.writes("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def adaptive_avg_pool(g: Graph, input: Tensor, output_size: Any) -> str:
    return _adaptive(g, input, output_size, "Average")


@TABLE.writes("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def adaptive_max_pool(g: Graph, input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    largest = _adaptive(g, input, output_size, "Max")
    return largest if isinstance(g.result, Tensor) else (largest, None)
