"""The class of compiled modules, of which there are none."""

from __future__ import annotations

from typing import Any

from ..nn import Module

__all__ = ["OptimizedModule"]


class OptimizedModule(Module):
    """A compiled module. `compile` returns modules as they are, so that no module is one."""

    def __init__(self, mod: Module, dynamo_ctx: Any = None) -> None:
        raise NotImplementedError("OptimizedModule: there is no compiler here; modules run as they are")
