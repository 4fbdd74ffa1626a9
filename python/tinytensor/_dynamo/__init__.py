"""What programs tell PyTorch's compiler. There is none here: programs run as they are, and what is said of how to
compile them has nothing to act on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .._C import Tensor
from .._missing import missing
from ..compiler import (
    allow_in_graph,
    assume_constant_result,
    disable,
    is_compiling,
    list_backends,
    reset,
)
from . import config, eval_frame, exc, external_utils
from .eval_frame import OptimizedModule

__all__ = [
    "OptimizedModule",
    "allow_in_graph",
    "assume_constant_result",
    "config",
    "disable",
    "eval_frame",
    "exc",
    "external_utils",
    "forbid_in_graph",
    "graph_break",
    "is_compiling",
    "list_backends",
    "mark_dynamic",
    "mark_static",
    "mark_static_address",
    "maybe_mark_dynamic",
    "nonstrict_trace",
    "reset",
    "run",
]

__getattr__ = missing(__name__)


def _check_tensor(function: str, t: Any) -> None:
    if not isinstance(t, Tensor):
        raise TypeError(f"{function} expects a tensor but received {type(t)}")


def graph_break(msg: str = "") -> None:
    """End the graph here: there is none."""


def forbid_in_graph(fn: Any) -> Any:
    """Mark functions as not to be called while compiling, which never happens: return them."""
    for one in fn if isinstance(fn, (list, tuple)) else [fn]:
        if not callable(one):
            raise AssertionError(f"forbid_in_graph: expects a callable, got {type(one).__name__}")
    return fn


def nonstrict_trace(traceable_fn: Callable) -> Callable:
    """Mark a function as one to be traced another way: return it."""
    return traceable_fn


def run(fn: Callable | None = None) -> Any:
    """Use compiled code only where there is some already: return the function, or a decorator that does so."""
    return (lambda function: function) if fn is None else fn


def mark_dynamic(
    t: Tensor,
    index: int | Sequence[int],
    *,
    hint_override: int | None = None,
    min: int | None = None,
    max: int | None = None,
    specialize_on: list | None = None,
) -> None:
    """Say that sizes vary, so that code is compiled for all of them: every size runs the same code."""
    _check_tensor("mark_dynamic", t)


def maybe_mark_dynamic(t: Tensor, index: int | Sequence[int]) -> None:
    """Say that sizes may vary: every size runs the same code."""
    _check_tensor("maybe_mark_dynamic", t)


def mark_static(t: Any, index: int | Sequence[int] | None = None) -> Any:
    """Say that sizes of a tensor, or the integers of a class of modules, stay the same. A class is returned."""
    if isinstance(t, type):
        return t
    _check_tensor("mark_static", t)
    return None


def mark_static_address(t: Tensor, guard: bool = False) -> None:
    """Say that a tensor stays where it is in memory."""
    _check_tensor("mark_static_address", t)
