"""Which boxes and points are worth keeping."""

from __future__ import annotations

from typing import Any

from tinytensor import Tensor
from tinytensor.vision.tv_tensors import BoundingBoxes, KeyPoints
from tinytensor.vision.tv_tensors._places import format_of

from ._places import XYXY, converted, like, told


def valid_boxes(boxes: Tensor, format: Any, canvas_size: Any, min_size: float, min_area: float) -> Tensor:
    """Those that are large enough and within the picture."""
    corners = converted(boxes, format_of(format), XYXY)
    size = corners[..., 2:] - corners[..., :2]
    height, width = canvas_size
    inside = (
        (corners >= 0).all(-1)
        & (corners[..., 0::2] <= width).all(-1)
        & (corners[..., 1::2] <= height).all(-1)
    )
    return (size >= min_size).all(-1) & (size[..., 0] * size[..., 1] >= min_area) & inside


def valid_points(points: Tensor, canvas_size: Any) -> Tensor:
    """Those within the picture; of several that belong together, where all are."""
    height, width = canvas_size
    x, y = points[..., 0], points[..., 1]
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return inside.flatten(1).all(-1) if inside.ndim > 1 else inside


def sanitize_bounding_boxes(
    bounding_boxes: Tensor,
    format: Any = None,
    canvas_size: Any = None,
    min_size: float = 1.0,
    min_area: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """The boxes that are large enough and within the picture, and for each one that was given whether it is kept."""
    boxes, facts = told(bounding_boxes, BoundingBoxes, format=format, canvas_size=canvas_size)
    valid = valid_boxes(boxes, **facts, min_size=min_size, min_area=min_area)
    return like(bounding_boxes, boxes[valid]), valid


def sanitize_keypoints(key_points: Tensor, canvas_size: Any = None) -> tuple[Tensor, Tensor]:
    """The points within the picture, and for each one that was given whether it is kept."""
    points, facts = told(key_points, KeyPoints, canvas_size=canvas_size)
    valid = valid_points(points, **facts)
    return like(key_points, points[valid]), valid
