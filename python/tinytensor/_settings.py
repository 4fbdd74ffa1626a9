"""Switches of the whole package, and questions about objects."""

from __future__ import annotations

from typing import Any

from ._C import Tensor
from .storage import TypedStorage, UntypedStorage

_deterministic = False
_deterministic_warn_only = False
_matmul_precision = "highest"


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for deterministic algorithms. All operations here are deterministic, so this only sets the switch."""
    global _deterministic, _deterministic_warn_only
    _deterministic, _deterministic_warn_only = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """Whether deterministic algorithms were asked for."""
    return _deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether a missing deterministic algorithm is only worth a warning."""
    return _deterministic_warn_only


def set_float32_matmul_precision(precision: str) -> None:
    """Allow float32 products of lower precision: 'highest', 'high' or 'medium'. Products here are always 'highest',
    which every setting allows.
    """
    global _matmul_precision
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(
            f"set_float32_matmul_precision: {precision!r} is not one of 'highest', 'high', 'medium'"
        )
    _matmul_precision = precision


def get_float32_matmul_precision() -> str:
    """The precision that float32 products may fall to."""
    return _matmul_precision


def is_tensor(obj: Any) -> bool:
    """Whether an object is a tensor."""
    return isinstance(obj, Tensor)


def is_storage(obj: Any) -> bool:
    """Whether an object is a storage."""
    return isinstance(obj, (TypedStorage, UntypedStorage))


def typename(obj: Any) -> str:
    """The name of an object's type, as 'torch.FloatTensor' or 'module.Class'."""
    if isinstance(obj, Tensor):
        return obj.type()
    cls = obj if isinstance(obj, type) else type(obj)
    module = getattr(cls, "__module__", "")
    return cls.__qualname__ if module in ("", "builtins") else f"{module}.{cls.__qualname__}"
