"""Tensors of pixels."""

from __future__ import annotations

from typing import Any

from ..transforms._forms import is_pil_image, pil_to_tensor
from ._tv_tensor import TVTensor


class _Pixels(TVTensor):
    _least = 0  # dimensions

    def __new__(
        cls, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool | None = None
    ) -> Any:
        if is_pil_image(data):
            data = pil_to_tensor(data)
        tensor = cls._to_tensor(data, dtype, device, requires_grad)
        if tensor.ndim < cls._least:
            raise ValueError(f"{cls.__name__}: expected {cls._least} dimensions or more, got {tensor.ndim}")
        return tensor.as_subclass(cls)


class Image(_Pixels):
    """Pictures [..., C, H, W], from a tensor, anything that makes one, or a PIL image. [H, W] gets one channel."""

    _least = 2

    def __new__(
        cls, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool | None = None
    ) -> Any:
        image = super().__new__(cls, data, dtype=dtype, device=device, requires_grad=requires_grad)
        return image.unsqueeze(0).as_subclass(cls) if image.ndim == 2 else image


class Video(_Pixels):
    """Videos [..., T, C, H, W]."""

    _least = 4


class Mask(_Pixels):
    """Masks [..., H, W]: of each pixel a class, or for each object whether it is there."""

    _shows_facts = False
