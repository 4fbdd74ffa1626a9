"""Events as a program looks at them: one by one, or averaged over those of a kind."""

from __future__ import annotations

import bisect
import enum
import functools
from collections.abc import Iterable
from typing import Any

from ._flops import flops_of
from ._formats import format_time
from ._recording import MEMORY, MODULE, NODE, OP, RANGE, VISIT, RawEvent, Recording, collector_at_rest

MEMORY_NAME = "[memory]"
SCOPES = {OP: 0, VISIT: 0, NODE: 1, RANGE: 7, MODULE: 0, MEMORY: 0}  # PyTorch's numbers


class DeviceType(enum.IntEnum):
    CPU = 0
    CUDA = 1


class Interval:
    """Microseconds since the recording began."""

    def __init__(self, start: float, end: float) -> None:
        self.start = start
        self.end = end

    def elapsed_us(self) -> float:
        return self.end - self.start


class _Times:
    """What single events and averages have in common. All devices' times are 0: only the CPU's side is recorded."""

    key: str
    count: int
    cpu_time_total: float
    self_cpu_time_total: float
    device_type = DeviceType.CPU
    use_device = None
    node_id = -1
    overload_name = ""
    is_async = is_remote = is_legacy = False
    device_memory_usage = self_device_memory_usage = self_cuda_memory_usage = 0
    device_time = device_time_total = self_device_time_total = 0
    cuda_time = cuda_time_total = self_cuda_time_total = 0

    @property
    def cpu_time(self) -> float:
        """Microseconds of a call, on average."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def cpu_time_str(self) -> str:
        return format_time(self.cpu_time)

    @property
    def cpu_time_total_str(self) -> str:
        return format_time(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self) -> str:
        return format_time(self.self_cpu_time_total)


class FunctionEvent(_Times):
    """One call: `time_range`, `cpu_time_total` and `self_cpu_time_total` (microseconds, the latter without the
    events inside), `input_shapes`, `flops`, `cpu_memory_usage` (bytes allocated less freed), `stack` (innermost
    frame first), `cpu_parent`, `cpu_children`, `sequence_nr` (joins a node of backward to the operation that made
    it), `module_hierarchy` (classes of the layers around it)."""

    count = 1

    def __init__(self, id: int, event: RawEvent, thread: int, began: int, options: Any) -> None:
        self.id = id
        self.trace_name = _name_of(event)
        self.name = "ProfilerStep*" if self.trace_name.startswith("ProfilerStep#") else self.trace_name
        self.kind = event.kind
        self.note = event.note
        self.time_range = Interval((event.start - began) / 1000, (event.end - began) / 1000)
        self.thread = thread
        self.fwd_thread: int | None = None
        self.scope = SCOPES[event.kind]
        self.is_user_annotation = event.kind == RANGE
        self.sequence_nr = _sequence_of(event)
        shapes, types = event.inputs
        self.input_shapes = shapes if options.record_shapes else []
        self.input_types = types if options.record_shapes else []
        self.flops = flops_of(event.name, shapes, event.result_count) if options.with_flops else 0
        self.stack = [frame_text(code, line) for code, line in event.stack]
        self.self_cpu_memory_usage = event.bytes
        self.module_hierarchy = ""
        self.cpu_parent: FunctionEvent | None = None
        self.cpu_children: list[FunctionEvent] = []

    @property
    def key(self) -> str:  # type: ignore[override]
        return self.name

    @property
    def cpu_time_total(self) -> float:  # type: ignore[override]
        return self.time_range.elapsed_us()

    @property
    def self_cpu_time_total(self) -> float:  # type: ignore[override]
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    @property
    def cpu_memory_usage(self) -> int:
        total, waiting = 0, [self]
        while waiting:
            event = waiting.pop()
            total += event.self_cpu_memory_usage
            waiting.extend(event.cpu_children)
        return total

    def __repr__(self) -> str:
        return (
            f"<FunctionEvent id={self.id} name={self.name} device_type={self.device_type.name} "
            f"cpu_time={self.cpu_time_str} start_us={self.time_range.start} end_us={self.time_range.end} "
            f"cpu_children={[child.id for child in self.cpu_children]} thread={self.thread} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage} "
            f"seq_nr={self.sequence_nr}>"
        )


class FunctionEventAvg(_Times):
    """The sum over events of a kind; `cpu_time` is the average."""

    def __init__(self, key: str = "Total") -> None:
        self.key = key
        self.count = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = self.self_cpu_memory_usage = self.flops = 0
        self.input_shapes: Any = ""
        self.stack: list[str] = []
        self.scope: int | None = None
        self.cpu_parent: FunctionEvent | None = None
        self.cpu_children: list[FunctionEvent] = []
        self.is_user_annotation = False

    def add(self, other: FunctionEvent | FunctionEventAvg) -> FunctionEventAvg:
        if not self.count:
            self.scope, self.cpu_parent = other.scope, other.cpu_parent
            self.is_user_annotation = other.is_user_annotation
        self.count += other.count
        self.cpu_time_total += other.cpu_time_total
        self.self_cpu_time_total += other.self_cpu_time_total
        self.cpu_memory_usage += other.cpu_memory_usage
        self.self_cpu_memory_usage += other.self_cpu_memory_usage
        self.flops += other.flops
        self.cpu_children.extend(other.cpu_children)
        return self

    __iadd__ = add

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={self.cpu_time_str} input_shapes={self.input_shapes} "
            f"cpu_memory_usage={self.cpu_memory_usage}>"
        )


class EventList(list):
    """A list of events, or of averages, that prints itself as a table."""

    supported_export_stacks_metrics = ["self_cpu_time_total"]

    def __init__(self, events: Iterable[Any] = (), recording: Recording | None = None) -> None:
        super().__init__(events)
        self._recording = recording
        self._extras: list[FunctionEvent] = []  # layers and memory, which the trace shows and tables do not

    @property
    def _profile_memory(self) -> bool:
        return self._recording is not None and self._recording.options.profile_memory

    @property
    def self_cpu_time_total(self) -> float:
        return sum(event.self_cpu_time_total for event in self)

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """The events as text, sorted downwards by an attribute such as "cpu_time_total", "self_cpu_time_total",
        "cpu_memory_usage", "self_cpu_memory_usage", "flops" or "count"; row_limit=-1 prints all of them."""
        from ._table import render

        widths = (max_name_column_width, max_shapes_column_width, max_src_column_width)
        return render(
            self, sort_by, row_limit, widths, header, top_level_events_only, time_unit, self._profile_memory
        )

    def __str__(self) -> str:
        return self.table()

    def key_averages(
        self,
        group_by_input_shapes: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> EventList:
        """One entry per name; with the options also per input shapes and per the innermost frames of the stack.
        Operations have no overload names here: grouping by them changes nothing."""
        groups: dict[Any, FunctionEventAvg] = {}
        for event in self:
            shapes = event.input_shapes if group_by_input_shapes else ""
            stack = event.stack[:group_by_stack_n] if group_by_stack_n > 0 else []
            key = (event.key, str(shapes), tuple(stack), event.is_user_annotation)
            if key not in groups:
                groups[key] = group = FunctionEventAvg(event.key)
                group.input_shapes, group.stack = shapes, stack
            groups[key].add(event)
        return EventList(groups.values(), self._recording)

    def total_average(self) -> FunctionEventAvg:
        total = FunctionEventAvg()
        for event in self:
            total.add(event)
        total.key, total.cpu_children, total.cpu_parent = "Total", [], None
        return total

    def export_chrome_trace(self, path: str) -> None:
        """Writes what chrome://tracing and ui.perfetto.dev show; compressed where the path ends with .gz."""
        from ._trace import write_trace

        write_trace(path, self, {})

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Writes the stack of every event, outermost frame first, with its time: what flame graphs are made of."""
        from ._trace import write_stacks

        if metric not in self.supported_export_stacks_metrics:
            raise ValueError(
                f"metric should be one of: {self.supported_export_stacks_metrics}, got {metric!r}"
            )
        write_stacks(path, self, metric)


# ---------------------------------------------------------------- from the core's lists


@functools.lru_cache(4096)
def frame_text(code: Any, line: int) -> str:
    return f"{code.co_filename}({line}): {code.co_name}"


def _name_of(event: RawEvent) -> str:
    if event.kind == MODULE:
        return f"nn.Module: {event.name.rpartition('.')[2]}"
    if event.kind not in (VISIT, NODE):
        return event.name
    name = "torch::autograd::AccumulateGrad" if event.name == "AccumulateGrad" else event.name
    return f"autograd::engine::evaluate_function: {name}" if event.kind == VISIT else name


def _sequence_of(event: RawEvent) -> int:
    """The number of the graph's node: of the one that ran, or of the last one that the operation made."""
    if event.kind in (NODE, VISIT):
        return -1 if event.name == "AccumulateGrad" else event.sequence
    return event.last_sequence if event.last_sequence > event.sequence else -1


