"""Times statements, as the standard library's timeit does."""

from __future__ import annotations

import enum
import textwrap
import timeit
from collections.abc import Callable
from typing import Any, NoReturn

import tinytensor

from .measurement import Measurement, TaskSpec, set_torch_threads


class Language(enum.Enum):
    PYTHON = 0
    CPP = 1


def timer() -> float:
    """The time in seconds, after what runs on a CUDA device is done."""
    if tinytensor.cuda.is_initialized():
        tinytensor.cuda.synchronize()
    return timeit.default_timer()


def _checked_language(language: Language | str, global_setup: str) -> None:
    known = {"py": Language.PYTHON, "python": Language.PYTHON, "c++": Language.CPP, "cpp": Language.CPP}
    given = known.get(language.lower()) if isinstance(language, str) else language
    if not isinstance(given, Language):
        raise ValueError(f"Invalid language `{language}`.")
    if given == Language.CPP:
        raise NotImplementedError("Timer: only statements in Python are timed, got language='c++'")
    if global_setup:
        raise ValueError(f"Timer: global_setup is for C++ only, got {global_setup!r}; `setup` is for Python")


class Timer:
    """Times `stmt`, which runs after `setup` and sees `globals`; `torch` is there without being named.

    `label`, `sub_label` and `description` say where a result stands in Compare's tables: table, row and column.
    Operations run on `num_threads` threads."""

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Language | str = Language.PYTHON,
    ) -> None:
        _checked_language(language, global_setup)
        if not isinstance(stmt, str):
            raise ValueError(f"Timer: stmt is a string, got {type(stmt).__name__}")
        stmt, setup = textwrap.dedent(stmt).strip("\n"), textwrap.dedent(setup).strip("\n")
        self._clock = timer
        self._globals = {"torch": tinytensor, **(globals or {})}
        self._timer = timeit.Timer(stmt=stmt, setup=setup, timer=timer, globals=self._globals)
        self._task_spec = TaskSpec(
            stmt=stmt,
            setup=setup,
            label=label,
            sub_label=sub_label,
            description=description,
            env=env,
            num_threads=num_threads,
        )

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """The time of `number` executions, after a few that warm up."""
        with set_torch_threads(self._task_spec.num_threads):
            self._run(max(number // 100, 2))
            return self._measured(number, [self._run(number)])

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Runs blocks of executions for at least `min_run_time` seconds. A block is so long that reading the clock
        does not count. callback(number, seconds) is called after every block."""
        with set_torch_threads(self._task_spec.num_threads):
            number = self._block_size(min_run_time)
            times: list[float] = []
            while sum(times) < min_run_time:
                times.append(self._run(number))
                if callback is not None:
                    callback(number, times[-1])
            return self._measured(number, times)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Callable[[int, float], Any] | None = None,
    ) -> Measurement:
        """Runs blocks of executions until the interquartile range is less than `threshold` of the median, or for
        `max_run_time` seconds."""
        with set_torch_threads(self._task_spec.num_threads):
            number = self._block_size(min_run_time)
            times: list[float] = []
            while sum(times) < max_run_time:
                times.append(self._run(number))
                if callback is not None:
                    callback(number, times[-1])
                enough = len(times) > 3 and sum(times) >= min_run_time
                if enough and self._measured(number, times).meets_confidence(threshold):
                    break
            return self._measured(number, times)

    def _run(self, number: int) -> float:
        return max(self._timer.timeit(number), 1e-9)

    def _measured(self, number: int, times: list[float]) -> Measurement:
        return Measurement(number, times, self._task_spec)

    def _block_size(self, min_run_time: float) -> int:
        """A block takes at least a thousandth of the time, and ten thousand times what an empty one takes."""
        empty = min(max(timeit.Timer("pass", timer=self._clock).timeit(0), 0.0) for _ in range(5))
        least = max(min_run_time / 1000, 1e4 * empty)
        number = 1
        while True:
            taken = self._run(number)
            if taken >= least or taken >= min_run_time:
                return number
            number *= 10

    def repeat(self, repeat: int = -1, number: int = -1) -> NoReturn:
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def autorange(self, callback: Any = None) -> NoReturn:
        raise NotImplementedError("See `Timer.blocked_autorange.`")

    def collect_callgrind(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError("Timer: instructions are not counted; see `Timer.blocked_autorange.`")
