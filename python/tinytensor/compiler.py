"""`compile`, without a compiler: what it is given runs as it is, which is what compiled code must compute."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "list_backends",
    "reset",
]

_MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")
_BACKENDS = ("inductor", "eager", "aot_eager", "cudagraphs", "onnxrt", "openxla", "tvm")
_warned = False


def _warn_once() -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            "compile: there is no compiler here; functions and modules run as they are", stacklevel=3
        )


def compile(
    model: Callable | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | Callable | None = None,
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    name: str | None = None,
    disable: bool = False,
) -> Any:
    """Return `model` itself, or a decorator that does so. All options say how to compile, and nothing of what the
    result computes; a `backend` that is a function would be handed graphs, which are not made.
    """
    if model is not None and not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")
    if mode is not None and options is not None:
        raise RuntimeError(
            "Either mode or options can be specified, but both can't be specified at the same time."
        )
    if mode is not None and mode not in _MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(_MODES)}")
    if callable(backend):
        raise NotImplementedError(
            "compile: a function as backend needs graphs of programs, which are not made"
        )
    if backend is not None and backend not in _BACKENDS:
        raise RuntimeError(f"Invalid backend: {backend!r}; known are {', '.join(_BACKENDS)}")
    if not disable:
        _warn_once()
    return (lambda function: function) if model is None else model


def is_compiling() -> bool:
    """Whether this code is being compiled: it never is."""
    return False


def is_dynamo_compiling() -> bool:
    """Whether this code is being compiled: it never is."""
    return False


def is_exporting() -> bool:
    """Whether this code is being exported: it never is."""
    return False


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """The compilers that are here: none."""
    return []


def disable(fn: Callable | None = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Mark a function as not to be compiled, which none is: return it, or a decorator that does so."""
    return (lambda function: function) if fn is None else fn


def allow_in_graph(fn: Any) -> Any:
    """Mark a function as opaque to the compiler: return it."""
    return fn


def assume_constant_result(fn: Callable) -> Callable:
    """Mark a function as having a constant result: return it."""
    return fn


def reset() -> None:
    """Forget compiled code: there is none."""


def cudagraph_mark_step_begin() -> None:
    """Results of the step before may be overwritten by CUDA graphs: there are none."""
