"""An exception on its way from a worker to the process that waits for it."""

from __future__ import annotations

import pickle
import sys
import traceback
from typing import Any, NoReturn

__all__ = ["ExceptionWrapper", "KeyErrorMessage"]


class KeyErrorMessage(str):
    """The message of a KeyError, which would otherwise be shown with its line breaks escaped."""

    def __repr__(self) -> str:
        return self


class ExceptionWrapper:
    """The type and the traceback of an exception; the exception itself may not survive the journey."""

    def __init__(self, exc_info: Any = None, where: str = "in background", note: str = "") -> None:
        kind, value, trace = exc_info or sys.exc_info()
        self.exc_type = kind
        self.exc_msg = "".join(traceback.format_exception(kind, value, trace)) + note
        self.where = where

    def reraise(self) -> NoReturn:
        """Raise an exception of the same type that tells where it comes from."""
        message = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {self.exc_msg}"
        if self.exc_type is KeyError:
            raise KeyError(KeyErrorMessage(message)) from None
        try:
            has_message = getattr(self.exc_type, "message", None)
            exception = self.exc_type(message=message) if has_message else self.exc_type(message)
        except Exception:  # its constructor wants something else
            raise RuntimeError(message) from None
        try:
            raise exception
        finally:
            del exception  # or its traceback would hold it, and all it refers to, in a circle

    def __reduce__(self) -> tuple:
        return _rebuild, (_type_to_send(self.exc_type), self.exc_type.__name__, self.exc_msg, self.where)


def _type_to_send(kind: type) -> type | None:
    try:
        pickle.dumps(kind)
    except Exception:  # a class made inside a function, say
        return None
    return kind


def _rebuild(kind: type | None, name: str, message: str, where: str) -> ExceptionWrapper:
    made = object.__new__(ExceptionWrapper)
    made.exc_type = kind or type(name, (RuntimeError,), {})
    made.exc_msg, made.where = message, where
    return made
