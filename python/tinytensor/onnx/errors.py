"""What goes wrong when a program is written as an ONNX file."""

from __future__ import annotations

from typing import Any

__all__ = ["OnnxExporterError", "OnnxExporterWarning", "SymbolicValueError", "UnsupportedOperatorError"]


class OnnxExporterWarning(UserWarning):
    """The file may not be all that the program is."""


class OnnxExporterError(RuntimeError):
    """The program cannot be written as an ONNX file."""


class SymbolicValueError(OnnxExporterError):
    """An operation's argument has no counterpart in ONNX."""

    def __init__(self, msg: str, value: Any = None) -> None:
        super().__init__(msg if value is None else f"{msg} ({value})")


class UnsupportedOperatorError(OnnxExporterError):
    """The operation has no counterpart in ONNX, or none in the wanted opset."""

    def __init__(self, name: str, version: int, supported_version: int | None = None) -> None:
        later = "" if supported_version is None else f"; it is there from opset {supported_version} on"
        super().__init__(f"onnx.export: no ONNX nodes for the operator {name!r} in opset {version}{later}")
