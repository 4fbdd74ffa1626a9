"""Layers that normalize."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor._C import Tensor
from tinytensor.onnx._graph import Graph, Table
from tinytensor.onnx._nodes.shapes import shape_vector

TABLE = Table()


def _channelwise(value: Tensor | None, fill: float, channels: int, dtype: Any) -> Tensor:
    return tinytensor.full((channels,), fill, dtype=dtype) if value is None else value


def _scaled(g: Graph, x: str, weight: Tensor | None, bias: Tensor | None, missing: list[int]) -> str:
    """x * weight + bias, with axes added to both at the end."""
    for kind, value in (("Mul", weight), ("Add", bias)):
        if value is not None:
            x = g.op(kind, x, g.unsqueeze(value, missing) if missing else value)
    return x


@TABLE.writes("batch_norm")
def batch_norm(
    g: Graph,
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = False,
) -> str:
    channels = input.shape[1]
    scale, shift = (_channelwise(one, fill, channels, input.dtype) for one, fill in ((weight, 1), (bias, 0)))
    if not training and running_mean is not None and running_var is not None:
        return g.op("BatchNormalization", input, scale, shift, running_mean, running_var, epsilon=eps)
    axes = [axis for axis in range(input.ndim) if axis != 1]
    apart = g.op("Sub", input, g.reduce("ReduceMean", input, axes, True))
    variance = g.reduce("ReduceMean", g.op("Mul", apart, apart), axes, True)
    deviation = g.op("Sqrt", g.op("Add", variance, g.number(eps, input.dtype)))
    return _scaled(g, g.op("Div", apart, deviation), weight, bias, list(range(1, input.ndim - 1)))


@TABLE.writes("layer_norm")
def layer_norm(
    g: Graph,
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> str:
    count = len(tuple(normalized_shape))
    if g.opset >= 17:
        scale = tinytensor.ones(tuple(normalized_shape), dtype=input.dtype) if weight is None else weight
        return g.op("LayerNormalization", input, scale, bias, axis=-count, epsilon=eps)
    axes = list(range(input.ndim - count, input.ndim))
    apart = g.op("Sub", input, g.reduce("ReduceMean", input, axes, True))
    variance = g.reduce("ReduceMean", g.op("Mul", apart, apart), axes, True)
    deviation = g.op("Sqrt", g.op("Add", variance, g.number(eps, input.dtype)))
    return _scaled(g, g.op("Div", apart, deviation), weight, bias, [])


@TABLE.writes("rms_norm")
def rms_norm(
    g: Graph, input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None
) -> str:
    axes = list(range(input.ndim - len(tuple(normalized_shape)), input.ndim))
    squares = g.reduce("ReduceMean", g.op("Mul", input, input), axes, True)
    tiny = tinytensor.finfo(input.dtype).eps if eps is None else eps
    root = g.op("Sqrt", g.op("Add", squares, g.number(tiny, input.dtype)))
    return _scaled(g, g.op("Div", input, root), weight, None, [])


@TABLE.writes("instance_norm")
def instance_norm(
    g: Graph,
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = False,
) -> str:
    if not use_input_stats:
        return batch_norm(g, input, running_mean, running_var, weight, bias, False, momentum, eps)
    channels = input.shape[1]
    scale, shift = (_channelwise(one, fill, channels, input.dtype) for one, fill in ((weight, 1), (bias, 0)))
    return g.op("InstanceNormalization", input, scale, shift, epsilon=eps)


@TABLE.writes("group_norm")
def group_norm(
    g: Graph,
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> str:
    """Groups are the channels of an InstanceNormalization."""
    one, zero = (tinytensor.full((num_groups,), fill, dtype=input.dtype) for fill in (1.0, 0.0))
    grouped = g.reshape(input, [0, num_groups, -1])
    normal = g.op("InstanceNormalization", grouped, one, zero, epsilon=eps)
    return _scaled(g, g.reshape(normal, shape_vector(g, input)), weight, bias, list(range(1, input.ndim - 1)))


@TABLE.writes("local_response_norm")
def local_response_norm(
    g: Graph, input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> str:
    return g.op("LRN", input, size=size, alpha=float(alpha), beta=float(beta), bias=float(k))
