"""Arithmetic and types, element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.onnx._graph import Graph, Table

TABLE = Table()

_UNARY = {
    **{
        name: name.capitalize() for name in ("abs", "exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos")
    },
    **{
        name: name.capitalize() for name in ("atan", "sinh", "cosh", "asinh", "acosh", "atanh", "tanh", "erf")
    },
    **{name: name.capitalize() for name in ("sign", "floor", "ceil", "reciprocal", "sigmoid", "relu", "neg")},
    **{"absolute": "Abs", "negative": "Neg", "expit": "Sigmoid", "arcsin": "Asin", "arccos": "Acos"},
    **{"arctan": "Atan", "arcsinh": "Asinh", "arccosh": "Acosh", "arctanh": "Atanh", "sgn": "Sign"},
}
_WHOLE_ALREADY = {"Floor", "Ceil"}


def _unary(kind: str) -> Callable:
    def write(g: Graph, input: Tensor) -> str:
        if kind in _WHOLE_ALREADY and not input.is_floating_point():
            return g.name(input)
        return g.op(kind, g.cast(input, g.result.dtype))

    return write


for _name, _kind in _UNARY.items():
    TABLE[_name] = _unary(_kind)


def _float(g: Graph, input: Any) -> tuple[str, Callable[[Any], str]]:
    """The operand in the result's type, and numbers of that type."""
    return g.cast(input, g.result.dtype), lambda value: g.number(value, g.result.dtype)


@TABLE.writes("rsqrt")
def rsqrt(g: Graph, input: Tensor) -> str:
    return g.op("Reciprocal", g.op("Sqrt", g.cast(input, g.result.dtype)))


@TABLE.writes("square")
def square(g: Graph, input: Tensor) -> str:
    return g.op("Mul", input, input)


def _logarithm(base: float) -> Callable:
    def write(g: Graph, input: Tensor) -> str:
        x, number = _float(g, input)
        return g.op("Mul", g.op("Log", x), number(1 / math.log(base)))

    return write


TABLE["log2"], TABLE["log10"] = _logarithm(2), _logarithm(10)


@TABLE.writes("log1p")
def log1p(g: Graph, input: Tensor) -> str:
    x, number = _float(g, input)
    return g.op("Log", g.op("Add", x, number(1)))


@TABLE.writes("expm1")
def expm1(g: Graph, input: Tensor) -> str:
    x, number = _float(g, input)
    return g.op("Sub", g.op("Exp", x), number(1))


@TABLE.writes("exp2")
def exp2(g: Graph, input: Tensor) -> str:
    x, number = _float(g, input)
    return g.op("Pow", number(2), x)


@TABLE.writes("erfc")
def erfc(g: Graph, input: Tensor) -> str:
    x, number = _float(g, input)
    return g.op("Sub", number(1), g.op("Erf", x))


@TABLE.writes("round")
def round(g: Graph, input: Tensor, *, decimals: int = 0) -> str:
    if not input.is_floating_point():
        return g.name(input)
    if decimals == 0:
        return g.op("Round", input)
    scale = g.number(10.0**decimals, input.dtype)
    return g.op("Div", g.op("Round", g.op("Mul", input, scale)), scale)


def _truncated(g: Graph, x: str) -> str:
    return g.op("Mul", g.op("Sign", x), g.op("Floor", g.op("Abs", x)))


@TABLE.writes("trunc", "fix")
def trunc(g: Graph, input: Tensor) -> str:
    return _truncated(g, g.name(input)) if input.is_floating_point() else g.name(input)


@TABLE.writes("frac")
def frac(g: Graph, input: Tensor) -> str:
    return g.op("Sub", input, _truncated(g, g.name(input)))


# ---------------------------------------------------------------- two operands


@TABLE.writes("add")
def add(g: Graph, input: Any, other: Any, *, alpha: Any = 1) -> str:
    kind = "Or" if g.result.dtype == _C.bool else "Add"
    return g.op(kind, g.cast(input, g.result.dtype), _scaled(g, other, alpha))


