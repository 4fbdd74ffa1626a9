"""Recorded work of a GPU, launched as one."""

from __future__ import annotations

from typing import Any

__all__ = ["CUDAGraph", "graph", "is_current_stream_capturing"]


class CUDAGraph:
    """A recording of a stream's work. Streams are not recorded here: the class is there to be named."""

    def __init__(self, keep_graph: bool = False) -> None:
        raise NotImplementedError("CUDAGraph: the work of streams is not recorded")


class graph:
    """A block whose work would be recorded into a `CUDAGraph`."""

    def __init__(
        self,
        cuda_graph: CUDAGraph,
        pool: Any = None,
        stream: Any = None,
        capture_error_mode: str = "global",
    ) -> None:
        raise NotImplementedError("graph: the work of streams is not recorded")


def is_current_stream_capturing() -> bool:
    """Whether the stream's work is being recorded: it never is."""
    return False
