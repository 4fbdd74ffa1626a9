"""What the modules of absent libraries have in common."""

from __future__ import annotations


def is_available() -> bool:
    """Whether the library is part of this build: it is not."""
    return False
