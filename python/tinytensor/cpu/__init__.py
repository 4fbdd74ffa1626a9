"""The CPU, by the names that tinytensor.cuda has for a GPU."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from . import amp

__all__ = ["amp", "current_device", "current_stream", "device_count", "is_available", "stream", "synchronize"]


class Stream:
    """All work on the CPU is done when the call returns."""


def is_available() -> bool:
    return True


def device_count() -> int:
    return 1


def current_device() -> str:
    return "cpu"


def synchronize(device: Any = None) -> None:
    """Returns at once: nothing is ever left to be waited for."""


def current_stream(device: Any = None) -> Stream:
    return Stream()


def stream(stream: Stream) -> AbstractContextManager:
    return nullcontext()
