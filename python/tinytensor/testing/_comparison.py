"""`assert_close`: tensors, numbers and containers of them agree within tolerances."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy

import tinytensor
from tinytensor import _C
from tinytensor._C import Tensor

# dtype name -> (rtol, atol); dtypes without an entry must agree exactly
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}
_NUMBERS = {bool: None, int: None, float: "float64", complex: "complex128"}


class _Rules:
    """What `assert_close` was asked for."""

    def __init__(self, rtol: float | None, atol: float | None, **checks: Any) -> None:
        if (rtol is None) != (atol is None):
            absent = "atol" if atol is None else "rtol"
            raise ValueError(
                f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {absent}."
            )
        self.given = None if rtol is None or atol is None else (float(rtol), float(atol))
        self.equal_nan: bool = checks["equal_nan"]
        self.attributes = [
            name for name in ("device", "dtype", "layout", "stride") if checks[f"check_{name}"]
        ]
        self.allow_subclasses: bool = checks["allow_subclasses"]
        self.check_dtype: bool = checks["check_dtype"]

    def tolerances(self, *names: str | None) -> tuple[float, float]:
        """The larger ones of what the dtypes of both sides ask for, unless they were given."""
        pairs = [self.given] if self.given else [_TOLERANCES.get(name or "", (0.0, 0.0)) for name in names]
        return max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, bytes))


def _items(actual: Any, expected: Any, where: tuple) -> Iterator[tuple[Any, Any, tuple]]:
    """The pairs of single values in two containers, each with the keys that lead to it."""
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        missing, extra = expected.keys() - actual.keys(), actual.keys() - expected.keys()
        if missing or extra:
            raise AssertionError(
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {sorted(missing, key=repr)}\n"
                f"Additional keys in the actual mapping: {sorted(extra, key=repr)}" + _place(where)
            )
        for key in expected:
            yield from _items(actual[key], expected[key], (*where, key))
        return
    sequences = isinstance(actual, Sequence) and isinstance(expected, Sequence)
    if sequences and not _is_text(actual) and not _is_text(expected):
        if len(actual) != len(expected):
            raise AssertionError(
                f"The length of the sequences mismatch: {len(actual)} != {len(expected)}" + _place(where)
            )
        for index, pair in enumerate(zip(actual, expected)):
            yield from _items(*pair, (*where, index))
        return
    yield actual, expected, where


def _place(where: tuple) -> str:
    keys = "".join(f"[{key!r}]" for key in where)
    return f"\n\nThe failure occurred for item {keys}" if where else ""


def _allowed(rtol: float, atol: float) -> tuple[str, str]:
    exact = rtol == 0 and atol == 0
    return ("", "") if exact else (f" (up to {atol} allowed)", f" (up to {rtol} allowed)")


def _numbers(actual: Any, expected: Any, rules: _Rules) -> str | None:
    """What is wrong with two numbers, None if nothing is."""
    if rules.check_dtype and type(actual) is not type(expected):
        return f"The (d)types do not match: {type(actual)} != {type(expected)}."
    rtol, atol = rules.tolerances(_NUMBERS.get(type(actual)), _NUMBERS.get(type(expected)))
    if actual == expected or (rules.equal_nan and cmath.isnan(actual) and cmath.isnan(expected)):
        return None
    difference = abs(actual - expected)
    if math.isfinite(difference) and difference <= atol + rtol * abs(expected):
        return None
    relative = difference / abs(expected) if expected else math.inf
    absolutely, relatively = _allowed(rtol, atol)
    return (
        f"Scalars are not {'equal' if rtol == 0 and atol == 0 else 'close'}!\n\n"
        f"Expected {expected} but got {actual}.\n"
        f"Absolute difference: {difference}{absolutely}\nRelative difference: {relative}{relatively}"
    )


def _attributes(actual: Tensor, expected: Tensor, rules: _Rules) -> str | None:
    named: dict[str, Callable[[Tensor], Any]] = {
        "shape": lambda x: x.shape,
        "device": lambda x: x.device,
        "dtype": lambda x: x.dtype,
        "layout": lambda x: x.layout,
        "stride": lambda x: x.stride(),
    }
    for name in ("shape", *rules.attributes):
        first, second = named[name](actual), named[name](expected)
        if first != second:
            what = name if name != "stride" else "stride()"
            return f"The values for attribute '{what}' do not match: {first} != {second}."
    return None


def _arrays(actual: Tensor, expected: Tensor) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Both on the CPU, in the dtype that holds either of them."""
    dtype = _C.promote_types(actual.dtype, expected.dtype)
    if dtype in (tinytensor.float16, tinytensor.bfloat16):
        dtype = tinytensor.float32
    first, second = (x.detach().cpu().to(dtype).numpy() for x in (actual, expected))
    return first, second


