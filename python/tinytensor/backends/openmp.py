"""OpenMP, which is not used here: threads are this package's own."""

from ._absent import is_available

__all__ = ["is_available"]
