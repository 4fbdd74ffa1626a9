"""Matching, sampling and coding of boxes."""

from __future__ import annotations

import math

import tinytensor
from tinytensor import Tensor, nn

from ...ops.misc import FrozenBatchNorm2d


class BalancedPositiveNegativeSampler:
    """Draws so many boxes per picture, at most a given share of them positive ones."""

    def __init__(self, batch_size_per_image: int, positive_fraction: float) -> None:
        self.batch_size_per_image = batch_size_per_image
        self.positive_fraction = positive_fraction

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Masks of the drawn positive (label 1 or more) and negative (label 0) boxes of every picture."""
        pairs = [self._one(labels) for labels in matched_idxs]
        return [positive for positive, _ in pairs], [negative for _, negative in pairs]

    def _one(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        positive = tinytensor.where(labels >= 1)[0]
        negative = tinytensor.where(labels == 0)[0]
        positives = min(positive.numel(), int(self.batch_size_per_image * self.positive_fraction))
        negatives = min(negative.numel(), self.batch_size_per_image - positives)
        drawn = [
            indices[tinytensor.randperm(indices.numel(), device=labels.device)[:count]]
            for indices, count in ((positive, positives), (negative, negatives))
        ]
        masks = [tinytensor.zeros_like(labels, dtype=tinytensor.uint8) for _ in drawn]
        for mask, indices in zip(masks, drawn):
            mask[indices] = 1
        return masks[0], masks[1]


def _centres(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Centres and sizes of (..., 4) boxes, each (..., 2)."""
    size = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + 0.5 * size, size


class BoxCoder:
    """Boxes as offsets from others: (dx, dy) in the other's size, (dw, dh) logarithms, all times weights."""

    def __init__(
        self, weights: tuple[float, float, float, float], bbox_xform_clip: float = math.log(1000.0 / 16)
    ) -> None:
        self.weights = weights
        self.bbox_xform_clip = bbox_xform_clip

    def encode(self, reference_boxes: list[Tensor], proposals: list[Tensor]) -> tuple[Tensor, ...]:
        counts = [len(boxes) for boxes in reference_boxes]
        return self.encode_single(tinytensor.cat(reference_boxes), tinytensor.cat(proposals)).split(counts, 0)

    def encode_single(self, reference_boxes: Tensor, proposals: Tensor) -> Tensor:
        weights = tinytensor.as_tensor(
            self.weights, dtype=reference_boxes.dtype, device=reference_boxes.device
        )
        centre, size = _centres(proposals)
        wanted_centre, wanted_size = _centres(reference_boxes)
        moves = (wanted_centre - centre) / size
        return tinytensor.cat([moves, tinytensor.log(wanted_size / size)], dim=1) * weights

    def decode(self, rel_codes: Tensor, boxes: list[Tensor]) -> Tensor:
        """(number of boxes, classes, 4)."""
        joined = tinytensor.cat(boxes)
        return self.decode_single(rel_codes.reshape(joined.shape[0], rel_codes.shape[-1]), joined).unflatten(
            1, (-1, 4)
        )

    def decode_single(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        weights = tinytensor.as_tensor(self.weights, dtype=rel_codes.dtype, device=rel_codes.device)
        codes = rel_codes.unflatten(1, (rel_codes.shape[1] // 4, 4)) / weights
        centre, size = _centres(boxes.to(rel_codes.dtype)[:, None])
        centre = codes[..., :2] * size + centre
        half = 0.5 * (tinytensor.exp(tinytensor.clamp(codes[..., 2:], max=self.bbox_xform_clip)) * size)
        return tinytensor.cat([centre - half, centre + half], dim=-1).flatten(1)


class Matcher:
    """For every box, the true box that it overlaps most: its index, or a negative number for too little."""

    BELOW_LOW_THRESHOLD = -1
    BETWEEN_THRESHOLDS = -2

    def __init__(
        self, high_threshold: float, low_threshold: float, allow_low_quality_matches: bool = False
    ) -> None:
        if low_threshold > high_threshold:
            raise AssertionError(
                f"Matcher: low_threshold {low_threshold} exceeds high_threshold {high_threshold}"
            )
        self.high_threshold = high_threshold
        self.low_threshold = low_threshold
        self.allow_low_quality_matches = allow_low_quality_matches

    def __call__(self, match_quality_matrix: Tensor) -> Tensor:
        if match_quality_matrix.numel() == 0:
            what = "ground-truth" if match_quality_matrix.shape[0] == 0 else "proposal"
            raise ValueError(f"No {what} boxes available for one of the images during training")
        best, nearest = match_quality_matrix.max(dim=0)
        matches = nearest.clone()
        matches[best < self.low_threshold] = self.BELOW_LOW_THRESHOLD
        matches[(best >= self.low_threshold) & (best < self.high_threshold)] = self.BETWEEN_THRESHOLDS
        if self.allow_low_quality_matches:
            # Every true box keeps the boxes that overlap it most, however little.
            highest = match_quality_matrix.max(dim=1).values
            kept = tinytensor.where(match_quality_matrix == highest[:, None])[1]
            matches[kept] = nearest[kept]
        return matches


def overwrite_eps(model: nn.Module, eps: float) -> None:
    """The frozen normalizations with another epsilon: some published weights were trained with 0."""
    for module in model.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = eps
