"""Functions that a graph has as one node. Apart from fx, so that a module can name its own without importing fx."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

PLACES: list[tuple[dict[str, Any], str]] = []  # the globals of a module, and a name in them


def wrap(fn_or_name: str | Callable) -> Any:
    """At module scope: calls of this function are recorded as one node, and not looked into."""
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError("wrap: needs the name of a function, or a function of this module")
    caller = sys._getframe(1)
    if caller.f_code.co_name != "<module>":
        raise NotImplementedError("wrap must be called at the top level of a module")
    name = fn_or_name if isinstance(fn_or_name, str) else fn_or_name.__name__
    PLACES.append((caller.f_globals, name))
    return fn_or_name
