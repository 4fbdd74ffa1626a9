"""Losses of detectors."""

from __future__ import annotations

import tinytensor
from tinytensor import Tensor
from tinytensor.nn import functional as F


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return loss
    if reduction == "mean":
        return loss.mean() if loss.numel() else 0.0 * loss.sum()
    if reduction == "sum":
        return loss.sum()
    raise ValueError(f"Invalid Value for arg 'reduction': '{reduction}'. Supported are 'none', 'mean', 'sum'")


def sigmoid_focal_loss(
    inputs: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2, reduction: str = "none"
) -> Tensor:
    """Binary cross entropy that counts less what is already known well (Lin et al., arXiv 1708.02002)."""
    if not 0 <= alpha <= 1 and alpha != -1:
        raise ValueError(f"Invalid alpha value: {alpha}. alpha must be in the range [0,1] or -1 for ignore.")
    p = inputs.sigmoid()
    right = p * targets + (1 - p) * (1 - targets)
    loss = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none") * (1 - right) ** gamma
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    if reduction == "mean":
        return loss.mean()
    return _reduced(loss, reduction)


def generalized_box_iou_loss(
    boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7
) -> Tensor:
    """1 - generalized_box_iou of box i with box i, both as corners."""
    wide = (tinytensor.float32, tinytensor.float64)
    boxes1, boxes2 = (boxes if boxes.dtype in wide else boxes.float() for boxes in (boxes1, boxes2))
    common = _area(
        tinytensor.maximum(boxes1[..., :2], boxes2[..., :2]),
        tinytensor.minimum(boxes1[..., 2:], boxes2[..., 2:]),
    )
    areas = [(b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1]) for b in (boxes1, boxes2)]
    joint = areas[0] + areas[1] - common
    around = _area(
        tinytensor.minimum(boxes1[..., :2], boxes2[..., :2]),
        tinytensor.maximum(boxes1[..., 2:], boxes2[..., 2:]),
    )
    return _reduced(1 - (common / (joint + eps) - (around - joint) / (around + eps)), reduction)


def _area(low: Tensor, high: Tensor) -> Tensor:
    sides = (high - low).clamp(min=0)
    return sides[..., 0] * sides[..., 1]
