"""What was timed, and how long it took."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

import tinytensor

_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
_NAMES = {"ns": "nanosecond", "us": "microsecond", "ms": "millisecond", "s": "second"}
_UNSTEADY, _VERY_UNSTEADY = 0.1, 0.25  # interquartile range in relation to the median
_CLOCK = 25e-9  # no measurement is more exact than this


def select_unit(t: float) -> tuple[str, float]:
    """The unit in which `t` seconds is at least 1, and its length in seconds."""
    unit = next((name for name in reversed(_UNITS) if t >= _UNITS[name]), "ns")
    return unit, _UNITS[unit]


def unit_to_english(u: str) -> str:
    return _NAMES[u]


def trim_sigfig(x: float, n: int) -> float:
    """`x` rounded to `n` significant figures."""
    if x == 0:
        return 0.0
    return round(x, n - 1 - math.floor(math.log10(abs(x))))


def ordered_unique(elements: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(elements))


@contextlib.contextmanager
def set_torch_threads(n: int) -> Iterator[None]:
    """Operations run on `n` threads in this block."""
    before = tinytensor.get_num_threads()
    try:
        tinytensor.set_num_threads(n)
        yield
    finally:
        tinytensor.set_num_threads(before)


@dataclasses.dataclass(init=True, repr=False, eq=True, frozen=True)
class TaskSpec:
    """What is timed. Results are put together by label (a table), sub_label (a row) and description (a column)."""

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        if self.label is not None:
            return self.label + (f": {self.sub_label}" if self.sub_label else "")
        if "\n" not in self.stmt:
            return self.stmt + (f": {self.sub_label}" if self.sub_label else "")
        head = "stmt:" + (f" ({self.sub_label})" if self.sub_label else "")
        return f"{head}\n{textwrap.indent(self.stmt, '  ')}"

    def setup_str(self) -> str:
        if self.setup in ("", "pass"):
            return ""
        if "\n" in self.setup:
            return f"setup:\n{textwrap.indent(self.setup, '  ')}"
        return f"setup: {self.setup}"

    def summarize(self) -> str:
        """Title, description and setup, a line each."""
        parts = [self.title, self.description or "", self.setup_str()]
        text = "\n".join(part for part in parts if part)
        return text + ("\n" if any("\n" in part for part in parts) else "")


@dataclasses.dataclass(init=True, repr=False)
class Measurement:
    """Times of a statement: `number_per_run` executions took each of `raw_times` seconds."""

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = None

    @property
    def times(self) -> list[float]:
        """Seconds of one execution, for every run."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def median(self) -> float:
        return self._percentile(50)

    @property
    def mean(self) -> float:
        self._check()
        return float(np.mean(self.times))

    @property
    def iqr(self) -> float:
        """The range that the middle half of the times lies in."""
        return self._percentile(75) - self._percentile(25)

    @property
    def significant_figures(self) -> int:
        """How many figures of the median mean something, by the scatter of the middle half of the times."""
        self._check()
        ordered = sorted(self.times)
        middle = ordered[len(ordered) // 4 : math.ceil(3 * len(ordered) / 4)]
        error = max(1.645 * float(np.std(middle)) / math.sqrt(len(middle)), _CLOCK)
        return min(max(math.floor(math.log10(self.median / error)), 1), 5)

    @property
    def has_warnings(self) -> bool:
        return not self.meets_confidence(_UNSTEADY)

    def meets_confidence(self, threshold: float = _UNSTEADY) -> bool:
        """Whether the interquartile range is small in relation to the median."""
        return self.iqr / self.median < threshold

    @property
    def title(self) -> str:
        return self.task_spec.title

    @property
    def env(self) -> str:
        return "Unspecified env" if self.task_spec.env is None else self.task_spec.env

    @property
    def as_row_name(self) -> str:
        return self.task_spec.sub_label or self.task_spec.stmt or "[Unknown]"

    @property
    def stmt(self) -> str:
        return self.task_spec.stmt

    @property
    def label(self) -> str | None:
        return self.task_spec.label

    @property
    def sub_label(self) -> str | None:
        return self.task_spec.sub_label

    @property
    def description(self) -> str | None:
        return self.task_spec.description

    @property
    def num_threads(self) -> int:
        return self.task_spec.num_threads

    @staticmethod
    def merge(measurements: Iterable[Measurement]) -> list[Measurement]:
        """Puts the times of the same task together."""
        groups: dict[TaskSpec, list[Measurement]] = {}
        for measurement in measurements:
            groups.setdefault(measurement.task_spec, []).append(measurement)
        return [_merged(task, group) for task, group in groups.items()]

    def _check(self) -> None:
        if not self.raw_times:
            raise ValueError("Measurement: there are no times")

    def _percentile(self, percent: float) -> float:
        self._check()
        return float(np.percentile(self.times, percent))

    def _time_lines(self) -> list[str]:
        unit, size = select_unit(self.median)
        if len(self.raw_times) == 1:
            return [f"  {self.median / size:.2f} {unit}"]
        lines = [f"  Median: {self.median / size:.2f} {unit}"]
        if len(self.raw_times) > 3:
            low, high = self._percentile(25) / size, self._percentile(75) / size
            lines.append(f"  IQR:    {self.iqr / size:.2f} {unit} ({low:.2f} to {high:.2f})")
        return lines

    def _warning_lines(self) -> list[str]:
        if self.meets_confidence(_UNSTEADY):
            return []
        share = 100 * self.iqr / self.median
        gross = share > 100 * _VERY_UNSTEADY
        return [
            f"  WARNING: Interquartile range is {share:.1f}% of the median measurement.",
            "           This suggests significant environmental influence."
            if gross
            else "           This could indicate system fluctuation.",
        ]

    def __repr__(self) -> str:
        runs, threads = len(self.raw_times), self.num_threads
        counts = (
            f"  {runs} measurement{'s' if runs != 1 else ''}, {self.number_per_run} runs "
            f"{'per measurement' if runs != 1 else ''}, {threads} thread{'s' if threads != 1 else ''}"
        )
        lines = [object.__repr__(self), self.task_spec.summarize()]
        return "\n".join([*lines, *self._time_lines(), counts, *self._warning_lines()])


def _merged(task: TaskSpec, group: list[Measurement]) -> Measurement:
    """Times of one execution each, where the measurements did not repeat equally often."""
    number = group[0].number_per_run
    if any(measurement.number_per_run != number for measurement in group):
        return Measurement(1, [t for measurement in group for t in measurement.times], task)
    return Measurement(number, [t for measurement in group for t in measurement.raw_times], task)
