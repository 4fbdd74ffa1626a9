"""oneDNN, which is not used here."""

from ._absent import is_available

__all__ = ["enabled", "is_available"]

enabled = True
