"""Ranges that a program names."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any

from tinytensor import _C


class record_function(contextlib.ContextDecorator):
    """Names what happens in a block, or in the function it decorates, in the profiler's events. `args` is a remark
    that the trace shows. Costs next to nothing while no profiler records."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self.args = args
        self._event: Any = None

    def _recreate_cm(self) -> record_function:  # every call of a decorated function is a range of its own
        return type(self)(self.name, self.args)

    def __enter__(self) -> record_function:
        self._event = _C._open_range(self.name, self.args or "")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        event, self._event = self._event, None
        if event is not None:
            event.close()
