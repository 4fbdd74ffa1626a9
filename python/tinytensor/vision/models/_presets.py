"""How pictures are prepared for the published weights."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import Tensor, nn

__all__ = ["ImageClassification", "ObjectDetection"]


class ImageClassification(nn.Module):
    """Resize, cut out the centre, scale to [0, 1], normalize: PIL pictures and (..., C, H, W) tensors."""

    def __init__(
        self,
        *,
        crop_size: int,
        resize_size: int = 256,
        mean: tuple[float, ...] = (0.485, 0.456, 0.406),
        std: tuple[float, ...] = (0.229, 0.224, 0.225),
        interpolation: Any = "bilinear",
        antialias: bool | None = True,
    ) -> None:
        from ..transforms import InterpolationMode

        super().__init__()
        self.crop_size = [crop_size]
        self.resize_size = [resize_size]
        self.mean = list(mean)
        self.std = list(std)
        self.interpolation = InterpolationMode(interpolation)
        self.antialias = antialias

    def forward(self, img: Any) -> Tensor:
        from ..transforms import functional as F

        img = F.resize(img, self.resize_size, interpolation=self.interpolation, antialias=self.antialias)
        img = F.center_crop(img, self.crop_size)
        if not isinstance(img, Tensor):
            img = F.pil_to_tensor(img)
        img = F.convert_image_dtype(img, tinytensor.float32)
        return F.normalize(img, mean=self.mean, std=self.std)

    def __repr__(self) -> str:
        names = ("crop_size", "resize_size", "mean", "std", "interpolation")
        return (
            "\n    ".join([f"{type(self).__name__}(", *(f"{name}={getattr(self, name)}" for name in names)])
            + "\n)"
        )

    def describe(self) -> str:
        return (
            f"Takes PIL pictures and (..., C, H, W) tensors; resizes to {self.resize_size} "
            f"({self.interpolation}), cuts out the centre {self.crop_size}, scales to [0, 1], "
            f"normalizes with mean {self.mean} and std {self.std}."
        )


class ObjectDetection(nn.Module):
    """Scale to [0, 1]; the detector does the rest itself."""

    def forward(self, img: Any) -> Tensor:
        from ..transforms import functional as F

        if not isinstance(img, Tensor):
            img = F.pil_to_tensor(img)
        return F.convert_image_dtype(img, tinytensor.float32)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def describe(self) -> str:
        return "Takes PIL pictures and (..., C, H, W) tensors; scales to [0, 1]."
