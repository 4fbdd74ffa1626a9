"""From start to stop: what the core recorded, as it comes from there."""

from __future__ import annotations

import contextlib
import gc
import time
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

from tinytensor import _C

LIMIT = 1_000_000  # events of a thread, about 200 bytes each

# The kinds of events, in the core's numbers.
OP, VISIT, NODE, RANGE, MODULE, MEMORY = range(6)


class RawEvent(NamedTuple):
    name: str
    note: str | None
    kind: int
    parent: int  # position in the list of its thread, or -1
    start: int  # nanoseconds, as all times here
    end: int
    bytes: int
    sequence: int
    last_sequence: int
    result_count: int
    inputs: tuple[list[list[int]], list[str]]  # sizes and types, [] and "" for what is no tensor
    stack: tuple[tuple[Any, int], ...]  # code objects and lines, innermost first


class Options(NamedTuple):
    record_shapes: bool = False
    profile_memory: bool = False
    with_stack: bool = False
    with_flops: bool = False
    with_modules: bool = False


class Recording(NamedTuple):
    options: Options
    start: int
    start_of_day: int  # the time since 1970 at the start
    threads: list[tuple[int, list[RawEvent]]]


@contextlib.contextmanager
def collector_at_rest() -> Iterator[None]:
    """Objects made here by the million stay alive: looking for garbage among them again and again takes most of the
    time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _OptimizerRanges:
    """Steps of optimizers as ranges, by hooks that are there only while a profiler records."""

    def __init__(self) -> None:
        from tinytensor.optim import optimizer

        self.open: list[Any] = []
        self.handles = [
            optimizer.register_optimizer_step_pre_hook(self.before),
            optimizer.register_optimizer_step_post_hook(self.after),
        ]

    def before(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self.open.append(_C._open_range(f"Optimizer.step#{type(optimizer).__name__}.step", ""))

    def after(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        event = self.open.pop()
        if event is not None:
            event.close()

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()


class Recorder:
    """One recording under way."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.ranges = _OptimizerRanges()
        self.start, self.start_of_day = _C._profile_time(), time.time_ns()
        try:
            _C._profile_start(
                shapes=options.record_shapes or options.with_flops,
                memory=options.profile_memory,
                stacks=options.with_stack,
                modules=options.with_modules,
                limit=LIMIT,
            )
        except RuntimeError:
            self.ranges.remove()
            raise

    def stop(self) -> Recording:
        self.ranges.remove()
        with collector_at_rest():
            lists = [
                (thread, lost, [RawEvent(*event) for event in events])
                for thread, lost, events in _C._profile_stop()
            ]
        dropped = sum(lost for _, lost, _ in lists)
        if dropped:
            warnings.warn(
                f"profile: {LIMIT} events of a thread were recorded, and {dropped} that came later were not; "
                "profile fewer steps, with a schedule",
                stacklevel=3,
            )
        threads = [(thread, events) for thread, _, events in lists]
        return Recording(self.options, self.start, self.start_of_day, threads)
