"""Which implementation of attention runs, and attention with a program of its own for the scores (`flex_attention`)."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(enum.IntEnum):
    """PyTorch's names for implementations. There is one here, in blocks, with the exact result; all names lead to it."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends: SDPBackend | list[SDPBackend], set_priority: bool = False) -> Iterator[None]:
    """Accepts any choice of implementations: the one that is here gives the result of each of them."""
    chosen = [backends] if isinstance(backends, SDPBackend) else list(backends)
    if not chosen:
        raise AssertionError("sdpa_kernel: expected at least one backend")
    wrong = [backend for backend in chosen if not isinstance(backend, SDPBackend)]
    if wrong:
        raise AssertionError(f"sdpa_kernel: expected SDPBackend, got {wrong}")
    yield