@TABLE.writes("sub", "subtract")
def sub(g: Graph, input: Any, other: Any, *, alpha: Any = 1) -> str:
    return g.op("Sub", g.cast(input, g.result.dtype), _scaled(g, other, alpha))


@TABLE.writes("rsub")
def rsub(g: Graph, input: Any, other: Any, *, alpha: Any = 1) -> str:
    return g.op("Sub", g.cast(other, g.result.dtype), _scaled(g, input, alpha))


def _scaled(g: Graph, operand: Any, alpha: Any) -> str:
    x, number = _float(g, operand)
    return x if alpha == 1 else g.op("Mul", x, number(alpha))


@TABLE.writes("mul", "multiply")
def mul(g: Graph, input: Any, other: Any) -> str:
    dtype = g.result.dtype
    kind = "And" if dtype == _C.bool else "Mul"
    return g.op(kind, g.cast(input, dtype), g.cast(other, dtype))


@TABLE.writes("div", "divide", "true_divide")
def div(g: Graph, input: Any, other: Any, *, rounding_mode: str | None = None) -> str:
    if rounding_mode == "floor":
        return floor_divide(g, input, other)
    quotient = g.op("Div", g.cast(input, g.result.dtype), g.cast(other, g.result.dtype))
    truncate = rounding_mode == "trunc" and g.result.is_floating_point()
    return _truncated(g, quotient) if truncate else quotient


@TABLE.writes("rtruediv")
def rtruediv(g: Graph, input: Any, other: Any) -> str:
    return div(g, other, input)


@TABLE.writes("floor_divide", "floordiv")
def floor_divide(g: Graph, input: Any, other: Any) -> str:
    a, b = g.cast(input, g.result.dtype), g.cast(other, g.result.dtype)
    if g.result.is_floating_point():
        return g.op("Floor", g.op("Div", a, b))
    return g.op("Div", g.op("Sub", a, g.op("Mod", a, b)), b)


@TABLE.writes("rfloordiv")
def rfloordiv(g: Graph, input: Any, other: Any) -> str:
    return floor_divide(g, other, input)


@TABLE.writes("remainder")
def remainder(g: Graph, input: Any, other: Any) -> str:
    a, b = g.cast(input, g.result.dtype), g.cast(other, g.result.dtype)
    if not g.result.is_floating_point():
        return g.op("Mod", a, b)
    return g.op("Sub", a, g.op("Mul", g.op("Floor", g.op("Div", a, b)), b))


@TABLE.writes("rmod")
def rmod(g: Graph, input: Any, other: Any) -> str:
    return remainder(g, other, input)


@TABLE.writes("fmod")
def fmod(g: Graph, input: Any, other: Any) -> str:
    return g.op("Mod", g.cast(input, g.result.dtype), g.cast(other, g.result.dtype), fmod=1)


@TABLE.writes("pow")
def pow(g: Graph, input: Any, exponent: Any) -> str:
    dtype = g.result.dtype
    if isinstance(exponent, (int, float)) and exponent == 2:
        return g.op("Mul", g.cast(input, dtype), g.cast(input, dtype))
    if isinstance(exponent, float) and exponent == 0.5:
        return g.op("Sqrt", g.cast(input, dtype))
    return g.op("Pow", g.cast(input, dtype), g.cast(exponent, dtype))


@TABLE.writes("rpow")
def rpow(g: Graph, input: Any, other: Any) -> str:
    return pow(g, other, input)


def _extreme(kind: str) -> Callable:
    def write(g: Graph, input: Any, other: Any) -> str:
        if not g.result.is_floating_point():
            g.needs(12)
        return g.op(kind, g.cast(input, g.result.dtype), g.cast(other, g.result.dtype))

    return write


maximum, minimum = _extreme("Max"), _extreme("Min")
TABLE["maximum"], TABLE["minimum"] = maximum, minimum


