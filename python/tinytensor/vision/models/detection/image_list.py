"""Pictures of several sizes in one tensor."""

from __future__ import annotations

from typing import Any

from tinytensor import Tensor

__all__ = ["ImageList"]


class ImageList:
    """Padded pictures (N, C, H, W) and the size that each had before the padding."""

    def __init__(self, tensors: Tensor, image_sizes: list[tuple[int, int]]) -> None:
        self.tensors = tensors
        self.image_sizes = image_sizes

    def to(self, device: Any) -> ImageList:
        return ImageList(self.tensors.to(device), self.image_sizes)
