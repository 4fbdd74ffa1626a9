"""Operations on lists of tensors, under the names that optimizers written for PyTorch call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ._C import Tensor

_PLAIN = {
    *("abs", "acos", "add", "asin", "atan", "ceil", "clamp_max", "clamp_min", "clone", "copy", "cos", "cosh"),
    *(
        "div",
        "erf",
        "erfc",
        "exp",
        "expm1",
        "floor",
        "frac",
        "lerp",
        "lgamma",
        "log",
        "log10",
        "log1p",
        "log2",
    ),
    *("max", "maximum", "minimum", "mul", "neg", "norm", "pow", "reciprocal", "round", "rsqrt", "sigmoid"),
    *("sign", "sin", "sinh", "sqrt", "sub", "tan", "tanh", "trunc", "zero"),
}
_WITH_VALUE = {"addcdiv", "addcmul"}
_WITHOUT_CHANGE, _ONLY_WITH_CHANGE = {"clone", "max", "norm"}, {"copy", "zero"}
_METHODS = {"maximum": "clamp_min", "minimum": "clamp_max"}  # these take numbers as well


def _column(name: str, given: Any, count: int) -> Sequence[Any]:
    """One argument for each tensor, out of a list or of one for all."""
    if not isinstance(given, (list, tuple)):
        return [given] * count
    if len(given) != count:
        raise RuntimeError(f"{name}: lists must have the same length, got {count} and {len(given)}")
    return given


def _each(name: str, method: str, self: Sequence[Tensor], arguments: Sequence[Any], **options: Any) -> list:
    if not self:
        raise RuntimeError(f"{name}: the list must have at least one tensor")
    columns = [_column(name, argument, len(self)) for argument in arguments]
    return [getattr(x, method)(*row, **options) for x, *row in zip(self, *columns)]


def _with_value(name: str, op: str, self: Sequence[Tensor], a: Any, b: Any, value: Any) -> list:
    count = len(self)
    values = _column(name, value.tolist() if isinstance(value, Tensor) else value, count)
    columns = _column(name, a, count), _column(name, b, count), values
    return [
        _each(name, op, [x], [first, second], value=by)[0] for x, first, second, by in zip(self, *columns)
    ]


def _made(name: str) -> Callable:
    in_place = name.endswith("_")
    op = name.removeprefix("_foreach_").removesuffix("_")
    method = _METHODS.get(op, op) + "_" * in_place

    def foreach(self: Sequence[Tensor], *arguments: Any, **options: Any) -> Any:
        found = _each(name, method, self, arguments, **options)
        return self if in_place else tuple(found)

    def foreach_with_value(self: Sequence[Tensor], tensor1: Any, tensor2: Any, value: Any = 1) -> Any:
        found = _with_value(name, method, self, tensor1, tensor2, value)
        return self if in_place else tuple(found)

    def foreach_norm(self: Sequence[Tensor], ord: Any = 2, dtype: Any = None) -> Any:
        return tuple(_each(name, "norm", self, [ord], dtype=dtype))

    def foreach_pow(self: Any, exponent: Any) -> Any:
        if not isinstance(self, (list, tuple)):
            return tuple(self**tensor for tensor in exponent)
        return foreach(self, exponent)

    special = dict.fromkeys(_WITH_VALUE, foreach_with_value) | {"norm": foreach_norm, "pow": foreach_pow}
    made: Any = special.get(op, foreach)
    made.__name__ = made.__qualname__ = name
    return made


NAMES = {f"_foreach_{op}" for op in (_PLAIN | _WITH_VALUE) - _ONLY_WITH_CHANGE} | {
    f"_foreach_{op}_" for op in (_PLAIN | _WITH_VALUE) - _WITHOUT_CHANGE
}


def __getattr__(name: str) -> Callable:
    if name not in NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()[name] = _made(name)
    return made
