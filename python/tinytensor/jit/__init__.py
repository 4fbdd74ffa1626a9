"""TorchScript's names. Programs stay Python: marks are accepted, traces and files of programs are refused."""

from __future__ import annotations

import typing
import warnings
from collections.abc import Callable
from typing import Any, Final, NoReturn

from tinytensor.nn import Module

__all__ = [
    "Attribute",
    "Final",
    "ScriptFunction",
    "ScriptModule",
    "TracerWarning",
    "annotate",
    "export",
    "freeze",
    "ignore",
    "is_scripting",
    "is_tracing",
    "load",
    "optimize_for_inference",
    "save",
    "script",
    "script_if_tracing",
    "script_method",
    "trace",
    "trace_module",
    "unused",
]

_warned = False


class TracerWarning(Warning):
    """The category of PyTorch's warnings about traces, for filters."""


class ScriptModule(Module):
    """A module whose methods may be marked; it runs as any module does."""


class ScriptFunction:
    """The type of PyTorch's compiled functions, of which there are none."""


class Attribute(typing.NamedTuple):
    """A value with the type that TorchScript would need."""

    value: Any
    type: Any


def script(
    obj: Any,
    optimize: Any = None,
    _frames_up: int = 0,
    _rcb: Any = None,
    example_inputs: Any = None,
) -> Any:
    """Return the function, class or module itself: it runs as Python. It gets no `save`, `graph` or `code`."""
    global _warned
    if not callable(obj):
        raise RuntimeError(f"script: expected a function, class or module, got {type(obj).__name__}")
    if not _warned:
        _warned = True
        warnings.warn(
            "jit.script: there is no TorchScript here; functions and modules run as Python", stacklevel=2
        )
    return obj


def script_if_tracing(fn: Callable) -> Callable:
    """Return the function: nothing is traced."""
    return fn


def script_method(fn: Callable) -> Callable:
    """Return the method."""
    return fn


def export(fn: Callable) -> Callable:
    """Mark a method as an entry of a compiled module: return it."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Mark a function as one that stays Python: return it, or a decorator that does so."""
    return drop if callable(drop) else lambda fn: fn


def unused(fn: Callable) -> Callable:
    """Mark a method as one that compiled code does not call: return it."""
    return fn


def annotate(the_type: Any, the_value: Any) -> Any:
    """Return the value."""
    return the_value


def is_scripting() -> bool:
    """Whether this code is being compiled: it never is."""
    return False


def is_tracing() -> bool:
    """Whether this code is being traced: it never is."""
    return False


def _refuse(function: str, instead: str) -> NoReturn:
    raise NotImplementedError(f"jit.{function}: there is no TorchScript here; {instead}")


def trace(func: Any, example_inputs: Any = None, **options: Any) -> NoReturn:
    """Not here: a trace keeps the operations of one run without their Python."""
    _refuse("trace", "use the function or module itself")


def trace_module(mod: Any, inputs: Any, **options: Any) -> NoReturn:
    """Not here: a trace keeps the operations of one run without their Python."""
    _refuse("trace_module", "use the module itself")


def freeze(mod: Any, preserved_attrs: Any = None, optimize_numerics: bool = True) -> NoReturn:
    """Not here: only compiled modules can be frozen."""
    _refuse("freeze", "use the module in eval mode")


def optimize_for_inference(mod: Any, other_methods: Any = None) -> NoReturn:
    """Not here: only compiled modules can be optimized."""
    _refuse("optimize_for_inference", "use the module in eval mode")


def save(m: Any, f: Any, _extra_files: Any = None) -> NoReturn:
    """Not here: files of programs cannot be written."""
    _refuse("save", "save the state_dict with torch.save")


def load(
    f: Any, map_location: Any = None, _extra_files: Any = None, _restore_shapes: bool = False
) -> NoReturn:
    """Not here: files of programs cannot be read."""
    _refuse("load", "build the module in Python and load a state_dict into it")
