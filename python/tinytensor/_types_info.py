"""`finfo` and `iinfo`: the numeric limits of the dtypes, derived from their bit layouts."""

from __future__ import annotations

from typing import Any

import tinytensor

# dtype name -> (bits, bits of the stored fraction, bias of the exponent, decimal digits that survive)
_FLOATS = {
    "float16": (16, 10, 15, 3),
    "bfloat16": (16, 7, 127, 2),
    "float32": (32, 23, 127, 6),
    "float64": (64, 52, 1023, 15),
}

# dtype name -> (largest, smallest normal, distance from 1 to the next number), of types that no tensor has. PyTorch
# says of the last but one that this distance is 1/8.
_SMALL_FLOATS = {
    "float8_e4m3fn": (448.0, 2.0**-6, 0.125),
    "float8_e4m3fnuz": (240.0, 2.0**-7, 0.125),
    "float8_e5m2": (57344.0, 2.0**-14, 0.25),
    "float8_e5m2fnuz": (57344.0, 2.0**-15, 0.125),
    "float8_e8m0fnu": (2.0**127, 2.0**-127, 1.0),
}

# dtype name -> (bits, whether it has a sign)
_INTEGERS = {
    "uint8": (8, False),
    "int8": (8, True),
    "int16": (16, True),
    "int32": (32, True),
    "int64": (64, True),
    "uint16": (16, False),
    "uint32": (32, False),
    "uint64": (64, False),
}


def _dtype_name(function: str, dtype: Any) -> str:
    if not isinstance(dtype, tinytensor.dtype):
        raise TypeError(
            f"{function}(): argument 'type' (position 1) must be a dtype, not {type(dtype).__name__}"
        )
    return str(dtype).rpartition(".")[2]


class _Limits:
    """Immutable record of limits; equal when it is of the same kind and describes the same dtype."""

    __slots__ = ("bits", "dtype", "max", "min")
    __hash__ = None  # type: ignore[assignment]

    bits: int
    dtype: str
    _shown: tuple[str, ...] = ()

    def _fill(self, **limits: Any) -> None:
        for name, value in limits.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}: attribute '{name}' is read-only")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.dtype == other.dtype

    def __repr__(self) -> str:
        limits = ", ".join(f"{name}={getattr(self, name):g}" for name in self._shown)
        return f"{type(self).__name__}({limits}, dtype={self.dtype})"

    def __reduce__(self) -> tuple:
        return type(self), (getattr(tinytensor, self.dtype),)


class finfo(_Limits):
    """Limits of a floating point dtype, or of a complex dtype's parts; of the default dtype when none is given.

    Attributes: `bits`, `eps` (distance from 1 to the next number), `max`, `min`, `tiny` and its newer name
    `smallest_normal`, `resolution` (10 to the minus number of decimal digits that survive), and the string
    `dtype`.
    """

    __slots__ = ("eps", "resolution", "smallest_normal", "tiny")
    eps: float
    resolution: float
    smallest_normal: float
    tiny: float
    _shown = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")

    def __init__(self, type: Any = None) -> None:
        dtype = tinytensor.get_default_dtype() if type is None else type
        name = _dtype_name("finfo", dtype)
        if dtype.is_complex:
            name = _dtype_name("finfo", dtype.to_real())
        if name in _SMALL_FLOATS:
            largest, smallest, step = _SMALL_FLOATS[name]
            lowest = -largest if dtype.is_signed else smallest
            self._fill(bits=8, dtype=name, max=largest, min=lowest, eps=step)
            self._fill(tiny=smallest, smallest_normal=smallest, resolution=1.0)
            return
        if name not in _FLOATS:
            raise TypeError(f"finfo: needs a floating point dtype, got {dtype}; integer dtypes have iinfo")
        bits, fraction, bias, digits = _FLOATS[name]
        largest = (2.0 - 2.0**-fraction) * 2.0**bias
        smallest = 2.0 ** (1 - bias)
        self._fill(bits=bits, dtype=name, max=largest, min=-largest, eps=2.0**-fraction)
        self._fill(tiny=smallest, smallest_normal=smallest, resolution=float(f"1e-{digits}"))


class iinfo(_Limits):
    """Limits of an integer dtype. Attributes: `bits`, `max`, `min`, `dtype` (a string)."""

    __slots__ = ()
    _shown = ("min", "max")

    def __init__(self, type: Any) -> None:
        name = _dtype_name("iinfo", type)
        if name == "bool":
            raise TypeError(f"iinfo: {type} is not an integer dtype and has no limits")
        if name not in _INTEGERS:
            raise TypeError(f"iinfo: needs an integer dtype, got {type}; floating point dtypes have finfo")
        bits, has_sign = _INTEGERS[name]
        magnitude_bits = bits - 1 if has_sign else bits
        lowest = -(2**magnitude_bits) if has_sign else 0
        self._fill(bits=bits, dtype=name, max=2**magnitude_bits - 1, min=lowest)
