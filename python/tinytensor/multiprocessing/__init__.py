"""Python's multiprocessing, with tensors that travel between processes in shared memory.

Everything of `multiprocessing` is here under its own name. A tensor put on a queue, sent through a pipe or
given to a new process is not copied: its memory moves to where both processes see it, and what one writes the
other reads.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import *  # noqa: F403

from .reductions import (
    get_all_sharing_strategies,
    get_sharing_strategy,
    init_reductions,
    set_sharing_strategy,
)
from .spawn import (
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    ProcessRaisedException,
    SpawnContext,
    spawn,
    start_processes,
)

__all__ = [
    "set_sharing_strategy",
    "get_sharing_strategy",
    "get_all_sharing_strategies",
    *multiprocessing.__all__,
]
__all__ += [
    "ProcessContext",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "SpawnContext",
]
__all__ += ["init_reductions", "spawn", "start_processes"]
