"""Tensors of places in a picture: boxes and points."""

from __future__ import annotations

from enum import Enum
from typing import Any

from tinytensor import Tensor

from ._tv_tensor import TVTensor


class BoundingBoxFormat(Enum):
    """What the four numbers of a box are: corners, a corner and the size, or the middle and the size."""

    XYXY = "XYXY"
    XYWH = "XYWH"
    CXCYWH = "CXCYWH"


CLAMPING_MODES = ("hard", "soft", None)


def check_clamping_mode(mode: Any, *more: str) -> None:
    if mode not in (*CLAMPING_MODES, *more):
        raise ValueError(f"clamping_mode must be {', '.join([*more, 'None'])}, hard or soft, got {mode}.")


def format_of(format: BoundingBoxFormat | str) -> BoundingBoxFormat:
    return BoundingBoxFormat[format.upper()] if isinstance(format, str) else format


class BoundingBoxes(TVTensor):
    """Boxes [N, 4] in a picture of height and width `canvas_size`. One box may be given as [4].

    `clamping_mode` "soft" or "hard" lets transforms cut off what is beyond the picture, None leaves it.
    """

    format: BoundingBoxFormat
    canvas_size: tuple[int, int]
    clamping_mode: str | None
    _facts = ("format", "canvas_size", "clamping_mode")

    def __new__(
        cls,
        data: Any,
        *,
        format: BoundingBoxFormat | str,
        canvas_size: tuple[int, int],
        clamping_mode: str | None = "soft",
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool | None = None,
    ) -> Any:
        tensor = cls._to_tensor(data, dtype, device, requires_grad)
        if tensor.ndim not in (1, 2):
            raise ValueError(f"Expected a 1D or 2D tensor, got {tensor.ndim}D")
        check_clamping_mode(clamping_mode)
        tensor = tensor.unsqueeze(0) if tensor.ndim == 1 else tensor
        facts = {"format": format_of(format), "canvas_size": canvas_size, "clamping_mode": clamping_mode}
        return cls.wrap(tensor, None, **facts)

    @classmethod
    def wrap(cls, tensor: Tensor, like: Any, **kwargs: Any) -> Any:
        if "format" in kwargs:
            kwargs["format"] = format_of(kwargs["format"])
        return super().wrap(tensor, like, **kwargs)


class KeyPoints(TVTensor):
    """Points [..., 2], across and down, in a picture of height and width `canvas_size`."""

    canvas_size: tuple[int, int]
    _facts = ("canvas_size",)

    def __new__(
        cls,
        data: Any,
        *,
        canvas_size: tuple[int, int],
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool | None = None,
    ) -> Any:
        tensor = cls._to_tensor(data, dtype, device, requires_grad)
        tensor = tensor.unsqueeze(0) if tensor.ndim == 1 else tensor
        return cls.wrap(tensor, None, canvas_size=canvas_size)
