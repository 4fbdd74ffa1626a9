"""Boxes and points: their formats, what is cut off, and where they go when a picture is moved."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tinytensor
from tinytensor import Tensor
from tinytensor.vision.tv_tensors import BoundingBoxes, BoundingBoxFormat, KeyPoints, wrap
from tinytensor.vision.tv_tensors._places import check_clamping_mode, format_of

from ._kernels import is_pure_tensor, parameters_of

XYXY, XYWH, CXCYWH = BoundingBoxFormat


# ---------------------------------------------------------------- formats


def _half(size: Tensor) -> Tensor:
    """Rounded up, of integers."""
    return size / 2 if size.is_floating_point() else tinytensor.div(size + 1, 2, rounding_mode="floor")


def converted(boxes: Tensor, old: BoundingBoxFormat, new: BoundingBoxFormat) -> Tensor:
    if old is new:
        return boxes
    first, second = boxes[..., :2], boxes[..., 2:]
    size = second - first if old is XYXY else second
    corner = first - _half(size) if old is CXCYWH else first
    if new is XYXY:
        return tinytensor.cat([corner, corner + size], -1)
    return tinytensor.cat([corner + size - _half(size) if new is CXCYWH else corner, size], -1)


def told(inpt: Any, kind: type, **facts: Any) -> tuple[Tensor, dict[str, Any]]:
    """The input as a plain tensor, and its facts: those it has, or for a plain tensor those that are given."""
    names = ", ".join(f"`{name}`" for name in facts)
    if is_pure_tensor(inpt):
        if any(fact is None for fact in facts.values()):
            raise ValueError(f"For pure tensor inputs, {names} have to be passed.")
        return inpt, facts
    if not isinstance(inpt, kind):
        raise TypeError(
            f"Input can either be a plain tensor or {kind.__name__}, but got {type(inpt)} instead."
        )
    if any(fact is not None for fact in facts.values()):
        raise ValueError(f"For {kind.__name__}, {names} must not be passed.")
    return inpt.as_subclass(Tensor), {name: getattr(inpt, name) for name in facts}


def like(inpt: Tensor, result: Tensor, **facts: Any) -> Tensor:
    """The result in the class of the input."""
    return result if is_pure_tensor(inpt) else wrap(result, like=inpt, **facts)


def convert_bounding_box_format(
    inpt: Tensor, old_format: Any = None, new_format: Any = None, inplace: bool = False
) -> Tensor:
    """Boxes in another format; for a plain tensor `old_format` is to be told."""
    if new_format is None:
        raise TypeError("convert_bounding_box_format() missing 1 required argument: 'new_format'")
    boxes, facts = told(inpt, BoundingBoxes, format=old_format)
    new = format_of(new_format)
    result = converted(boxes, format_of(facts["format"]), new)
    if inplace:
        result = boxes.copy_(result)
    return like(inpt, result.clone() if result is boxes and not inplace else result, format=new)


# ---------------------------------------------------------------- what is beyond the picture


def clamped(boxes: Tensor, format: BoundingBoxFormat, canvas_size: Any, clamping_mode: str | None) -> Tensor:
    if clamping_mode is None:
        return boxes
    exact = boxes.float() if format is CXCYWH and not boxes.is_floating_point() else boxes
    corners = converted(exact, format, XYXY)
    inside = _clamped_points(corners.unflatten(-1, (2, 2)), canvas_size, 0).flatten(-2)
    return converted(inside, XYXY, format).to(boxes.dtype)


def _clamped_points(points: Tensor, canvas_size: Any, border: int) -> Tensor:
    height, width = canvas_size
    x, y = points[..., 0], points[..., 1]
    return tinytensor.stack([x.clamp(0, width - border), y.clamp(0, height - border)], -1)


def clamp_bounding_boxes(
    inpt: Tensor, format: Any = None, canvas_size: Any = None, clamping_mode: str | None = "auto"
) -> Tensor:
    """Boxes without what is beyond the picture; "auto" is their own mode."""
    check_clamping_mode(clamping_mode, "auto")
    boxes, facts = told(inpt, BoundingBoxes, format=format, canvas_size=canvas_size)
    if clamping_mode == "auto":
        if is_pure_tensor(inpt):
            raise ValueError("For pure tensor inputs, `clamping_mode` has to be passed.")
        clamping_mode = inpt.clamping_mode  # type: ignore[attr-defined]
    return like(inpt, clamped(boxes, format_of(facts["format"]), facts["canvas_size"], clamping_mode))


def clamp_keypoints(inpt: Tensor, canvas_size: Any = None) -> Tensor:
    """Points moved onto the picture."""
    points, facts = told(inpt, KeyPoints, canvas_size=canvas_size)
    return like(inpt, _clamped_points(points, facts["canvas_size"], 1))


# ---------------------------------------------------------------- motions


@dataclass
class Motion:
    """Where the places of a picture go: to (place + shift) * scale, or where `bend` takes them."""

    shift: tuple = (0, 0)
    scale: tuple = (1, 1)
    bend: Callable[[Tensor], Tensor] | None = None
    canvas_size: tuple | None = None  # if it is another
    cuts: bool = True  # off what is beyond

    def of_points(self, points: Tensor) -> Tensor:
        if self.bend is not None:
            return self.bend(points.float() if not points.is_floating_point() else points).to(points.dtype)
        # A pixel has the number of its left edge, and mirrored that of what was its right one.
        shift = tuple(by + 1 if factor < 0 else by for by, factor in zip(self.shift, self.scale))
        return _scaled(points + points.new_tensor(shift), self.scale)

    def of_boxes(self, boxes: Tensor, format: BoundingBoxFormat) -> Tensor:
        return self._straight(boxes, format) if self.bend is None else self._around(boxes, format)

    def _straight(self, boxes: Tensor, format: BoundingBoxFormat) -> Tensor:
        first, second = boxes[..., :2], boxes[..., 2:]
        mirrored = tinytensor.tensor([factor < 0 for factor in self.scale], device=boxes.device)
        shift = boxes.new_tensor(self.shift)
        if format is XYXY:
            first, second = (_scaled(point + shift, self.scale) for point in (first, second))
            low, high = first.where(~mirrored, second), second.where(~mirrored, first)
            return tinytensor.cat([low, high], -1)
        if format is XYWH:
            first = first + second * mirrored
        sizes = tuple(abs(factor) for factor in self.scale)
        return tinytensor.cat([_scaled(first + shift, self.scale), _scaled(second, sizes)], -1)

    def _around(self, boxes: Tensor, format: BoundingBoxFormat) -> Tensor:
        """The boxes around the moved corners."""
        exact = boxes if boxes.is_floating_point() else boxes.float()
        x1, y1, x2, y2 = converted(exact, format, XYXY).unbind(-1)
        corners = tinytensor.stack([x1, y1, x2, y1, x2, y2, x1, y2], -1).unflatten(-1, (4, 2))
        assert self.bend is not None
        moved = self.bend(corners)
        return tinytensor.cat([moved.amin(-2), moved.amax(-2)], -1)


def _scaled(points: Tensor, scale: tuple) -> Tensor:
    if all(factor == 1 for factor in scale):
        return points
    whole = all(isinstance(factor, int) for factor in scale)
    dtype = points.dtype if whole or points.is_floating_point() else tinytensor.float32
    return (points * tinytensor.tensor(scale, dtype=dtype, device=points.device)).to(points.dtype)


# ---------------------------------------------------------------- kernels


def place_kernels(motion: Callable[..., Motion], format_last: bool = False) -> dict[type, Callable]:
    """What moves boxes and points, from a function that tells the motion of what is asked for.

    They take its arguments: first those of boxes is the format, or (`format_last`) behind them, and the canvas comes later.
    """
    parameters = parameters_of(motion)
    format = _parameter("format", XYXY) if format_last else _parameter("format")
    boxes = [*parameters, format] if format_last else [format, *parameters]
    points = [parameters[1], parameters[0], *parameters[2:]] if format_last else parameters

    def move_boxes(bounding_boxes: Tensor, *, format: Any, clamping_mode: str | None, **given: Any) -> Any:
        return _moved_boxes(
            motion(**given), bounding_boxes, format_of(format), given.get("canvas_size"), clamping_mode
        )

    def move_points(keypoints: Tensor, **given: Any) -> Any:
        moved = motion(**given)
        result = moved.of_points(keypoints)
        return result if moved.canvas_size is None else (result, moved.canvas_size)

    return {
        BoundingBoxes: with_parameters(
            move_boxes, "bounding_boxes", *boxes, _parameter("clamping_mode", "soft")
        ),
        KeyPoints: with_parameters(move_points, "keypoints", *points),
    }


def _moved_boxes(
    motion: Motion, boxes: Tensor, format: BoundingBoxFormat, canvas_size: Any, clamping_mode: str | None
) -> Any:
    canvas = motion.canvas_size or canvas_size
    result = motion.of_boxes(boxes, format)
    form = format if motion.bend is None else XYXY
    if motion.cuts:
        result = clamped(result, form, canvas, clamping_mode)
    result = converted(result, form, format).to(boxes.dtype)
    return result if motion.canvas_size is None else (result, canvas)


def _parameter(name: str, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


def with_parameters(core: Callable, first: str, *parameters: inspect.Parameter) -> Callable:
    """A function with these parameters that calls `core` with the first one, and the others by their names."""
    signature = inspect.Signature([_parameter(first), *parameters])

    def kernel(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return core(bound.arguments.pop(first), **bound.arguments)

    kernel.__signature__ = signature  # type: ignore[attr-defined]
    return kernel
