"""Intel's GPUs, which this package does not compute on: none is found, and using one is refused."""

from __future__ import annotations

from typing import Any

__all__ = [
    "current_device",
    "device_count",
    "empty_cache",
    "is_available",
    "is_bf16_supported",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "memory_allocated",
    "set_device",
    "synchronize",
]


def is_available() -> bool:
    """Whether there is such a device."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether such a device computes with bfloat16."""
    return False


def device_count() -> int:
    """How many such devices there are."""
    return 0


def _refuse() -> None:
    raise AssertionError("Torch not compiled with XPU enabled")


def current_device() -> int:
    """There is none."""
    _refuse()
    return -1


def set_device(device: Any) -> None:
    """There is none."""
    _refuse()


def synchronize(device: Any = None) -> None:
    """There is none."""
    _refuse()


def memory_allocated(device: Any = None) -> int:
    """Bytes that tensors hold there: none."""
    return 0


max_memory_allocated = memory_allocated


def empty_cache() -> None:
    """No memory is kept there."""


def manual_seed(seed: int) -> None:
    """There is no generator to seed; the number must be one."""
    int(seed)


manual_seed_all = manual_seed
