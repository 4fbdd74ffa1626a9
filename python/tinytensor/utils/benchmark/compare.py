"""Tables of measurements, side by side."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence

from .measurement import Measurement, ordered_unique, select_unit, trim_sigfig, unit_to_english

_RESET = "\033[0m\033[0m"
_BEST, _GOOD, _BAD, _WORST = "\033[92m\033[1m", "\033[34m\033[1m", "\033[2m\033[91m", "\033[31m\033[1m"
_INDENT = "      "


class Colorize(enum.Enum):
    NONE = "none"
    COLUMNWISE = "columnwise"
    ROWWISE = "rowwise"


def _colored(text: str, value: float, best: float) -> str:
    """By how much slower than the best: to 1.1 and to 1.2 times as long, from 2 and from 5 times as long."""
    ratio = value / best
    color = (
        _BEST
        if ratio <= 1.1
        else _GOOD
        if ratio < 1.2
        else _WORST
        if ratio > 5
        else _BAD
        if ratio > 2
        else ""
    )
    return f"{color}{text}{_RESET}" if color else text


class _Table:
    """The results with one label: a row per sub_label, env and number of threads, a column per description."""

    def __init__(self, results: list[Measurement], colorize: Colorize, trim: bool, warn: bool) -> None:
        self.colorize, self.trim, self.warn = colorize, trim, warn
        self.label = results[0].label or ""
        self.columns = ordered_unique(result.description for result in results)
        self.rows = sorted(
            ordered_unique((r.num_threads, r.task_spec.env, r.as_row_name) for r in results),
            key=lambda row: row[0],
        )
        self.cells = {(r.num_threads, r.task_spec.env, r.as_row_name, r.description): r for r in results}
        self.unit, self.size = select_unit(min(result.median for result in results))

    def row_cells(self, row: tuple) -> list[Measurement | None]:
        return [self.cells.get((*row, column)) for column in self.columns]

    def row_name(self, row: tuple) -> str:
        _, env, name = row
        name = name.replace("\n", " ")
        return f"  ({env})  {name}" if env is not None else _INDENT + name

    def value(self, cell: Measurement) -> float:
        value = cell.median / self.size
        return trim_sigfig(value, cell.significant_figures) if self.trim else value

    def digits(self, column: Sequence[Measurement | None]) -> int:
        """Behind the point."""
        if not self.trim:
            return 1
        texts = [f"{self.value(cell):.10f}".rstrip("0") for cell in column if cell]
        return min(3, max(len(text.partition(".")[2]) for text in texts))

    def column_texts(self, title: str, column: Sequence[Measurement | None]) -> list[str]:
        digits = self.digits(column)
        numbers = [f"{self.value(cell):.{digits}f}" if cell else "" for cell in column]
        marks = [
            f" (! {100 * cell.iqr / cell.median:.0f}%)" if cell and self.warn and cell.has_warnings else ""
            for cell in column
        ]
        widest_number, widest_mark = max(map(len, numbers)), max(map(len, marks))
        texts = [
            number.rjust(widest_number) + mark.ljust(widest_mark) for number, mark in zip(numbers, marks)
        ]
        width = max(len(title), *map(len, texts))
        return [title.center(width), *(text.center(width) for text in texts)]

    def best(self, row: int, column: int, grid: list[list[Measurement | None]]) -> float:
        peers = grid[row] if self.colorize == Colorize.ROWWISE else [cells[column] for cells in grid]
        return min(cell.median for cell in peers if cell)

    def render(self) -> str:
        grid = [self.row_cells(row) for row in self.rows]
        texts = [
            self.column_texts(title or "", [cells[i] for cells in grid])
            for i, title in enumerate(self.columns)
        ]
        names = [self.row_name(row) for row in self.rows]
        name_width = max(map(len, names))
        join = "  |  ".join
        head = join(["".ljust(name_width), *(column[0] for column in texts)])
        lines = [f"[{f' {self.label} '.center(len(head) - 2, '-')}]", head]
        threads = None
        for i, row in enumerate(self.rows):
            if row[0] != threads:
                threads = row[0]
                lines.append(f"{threads} threads: ".ljust(len(head), "-"))
            parts = []
            for j, cell in enumerate(grid[i]):
                text = texts[j][i + 1]
                if cell and self.colorize != Colorize.NONE:
                    text = _colored(text, cell.median, self.best(i, j, grid))
                parts.append(text)
            lines.append(join([names[i].ljust(name_width), *parts]))
        lines += ["", f"Times are in {unit_to_english(self.unit)}s ({self.unit})."]
        if self.warn and any(cell and cell.has_warnings for cells in grid for cell in cells):
            lines.append("(! XX%) Measurement has high variance, where XX is the IQR / median * 100.")
        return "\n".join([*lines, ""])


class Compare:
    """Shows results as tables: one per label, a row per sub_label (or statement) and number of threads, a column
    per description. Results of the same task are put together."""

    def __init__(self, results: Iterable[Measurement]) -> None:
        self._results: list[Measurement] = []
        self.extend_results(results)
        self._trim_significant_figures = False
        self._colorize = Colorize.NONE
        self._highlight_warnings = False

    def extend_results(self, results: Iterable[Measurement]) -> None:
        for result in results:
            if not isinstance(result, Measurement):
                raise ValueError(f"Expected an instance of `Measurement`, got {type(result)} instead.")
            self._results.append(result)

    def trim_significant_figures(self) -> None:
        """Leaves out figures that say nothing, by the scatter of the times."""
        self._trim_significant_figures = True

    def colorize(self, rowwise: bool = False) -> None:
        """Colors the best and the slow results of a column, or of a row."""
        self._colorize = Colorize.ROWWISE if rowwise else Colorize.COLUMNWISE

    def highlight_warnings(self) -> None:
        """Marks results whose times scatter."""
        self._highlight_warnings = True

    def __str__(self) -> str:
        groups: dict[str | None, list[Measurement]] = {}
        for result in Measurement.merge(self._results):
            groups.setdefault(result.label, []).append(result)
        options = (self._colorize, self._trim_significant_figures, self._highlight_warnings)
        return "\n".join(_Table(group, *options).render() for group in groups.values())

    def print(self) -> None:
        print(self)
