"""Pictures: datasets, transforms, models and what goes with them, under torchvision's names."""

from __future__ import annotations

import importlib
from typing import Any

_PACKAGES = ("datasets", "models", "ops", "transforms", "utils")


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; docs/compatibility.md tells what there is")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PACKAGES})
