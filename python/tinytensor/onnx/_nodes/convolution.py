"""Convolutions."""

from __future__ import annotations

from typing import Any

from tinytensor._C import Tensor
from tinytensor.onnx._graph import Graph, Table

TABLE = Table()


def each(value: Any, count: int) -> list[int]:
    """One number per spatial axis."""
    values = [value] if isinstance(value, int) else list(value)
    return [int(one) for one in (values * count if len(values) == 1 else values)]


def with_batch(g: Graph, x: Tensor, spatial: int) -> tuple[str, bool]:
    """The input with an axis for the batch, and whether it had none."""
    alone = x.ndim == spatial + 1
    return (g.unsqueeze(x, [0]) if alone else g.name(x)), alone


def _paddings(padding: Any, kernel: list[int], dilation: list[int]) -> list[int]:
    """Before every axis, then behind every axis."""
    if padding == "valid":
        return [0] * (2 * len(kernel))
    if padding == "same":
        totals = [gap * (size - 1) for gap, size in zip(dilation, kernel)]
        return [total // 2 for total in totals] + [total - total // 2 for total in totals]
    return each(padding, len(kernel)) * 2


@TABLE.writes("conv1d", "conv2d", "conv3d")
def conv(
    g: Graph,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> str:
    kernel = each(weight.shape[2:], weight.ndim - 2)
    gaps = each(dilation, len(kernel))
    x, alone = with_batch(g, input, len(kernel))
    settings = {"kernel_shape": kernel, "strides": each(stride, len(kernel)), "dilations": gaps}
    y = g.op("Conv", x, weight, bias, group=groups, pads=_paddings(padding, kernel, gaps), **settings)
    return g.squeeze(y, [0]) if alone else y


@TABLE.writes("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose(
    g: Graph,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> str:
    kernel = each(weight.shape[2:], weight.ndim - 2)
    n = len(kernel)
    x, alone = with_batch(g, input, n)
    y = g.op(
        "ConvTranspose",
        *(x, weight, bias),
        kernel_shape=kernel,
        strides=each(stride, n),
        pads=each(padding, n) * 2,
        output_padding=each(output_padding, n),
        group=groups,
        dilations=each(dilation, n),
    )
    return g.squeeze(y, [0]) if alone else y


@TABLE.writes("im2col")
def im2col(
    g: Graph, input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> str:
    """Each element of a patch is a slice of the padded input; the batch and the channels stay in front."""
    if input.ndim != 4:
        raise g.refuse("four axes are needed")
    kernel, gaps, pads, steps = (each(one, 2) for one in (kernel_size, dilation, padding, stride))
    x = g.pad(input, [0, 0, *pads], [0, 0, *pads], "constant", 0, input.dtype) if any(pads) else g.name(input)
    lengths = [input.shape[axis + 2] + 2 * pads[axis] - gaps[axis] * (kernel[axis] - 1) for axis in range(2)]
    patches = []
    for row in range(kernel[0]):
        rows = g.slice(x, 2, row * gaps[0], row * gaps[0] + lengths[0], steps[0])
        for column in range(kernel[1]):
            part = g.slice(rows, 3, column * gaps[1], column * gaps[1] + lengths[1], steps[1])
            patches.append(g.unsqueeze(part, [2]))
    together = g.op("Concat", *patches, axis=2) if len(patches) > 1 else patches[0]
    batch, channels = input.shape[:2]
    return g.reshape(together, [batch, channels * len(patches), -1])


@TABLE.writes("col2im")
def col2im(
    g: Graph,
    input: Tensor,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> str:
    if input.ndim != 3:
        raise g.refuse("three axes are needed")
    size, kernel = each(output_size, 2), each(kernel_size, 2)
    settings = {"dilations": each(dilation, 2), "pads": each(padding, 2) * 2, "strides": each(stride, 2)}
    return g.op("Col2Im", input, size, kernel, **settings)
