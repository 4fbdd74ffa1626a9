"""Comparisons, logic, choices and limits, element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.onnx._graph import Graph, Table

TABLE = Table()


def _common_type(input: Any, other: Any) -> Any:
    return _C.result_type(_plain(input), _plain(other))


def _common(g: Graph, input: Any, other: Any) -> tuple[str, str]:
    dtype = _common_type(input, other)
    return g.cast(input, dtype), g.cast(other, dtype)


def _plain(operand: Any) -> Any:
    """What decides about the common type."""
    return (
        operand if isinstance(operand, (Tensor, bool, float)) else int(getattr(operand, "example", operand))
    )


def _comparison(kind: str, negated: bool = False) -> Callable:
    def write(g: Graph, input: Any, other: Any) -> str:
        if "Equal" in kind and _common_type(input, other).is_floating_point:
            g.needs(11)
        operands = _common(g, input, other)
        if kind.endswith("OrEqual") and g.opset < 12:
            return g.op("Or", g.op(kind.removesuffix("OrEqual"), *operands), g.op("Equal", *operands))
        truth = g.op(kind, *operands)
        return g.op("Not", truth) if negated else truth

    return write


for _name, _kind in {
    **{"eq": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual"},
    **{"less": "Less", "less_equal": "LessOrEqual", "greater": "Greater", "greater_equal": "GreaterOrEqual"},
}.items():
    TABLE[_name] = _comparison(_kind)
TABLE["ne"] = TABLE["not_equal"] = _comparison("Equal", negated=True)


def _logical(kind: str) -> Callable:
    def write(g: Graph, input: Any, other: Any) -> str:
        return g.op(kind, g.cast(input, _C.bool), g.cast(other, _C.bool))

    return write


def _bitwise(logical: str, bitwise: str) -> Callable:
    def write(g: Graph, input: Any, other: Any) -> str:
        if g.result.dtype == _C.bool:
            return _logical(logical)(g, input, other)
        g.needs(18)
        return g.op(bitwise, g.cast(input, g.result.dtype), g.cast(other, g.result.dtype))

    return write


for _name in ("and", "or", "xor"):
    TABLE[f"logical_{_name}"] = _logical(_name.capitalize())
    for _alias in (f"bitwise_{_name}", _name, f"r{_name}"):
        TABLE[_alias] = _bitwise(_name.capitalize(), f"Bitwise{_name.capitalize()}")


@TABLE.writes("logical_not")
def logical_not(g: Graph, input: Tensor) -> str:
    return g.op("Not", g.cast(input, _C.bool))


@TABLE.writes("bitwise_not", "invert")
def bitwise_not(g: Graph, input: Tensor) -> str:
    if input.dtype == _C.bool:
        return g.op("Not", input)
    g.needs(18)
    return g.op("BitwiseNot", input)


@TABLE.writes("isnan")
def isnan(g: Graph, input: Tensor) -> str:
    return g.op("IsNaN", input)


@TABLE.writes("isinf")
def isinf(g: Graph, input: Tensor) -> str:
    return g.op("IsInf", input)


@TABLE.writes("isfinite")
def isfinite(g: Graph, input: Tensor) -> str:
    return g.op("Not", g.op("Or", g.op("IsNaN", input), g.op("IsInf", input)))


# ---------------------------------------------------------------- choices and limits


@TABLE.writes("where")
def where(g: Graph, condition: Any, input: Any, other: Any) -> str:
    if condition.dtype != _C.bool:  # the method: input.where(condition, other)
        condition, input = input, condition
    choices = (g.cast(input, g.result.dtype), g.cast(other, g.result.dtype))
    return g.op("Where", condition, *choices)


@TABLE.writes("masked_fill")
def masked_fill(g: Graph, input: Tensor, mask: Tensor, value: Any) -> str:
    return g.op("Where", mask, g.cast(value, g.result.dtype), input)


@TABLE.writes("clamp", "clip")
def clamp(g: Graph, input: Tensor, min: Any = None, max: Any = None) -> str:
    x = g.cast(input, g.result.dtype)
    if not isinstance(min, Tensor) and not isinstance(max, Tensor):
        return g.clip(x, min, max, g.result.dtype)
    x = x if min is None else g.op("Max", x, g.cast(min, g.result.dtype))
    return x if max is None else g.op("Min", x, g.cast(max, g.result.dtype))


@TABLE.writes("clamp_min")
def clamp_min(g: Graph, input: Tensor, min: Any) -> str:
    return clamp(g, input, min)


@TABLE.writes("clamp_max")
def clamp_max(g: Graph, input: Tensor, max: Any) -> str:
    return clamp(g, input, None, max)
