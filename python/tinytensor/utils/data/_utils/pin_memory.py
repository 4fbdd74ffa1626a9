"""Batches copied to page-locked memory, from which a GPU reads faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...._C import Tensor
from .collate import _like_mapping, _like_sequence

__all__ = ["pin_memory"]


def pin_memory(data: Any, device: Any = None) -> Any:
    """The same data with its tensors pinned; an object with a method `pin_memory` does it itself."""
    if isinstance(data, Tensor) or hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, (str, bytes)):
        return data
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: pin_memory(value, device) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(pin_memory(part, device) for part in data))
    if isinstance(data, tuple):
        return [pin_memory(part, device) for part in data]
    if isinstance(data, Sequence):
        return _like_sequence(data, [pin_memory(part, device) for part in data])
    return data
