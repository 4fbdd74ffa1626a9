"""Versions: of this package, and of the libraries for devices that PyTorch names."""

from typing import Any

import tinytensor

__all__ = ["__version__", "cuda", "debug", "git_version", "hip", "xpu"]

__version__: str  # changes while `torch` is a name of this package

debug = False
cuda = None  # PyTorch's is the version of CUDA that it was built with, which nothing here depends on
hip = None
xpu = None
git_version = "Unknown"


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return tinytensor.__version__
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
