"""What a row of the catalogue is made of: operands, samples, and the row itself."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
FLOATS = ("float16", "bfloat16", "float32", "float64")
WIDE_FLOATS = ("float32", "float64")
NUMBERS = INTEGERS + FLOATS
ALL = ("bool", *NUMBERS)
DISCRETE = ("bool", *INTEGERS)

# NumPy has no bfloat16: its values are held, already rounded, in float32.
STORAGE = {name: np.dtype("float32" if name == "bfloat16" else name) for name in ALL}


def is_float(dtype: str) -> bool:
    return dtype in FLOATS


def round_to(values: Any, dtype: str) -> np.ndarray:
    """The nearest values that `dtype` can hold, in the NumPy type that stands for it."""
    array = np.asarray(values)
    with np.errstate(all="ignore"):
        array = array.astype(STORAGE[dtype])
    if dtype != "bfloat16":
        return array
    bits = array.view(np.uint32)
    nearest_even = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(
        0xFFFF0000
    )
    return np.where(np.isnan(array), array, nearest_even.view(np.float32)).astype(np.float32)


def promote_types(a: str, b: str) -> str:
    if a == b:
        return a
    if is_float(a) and is_float(b):
        return "float64" if "float64" in (a, b) else "float32"
    if is_float(a) or is_float(b):
        return a if is_float(a) else b
    if "bool" in (a, b):
        return b if a == "bool" else a
    wider = max(a, b, key=lambda name: (STORAGE[name].itemsize, name == "uint8"))
    return "int16" if {a, b} == {"uint8", "int8"} else wider


def category(dtype: str) -> int:
    return 0 if dtype == "bool" else 1 if dtype in INTEGERS else 2


def promote(values: Iterable[Any]) -> str:
    """Result type of a mixed operation.

    Tensors with dimensions outrank 0-dim tensors, which outrank Python numbers; a lower rank matters only
    when its category (bool < integer < float) is higher.
    """
    ranks: list[str | None] = [None, None, None]
    for value in values:
        if isinstance(value, Operand):
            rank, dtype = (0 if value.array.ndim else 1), value.dtype
        elif isinstance(value, (bool, int, float)):
            rank, dtype = 2, {bool: "bool", int: "int64", float: "float32"}[type(value)]
        else:
            continue
        held = ranks[rank]
        ranks[rank] = dtype if held is None else promote_types(held, dtype)
    result = _outrank(ranks[0], _outrank(ranks[1], ranks[2]))
    assert result is not None
    return result


def _outrank(higher: str | None, lower: str | None) -> str | None:
    if higher is None or lower is None:
        return higher or lower
    if category(lower) > category(higher):
        return promote_types(higher, lower)
    return higher


@dataclass(frozen=True)
class Operand:
    """A tensor argument: exact values, and the dtype it has as a tensor."""

    array: np.ndarray
    dtype: str
    drawn: bool = True  # data of the op, as against an index or a mask
    separate: bool = False  # no two values equal

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def constant(self) -> Operand:
        """The same values, kept out of derivatives and of odd memory layouts."""
        return replace(self, drawn=False)

    def __repr__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


@dataclass(frozen=True)
class Dtype:
    """A dtype argument, resolved in the module under test."""

    name: str


@dataclass(frozen=True)
class Sample:
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    differentiable: bool = True
    result: Any = None  # overrides the result rule of the row
    raises: type[BaseException] | None = None
    message: str = ""

    def fixed(self) -> Sample:
        """The same sample, left out of the derivative checks."""
        return replace(self, differentiable=False)

    def giving(self, result: Any) -> Sample:
        return replace(self, result=result)


def S(*args: Any, **kwargs: Any) -> Sample:
    return Sample(args, kwargs)


def E(raises: type[BaseException], message: str, *args: Any, **kwargs: Any) -> Sample:
    """A bad call: the exception it must raise and what the message must say besides the name of the op."""
    return Sample(args, kwargs, raises=raises, message=message)


class Draw:
    """Makes the operands of one row in one dtype; the same row and dtype always give the same values."""

    def __init__(self, name: str, dtype: str, domain: tuple[float, float]) -> None:
        self.dtype = dtype
        self.domain = domain
        self.random = np.random.default_rng(zlib.crc32(f"{name}/{dtype}".encode()))

    @property
    def floating(self) -> bool:
        return is_float(self.dtype)

    def __call__(self, *shape: int, domain: tuple[float, float] | None = None) -> Operand:
        low, high = domain or self.domain
        if self.dtype == "bool":
            return Operand(self.random.integers(0, 2, shape).astype(bool), "bool")
        if self.floating:
            return self.of(self.random.uniform(low, high, shape))
        low = max(low, 0) if self.dtype == "uint8" else low
        return self.of(self.random.integers(int(np.ceil(low)), int(np.floor(high)) + 1, shape))

    def distinct(self, *shape: int) -> Operand:
        """No two values equal, and floats far enough apart for a difference quotient."""
        count = int(np.prod(shape))
        values = self.random.permutation(count)
        if self.floating:
            values = (values - count / 2 + 0.25) / 8
        elif self.dtype not in ("bool", "uint8"):
            values = values - count // 2
        return replace(self.of(values.reshape(shape)), separate=True)

    def of(self, values: Any) -> Operand:
        return Operand(round_to(values, self.dtype), self.dtype)

    @staticmethod
    def index(values: Any) -> Operand:
        return Operand(np.asarray(values, dtype=np.int64), "int64", drawn=False)

    @staticmethod
    def mask(values: Any) -> Operand:
        return Operand(np.asarray(values, dtype=bool), "bool", drawn=False)


Samples = Callable[[Draw], Sequence[Sample]]


CONTIGUOUS = frozenset({"contiguous only"})  # defined on contiguous memory alone
CASTS = frozenset({"out casts"})  # out= of any dtype is accepted
NEEDS_DIM = frozenset({"out needs dim"})  # out= only together with a dimension
OUT_RECORDS = frozenset({"peer: out gradient"})  # PyTorch lets out= pass with arguments that require grad
IN_PLACE_FAILS = frozenset({"peer: in place"})  # PyTorch has no derivative of the in-place method
OWN_STRIDES = frozenset({"peer: own strides"})  # contiguous here, whatever the memory of the inputs
SECOND_FAILS = frozenset({"peer: second gradient"})  # PyTorch has no second derivative
STRIDES_FAIL = frozenset({"peer: strides"})  # PyTorch itself fails on odd strides


@dataclass(frozen=True)
class Op:
    """One op: how it is called, what NumPy says it gives, and what it must refuse.

    forms     f: torch.name, m: method, i: in-place method name_, o: out= of the function
    result    rule for the result dtype: same, float (integers give float32), sum (integers give int64),
              promote and promote_float (of all operands), promote of data (leaves out indices and masks),
              truth (bool, but uint8 of uint8), reference (the dtype of the NumPy result), or the name of a
              dtype; a tuple has one rule per output
    reference gets float64 arrays for every floating dtype, and its result is rounded to the result dtype
    """

    name: str
    reference: Callable[..., Any] | None
    samples: Samples
    dtypes: tuple[str, ...] = FLOATS
    forms: str = "fm"
    result: Any = "same"
    order: int = 0
    domain: tuple[float, float] = (-3.0, 3.0)
    tolerance: float = 1.0  # widens the tolerance of the dtype
    nonfinite: Samples | None = None
    large: Samples | None = None  # enough elements for every block, tail and thread
    ulps: float = 0.0  # greatest error of float32 results, in units of the last place; 0: not checked
    bad: Samples | None = None
    rejects: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    operator: str = ""  # name in the module `operator`
    call: Callable[..., Any] | None = None  # call(torch, *args, **kwargs) where no plain form fits
    view: bool = False
    native: bool = False  # the reference works in the dtype itself
    promotes: bool = False
    shape_only: bool = False
    label: str = ""  # what error messages call it, if not by name
    tags: frozenset[str] = field(default_factory=frozenset)

    def draw(self, dtype: str) -> Draw:
        return Draw(self.name, dtype, self.domain)

    @property
    def changes_self(self) -> bool:
        return self.name.endswith("_") and not self.name.endswith("__")


def elementwise_samples(t: Draw) -> list[Sample]:
    return [S(t()), S(t(5)), S(t(2, 3)), S(t(0, 3)), S(t(67)), S(t(3, 1, 2))]


def large_unary(t: Draw) -> list[Sample]:
    return [S(t(70_003)), S(t(301, 257))]


def large_binary(t: Draw) -> list[Sample]:
    return [S(t(70_003), t(70_003)), S(t(301, 257), t(257)), S(t(301, 257), t(301, 1))]


def large_rows(t: Draw) -> list[Sample]:
    """For ops that take a dimension: along rows, columns, and the middle of three."""
    return [S(t(301, 257), 1), S(t(301, 257), 0), S(t(41, 37, 43), 1), S(t(3, 30_001), 1), S(t(30_001, 3), 0)]


SPECIAL = [float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1.0, -1.0, 2.5, -0.5]


def special_unary(t: Draw) -> list[Sample]:
    return [S(t.of(SPECIAL))]


def special_binary(t: Draw) -> list[Sample]:
    a, b = np.meshgrid(SPECIAL, SPECIAL)
    return [S(t.of(a), t.of(b))]


def special_rows(t: Draw) -> list[Sample]:
    nan, inf = float("nan"), float("inf")
    return [S(t.of([[nan, 1, 2], [inf, 1, 2], [inf, -inf, 0], [1, nan, -inf], [1, 2, 3]]), 1)]


def unary(name: str, reference: Callable[..., Any], dtypes: tuple[str, ...] = FLOATS, **options: Any) -> Op:
    options.setdefault("forms", "fmio")
    options.setdefault("order", 2)
    options.setdefault("samples", elementwise_samples)
    options.setdefault("nonfinite", special_unary)
    options.setdefault("large", large_unary)
    return Op(name, reference, dtypes=dtypes, **options)


PAIRS = [
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((2, 3), ()),
    ((), (2, 3)),
    ((0, 3), (1, 3)),
    ((2, 1, 3), (4, 1)),
    ((67,), (67,)),
    ((3, 35), (35,)),
    ((3, 35), (3, 1)),
]


def binary(
    name: str,
    reference: Callable[..., Any],
    dtypes: tuple[str, ...] = NUMBERS,
    number: Any = 2,
    second: tuple[float, float] | None = None,
    extra: Samples | None = None,
    **options: Any,
) -> Op:
    """`number`: a Python number that may stand in for the second tensor (None: not accepted)."""

    def samples(t: Draw) -> list[Sample]:
        result = [S(t(*a), t(*b, domain=second)) for a, b in PAIRS]
        if number is not None:
            result += [S(t(2, 3), number), S(t(), number)]
        return result + list(extra(t) if extra else [])

    options.setdefault("forms", "fmio")
    options.setdefault("result", "promote")
    options.setdefault("order", 2)
    options.setdefault("promotes", options["result"] in ("promote", "promote_float", "bool"))
    options.setdefault("nonfinite", special_binary)
    options.setdefault(
        "large", lambda t: [S(s.args[0], t(*s.args[1].shape, domain=second)) for s in large_binary(t)]
    )
    options.setdefault("bad", lambda t: [E(RuntimeError, r"3.*4", t(2, 3), t(2, 4))])
    return Op(name, reference, samples, dtypes=dtypes, **options)
