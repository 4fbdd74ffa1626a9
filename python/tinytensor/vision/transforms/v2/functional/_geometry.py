"""Functionals that move what is in a picture. Boxes, points and masks go along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinytensor
from tinytensor import Tensor
from tinytensor.vision.tv_tensors import Mask

from ... import functional as first
from ..._forms import shapes_of
from ..._geometry import (
    affine_matrix,
    central_part,
    pair,
    perspective_coefficients,
    resized_size,
    sides,
    slants,
)
from ..._interpolation import InterpolationMode, mode_of
from ..._tensor_geometry import turned_size
from ._kernels import functional, parameters_of
from ._places import Motion, place_kernels, with_parameters

NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR
MIXING = ("interpolation", "antialias")  # which masks do not know: no class lies between two others


def mask_kernel(picture: Callable, unknown: tuple[str, ...] = MIXING) -> Callable:
    """What a function of pictures does to masks [..., H, W]: nearest pixels only."""
    asked = parameters_of(picture)[1:]
    mixes = any(part.name == "interpolation" for part in asked) and "interpolation" in unknown
    nearest = {"interpolation": NEAREST} if mixes else {}

    def move(mask: Tensor, **given: Any) -> Tensor:
        planes = mask if mask.ndim > 2 else mask.unsqueeze(0)
        moved = picture(planes, **nearest, **given)
        return moved if mask.ndim > 2 else moved.squeeze(0)

    return with_parameters(move, "mask", *(part for part in asked if part.name not in unknown))


def moving(
    picture: Callable,
    motion: Callable[..., Motion],
    name: str | None = None,
    mask: Callable | None = None,
    **order: bool,
) -> Any:
    kernels = {Mask: mask or mask_kernel(picture), **place_kernels(motion, **order)}
    return functional(picture, kernels, name)


# ---------------------------------------------------------------- flips, sizes, parts


def _horizontal_flip(canvas_size: Any) -> Motion:
    return Motion(shift=(-canvas_size[1], 0), scale=(-1, 1), cuts=False)


def _vertical_flip(canvas_size: Any) -> Motion:
    return Motion(shift=(0, -canvas_size[0]), scale=(1, -1), cuts=False)


def _resize(canvas_size: Any, size: Any, max_size: int | None = None) -> Motion:
    height, width = canvas_size
    goal = resized_size(height, width, [size] if isinstance(size, int) else size, max_size)
    scale = (goal[1] / width, goal[0] / height)
    return Motion(scale=scale, canvas_size=tuple(goal), cuts=False)


def _crop(top: int, left: int, height: int, width: int) -> Motion:
    return Motion(shift=(-left, -top), canvas_size=(height, width))


def _resized_crop(top: int, left: int, height: int, width: int, size: Any) -> Motion:
    rows, columns = pair(size)
    return Motion(shift=(-left, -top), scale=(columns / width, rows / height), canvas_size=(rows, columns))


def _center_crop(canvas_size: Any, output_size: Any) -> Motion:
    return _crop(*central_part(*canvas_size, output_size))


def _pad(canvas_size: Any, padding: Any, padding_mode: str = "constant") -> Motion:
    if padding_mode != "constant":
        raise ValueError(f"Padding mode '{padding_mode}' is not supported with bounding boxes or key points")
    left, top, right, bottom = sides(padding)
    height, width = canvas_size
    return Motion(shift=(left, top), canvas_size=(height + top + bottom, width + left + right))


def _nearest(mask: Tensor, size: Any, interpolation: Any = NEAREST, max_size: int | None = None) -> Tensor:
    exact = mode_of(interpolation) is InterpolationMode.NEAREST_EXACT
    return first.resize(mask, size, InterpolationMode.NEAREST_EXACT if exact else NEAREST, max_size)


def _padded(inpt: Any, padding: Any, fill: Any = None, padding_mode: str = "constant") -> Any:
    """The picture with a border: one width, (left and right, top and bottom), or (left, top, right, bottom)."""
    if isinstance(inpt, Tensor) and inpt.ndim > 4:
        return _padded(inpt.flatten(0, -4), padding, fill, padding_mode).unflatten(0, inpt.shape[:-3])
    if not isinstance(inpt, Tensor) or not isinstance(fill, (list, tuple)):
        return first.pad(inpt, padding, fill, padding_mode)
    if len(fill) not in (1, inpt.shape[-3]):
        raise ValueError(f"pad: {len(fill)} fill values do not fit {inpt.shape[-3]} channels")
    if len(fill) == 1 or padding_mode != "constant":
        return first.pad(inpt, padding, fill[0], padding_mode)
    inside = first.pad(inpt.new_ones(1, *inpt.shape[-2:], dtype=tinytensor.bool), padding)
    color = tinytensor.tensor(fill, dtype=inpt.dtype, device=inpt.device)[:, None, None]
    return tinytensor.where(inside, first.pad(inpt, padding), color)


horizontal_flip = hflip = moving(first.hflip, _horizontal_flip, "horizontal_flip")
vertical_flip = vflip = moving(first.vflip, _vertical_flip, "vertical_flip")
resize = moving(first.resize, _resize, mask=mask_kernel(_nearest, unknown=()), format_last=True)
crop = moving(first.crop, _crop)
center_crop = moving(first.center_crop, _center_crop)
resized_crop = moving(first.resized_crop, _resized_crop)
pad = moving(_padded, _pad, "pad")
five_crop = functional(first.five_crop)
ten_crop = functional(first.ten_crop)


# ---------------------------------------------------------------- by a matrix, by a grid of places


def _by_matrix(matrix: Any) -> Callable[[Tensor], Tensor]:
    """The map of points that a matrix [3, 3] makes of (x, y, 1)."""
    matrix = np.asarray(matrix) / matrix[2][2]

    def bend(points: Tensor) -> Tensor:
        rows = tinytensor.tensor(matrix, dtype=points.dtype, device=points.device)
        moved = points @ rows[:, :2].T + rows[:, 2]
        return moved[..., :2] / moved[..., 2:]

    return bend


def _forward(backward: list[float]) -> np.ndarray:
    """The matrix of a picture's places in the result, from that of the result's places in the picture."""
    numbers = np.array([*backward, *(0.0, 0.0, 1.0)[len(backward) - 6 :]])
    return np.linalg.inv(numbers.reshape(3, 3))


def _affine(
    canvas_size: Any, angle: float, translate: Any, scale: float, shear: Any, center: Any = None
) -> Motion:
    height, width = canvas_size
    middle = [0.5 * width, 0.5 * height] if center is None else center
    slant = slants(shear)
    return Motion(bend=_by_matrix(_forward(affine_matrix(middle, angle, translate, scale, slant))))


def _rotate(canvas_size: Any, angle: float, expand: bool = False, center: Any = None) -> Motion:
    height, width = canvas_size
    turn = _affine(canvas_size, -angle, [0, 0], 1.0, [0, 0], None if expand else center)
    if not expand:
        return turn
    corners = tinytensor.tensor([[0.0, 0.0], [0.0, height], [width, height], [width, 0.0]])
    assert (bend := turn.bend) is not None
    start = bend(corners).amin(0)
    columns, rows = turned_size(affine_matrix([0.0, 0.0], -angle, [0, 0], 1.0, [0, 0]), width, height)
    return Motion(bend=lambda points: bend(points) - start.to(points.dtype), canvas_size=(rows, columns))


def _perspective(canvas_size: Any, startpoints: Any, endpoints: Any, coefficients: Any = None) -> Motion:
    return Motion(bend=_by_matrix(_forward(_coefficients(startpoints, endpoints, coefficients))))


def _coefficients(startpoints: Any, endpoints: Any, coefficients: Any) -> list[float]:
    if coefficients is None:
        if startpoints is None or endpoints is None:
            raise ValueError(
                "Either the startpoints/endpoints or the coefficients must have non `None` values."
            )
        return perspective_coefficients(startpoints, endpoints)
    if startpoints is not None and endpoints is not None:
        raise ValueError("The startpoints/endpoints and the coefficients shouldn't be defined concurrently.")
    if len(coefficients) != 8:
        raise ValueError("Argument coefficients should have 8 float values")
    return coefficients


def _elastic(canvas_size: Any, displacement: Tensor) -> Motion:
    """Places move by the opposite of what the pixel at them takes its value from: right where that changes slowly."""
    height, width = canvas_size

    def bend(points: Tensor) -> Tensor:
        pixels = points.ceil().to(tinytensor.int64)
        x, y = pixels[..., 0].clamp(0, width - 1), pixels[..., 1].clamp(0, height - 1)
        half = points.new_tensor([0.5 * width, 0.5 * height])
        return tinytensor.stack([x, y], -1).to(points.dtype) - displacement[0, y, x].to(points.dtype) * half

    return Motion(bend=bend)


def _rotated(
    inpt: Any,
    angle: float,
    interpolation: Any = NEAREST,
    expand: bool = False,
    center: Any = None,
    fill: Any = None,
) -> Any:
    """The picture turned counter-clockwise by an angle in degrees."""
    return first.rotate(inpt, angle % 360, interpolation, expand, center, fill)


def _seen_aslant(
    inpt: Any,
    startpoints: Any,
    endpoints: Any,
    interpolation: Any = BILINEAR,
    fill: Any = None,
    coefficients: Any = None,
) -> Any:
    """The picture seen so that four of its points are at four others, or by the coefficients of that map."""
    numbers = _coefficients(startpoints, endpoints, coefficients)
    return shapes_of(inpt).perspective(inpt, numbers, mode_of(interpolation), fill)


affine = moving(first.affine, _affine)
rotate = moving(_rotated, _rotate, "rotate")
perspective = moving(_seen_aslant, _perspective, "perspective")
elastic = elastic_transform = moving(first.elastic_transform, _elastic, "elastic")
