"""Grad modes: context managers that are also decorators.

Rests on `_C.is_grad_enabled()`, `_C._set_grad_enabled(bool)`, `_C.is_inference_mode_enabled()` and
`_C._set_inference_mode(bool)`, each of them the calling thread's own. `_C._set_inference_mode` changes the
inference flag alone; what it means for grad mode is settled here.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from tinytensor import _C

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]

_is_grad_enabled = _C.is_grad_enabled
_set_grad_enabled = _C._set_grad_enabled


class _Mode:
    """A context manager that also decorates functions, generator functions and, with a warning, classes."""

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before: Any = None

    def clone(self) -> _Mode:
        return type(self)()

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(self, *exception: object) -> None:
        raise NotImplementedError

    def __call__(self, function: Callable) -> Callable:
        if inspect.isclass(function):
            warnings.warn(
                f"{type(self).__name__}: decorating a class covers its construction only",
                FutureWarning,
                stacklevel=2,
            )
            return _constructor_under(self, function)
        if inspect.isgeneratorfunction(function):
            return _generator_under(self, function)

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return wrapper


def _constructor_under(mode: _Mode, cls: type) -> Callable:
    def construct(*args: Any, **kwargs: Any) -> Any:
        with mode.clone():
            return cls(*args, **kwargs)

    return construct


def _generator_under(mode: _Mode, function: Callable) -> Callable:
    """The mode holds while the generator's body runs, never while it is suspended."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        resume, argument = generator.send, None
        while True:
            try:
                with mode.clone():
                    item = resume(argument)
            except StopIteration as stop:
                return stop.value
            try:
                sent = yield item
            except GeneratorExit:
                with mode.clone():
                    generator.close()
                raise
            except BaseException as error:  # noqa: BLE001 - whatever is thrown in belongs to the generator
                resume, argument = generator.throw, error
            else:
                resume, argument = generator.send, sent

    return wrapper


class _BareMode(_Mode):
    """A mode without arguments: `@no_grad` works like `@no_grad()`."""

    __slots__ = ()

    def __new__(cls, orig_func: Callable | None = None) -> Any:
        if orig_func is None:
            return object.__new__(cls)
        return cls()(orig_func)

    def __init__(self) -> None:
        # One instance may be entered again while it is active, so earlier states form a chain.
        self._before = None

    def __exit__(self, *exception: object) -> None:
        was_enabled, self._before = self._before
        _set_grad_enabled(was_enabled)


class no_grad(_BareMode):
    """Results computed inside do not require grad and record nothing. Context manager and decorator:

    >>> with torch.no_grad():
    ...     y = x * 2
    >>> @torch.no_grad()
    ... def doubled(x):
    ...     return x * 2
    """

    __slots__ = ()

    def __enter__(self) -> None:
        self._before = (_is_grad_enabled(), self._before)
        _set_grad_enabled(False)


class enable_grad(_BareMode):
    """Record operations again, inside a `no_grad` block. Context manager and decorator."""

    __slots__ = ()

    def __enter__(self) -> None:
        self._before = (_is_grad_enabled(), self._before)
        _set_grad_enabled(True)


class set_grad_enabled(_Mode):
    """Turn recording on or off. It takes effect at once, and as a context manager lasts to the end of the
    block; as a decorator it holds inside the function only.
    """

    __slots__ = ("mode",)

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled: mode must be bool, got {type(mode).__name__}")
        self._before = _is_grad_enabled()
        self.mode = mode
        _set_grad_enabled(mode)

    def __call__(self, function: Callable) -> Callable:
        _set_grad_enabled(self._before)
        return super().__call__(function)

    def __enter__(self) -> None:
        _set_grad_enabled(self.mode)

    def __exit__(self, *exception: object) -> None:
        _set_grad_enabled(self._before)

    def clone(self) -> set_grad_enabled:
        return set_grad_enabled(self.mode)

    def __repr__(self) -> str:
        return f"set_grad_enabled(mode={self.mode})"


class inference_mode(_Mode):
    """Like `no_grad`, and results also skip the bookkeeping of versions and views, so they can never take
    part in recorded work later. `inference_mode(False)` lifts it inside such a block and records again.
    """

    __slots__ = ("mode",)

    def __new__(cls, mode: bool | Callable = True) -> Any:
        if isinstance(mode, bool):
            return object.__new__(cls)
        if not callable(mode):
            raise TypeError(f"inference_mode: mode must be bool, got {type(mode).__name__}")
        return cls()(mode)

    def __init__(self, mode: bool = True) -> None:
        self._before = None
        self.mode = mode

    def __enter__(self) -> None:
        self._before = (_is_grad_enabled(), _C.is_inference_mode_enabled(), self._before)
        _C._set_inference_mode(self.mode)
        _set_grad_enabled(not self.mode)

    def __exit__(self, *exception: object) -> None:
        grad_enabled, inference_enabled, self._before = self._before
        _C._set_inference_mode(inference_enabled)
        _set_grad_enabled(grad_enabled)

    def clone(self) -> inference_mode:
        return inference_mode(self.mode)
