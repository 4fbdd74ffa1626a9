"""The profiler of one block: `torch.autograd.profiler.profile`."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from ._activities import ProfilerActivity, checked_activities
from ._events import EventList, FunctionEventAvg, events_of
from ._recording import Options, Recorder, Recording


def not_supported(**arguments: Any) -> None:
    """Raises for the first argument that was given a value."""
    for name, value in arguments.items():
        if value is not None:
            raise NotImplementedError(f"profile: {name} is not supported, got {value!r}")


class profile:
    """Records what happens in a block:

        with torch.autograd.profiler.profile(record_shapes=True) as prof:
            ...
        print(prof.key_averages().table(sort_by="self_cpu_time_total"))

    The times are those of the CPU's side. `use_kineto` chooses a library in PyTorch, and nothing here."""

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        use_kineto: bool = False,
        use_cpu: bool = True,
        experimental_config: Any = None,
        acc_events: bool = False,
    ) -> None:
        not_supported(experimental_config=experimental_config)
        if use_device not in (None, "cuda"):
            raise NotImplementedError(f"profile: activities of device {use_device!r} are not recorded")
        if use_cuda or use_device:
            checked_activities([ProfilerActivity.CUDA])
        if enabled and not use_cpu:
            raise AssertionError("profile: use_cpu=False leaves nothing to record")
        self.enabled = enabled
        self.acc_events = acc_events
        self._options = Options(record_shapes, profile_memory, with_stack, with_flops, with_modules)
        self._recorder: Recorder | None = None
        self._entered = False
        self._recordings: list[Recording] = []
        self._events: EventList | None = None

    def __enter__(self) -> profile | None:  # type: ignore[return]
        if not self.enabled:
            return None
        if self._entered:
            raise RuntimeError("Profiler context manager is not reentrant")
        self._entered = True
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.enabled:
            self._stop()

    def _start(self) -> None:
        self._recorder = Recorder(self._options)

    def _stop(self) -> None:
        if self._recorder is None:
            return
        recorder, self._recorder = self._recorder, None
        recording = recorder.stop()
        self._recordings = [*self._recordings, recording] if self.acc_events else [recording]
        self._events = None

    # ---- results

    @property
    def function_events(self) -> EventList | None:
        """All events in order of time, once the block is left."""
        if not self._recordings:
            return None
        if self._events is None:
            began = self._recordings[0].start
            parts = [events_of(recording, began) for recording in self._recordings]
            self._events = parts[0]
            for part in parts[1:]:
                self._events += part
                self._events._extras += part._extras
        return self._events

    def _finished(self) -> EventList:
        events = self.function_events
        if events is None:
            raise RuntimeError("Profiler didn't finish running")
        return events

    def __repr__(self) -> str:
        events = self.function_events
        return "<unfinished torch.autograd.profile>" if events is None else repr(events)

    def __str__(self) -> str:
        events = self.function_events
        return "<unfinished torch.autograd.profile>" if events is None else str(events)

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
    ) -> str:
        """All events as text; see EventList.table."""
        return self._finished().table(
            sort_by,
            row_limit,
            max_src_column_width,
            max_name_column_width,
            max_shapes_column_width,
            header,
            top_level_events_only,
        )

    def key_averages(
        self,
        group_by_input_shape: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> EventList:
        """One entry per name of events; see EventList.key_averages."""
        return self._finished().key_averages(group_by_input_shape, group_by_stack_n, group_by_overload_name)

    def total_average(self) -> FunctionEventAvg:
        return self._finished().total_average()

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds within events."""
        return self._finished().self_cpu_time_total

    def export_chrome_trace(self, path: str) -> None:
        """Writes what chrome://tracing and ui.perfetto.dev show; compressed where the path ends with .gz."""
        self._finished().export_chrome_trace(path)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Writes the stacks of events, which with_stack=True records, for flame graphs."""
        if not self._options.with_stack:
            raise AssertionError("export_stacks() requires with_stack=True")
        self._finished().export_stacks(path, metric)

    def toggle_collection_dynamic(self, enabled: bool, activities: Any) -> None:
        """Stops recording for a while, or goes on with it."""
        from tinytensor import _C

        if ProfilerActivity.CPU in set(activities) and self._recorder is not None:
            _C._profile_pause(not enabled)
