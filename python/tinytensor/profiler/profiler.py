"""The profiler of a loop: `torch.profiler.profile`, with a schedule of steps."""

from __future__ import annotations

import enum
import json
import os
import socket
import time
import warnings
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from . import _autograd
from ._activities import ProfilerActivity, checked_activities
from ._autograd import not_supported
from ._events import EventList
from ._ranges import record_function


class ProfilerAction(enum.Enum):
    """What the profiler does during a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


_RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """Cycles of `wait` steps at rest, `warmup` steps and `active` recorded steps, after `skip_first` steps.
    `repeat` is the number of cycles, 0 for as many as there are. With skip_first_wait the first cycle does not
    wait."""
    least = {"wait": 0, "warmup": 0, "active": 1, "repeat": 0, "skip_first": 0}
    given = {"wait": wait, "warmup": warmup, "active": active, "repeat": repeat, "skip_first": skip_first}
    for name, value in given.items():
        if value < least[name]:
            raise AssertionError(f"schedule: {name} must be at least {least[name]}, got {value}")

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        cycle, place = divmod(step - skip_first + (wait if skip_first_wait else 0), wait + warmup + active)
        if (repeat and cycle >= repeat) or place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        last = place == wait + warmup + active - 1
        return ProfilerAction.RECORD_AND_SAVE if last else ProfilerAction.RECORD

    return action


def _always(step: int) -> ProfilerAction:
    return ProfilerAction.RECORD


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """For on_trace_ready: writes every trace to a file of its own in `dir_name`, where TensorBoard's profiler page
    looks for them."""

    def handler(prof: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        name = f"{worker}.{time.time_ns()}.pt.trace.json" + (".gz" if use_gzip else "")
        prof.export_chrome_trace(os.path.join(dir_name, name))

    return handler


class profile:
    """Records operations, in a block or between start() and stop():

        with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as prof:
            ...
        print(prof.key_averages().table(sort_by="cpu_time_total", row_limit=10))

    With a schedule the program calls step() after every step; on_trace_ready(prof) is called after the last step of
    every cycle, and at the end if steps were being recorded. `with_modules` adds layers to the trace, and
    `with_stack` the Python frames that an operation was called from."""

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        custom_trace_id_callback: Callable[[], str] | None = None,
    ) -> None:
        not_supported(
            experimental_config=experimental_config, execution_trace_observer=execution_trace_observer
        )
        wanted = set(activities or ())
        if use_cuda is not None:
            warnings.warn(
                "`use_cuda` is deprecated, use `activities` argument instead", FutureWarning, stacklevel=2
            )
            wanted |= {ProfilerActivity.CPU} | ({ProfilerActivity.CUDA} if use_cuda else set())
        self.activities = checked_activities(wanted)
        self.record_shapes = record_shapes
        self.profile_memory = profile_memory
        self.with_stack = with_stack
        self.with_flops = with_flops
        self.with_modules = with_modules
        self.acc_events = acc_events
        self.custom_trace_id_callback = custom_trace_id_callback
        self.schedule = schedule or _always
        self.record_steps = schedule is not None
        self.on_trace_ready = on_trace_ready
        self.step_num = 0
        self.current_action = self.schedule(0)
        self.profiler: _autograd.profile | None = None
        self._step_range: record_function | None = None
        self._metadata: dict[str, Any] = {}
        self._trace_id = ""

    # ---- start, steps, stop

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        if not self.activities:
            raise AssertionError("No activities specified for the profiler")
        self.current_action = self.schedule(self.step_num)
        self._change(ProfilerAction.NONE, self.current_action)
        self._open_step()

    def step(self) -> None:
        """Tells that a step is over."""
        self._close_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        self._change(before, self.current_action)
        self._open_step()

    def stop(self) -> None:
        self._close_step()
        if self.profiler is None and self.current_action in _RECORDING:
            raise AssertionError("Profiler must be initialized before stopping trace")
        if self.current_action in _RECORDING:
            self.current_action = ProfilerAction.NONE
            self.stop_trace()
            self._trace_ready()

    def _open_step(self) -> None:
        if self.record_steps:
            self._step_range = record_function(f"ProfilerStep#{self.step_num}")
            self._step_range.__enter__()

    def _close_step(self) -> None:
        step, self._step_range = self._step_range, None
        if step is not None:
            step.__exit__(None, None, None)

    def _change(self, before: ProfilerAction, now: ProfilerAction) -> None:
        saved = before == ProfilerAction.RECORD_AND_SAVE
        if before in _RECORDING and (saved or now not in _RECORDING):
            self.stop_trace()
            if saved:
                self._trace_ready()
            else:
                warnings.warn(f"profile: the schedule goes from {before.name} to {now.name}", stacklevel=4)
        if now in _RECORDING and (saved or before not in _RECORDING):
            self.start_trace()

    def _trace_ready(self) -> None:
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def prepare_trace(self) -> None:
        """Makes ready to record; a recording of the cycle before is dropped, unless acc_events keeps it."""
        if self.profiler is None or not self.acc_events:
            self.profiler = _autograd.profile(
                record_shapes=self.record_shapes,
                with_flops=self.with_flops,
                profile_memory=self.profile_memory,
                with_stack=self.with_stack,
                with_modules=self.with_modules,
                acc_events=self.acc_events,
            )

    def start_trace(self) -> None:
        self.prepare_trace()
        self._prepared("starting trace")._start()
        if self.custom_trace_id_callback is not None:
            self._trace_id = self.custom_trace_id_callback()
        else:
            self._trace_id = os.urandom(16).hex().upper()

    def stop_trace(self) -> None:
        self._prepared("stopping trace")._stop()

    def toggle_collection_dynamic(self, enable: bool, activities: Iterable[ProfilerActivity]) -> None:
        """Stops recording for a while, or goes on with it."""
        if self.profiler is not None:
            self.profiler.toggle_collection_dynamic(enable, activities)

    # ---- results

    def _prepared(self, what: str) -> _autograd.profile:
        if self.profiler is None:
            raise AssertionError(f"Profiler must be initialized before {what}")
        return self.profiler

    def events(self) -> EventList:
        """All events of the last recording, in order of time."""
        return self._prepared("accessing events")._finished()

    def key_averages(
        self,
        group_by_input_shape: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> EventList:
        """One entry per name of events, or per name and input shapes, or per name and innermost frames."""
        return self._prepared("getting key averages").key_averages(
            group_by_input_shape, group_by_stack_n, group_by_overload_name
        )

    def export_chrome_trace(self, path: str) -> None:
        """Writes what chrome://tracing and ui.perfetto.dev show; compressed where the path ends with .gz."""
        from ._trace import write_trace

        events = self._prepared("exporting chrome trace")._finished()
        write_trace(path, events, {"trace_id": self._trace_id, **self._metadata})

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Writes the stacks of events, which with_stack=True records, for flame graphs."""
        self._prepared("exporting stacks").export_stacks(path, metric)

    def get_trace_id(self) -> str | None:
        """What tells this recording from others; None before there is one."""
        return self._trace_id or None

    def add_metadata(self, key: str, value: str) -> None:
        """Adds a string to the traces written from now on."""
        self._metadata[key] = str(value)

    def add_metadata_json(self, key: str, value: str) -> None:
        """Adds a value, written as JSON, to the traces written from now on."""
        self._metadata[key] = json.loads(value)

    preset_metadata_json = add_metadata_json
