"""CUDA devices. The extension module behind them is imported at the first use, and may be absent.

All work on a device runs in order, in one stream.
"""

from __future__ import annotations

import importlib
import time
from types import ModuleType, SimpleNamespace, TracebackType
from typing import Any

import tinytensor

from .._legacy import CUDA_TYPES
from .graphs import CUDAGraph, graph, is_current_stream_capturing  # noqa: F401

globals().update(CUDA_TYPES)

_module: ModuleType | None = None
_import_error: ImportError | None = None
_initialized = False
_seeds: dict[int, int] = {}


def _find() -> ModuleType | None:
    """The extension module, which registers the devices that it finds; None where it was not built."""
    global _module, _import_error
    if _module is None and _import_error is None:
        try:
            _module = importlib.import_module("tinytensor._cuda")
        except ImportError as error:
            _import_error = error
    return _module


def init() -> ModuleType:
    """Make the devices usable, or raise the error that says why they are not."""
    global _initialized
    module = _find()
    if module is None:
        raise AssertionError(f"Torch not compiled with CUDA enabled: {_import_error}")
    if module.device_count() == 0:
        raise RuntimeError("No CUDA GPUs are available: no driver or no device was found")
    _initialized = True
    return module


_lazy_init = init


def is_initialized() -> bool:
    return _initialized


def is_available() -> bool:
    return device_count() > 0


def is_bf16_supported(including_emulation: bool = True) -> bool:
    return is_available() and (including_emulation or get_device_capability() >= (8, 0))


# ---- devices


def device_count() -> int:
    module = _find()
    return module.device_count() if module else 0


def current_device() -> int:
    return init().current_device()


def _index(device: Any, default: int | None = None) -> int:
    """The number of a device given as such, as text, or as a `torch.device`; None stands for the current one."""
    if device is None:
        return current_device() if default is None else default
    if isinstance(device, int):
        return device
    found = tinytensor.device(device)
    if found.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {found}")
    return found.index


def set_device(device: Any) -> None:
    """Make `device` the current one; a negative number changes nothing."""
    index = _index(device)
    if index >= 0:
        init().set_device(index)


class device:
    """Context manager that makes a device the current one; a negative number changes nothing."""

    def __init__(self, device: Any) -> None:
        self.idx = _index(device, -1)
        self.prev_idx = -1

    def __enter__(self) -> None:
        if self.idx < 0:
            return
        if not is_available():
            raise RuntimeError(f"device: cuda:{self.idx} is not available, {device_count()} devices are")
        self.prev_idx = current_device()
        set_device(self.idx)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        set_device(self.prev_idx)


class device_of(device):
    """Context manager that makes the device of a tensor the current one; nothing for a tensor on the CPU."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


def synchronize(device: Any = None) -> None:
    """Wait until the device has done all that it was given."""
    module = init()
    module.synchronize(_index(device))


class _Properties(SimpleNamespace):
    name: str
    major: int
    minor: int


def get_device_properties(device: Any = None) -> _Properties:
    module = init()
    return _Properties(**module.properties(_index(device)))


def get_device_name(device: Any = None) -> str:
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    found = get_device_properties(device)
    return found.major, found.minor


# ---- memory


def memory_stats(device: Any = None) -> dict[str, int]:
    """Bytes that tensors hold (allocated) and that the device gave (reserved), now and at most."""
    return init().memory_stats(_index(device)) if _initialized or is_available() else {}


def memory_allocated(device: Any = None) -> int:
    return memory_stats(device).get("allocated_bytes.all.current", 0)


def max_memory_allocated(device: Any = None) -> int:
    return memory_stats(device).get("allocated_bytes.all.peak", 0)


def memory_reserved(device: Any = None) -> int:
    return memory_stats(device).get("reserved_bytes.all.current", 0)


def max_memory_reserved(device: Any = None) -> int:
    return memory_stats(device).get("reserved_bytes.all.peak", 0)


def reset_peak_memory_stats(device: Any = None) -> None:
    init().reset_peak_memory_stats(_index(device))


reset_max_memory_allocated = reset_peak_memory_stats


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Free and total bytes of the device."""
    return init().mem_get_info(_index(device))


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """One line per figure of `memory_stats`; only the current ones when `abbreviated`."""
    figures = memory_stats(device).items()
    shown = [(name, value) for name, value in figures if not abbreviated or name.endswith("current")]
    return "\n".join(f"{name:32}{value:>20,}" for name, value in shown)


def empty_cache() -> None:
    """Give memory that no tensor holds back to the devices."""
    for index in range(device_count() if _initialized else 0):
        init().empty_cache(index)


# ---- random numbers


def manual_seed(seed: int) -> None:
    """Seed the current device's generator; without a device, the one that may come."""
    _seeds[current_device() if is_available() else 0] = int(seed)


def manual_seed_all(seed: int) -> None:
    _seeds.update(dict.fromkeys(range(max(1, device_count())), int(seed)))


# ---- streams and events


class Stream:
    """The stream of a device. There is one, in order, so that there is nothing to wait for between streams."""

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        if not is_available():
            raise RuntimeError("torch.cuda.Stream requires CUDA support")
        self.device = tinytensor.device("cuda", _index(device))
        self.priority = priority

    def synchronize(self) -> None:
        synchronize(self.device)

    def query(self) -> bool:
        self.synchronize()
        return True

    def record_event(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Work given after the event runs after it, as all work does."""

    def wait_stream(self, stream: Stream) -> None:
        """Waits for another device; work of the same one is in order."""
        if stream.device != self.device:
            stream.synchronize()


class Event:
    """A point in a stream, reached when `record` returns: recording waits for the work before it."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        if not is_available():
            raise RuntimeError("torch.cuda.Event requires CUDA support")
        if interprocess:
            raise NotImplementedError("Event: interprocess events are not implemented")
        self._timing = enable_timing
        self._time: float | None = None

    def record(self, stream: Stream | None = None) -> None:
        (stream or current_stream()).synchronize()
        self._time = time.perf_counter()

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this event to another."""
        if self._time is None or end_event._time is None:
            raise RuntimeError("elapsed_time: both events must be recorded first")
        if not (self._timing and end_event._timing):
            raise RuntimeError("elapsed_time: both events must be created with enable_timing=True")
        return (end_event._time - self._time) * 1e3

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        """Recording has waited already."""

    def wait(self, stream: Stream | None = None) -> None:
        """Recording has waited already."""


def current_stream(device: Any = None) -> Stream:
    init()
    return Stream(device)


default_stream = current_stream


class StreamContext:
    """Context manager whose body's work goes to `stream`: it makes the stream's device the current one."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream
        self._device = device(stream.device if stream else -1)

    def __enter__(self) -> None:
        self._device.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._device.__exit__(kind, value, trace)


def stream(stream: Stream | None) -> StreamContext:
    """A context manager whose body's work goes to `stream`."""
    return StreamContext(stream)


def __getattr__(name: str) -> Any:
    if name == "amp":
        return importlib.import_module("tinytensor.cuda.amp")
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; docs/compatibility.md tells what there is"
    )