@TABLE.writes("addcmul")
def addcmul(g: Graph, input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> str:
    return g.op("Add", input, g.op("Mul", _scaled(g, tensor1, value), tensor2))


@TABLE.writes("addcdiv")
def addcdiv(g: Graph, input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> str:
    return g.op("Add", input, g.op("Div", _scaled(g, tensor1, value), tensor2))


@TABLE.writes("lerp")
def lerp(g: Graph, input: Tensor, end: Tensor, weight: Any) -> str:
    step = g.op("Mul", g.op("Sub", end, input), g.cast(weight, g.result.dtype))
    return g.op("Add", input, step)


@TABLE.writes("atan2", "arctan2")
def atan2(g: Graph, input: Tensor, other: Tensor) -> str:
    """The arc tangent of y / x, put right in the half plane where x is negative."""
    y, number = _float(g, input)
    x, zero = g.cast(other, g.result.dtype), number(0)
    turn = g.op("Where", g.op("Less", y, zero), number(-math.pi), number(math.pi))
    angle = g.op("Atan", g.op("Div", y, x))
    return g.op("Where", g.op("Less", x, zero), g.op("Add", angle, turn), angle)


@TABLE.writes("hypot")
def hypot(g: Graph, input: Tensor, other: Tensor) -> str:
    x, y = g.cast(input, g.result.dtype), g.cast(other, g.result.dtype)
    return g.op("Sqrt", g.op("Add", g.op("Mul", x, x), g.op("Mul", y, y)))


@TABLE.writes("logaddexp")
def logaddexp(g: Graph, input: Tensor, other: Tensor) -> str:
    """max(x, y) + log(1 + exp(-|x - y|))"""
    x, y = g.cast(input, g.result.dtype), g.cast(other, g.result.dtype)
    gap = g.op("Neg", g.op("Abs", g.op("Sub", x, y)))
    return g.op("Add", g.op("Max", x, y), g.op("Softplus", gap))


@TABLE.writes("logit")
def logit(g: Graph, input: Tensor, eps: float | None = None) -> str:
    x, number = _float(g, input)
    x = x if eps is None else g.clip(x, eps, 1 - eps, g.result.dtype)
    return g.op("Log", g.op("Div", x, g.op("Sub", number(1), x)))


@TABLE.writes("deg2rad", "rad2deg")
def turned(g: Graph, input: Tensor) -> str:
    x, number = _float(g, input)
    return g.op("Mul", x, number(math.pi / 180 if g.operator.startswith("deg2rad") else 180 / math.pi))


# ---------------------------------------------------------------- types, and what changes nothing


@TABLE.writes(
    *("to", "float", "half", "double", "int", "long", "short", "bool", "char", "byte", "bfloat16"),
    *("type", "type_as", "cpu", "cuda", "clone", "contiguous", "detach", "positive"),
    *("requires_grad", "pin_memory", "real", "resolve_conj", "resolve_neg"),
)
def to(g: Graph, input: Tensor, *args: Any, **kwargs: Any) -> str:
    return g.cast(input, g.result.dtype)


@TABLE.writes("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
def dropout(g: Graph, input: Tensor, p: float = 0.5, train: bool = True) -> str:
    if not train or p == 0:
        return g.name(input)
    if not g.operator.startswith("dropout"):
        raise g.refuse("ONNX has no such dropout for training")
    g.needs(12)
    g.random = True
    return g.op("Dropout", input, g.number(p, _C.float32), g.number(True, _C.bool))


@TABLE.writes("copy")
def copy(g: Graph, input: Tensor, src: Tensor, non_blocking: bool = False) -> str:
    value = g.cast(src, g.result.dtype)
    return value if src.ndim == input.ndim and src.shape == input.shape else _expanded(g, value, input)


@TABLE.writes("fill", "zero")
def fill(g: Graph, input: Tensor, value: Any = 0) -> str:
    return _expanded(g, g.cast(value, g.result.dtype), input)


def _expanded(g: Graph, value: str, like: Tensor) -> str:
    return g.op("Expand", value, g.op("Shape", like))
