"""Regions from whichever of several feature maps fits their size (feature pyramids, arXiv 1612.03144)."""

from __future__ import annotations

import math
from typing import Any

import tinytensor
from tinytensor import Tensor, nn

from .boxes import box_area
from .regions import as_rows, roi_align


class LevelMapper:
    """The level for each box: one of canonical_scale pixels has canonical_level, one twice as long the next."""

    def __init__(
        self, k_min: int, k_max: int, canonical_scale: int = 224, canonical_level: int = 4, eps: float = 1e-6
    ) -> None:
        self.k_min, self.k_max, self.s0, self.lvl0, self.eps = (
            k_min,
            k_max,
            canonical_scale,
            canonical_level,
            eps,
        )

    def __call__(self, boxlists: list[Tensor]) -> Tensor:
        side = tinytensor.cat([box_area(boxes) for boxes in boxlists]).sqrt()
        level = tinytensor.floor(self.lvl0 + tinytensor.log2(side / self.s0) + self.eps)
        return level.clamp(self.k_min, self.k_max).to(tinytensor.int64) - self.k_min


class MultiScaleRoIAlign(nn.Module):
    """roi_align of regions from the feature maps with these names, from each its own size of regions."""

    def __init__(
        self,
        featmap_names: list[str],
        output_size: Any,
        sampling_ratio: int,
        *,
        canonical_scale: int = 224,
        canonical_level: int = 4,
    ) -> None:
        super().__init__()
        self.featmap_names, self.sampling_ratio = featmap_names, sampling_ratio
        self.output_size = (output_size, output_size) if isinstance(output_size, int) else tuple(output_size)
        self.scales: list[float] | None = None
        self.map_levels: LevelMapper | None = None
        self.canonical_scale, self.canonical_level = canonical_scale, canonical_level

    def _set_scales(self, features: list[Tensor], image_shapes: list[tuple[int, int]]) -> None:
        if not image_shapes:
            raise ValueError("images list should not be empty")
        height = max(shape[0] for shape in image_shapes)
        self.scales = [2.0 ** round(math.log2(feature.shape[-2] / height)) for feature in features]
        first, last = (int(-math.log2(scale)) for scale in (self.scales[0], self.scales[-1]))
        self.map_levels = LevelMapper(first, last, self.canonical_scale, self.canonical_level)

    def forward(
        self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> Tensor:
        features = [feature for name, feature in x.items() if name in self.featmap_names]
        if self.scales is None or self.map_levels is None:
            self._set_scales(features, image_shapes)
        rows = as_rows(boxes)
        if len(features) == 1:
            return roi_align(features[0], rows, self.output_size, self.scales[0], self.sampling_ratio)
        levels = self.map_levels(boxes)
        parts, numbers = [], []
        for level, (feature, scale) in enumerate(zip(features, self.scales)):
            chosen = tinytensor.where(levels == level)[0]
            parts.append(roi_align(feature, rows[chosen], self.output_size, scale, self.sampling_ratio))
            numbers.append(chosen)
        return tinytensor.cat(parts)[tinytensor.cat(numbers).argsort()]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(featmap_names={self.featmap_names}, output_size={self.output_size}, "
            f"sampling_ratio={self.sampling_ratio})"
        )
