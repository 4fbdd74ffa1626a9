"""Where storages were saved from, and where they are put: tags such as 'cpu', 'cuda:0', and
`map_location`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinytensor

from ..storage import UntypedStorage

_CPU_HINT = (
    "If you are running on a CPU-only machine, please use torch.load with "
    "map_location=torch.device('cpu') to map your storages to the CPU."
)

# (priority, function that names the location of a storage, function that puts a storage into a location)
_packages: list[tuple[int, Callable, Callable]] = []


def register_package(priority: int, tagger: Callable, deserializer: Callable) -> None:
    """Teach `save` and `load` another location. `tagger(storage)` returns its tag or None,
    `deserializer(storage, tag)` the storage in that place or None; lower priorities are asked first.
    """
    _packages.append((priority, tagger, deserializer))
    _packages.sort(key=lambda package: package[0])


def location_tag(storage: Any) -> str:
    """The name of the place where a storage is."""
    for _, tagger, _ in _packages:
        tag = tagger(storage)
        if tag:
            return tag
    raise RuntimeError(f"don't know how to determine data location of {type(storage).__name__}")


def default_restore_location(storage: Any, location: str) -> Any:
    """The storage, in the place that a tag names."""
    for _, _, deserializer in _packages:
        found = deserializer(storage, location)
        if found is not None:
            return found
    if location.partition(":")[0] in _other_devices:
        raise RuntimeError(
            f"Attempting to deserialize object on device {location[:80]!r}, which is not here. {_CPU_HINT}"
        )
    raise RuntimeError(
        "don't know how to restore data location of torch.storage.UntypedStorage "
        f"(tagged with {location[:80]}). {_CPU_HINT}"
    )


_other_devices = {"mps", "xpu", "xla", "hpu", "mtia", "npu", "privateuseone"}


def _cpu_tag(storage: Any) -> str | None:
    return "cpu" if storage.device.type == "cpu" else None


def _to_cpu(storage: Any, location: str) -> Any:
    return storage.cpu() if location == "cpu" else None


def _meta_tag(storage: Any) -> str | None:
    return "meta" if storage.device.type == "meta" else None


def _to_meta(storage: Any, location: str) -> Any:
    return storage.to(device="meta") if location == "meta" else None


def _cuda_tag(storage: Any) -> str | None:
    return str(storage.device) if storage.device.type == "cuda" else None


def _to_cuda(storage: Any, location: str) -> Any:
    if location.partition(":")[0] != "cuda":
        return None
    cuda = tinytensor.cuda
    if not cuda.is_available():
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. "
            + _CPU_HINT
        )
    device = tinytensor.device(location)
    if device.index >= cuda.device_count():
        raise RuntimeError(
            f"Attempting to deserialize object on CUDA device {device.index}, there are "
            f"{cuda.device_count()}. Please use torch.load with map_location to map your storages "
            "to an existing device."
        )
    return storage.cuda(device)


register_package(10, _cpu_tag, _to_cpu)
register_package(20, _cuda_tag, _to_cuda)
register_package(22, _meta_tag, _to_meta)


def restorer(map_location: Any) -> Callable[[UntypedStorage, str], Any]:
    """The function that puts a storage where `map_location` wants it: a place, a dict of tags, or a
    function.
    """
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda storage, location: default_restore_location(
            storage, _text(map_location.get(location, location))
        )
    if isinstance(map_location, (str, bytes, tinytensor.device)):
        place = _text(map_location)
        return lambda storage, location: default_restore_location(storage, place)
    if not callable(map_location):
        kind = type(map_location).__name__
        raise TypeError(f"load: map_location must be a device, a string, a dict or a function, got {kind}")

    def restore(storage: UntypedStorage, location: str) -> Any:
        found = map_location(storage, location)
        return default_restore_location(storage, location) if found is None else found

    return restore


def _text(place: Any) -> str:
    return place.decode() if isinstance(place, bytes) else str(place)
