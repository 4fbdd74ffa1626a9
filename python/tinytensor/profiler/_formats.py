"""Times, bytes and shares as text."""

from __future__ import annotations

import math

_UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0}  # in microseconds


def format_time(microseconds: float, unit: str | None = None) -> str:
    if unit is None:
        unit = next((name for name, size in _UNITS.items() if microseconds >= size), "us")
    if unit not in _UNITS:
        raise ValueError(f"table: time_unit is one of {', '.join(_UNITS)}, got {unit!r}")
    return f"{microseconds / _UNITS[unit]:.3f}{unit}"


def format_share(part: float, total: float) -> str:
    return f"{100 * part / total:.2f}%" if total else "NaN"


def format_bytes(count: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if abs(count) >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count} B"


def flops_unit(smallest: float) -> tuple[float, str]:
    """The unit in which the smallest count is at least 1."""
    names = ["FLOPs", "KFLOPs", "MFLOPs", "GFLOPs", "TFLOPs", "PFLOPs"]
    step = max(0, min(int(math.log10(smallest) / 3), len(names) - 1))
    return 1000.0**step, names[step]
