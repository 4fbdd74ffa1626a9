"""Pictures: datasets, transforms, models and what goes with them, under torchvision's names."""

from __future__ import annotations

import importlib
from typing import Any

from tinytensor import __version__

__all__ = ["__version__", "get_image_backend", "set_image_backend"]

_PACKAGES = ("datasets", "io", "models", "ops", "transforms", "tv_tensors", "utils")


def get_image_backend() -> str:
    """What decodes pictures."""
    return "PIL"


def set_image_backend(backend: str) -> None:
    """Only Pillow decodes pictures."""
    if backend != "PIL":
        raise ValueError(f"Invalid backend '{backend}'. Options are 'PIL'")


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; docs/compatibility.md tells what there is"
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *_PACKAGES})
