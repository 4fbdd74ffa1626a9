"""The package opt_einsum, which is not used here: `einsum` orders its products itself."""

from ._absent import is_available

__all__ = ["enabled", "is_available", "strategy"]

enabled = False
strategy = None
