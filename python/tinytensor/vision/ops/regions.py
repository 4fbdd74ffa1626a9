"""Regions of feature maps brought to one size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import tinytensor
from tinytensor import Tensor, nn


def _pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))


def _check_boxes(boxes: Any) -> None:
    if isinstance(boxes, Tensor):
        if boxes.size(1) != 5:
            raise AssertionError("The boxes tensor shape is not correct as Tensor[K, 5]")
        return
    if not isinstance(boxes, (list, tuple)):
        raise AssertionError("boxes is expected to be a Tensor[L, 5] or a List[Tensor[K, 4]]")
    if any(box.size(1) != 4 for box in boxes):
        raise AssertionError("The shape of the tensor in the boxes list is not correct as List[Tensor[L, 4]]")


def as_rows(boxes: Any) -> Tensor:
    """(number of the picture, x1, y1, x2, y2) for each region, from that or from a list of boxes per picture."""
    _check_boxes(boxes)
    if isinstance(boxes, Tensor):
        return boxes
    numbers = [tinytensor.full_like(box[:, :1], number) for number, box in enumerate(boxes)]
    return tinytensor.cat([tinytensor.cat(numbers), tinytensor.cat(list(boxes))], 1)


def _numbers(rows: Tensor, input: Tensor) -> np.ndarray:
    array = (
        rows.detach()
        .cpu()
        .to(tinytensor.float64 if input.dtype == tinytensor.float64 else tinytensor.float32)
        .numpy()
    )
    if len(array) and not (0 <= array[:, 0].min() and array[:, 0].max() < input.size(0)):
        raise IndexError(f"the regions name pictures outside a batch of {input.size(0)}")
    return array


# ---------------------------------------------------------------- means of samples between pixels


def _weights(start: Any, length: Any, bins: int, samples: int, size: int) -> tuple[np.ndarray, int, int]:
    """How much each pixel of a side counts in each bin [bins, last - first], and the range of pixels that count.

    A bin is the mean of `samples` places, each between two pixels; places more than one pixel outside count nothing.
    """
    kind = type(start)
    bin_length = length / kind(bins)
    step = bin_length / kind(max(samples, 1))
    offsets = (np.arange(samples, dtype=kind) + kind(0.5)) * step
    places = (start + np.arange(bins, dtype=kind)[:, None] * bin_length) + offsets[None, :]
    counts = (places >= -1) & (places <= size)
    places = np.clip(places, 0, size - 1)
    low = places.astype(np.int64)
    high = np.minimum(low + 1, size - 1)
    part = np.where(low >= size - 1, kind(0), places - low)
    if not counts.any():
        return np.zeros((bins, 0), kind), 0, 0
    first, last = int(low[counts].min()), int(high[counts].max()) + 1
    weights = np.zeros((bins, last - first), kind)
    rows = np.broadcast_to(np.arange(bins)[:, None], places.shape)[counts]
    np.add.at(weights, (rows, low[counts] - first), (1 - part[counts]) / kind(samples))
    np.add.at(weights, (rows, high[counts] - first), part[counts] / kind(samples))
    return weights, first, last


def roi_align(
    input: Tensor,
    boxes: Any,
    output_size: Any,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """Regions of feature maps [N, C, H, W] as [K, C, *output_size], bilinear between pixels (arXiv 1703.06870).

    A place between pixels weighs its four neighbours by a product of a weight down and a weight across, so that a region
    is a product of three matrices.
    """
    rows = as_rows(boxes)
    height, width = _pair(output_size)
    results = []
    for number, *corners in _numbers(rows, input):
        left, top, right, bottom = (
            corner * type(corner)(spatial_scale) - type(corner)(0.5 * aligned) for corner in corners
        )
        across, down = right - left, bottom - top
        if not aligned:
            across, down = max(across, type(across)(1)), max(down, type(down)(1))
        samples = [
            sampling_ratio if sampling_ratio > 0 else math.ceil(side / count)
            for side, count in ((down, height), (across, width))
        ]
        if min(samples) <= 0:
            results.append(input.new_zeros(input.size(1), height, width))
            continue
        by_row, y1, y2 = _weights(top, down, height, samples[0], input.size(2))
        by_column, x1, x2 = _weights(left, across, width, samples[1], input.size(3))
        part = input[int(number), :, y1:y2, x1:x2]
        by_row, by_column = (tinytensor.from_numpy(matrix).to(input) for matrix in (by_row, by_column))
        results.append(by_row @ part @ by_column.T)
    return tinytensor.stack(results) if results else input.new_zeros(0, input.size(1), height, width)


def roi_pool(input: Tensor, boxes: Any, output_size: Any, spatial_scale: float = 1.0) -> Tensor:
    """Regions of feature maps [N, C, H, W], in whole pixels, as [K, C, *output_size]: the maximum in each part."""
    rows = as_rows(boxes)
    height, width = _pair(output_size)
    results = []
    for number, *corners in _numbers(rows, input):
        x1, y1, x2, y2 = (_nearest(corner * type(corner)(spatial_scale)) for corner in corners)
        picture = input[int(number)]
        down = _bins(y1, max(y2 - y1 + 1, 1), height, input.size(2))
        across = _bins(x1, max(x2 - x1 + 1, 1), width, input.size(3))
        cells = [
            _maximum(picture[:, top:bottom, left:right]) for top, bottom in down for left, right in across
        ]
        results.append(tinytensor.stack(cells, 1).view(-1, height, width))
    return tinytensor.stack(results) if results else input.new_zeros(0, input.size(1), height, width)


def _nearest(x: Any) -> int:
    """Halves away from zero."""
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


def _bins(start: int, length: int, count: int, size: int) -> list[tuple[int, int]]:
    step = np.float32(length) / np.float32(count)
    edges = [(math.floor(i * step), math.ceil((i + 1) * step)) for i in range(count)]
    return [(min(max(low + start, 0), size), min(max(high + start, 0), size)) for low, high in edges]


def _maximum(part: Tensor) -> Tensor:
    return part.amax((1, 2)) if part.numel() else part.new_zeros(part.size(0))


class RoIAlign(nn.Module):
    """roi_align as a layer."""

    def __init__(
        self, output_size: Any, spatial_scale: float, sampling_ratio: int, aligned: bool = False
    ) -> None:
        super().__init__()
        self.output_size, self.spatial_scale = output_size, spatial_scale
        self.sampling_ratio, self.aligned = sampling_ratio, aligned

    def forward(self, input: Tensor, rois: Any) -> Tensor:
        return roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(output_size={self.output_size}, spatial_scale={self.spatial_scale}, "
            f"sampling_ratio={self.sampling_ratio}, aligned={self.aligned})"
        )


class RoIPool(nn.Module):
    """roi_pool as a layer."""

    def __init__(self, output_size: Any, spatial_scale: float) -> None:
        super().__init__()
        self.output_size, self.spatial_scale = output_size, spatial_scale

    def forward(self, input: Tensor, rois: Any) -> Tensor:
        return roi_pool(input, rois, self.output_size, self.spatial_scale)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(output_size={self.output_size}, spatial_scale={self.spatial_scale})"
