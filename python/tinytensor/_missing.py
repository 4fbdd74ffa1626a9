"""What a module says about names that it does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn


def missing(module: str) -> Callable[[str], NoReturn]:
    """The `__getattr__` of a module."""

    def refuse(name: str) -> NoReturn:
        raise AttributeError(
            f"module {module!r} has no attribute {name!r}; docs/compatibility.md tells what there is"
        )

    return refuse
