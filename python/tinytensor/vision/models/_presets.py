"""How pictures are prepared for the published weights."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import Tensor, nn

__all__ = ["ImageClassification", "ObjectDetection", "SemanticSegmentation"]


class _Resized(nn.Module):
    """Resize (a size of None: not), scale to [0, 1], normalize."""

    _shown: tuple[str, ...] = ("resize_size", "mean", "std", "interpolation")

    def __init__(
        self,
        *,
        resize_size: int | None,
        mean: tuple[float, ...] = (0.485, 0.456, 0.406),
        std: tuple[float, ...] = (0.229, 0.224, 0.225),
        interpolation: Any = "bilinear",
        antialias: bool | None = True,
    ) -> None:
        from ..transforms import InterpolationMode

        super().__init__()
        self.resize_size = None if resize_size is None else [resize_size]
        self.mean = list(mean)
        self.std = list(std)
        self.interpolation = InterpolationMode(interpolation)
        self.antialias = antialias

    def _cut(self, img: Any) -> Any:
        """A part of the resized picture."""
        return img

    def forward(self, img: Any) -> Tensor:
        from ..transforms import functional as F

        if self.resize_size is not None:
            img = F.resize(img, self.resize_size, interpolation=self.interpolation, antialias=self.antialias)
        img = self._cut(img)
        if not isinstance(img, Tensor):
            img = F.pil_to_tensor(img)
        return F.normalize(F.convert_image_dtype(img, tinytensor.float32), mean=self.mean, std=self.std)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}(", *(f"{name}={getattr(self, name)}" for name in self._shown)]
        return "\n    ".join(lines) + "\n)"

    def _steps(self) -> str:
        return f"resizes to {self.resize_size} ({self.interpolation})"

    def describe(self) -> str:
        return (
            f"Takes PIL pictures and (..., C, H, W) tensors; {self._steps()}, scales to [0, 1], "
            f"normalizes with mean {self.mean} and std {self.std}."
        )


class ImageClassification(_Resized):
    """Resize, cut out the centre, scale to [0, 1], normalize: PIL pictures and (..., C, H, W) tensors."""

    _shown = ("crop_size", *_Resized._shown)

    def __init__(self, *, crop_size: int, resize_size: int = 256, **options: Any) -> None:
        super().__init__(resize_size=resize_size, **options)
        self.crop_size = [crop_size]

    def _cut(self, img: Any) -> Any:
        from ..transforms import functional as F

        return F.center_crop(img, self.crop_size)

    def _steps(self) -> str:
        return f"{super()._steps()}, cuts out the centre {self.crop_size}"


class SemanticSegmentation(_Resized):
    """Resize (resize_size=None: not), scale to [0, 1], normalize."""


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
