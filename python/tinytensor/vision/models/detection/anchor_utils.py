"""Anchors: the boxes that a detector starts from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tinytensor
from tinytensor import Tensor, nn

from .image_list import ImageList

__all__ = ["AnchorGenerator"]


class AnchorGenerator(nn.Module):
    """At every position of a feature map, a box for each of its sizes and aspect ratios (height / width)."""

    def __init__(
        self, sizes: Sequence = ((128, 256, 512),), aspect_ratios: Sequence = ((0.5, 1.0, 2.0),)
    ) -> None:
        super().__init__()
        if not isinstance(sizes[0], (list, tuple)):
            sizes = tuple((size,) for size in sizes)
        if not isinstance(aspect_ratios[0], (list, tuple)):
            aspect_ratios = (aspect_ratios,) * len(sizes)
        self.sizes = sizes
        self.aspect_ratios = aspect_ratios
        self.cell_anchors = [self.generate_anchors(*pair) for pair in zip(sizes, aspect_ratios)]

    def generate_anchors(
        self, scales: Sequence[float], aspect_ratios: Sequence[float], dtype: Any = None, device: Any = None
    ) -> Tensor:
        """The boxes around the origin."""
        options = {"dtype": dtype or tinytensor.float32, "device": device}
        size = tinytensor.as_tensor(scales, **options)
        root = tinytensor.sqrt(tinytensor.as_tensor(aspect_ratios, **options))
        widths = ((1 / root)[:, None] * size).flatten()
        heights = (root[:, None] * size).flatten()
        return (tinytensor.stack([-widths, -heights, widths, heights], dim=1) / 2).round()

    def num_anchors_per_location(self) -> list[int]:
        return [len(sizes) * len(ratios) for sizes, ratios in zip(self.sizes, self.aspect_ratios)]

    def grid_anchors(self, grid_sizes: Sequence, strides: Sequence) -> list[Tensor]:
        """The boxes of every feature map, at all of its positions."""
        if not len(grid_sizes) == len(strides) == len(self.cell_anchors):
            raise AssertionError(
                f"AnchorGenerator: {len(grid_sizes)} feature maps but {len(self.cell_anchors)} sizes; "
                "there must be a tuple of sizes and one of aspect ratios for every feature map"
            )
        anchors = []
        for (height, width), (down, across), cell in zip(grid_sizes, strides, self.cell_anchors):
            options = {"dtype": tinytensor.int32, "device": cell.device}
            y = (tinytensor.arange(height, **options) * down).repeat_interleave(width)
            x = (tinytensor.arange(width, **options) * across).repeat(height)
            shifts = tinytensor.stack((x, y, x, y), dim=1)
            anchors.append((shifts[:, None] + cell[None]).reshape(-1, 4))
        return anchors

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        """For every picture, all its anchors."""
        first = feature_maps[0]
        self.cell_anchors = [cell.to(dtype=first.dtype, device=first.device) for cell in self.cell_anchors]
        height, width = image_list.tensors.shape[-2:]
        grids = [tuple(feature.shape[-2:]) for feature in feature_maps]
        strides = [(height // rows, width // columns) for rows, columns in grids]
        anchors = tinytensor.cat(self.grid_anchors(grids, strides))
        return [anchors for _ in image_list.image_sizes]
