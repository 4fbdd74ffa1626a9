"""The device besides the CPU, whatever its kind: here a CUDA device, where there is one."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import tinytensor

from . import cuda

__all__ = [
    "current_accelerator",
    "current_device_idx",
    "current_device_index",
    "current_stream",
    "device_count",
    "device_index",
    "empty_cache",
    "is_available",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "reset_peak_memory_stats",
    "set_device_idx",
    "set_device_index",
    "synchronize",
]


def device_count() -> int:
    """How many devices there are."""
    return cuda.device_count()


def is_available() -> bool:
    """Whether there is such a device."""
    return cuda.is_available()


def current_accelerator(check_available: bool = False) -> Any:
    """The device besides the CPU; None if there is none, whether or not it is checked for."""
    return tinytensor.device("cuda") if cuda.is_available() else None


def _need() -> None:
    if not cuda.is_available():
        raise RuntimeError("Cannot access accelerator device when none is available.")


def current_device_index() -> int:
    """The number of the device that is current."""
    _need()
    return cuda.current_device()


def set_device_index(device: Any) -> None:
    """Make a device the current one; a negative number changes nothing."""
    _need()
    cuda.set_device(device)


current_device_idx = current_device_index
set_device_idx = set_device_index


class device_index(cuda.device):
    """Context manager that makes the device of that number the current one; None changes nothing."""

    def __init__(self, device: int | None) -> None:
        super().__init__(-1 if device is None else device)


def current_stream(device: Any = None) -> cuda.Stream:
    """The stream that work on a device goes to."""
    _need()
    return cuda.current_stream(device)


def synchronize(device: Any = None) -> None:
    """Wait until the device has done all that it was given."""
    _need()
    cuda.synchronize(device)


def empty_cache() -> None:
    """Give memory that no tensor holds back to the devices."""
    _need()
    cuda.empty_cache()


def memory_stats(device_index: Any = None) -> dict[str, int]:
    """Bytes that tensors hold and that the device gave; none without a device."""
    return cuda.memory_stats(device_index)


def memory_allocated(device_index: Any = None) -> int:
    """Bytes that tensors hold."""
    return cuda.memory_allocated(device_index)


def max_memory_allocated(device_index: Any = None) -> int:
    """The most bytes that tensors held at once."""
    return cuda.max_memory_allocated(device_index)


def memory_reserved(device_index: Any = None) -> int:
    """Bytes that the device gave."""
    return cuda.memory_reserved(device_index)


def max_memory_reserved(device_index: Any = None) -> int:
    """The most bytes that the device gave at once."""
    return cuda.max_memory_reserved(device_index)


def reset_peak_memory_stats(device_index: Any = None) -> None:
    """Let the counting of the most bytes begin again."""
    _need()
    cuda.reset_peak_memory_stats(device_index)


def get_device_module(device: Any = None) -> ModuleType:
    """The module for a device: `torch.cpu` or `torch.cuda`; without one, for the accelerator if there is one."""
    if device is not None and not isinstance(device, (str, tinytensor.device)):
        raise RuntimeError(f"get_device_module: expected a device, a string or None, got {device!r}")
    chosen = device if device is not None else current_accelerator(check_available=True) or "cpu"
    kind = tinytensor.device(chosen).type
    if kind not in ("cpu", "cuda"):
        raise RuntimeError(f"get_device_module: there is no module for {kind!r}")
    return getattr(tinytensor, kind)
