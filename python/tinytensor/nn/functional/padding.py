"""Padding."""

from tinytensor import _C

__all__ = ["pad"]

pad = _C.pad
