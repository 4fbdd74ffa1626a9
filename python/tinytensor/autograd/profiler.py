"""`torch.autograd.profiler`: the profiler of one block, and ranges."""

from __future__ import annotations

from typing import Any, NoReturn

from tinytensor.profiler._activities import kineto_available
from tinytensor.profiler._autograd import profile
from tinytensor.profiler._events import EventList, FunctionEvent, FunctionEventAvg
from tinytensor.profiler._ranges import record_function

__all__ = [
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "emit_nvtx",
    "kineto_available",
    "profile",
    "record_function",
]


class emit_nvtx:
    """Ranges for NVIDIA's profilers: these are not emitted."""

    def __init__(self, enabled: bool = True, record_shapes: bool = False) -> None:
        if enabled:
            raise NotImplementedError(
                "emit_nvtx: ranges for NVIDIA's profilers are not emitted; use torch.profiler.profile"
            )

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exception: Any) -> None:
        return None


def load_nvprof(path: str) -> NoReturn:
    raise NotImplementedError("load_nvprof: files of nvprof are not read")
