"""Whether something is being compiled, under the name that libraries import."""

from ..compiler import is_compiling

__all__ = ["is_compiling"]
