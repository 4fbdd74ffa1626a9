"""Padding layers."""

from __future__ import annotations

from typing import Any, ClassVar

from tinytensor._C import Tensor
from tinytensor.nn.functional.padding import pad
from tinytensor.nn.modules.module import Module
from tinytensor.nn.modules.utils import _ntuple, _pair, _quadruple

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]

_sextuple = _ntuple(6)


class _ConstantPadNd(Module):
    __constants__: ClassVar[list[str]] = ["padding", "value"]
    _ends = staticmethod(_pair)

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__()
        self.padding = self._ends(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """A value around a signal: (left, right), or one number for both."""


class ConstantPad2d(_ConstantPadNd):
    """A value around an image: (left, right, top, bottom), or one number for all."""

    _ends = staticmethod(_quadruple)


class ConstantPad3d(_ConstantPadNd):
    """A value around a volume: (left, right, top, bottom, front, back), or one number for all."""

    _ends = staticmethod(_sextuple)


class ZeroPad1d(ConstantPad1d):
    """Zeros around a signal."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Zeros around an image."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Zeros around a volume."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _PadNd(Module):
    __constants__: ClassVar[list[str]] = ["padding"]
    _ends = staticmethod(_pair)
    _mode = ""

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = self._ends(padding)

    def forward(self, input: Tensor) -> Tensor:
        return pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ReflectionPadNd(_PadNd):
    _mode = "reflect"


class ReflectionPad1d(_ReflectionPadNd):
    """A signal's own mirror image at both ends, without repeating the end."""


class ReflectionPad2d(_ReflectionPadNd):
    """An image's own mirror image around it, without repeating the border."""

    _ends = staticmethod(_quadruple)


class ReflectionPad3d(_ReflectionPadNd):
    """A volume's own mirror image around it, without repeating the border."""

    _ends = staticmethod(_sextuple)


class _ReplicationPadNd(_PadNd):
    _mode = "replicate"


class ReplicationPad1d(_ReplicationPadNd):
    """A signal's first and last element repeated."""


class ReplicationPad2d(_ReplicationPadNd):
    """An image's border repeated."""

    _ends = staticmethod(_quadruple)


class ReplicationPad3d(_ReplicationPadNd):
    """A volume's border repeated."""

    _ends = staticmethod(_sextuple)


class _CircularPadNd(_PadNd):
    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        dims = len(self.padding) // 2
        if input.dim() not in (dims + 1, dims + 2):
            raise ValueError(f"expected {dims + 1}D or {dims + 2}D input (got {input.dim()}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPadNd):
    """A signal continued from its other end."""


class CircularPad2d(_CircularPadNd):
    """An image continued from its other side."""

    _ends = staticmethod(_quadruple)


class CircularPad3d(_CircularPadNd):
    """A volume continued from its other side."""

    _ends = staticmethod(_sextuple)
