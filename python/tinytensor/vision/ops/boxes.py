"""Boxes [..., 4]: their forms, areas and overlaps, and which of those that overlap to keep."""

from __future__ import annotations

import math

import numpy as np

import tinytensor
from tinytensor import Tensor

FORMS = ("xyxy", "xywh", "cxcywh")
TURNED = ("xywhr", "cxcywhr", "xyxyxyxy")


def _wide(x: Tensor) -> Tensor:
    """In a type that products of coordinates fit into."""
    if x.is_floating_point():
        return x if x.dtype in (tinytensor.float32, tinytensor.float64) else x.float()
    return x if x.dtype in (tinytensor.int32, tinytensor.int64) else x.int()


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Boxes in another form: corners (xyxy), corner and size (xywh), or middle and size (cxcywh)."""
    for form in (in_fmt, out_fmt):
        if form in TURNED:
            raise NotImplementedError(
                f"box_convert: turned boxes are not supported, got {in_fmt} and {out_fmt}"
            )
        if form not in FORMS:
            raise ValueError(
                f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt} and out_fmt {out_fmt}"
            )
    if in_fmt == out_fmt:
        return boxes.clone()
    first, second = _corners(boxes, in_fmt)
    if out_fmt == "xyxy":
        parts = (first, second)
    else:
        parts = (first if out_fmt == "xywh" else (first + second) / 2, second - first)
    return tinytensor.cat(parts, -1)


def _corners(boxes: Tensor, form: str) -> tuple[Tensor, Tensor]:
    first, second = boxes[..., :2], boxes[..., 2:]
    if form == "xyxy":
        return first, second
    if form == "xywh":
        return first, first + second
    return first - 0.5 * second, first + 0.5 * second


def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """Width times height."""
    if fmt not in FORMS:
        raise ValueError(f"Unsupported Bounding Box area for given format {fmt}")
    boxes = _wide(boxes)
    size = boxes[..., 2:] - boxes[..., :2] if fmt == "xyxy" else boxes[..., 2:]
    return size[..., 0] * size[..., 1]


def _product_of_sides(low: Tensor, high: Tensor) -> Tensor:
    sides = _wide(high - low).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def _common_and_joint(boxes1: Tensor, boxes2: Tensor, form: str) -> tuple[Tensor, Tensor]:
    """[..., N, M]: the area that each pair shares, and that it covers."""
    low1, high1 = _corners(boxes1, form)
    low2, high2 = _corners(boxes2, form)
    low = tinytensor.maximum(low1[..., :, None, :], low2[..., None, :, :])
    high = tinytensor.minimum(high1[..., :, None, :], high2[..., None, :, :])
    common = _product_of_sides(low, high)
    return common, box_area(boxes1, form)[..., :, None] + box_area(boxes2, form)[..., None, :] - common


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """[..., N, M]: the area that each pair shares, over the area that it covers."""
    if fmt in TURNED:
        raise NotImplementedError(f"box_iou: turned boxes are not supported, got {fmt}")
    if fmt not in FORMS:
        raise ValueError(f"Unsupported format '{fmt}'. Supported axis-aligned formats: {FORMS}.")
    common, joint = _common_and_joint(boxes1, boxes2, fmt)
    return common / joint


def _hull(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    """The corners of the smallest box around each pair."""
    low = tinytensor.minimum(boxes1[..., :, None, :2], boxes2[..., None, :, :2])
    return low, tinytensor.maximum(boxes1[..., :, None, 2:], boxes2[..., None, :, 2:])


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """box_iou less the part of the smallest box around each pair that it does not cover."""
    common, joint = _common_and_joint(boxes1, boxes2, "xyxy")
    around = _product_of_sides(*_hull(boxes1, boxes2))
    return common / joint - (around - joint) / around


def distance_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """box_iou less the squared distance of the middles over the squared diagonal of the box around each pair."""
    boxes1, boxes2 = _wide(boxes1), _wide(boxes2)
    low, high = _hull(boxes1, boxes2)
    diagonal = _wide(high - low).clamp(min=0).pow(2).sum(-1) + eps
    middle1, middle2 = (boxes1[..., :2] + boxes1[..., 2:]) / 2, (boxes2[..., :2] + boxes2[..., 2:]) / 2
    distance = (middle1[..., :, None, :] - middle2[..., None, :, :]).pow(2).sum(-1)
    return box_iou(boxes1, boxes2) - distance / diagonal


def complete_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """distance_box_iou less a measure of how the ratios of the sides differ."""
    boxes1, boxes2 = _wide(boxes1), _wide(boxes2)
    angle1, angle2 = (_angle_of_diagonal(boxes) for boxes in (boxes1, boxes2))
    v = (4 / math.pi**2) * (angle1[..., :, None] - angle2[..., None, :]).pow(2)
    with tinytensor.no_grad():
        alpha = v / (1 - box_iou(boxes1, boxes2) + v + eps)
    return distance_box_iou(boxes1, boxes2, eps) - alpha * v


def _angle_of_diagonal(boxes: Tensor) -> Tensor:
    return tinytensor.atan((boxes[..., 2] - boxes[..., 0]) / (boxes[..., 3] - boxes[..., 1]))


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes cut off at the border of a picture of this height and width."""
    height, width = size
    x, y = boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)
    return tinytensor.stack((x, y), boxes.dim()).reshape(boxes.shape)


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """The numbers of the boxes whose sides are both at least so long."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return tinytensor.where((sides >= min_size).all(-1))[0]


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """The numbers of the boxes to keep, best score first: none overlaps a better one by more than the threshold."""
    if boxes.dim() != 2 or boxes.size(1) != 4:
        raise RuntimeError(f"nms: boxes should be a 2d tensor of 4 columns, got shape {tuple(boxes.shape)}")
    if scores.dim() != 1 or scores.size(0) != boxes.size(0):
        raise RuntimeError(
            f"nms: there must be a score for each of {boxes.size(0)} boxes, got {tuple(scores.shape)}"
        )
    left, top, right, bottom = _wide(boxes.detach()).cpu().numpy().T
    area = (right - left) * (bottom - top)
    order = scores.detach().sort(stable=True, descending=True)[1].cpu().numpy()
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(int(best))
        width = np.minimum(right[best], right[rest]) - np.maximum(left[best], left[rest])
        height = np.minimum(bottom[best], bottom[rest]) - np.maximum(top[best], top[rest])
        common = np.maximum(width, 0) * np.maximum(height, 0)
        with np.errstate(
            divide="ignore", invalid="ignore"
        ):  # two empty boxes do not overlap: NaN is not above
            order = rest[~(common / (area[best] + area[rest] - common) > iou_threshold)]
    return tinytensor.tensor(kept, dtype=tinytensor.int64, device=boxes.device)


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """nms among the boxes of each class; the numbers of all that are kept, best score first."""
    kept = tinytensor.zeros_like(scores, dtype=tinytensor.bool)
    for number in idxs.unique():
        members = tinytensor.where(idxs == number)[0]
        kept[members[nms(boxes[members], scores[members], iou_threshold)]] = True
    numbers = tinytensor.where(kept)[0]
    return numbers[scores[numbers].sort(stable=True, descending=True)[1]]


def masks_to_boxes(masks: Tensor) -> Tensor:
    """For each mask [N, H, W] the smallest box that holds it, as corners; zeros for an empty one."""
    if masks.numel() == 0:
        return tinytensor.zeros(0, 4, device=masks.device)
    sides = []
    for dim in (1, 2):
        used = masks.bool().any(dim).float()
        sides.append((used.argmax(1), used.size(1) - 1 - used.flip(1).argmax(1)))
    (left, right), (top, bottom) = sides
    boxes = tinytensor.stack([left, top, right, bottom], 1).float()
    return boxes * masks.bool().flatten(1).any(1).float()[:, None]