def events_of(recording: Recording, began: int) -> EventList:
    """All events in order of time, which counts from `began`, with parents and children joined."""
    with collector_at_rest():
        return _joined_events(recording, began)


def _joined_events(recording: Recording, began: int) -> EventList:
    result = EventList(recording=recording)
    pairs: list[tuple[RawEvent, FunctionEvent]] = []
    for thread, raws in recording.threads:
        made = [FunctionEvent(0, raw, thread, began, recording.options) for raw in raws]
        for raw, event in zip(raws, made):
            _join(event, made[raw.parent] if raw.parent >= 0 else None, result)
        pairs += [(raw, event) for raw, event in zip(raws, made) if raw.kind == OP]
    result.sort(key=lambda event: event.time_range.start)
    for number, event in enumerate(result, 1):
        event.id = number
    _find_forwards(result, pairs)
    return result


def _join(event: FunctionEvent, parent: FunctionEvent | None, result: EventList) -> None:
    """Parents come first. Layers and memory are not events of their own: they leave their mark on others."""
    layer = parent is not None and parent.kind == MODULE
    event.cpu_parent = parent.cpu_parent if layer and parent else parent
    event.module_hierarchy = parent.module_hierarchy if parent else ""
    if event.kind == MODULE:
        event.module_hierarchy = ".".join(
            filter(None, (event.module_hierarchy, event.trace_name.removeprefix("nn.Module: ")))
        )
        result._extras.append(event)
    elif event.kind == MEMORY:
        result._extras.append(event)
        if event.cpu_parent is None:
            result.append(event)
        else:
            event.cpu_parent.self_cpu_memory_usage += event.self_cpu_memory_usage
    else:
        if event.cpu_parent is not None:
            event.cpu_parent.cpu_children.append(event)
        result.append(event)


def _find_forwards(events: EventList, ops: list[tuple[RawEvent, FunctionEvent]]) -> None:
    """Gives nodes of backward the thread, the stack and the layers of the operation that recorded them."""
    makers = sorted(
        ((raw.sequence, raw.last_sequence, event) for raw, event in ops if raw.last_sequence > raw.sequence),
        key=lambda maker: maker[:2],
    )
    limits = {id(event): (first, last) for first, last, event in makers}
    firsts = [first for first, _, _ in makers]
    for event in events:
        if event.kind not in (NODE, VISIT) or event.sequence_nr < 0:
            continue
        place = bisect.bisect_left(firsts, event.sequence_nr) - 1
        forward = makers[place][2] if place >= 0 else None
        while forward is not None:  # the innermost of those around the number
            first, last = limits.get(id(forward), (0, -1))
            if first < event.sequence_nr <= last:
                break
            forward = forward.cpu_parent
        if forward is not None:
            event.fwd_thread, event.stack = forward.thread, forward.stack
            event.module_hierarchy = event.module_hierarchy or forward.module_hierarchy
