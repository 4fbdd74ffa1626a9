"""Apple's GPUs, which this package does not compute on."""

from __future__ import annotations

from ._absent import is_available

__all__ = ["is_available", "is_built", "is_macos13_or_newer", "is_macos_or_newer"]

is_built = is_available


def is_macos_or_newer(major: int, minor: int) -> bool:
    """Whether Apple's GPUs can be used on that macOS: on none."""
    return False


def is_macos13_or_newer(minor: int = 0) -> bool:
    """Whether Apple's GPUs can be used on macOS 13: they cannot."""
    return is_macos_or_newer(13, minor)
