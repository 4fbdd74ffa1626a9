"""Activations."""

from __future__ import annotations

import math
from typing import Any

from tinytensor._C import Tensor
from tinytensor.onnx._graph import Graph, Table, axis_of

TABLE = Table()


@TABLE.writes("softmax", "log_softmax")
def softmax(g: Graph, input: Tensor, dim: int | None = None, dtype: Any = None) -> str:
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
    kind = "LogSoftmax" if g.operator == "log_softmax" else "Softmax"
    return g.softmax(kind, g.cast(input, g.result.dtype), axis_of(input, dim), input.ndim)


@TABLE.writes("softmin")
def softmin(g: Graph, input: Tensor, dim: int | None = None, dtype: Any = None) -> str:
    axis = (0 if input.ndim in (0, 1, 3) else 1) if dim is None else axis_of(input, dim)
    return g.softmax("Softmax", g.op("Neg", input), axis, input.ndim)


@TABLE.writes("relu6")
def relu6(g: Graph, input: Tensor) -> str:
    return g.clip(g.name(input), 0, 6, input.dtype)


@TABLE.writes("hardtanh")
def hardtanh(g: Graph, input: Tensor, min_val: float = -1, max_val: float = 1) -> str:
    return g.clip(g.name(input), min_val, max_val, input.dtype)


@TABLE.writes("gelu")
def gelu(g: Graph, input: Tensor, approximate: str = "none") -> str:
    if g.opset >= 20:
        return g.op("Gelu", input, approximate=approximate)
    half, one = g.number(0.5, input.dtype), g.number(1, input.dtype)
    if approximate == "none":
        bend = g.op("Erf", g.op("Mul", input, g.number(math.sqrt(0.5), input.dtype)))
    else:
        cube = g.op("Mul", g.op("Mul", g.op("Mul", input, input), input), g.number(0.044715, input.dtype))
        scaled = g.op("Mul", g.op("Add", input, cube), g.number(math.sqrt(2 / math.pi), input.dtype))
        bend = g.op("Tanh", scaled)
    return g.op("Mul", g.op("Mul", input, half), g.op("Add", bend, one))


@TABLE.writes("silu", "swish")
def silu(g: Graph, input: Tensor) -> str:
    return g.op("Mul", input, g.op("Sigmoid", input))


@TABLE.writes("mish")
def mish(g: Graph, input: Tensor) -> str:
    return g.op("Mul", input, g.op("Tanh", g.op("Softplus", input)))


@TABLE.writes("hardsigmoid")
def hardsigmoid(g: Graph, input: Tensor) -> str:
    return g.op("HardSigmoid", input, alpha=1 / 6, beta=0.5)


@TABLE.writes("hardswish")
def hardswish(g: Graph, input: Tensor) -> str:
    return g.op("HardSwish", input) if g.opset >= 14 else g.op("Mul", input, hardsigmoid(g, input))


@TABLE.writes("leaky_relu")
def leaky_relu(g: Graph, input: Tensor, negative_slope: float = 0.01) -> str:
    return g.op("LeakyRelu", input, alpha=float(negative_slope))


@TABLE.writes("rrelu")
def rrelu(
    g: Graph,
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Any = None,
) -> str:
    if training:
        raise g.refuse("no random slopes in ONNX")
    return g.op("LeakyRelu", input, alpha=(lower + upper) / 2)


@TABLE.writes("elu")
def elu(g: Graph, input: Tensor, alpha: float = 1.0, scale: float = 1, input_scale: float = 1) -> str:
    if (scale, input_scale) != (1, 1):
        raise g.refuse("no scales in ONNX")
    return g.op("Elu", input, alpha=float(alpha))


@TABLE.writes("celu")
def celu(g: Graph, input: Tensor, alpha: float = 1.0) -> str:
    return g.op("Celu", input, alpha=float(alpha))


@TABLE.writes("selu")
def selu(g: Graph, input: Tensor) -> str:
    return g.op("Selu", input, alpha=1.6732632423543772, gamma=1.0507009873554805)


@TABLE.writes("prelu")
def prelu(g: Graph, input: Tensor, weight: Tensor) -> str:
    if weight.numel() == 1 or input.ndim <= 2:
        return g.op("PRelu", input, weight)
    return g.op("PRelu", input, g.unsqueeze(weight, list(range(1, input.ndim - 1))))


@TABLE.writes("softplus")
def softplus(g: Graph, input: Tensor, beta: float = 1, threshold: float = 20) -> str:
    """Past the threshold the function differs from x by less than what float32 shows for the default of 20."""
    scaled = g.name(input) if beta == 1 else g.op("Mul", input, g.number(beta, input.dtype))
    curve = g.op("Softplus", scaled)
    curve = curve if beta == 1 else g.op("Div", curve, g.number(beta, input.dtype))
    if threshold == 20:
        return curve
    return g.op("Where", g.op("Greater", scaled, g.number(threshold, input.dtype)), input, curve)


@TABLE.writes("logsigmoid", "log_sigmoid")
def logsigmoid(g: Graph, input: Tensor) -> str:
    return g.op("Neg", g.op("Softplus", g.op("Neg", input)))


@TABLE.writes("softsign")
def softsign(g: Graph, input: Tensor) -> str:
    return g.op("Softsign", input)


@TABLE.writes("tanhshrink")
def tanhshrink(g: Graph, input: Tensor) -> str:
    return g.op("Sub", input, g.op("Tanh", input))


@TABLE.writes("softshrink")
def softshrink(g: Graph, input: Tensor, lambd: float = 0.5) -> str:
    return g.op("Shrink", input, lambd=float(lambd), bias=float(lambd))


@TABLE.writes("hardshrink")
def hardshrink(g: Graph, input: Tensor, lambd: float = 0.5) -> str:
    return g.op("Shrink", input, lambd=float(lambd), bias=0.0)


@TABLE.writes("threshold")
def threshold(g: Graph, input: Tensor, threshold: float, value: float) -> str:
    above = g.op("Greater", input, g.number(threshold, input.dtype))
    return g.op("Where", above, input, g.number(value, input.dtype))


@TABLE.writes("glu")
def glu(g: Graph, input: Tensor, dim: int = -1) -> str:
    axis = axis_of(input, dim)
    half = input.shape[axis] // 2
    linear, gate = g.split(input, axis, [half, half])
    return g.op("Mul", linear, g.op("Sigmoid", gate))
