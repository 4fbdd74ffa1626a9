"""Files for other programs: Chrome's traces, and stacks for flame graphs."""

from __future__ import annotations

import gzip
import json
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

from ._events import EventList, FunctionEvent
from ._recording import MEMORY, MODULE, NODE, OP, RANGE, VISIT, Recording, collector_at_rest

_CATEGORIES = {
    OP: "cpu_op",
    VISIT: "cpu_op",
    NODE: "cpu_op",
    RANGE: "user_annotation",
    MODULE: "python_function",
}
_TYPES = {"float32": "float", "float64": "double", "int64": "long int", "int32": "int"}


def _arguments(event: FunctionEvent) -> dict[str, Any]:
    arguments: dict[str, Any] = {"External id": event.id}
    if event.sequence_nr >= 0:
        arguments["Sequence number"] = event.sequence_nr
        arguments["Fwd thread id"] = event.fwd_thread or 0
    if event.input_shapes:
        arguments["Input type"] = [_TYPES.get(name, name) for name in event.input_types]
        arguments["Input Dims"] = event.input_shapes
    if event.flops:
        arguments["flops"] = event.flops
    if event.note is not None:
        arguments["Arguments"] = event.note
    if event.stack:
        arguments["Call stack"] = ";".join(reversed(event.stack))
    if event.module_hierarchy:
        arguments["Module Hierarchy"] = event.module_hierarchy
    if event.cpu_memory_usage:
        arguments["CPU Mem"] = event.cpu_memory_usage
    return arguments


def _duration(event: FunctionEvent, process: int) -> dict[str, Any]:
    return {
        "ph": "X",
        "cat": _CATEGORIES[event.kind],
        "name": event.trace_name,
        "pid": process,
        "tid": event.thread,
        "ts": event.time_range.start,
        "dur": event.time_range.elapsed_us(),
        "args": _arguments(event),
    }


def _memory(events: list[FunctionEvent], process: int) -> Iterator[dict[str, Any]]:
    allocated = 0
    for event in sorted(events, key=lambda event: event.time_range.start):
        allocated += event.self_cpu_memory_usage
        yield {
            "ph": "i",
            "cat": "cpu_instant_event",
            "s": "t",
            "name": event.name,
            "pid": process,
            "tid": event.thread,
            "ts": event.time_range.start,
            "args": {
                "Total Allocated": allocated,
                "Bytes": event.self_cpu_memory_usage,
                "Device Type": 0,
                "Device Id": -1,
            },
        }


def _flows(events: EventList, process: int) -> Iterator[dict[str, Any]]:
    """Arrows from an operation to its node of backward."""
    forwards = {event.sequence_nr: event for event in events if event.kind == OP and event.sequence_nr >= 0}
    for event in events:
        forward = forwards.get(event.sequence_nr) if event.kind == NODE else None
        if forward is None:
            continue
        common = {"id": event.sequence_nr, "pid": process, "cat": "fwdbwd", "name": "fwdbwd"}
        yield {"ph": "s", "tid": forward.thread, "ts": forward.time_range.start, **common}
        yield {"ph": "f", "bp": "e", "tid": event.thread, "ts": event.time_range.start, **common}


def _names(threads: list[int], process: int) -> Iterator[dict[str, Any]]:
    program = os.path.basename(sys.executable or "python")
    entries = [("process_name", 0, {"name": program}), ("process_labels", 0, {"labels": "CPU"})]
    entries += [("thread_name", thread, {"name": f"thread {thread} ({program})"}) for thread in threads]
    for name, thread, arguments in entries:
        yield {"ph": "M", "name": name, "ts": 0, "pid": process, "tid": thread, "args": arguments}


def trace_events(events: EventList) -> list[dict[str, Any]]:
    process = os.getpid()
    durations = [event for event in events if event.kind != MEMORY]
    layers = [event for event in events._extras if event.kind == MODULE]
    memory = [event for event in events._extras if event.kind == MEMORY]
    threads = sorted({event.thread for event in [*durations, *memory]})
    return [
        *_names(threads, process),
        *(_duration(event, process) for event in [*durations, *layers]),
        *_flows(events, process),
        *_memory(memory, process),
    ]


def write_trace(path: str, events: EventList, metadata: dict[str, Any]) -> None:
    recording: Recording | None = events._recording
    if recording is None or any(not isinstance(event, FunctionEvent) for event in events):
        raise RuntimeError(
            "export_chrome_trace: averages have no place in time; export the profiler's events()"
        )
    with collector_at_rest():
        entries = trace_events(events)
    content = {
        "schemaVersion": 1,
        "deviceProperties": [],
        **{name: int(wanted) for name, wanted in recording.options._asdict().items()},
        "host_name": socket.gethostname(),
        **metadata,
        "displayTimeUnit": "ms",
        "baseTimeNanoseconds": recording.start_of_day,
        "traceEvents": entries,
        "traceName": str(path),
    }
    opened = gzip.open(path, "wt") if str(path).endswith(".gz") else open(path, "w")
    with opened as file:
        file.write(json.dumps(content))  # much faster than json.dump


_PLAIN = str.maketrans(" ;\t\n", "____")  # what would end a frame, or the stack


def write_stacks(path: str, events: EventList, metric: str) -> None:
    with open(path, "w") as file:
        for event in events:
            amount = int(getattr(event, metric))
            if event.stack and amount > 0:
                frames = ";".join(frame.translate(_PLAIN) for frame in reversed(event.stack))
                file.write(f"{frames} {amount}\n")
