"""The table of events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ._events import MEMORY_NAME
from ._formats import flops_unit, format_bytes, format_share, format_time

_WIDTH = 12
_GAP = "  "


class Column(NamedTuple):
    title: str
    width: int
    text: Callable[[Any], str]
    align: str = ">"

    def cell(self, text: str) -> str:
        return f"{text:{self.align}{self.width}}"


def _shortened(text: str, width: int | None) -> str:
    return text[: width - 3] + "..." if width is not None and len(text) >= width - 3 else text


def _name_column(events: Sequence[Any], widest: int | None) -> Column:
    width = max((len(event.key) for event in events), default=0) + 4
    if widest is not None:
        width = min(width, widest)
    return Column("Name", width, lambda event: _shortened(event.key, widest))


def _fitted(
    title: str, texts: list[str], widest: int | None, text: Callable[[Any], str], align: str
) -> Column:
    width = max(map(len, texts)) + 4
    width = width if widest is None else min(width, widest)
    return Column(title, width, lambda event: text(event)[:width], align)


def _flops_column(events: Sequence[Any]) -> Column | None:
    counted = [event.flops for event in events if event.flops > 0]
    if not counted:
        return None
    size, unit = flops_unit(min(counted))
    return Column(
        f"Total {unit}",
        _WIDTH,
        lambda event: f"{event.flops / size:8.3f}" if event.flops > 0 else "--",
    )


def _columns(
    events: Sequence[Any], widths: tuple[int | None, ...], unit: str | None, memory: bool
) -> list[Column]:
    total = sum(event.self_cpu_time_total for event in events)
    columns = [
        _name_column(events, widths[0]),
        Column("Self CPU %", _WIDTH, lambda event: format_share(event.self_cpu_time_total, total)),
        Column("Self CPU", _WIDTH, lambda event: format_time(event.self_cpu_time_total, unit)),
        Column("CPU total %", _WIDTH, lambda event: format_share(event.cpu_time_total, total)),
        Column("CPU total", _WIDTH, lambda event: format_time(event.cpu_time_total, unit)),
        Column("CPU time avg", _WIDTH, lambda event: format_time(event.cpu_time, unit)),
    ]
    if memory:
        columns.append(Column("CPU Mem", _WIDTH, lambda event: format_bytes(event.cpu_memory_usage)))
        columns.append(
            Column("Self CPU Mem", _WIDTH, lambda event: format_bytes(event.self_cpu_memory_usage))
        )
    columns.append(Column("# of Calls", _WIDTH, lambda event: str(event.count)))
    shapes = [str(event.input_shapes) for event in events if event.input_shapes]
    if shapes:
        columns.append(_fitted("Input Shapes", shapes, widths[1], lambda event: str(event.input_shapes), ">"))
    lines = [line for event in events for line in event.stack]
    if lines:
        first = lambda event: event.stack[0] if event.stack else ""  # noqa: E731
        columns.append(_fitted("Source Location", lines, widths[2], first, "<"))
    flops = _flops_column(events)
    return columns + ([flops] if flops else [])


def _rest_of_stack(columns: list[Column], event: Any) -> list[str]:
    """The lines below an event that hold the rest of its stack, with an empty one at the end."""
    if not any(column.title == "Source Location" for column in columns):
        return []
    lines = []
    for frame in [*event.stack[1:], ""]:
        cells = [
            column.cell(frame[: column.width] if column.title == "Source Location" else "")
            for column in columns
        ]
        lines.append("".join(cell + _GAP for cell in cells))
    return lines


def render(
    events: Sequence[Any],
    sort_by: str | None,
    row_limit: int,
    widths: tuple[int | None, ...],
    header: str | None,
    top_level_events_only: bool,
    unit: str | None,
    memory: bool,
) -> str:
    if not events:
        return ""
    columns = _columns(events, widths, unit, memory)
    total = sum(event.self_cpu_time_total for event in events)
    shown = list(events)
    if sort_by is not None:
        shown.sort(key=lambda event: getattr(event, sort_by), reverse=True)
    if top_level_events_only:
        shown = [event for event in shown if event.cpu_parent is None and event.key != MEMORY_NAME]
    if row_limit >= 0:
        shown = shown[:row_limit]
    rule = "".join("-" * column.width + _GAP for column in columns)
    lines = ["=" * len(rule), header] if header is not None else []
    if top_level_events_only:
        lines += ["=" * len(rule), "Only events at the top level"]
    lines += [rule, "".join(column.cell(column.title) + _GAP for column in columns), rule]
    for event in shown:
        lines.append("".join(column.cell(column.text(event)) + _GAP for column in columns))
        lines += _rest_of_stack(columns, event)
    lines += [rule, f"Self CPU time total: {format_time(total, unit)}", ""]
    return "\n".join(lines)
