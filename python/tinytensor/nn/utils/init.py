"""Modules made without the work of first values."""

from __future__ import annotations

import inspect
from typing import Any

from tinytensor.nn import init
from tinytensor.nn.modules.module import Module

__all__ = ["skip_init"]

_FILLS = [name for name in init.__all__ if name.endswith("_")]


def skip_init(module_cls: type, *args: Any, **kwargs: Any) -> Any:
    """Return module_cls(*args, **kwargs) with parameters that were not filled, drawing no random numbers."""
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    saved = {name: getattr(init, name) for name in _FILLS}
    try:
        for name in _FILLS:
            setattr(init, name, lambda tensor, *args, **kwargs: tensor)
        return module_cls(*args, **kwargs)
    finally:
        for name, fill in saved.items():
            setattr(init, name, fill)
