"""The version of PyTorch that programs find, comparable as PyTorch's own is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

PYTORCH, TORCHVISION = "2.13.0", "0.28.0"  # what this package follows


def _numbers(version: Any) -> tuple[int, ...]:
    """Of "2.13.0+cpu", (2, 13): zeros at the end count for nothing."""
    if not isinstance(version, (tuple, list)):
        version = re.findall(r"\d+", re.split(r"[^\d.]", str(version), maxsplit=1)[0])
    found = [int(part) for part in version]
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def _comparison(name: str) -> Callable:
    def compare(self: TorchVersion, other: Any) -> Any:
        return getattr(_numbers(self), name)(_numbers(other))

    return compare


class TorchVersion(str):
    """A string that is compared number by number with strings, tuples and versions of `packaging`."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other) is True or _numbers(self) == _numbers(other)

    def __ne__(self, other: object) -> bool:
        return not self == other


for _name in ("__lt__", "__le__", "__gt__", "__ge__"):
    setattr(TorchVersion, _name, _comparison(_name))
