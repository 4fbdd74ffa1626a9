"""Apple's GPUs, which this package does not compute on: none is found, and using one is refused."""

from __future__ import annotations

__all__ = [
    "current_allocated_memory",
    "device_count",
    "empty_cache",
    "is_available",
    "manual_seed",
    "synchronize",
]


def is_available() -> bool:
    """Whether there is such a device."""
    return False


def device_count() -> int:
    """How many such devices there are."""
    return 0


def _refuse(function: str) -> None:
    raise RuntimeError(f"Cannot execute {function}() without MPS backend.")


def synchronize() -> None:
    """There is none."""
    _refuse("deviceSynchronize")


def empty_cache() -> None:
    """There is none."""
    _refuse("emptyCache")


def current_allocated_memory() -> int:
    """There is none."""
    _refuse("currentAllocatedMemory")
    return 0


def manual_seed(seed: int) -> None:
    """There is no generator to seed; the number must be one."""
    int(seed)
