"""Versions: of this package, and of the libraries for devices that PyTorch names."""

from . import __version__

__all__ = ["__version__", "cuda", "debug", "git_version", "hip", "xpu"]

debug = False
cuda = None  # PyTorch's is the version of CUDA that it was built with, which nothing here depends on
hip = None
xpu = None
git_version = "Unknown"
