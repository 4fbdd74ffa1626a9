"""Timing of statements, and tables that compare the results.

timer = Timer("x @ x", globals={"x": torch.randn(256, 256)}, label="matmul", sub_label="256")
print(timer.blocked_autorange(min_run_time=0.2))
Compare([timer.timeit(100) for timer in timers]).print()
"""

from .compare import Colorize, Compare
from .measurement import (
    Measurement,
    TaskSpec,
    ordered_unique,
    select_unit,
    set_torch_threads,
    trim_sigfig,
    unit_to_english,
)
from .timer import Language, Timer, timer

__all__ = [
    "Colorize",
    "Compare",
    "Language",
    "Measurement",
    "TaskSpec",
    "Timer",
    "ordered_unique",
    "select_unit",
    "set_torch_threads",
    "timer",
    "trim_sigfig",
    "unit_to_english",
]
