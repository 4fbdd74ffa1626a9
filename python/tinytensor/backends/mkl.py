"""Intel's MKL, which is not used here."""

from ._absent import is_available

__all__ = ["is_available"]