def _tensors(actual: Tensor, expected: Tensor, rules: _Rules) -> str | None:
    """What is wrong with two tensors, None if nothing is."""
    wrong = _attributes(actual, expected, rules)
    if wrong:
        return wrong
    rtol, atol = rules.tolerances(*(str(x.dtype).rpartition(".")[2] for x in (actual, expected)))
    first, second = _arrays(actual, expected)
    close = numpy.isclose(first, second, rtol=rtol, atol=atol, equal_nan=rules.equal_nan)
    if first.dtype.kind in "iu" and rtol == 0 and atol == 0:
        close = first == second
    if close.all():
        return None
    if first.dtype.kind in "biu":
        first, second = first.astype(numpy.int64), second.astype(numpy.int64)
    with numpy.errstate(all="ignore"):
        absolute = numpy.where(close, 0, numpy.abs(first - second))
        relative = numpy.where(close, 0.0, absolute / numpy.abs(second))
    kind = "equal" if rtol == 0 and atol == 0 else "close"
    if not actual.dim():
        return (
            f"Scalars are not {kind}!\n\nExpected {second.item()} but got {first.item()}.\n"
            f"Absolute difference: {absolute.item()}{_allowed(rtol, atol)[0]}\n"
            f"Relative difference: {relative.item()}{_allowed(rtol, atol)[1]}"
        )
    lines = [f"Tensor-likes are not {kind}!\n"]
    bad = close.size - int(close.sum())
    lines.append(f"Mismatched elements: {bad} / {close.size} ({bad / close.size:.1%})")
    for name, values, allowed in zip(("absolute", "relative"), (absolute, relative), _allowed(rtol, atol)):
        index = numpy.unravel_index(values.argmax(), values.shape)
        place = tuple(int(i) for i in index)
        lines.append(f"Greatest {name} difference: {values[index].item()} at index {place}{allowed}")
    return "\n".join(lines)


def _single(actual: Any, expected: Any, rules: _Rules) -> str | None:
    if actual is None or expected is None:
        return None if actual is expected else f"None mismatch: {actual} is not {expected}"
    if isinstance(actual, (bool, int, float, complex)) and isinstance(expected, (bool, int, float, complex)):
        return _numbers(actual, expected, rules)
    arrays = (Tensor, numpy.ndarray, numpy.generic)
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if not (
        isinstance(actual, arrays)
        and isinstance(expected, arrays)
        and related
        and (rules.allow_subclasses or type(actual) is type(expected))
    ):
        raise TypeError(
            f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."
        )
    first, second = (x if isinstance(x, Tensor) else _C.tensor(x) for x in (actual, expected))
    return _tensors(first, second, rules)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise AssertionError unless |actual - expected| <= atol + rtol * |expected| everywhere, also inside of
    sequences and mappings. The tolerances follow from the dtype unless both are given.
    """
    rules = _Rules(
        rtol,
        atol,
        equal_nan=equal_nan,
        allow_subclasses=allow_subclasses,
        check_device=check_device,
        check_dtype=check_dtype,
        check_layout=check_layout,
        check_stride=check_stride,
    )
    for first, second, where in _items(actual, expected, ()):
        wrong = _single(first, second, rules)
        if wrong:
            text = wrong + _place(where)
            raise AssertionError(text if msg is None else msg(text) if callable(msg) else msg)


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """The older form: either side may also be a number or a list, and dtypes and devices may differ."""
    first, second = (x if isinstance(x, Tensor) else _C.tensor(x) for x in (actual, expected))
    assert_close(
        first,
        second,
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_device=False,
        check_dtype=False,
        check_layout=False,
        msg=msg or None,
    )
