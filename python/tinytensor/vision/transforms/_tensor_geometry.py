"""The operations on the shape of pictures that are tensors [..., C, H, W]."""

from __future__ import annotations

import math
from typing import Any

import tinytensor
from tinytensor import Tensor
from tinytensor.nn import functional as nn

from ._interpolation import InterpolationMode
from ._tensor import as_batch, check_picture, get_dimensions

FLOATS = (tinytensor.float32, tinytensor.float64)


def hflip(img: Tensor) -> Tensor:
    check_picture(img)
    return img.flip(-1)


def vflip(img: Tensor) -> Tensor:
    check_picture(img)
    return img.flip(-2)


def crop(img: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    _, rows, columns = get_dimensions(img)
    bottom, right = top + height, left + width
    if left >= 0 and top >= 0 and right <= columns and bottom <= rows:
        return img[..., top:bottom, left:right]
    outside = [
        max(min(0, right) - left, 0),
        max(min(0, bottom) - top, 0),
        max(right - max(columns, left), 0),
        max(bottom - max(rows, top), 0),
    ]
    inside = img[..., max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    return pad(inside, outside, 0, "constant")


def pad(img: Tensor, sides: list[int], fill: Any, padding_mode: str) -> Tensor:
    """More pixels at the left, top, right and bottom."""
    check_picture(img)
    if not isinstance(fill, (int, float, type(None))):
        raise TypeError("Got inappropriate fill arg")
    left, top, right, bottom = sides
    if padding_mode == "symmetric":
        return _pad_symmetric(img, left, top, right, bottom)
    if padding_mode == "constant":
        return nn.pad(img, [left, right, top, bottom], value=float(fill or 0))
    batch, restore = as_batch(img, FLOATS)
    mode = "replicate" if padding_mode == "edge" else padding_mode
    return restore(nn.pad(batch, [left, right, top, bottom], mode=mode))


def _pad_symmetric(img: Tensor, left: int, top: int, right: int, bottom: int) -> Tensor:
    """Mirrored at the border itself, whose pixels therefore come twice."""
    if img.ndim not in (3, 4):
        raise RuntimeError("Symmetric padding of N-D tensors are not supported yet")
    for dim, before, after in ((-2, top, bottom), (-1, left, right)):
        size = img.size(dim)
        if before > size or after > size:
            raise IndexError(f"pad: symmetric padding of {before} and {after} is more than the size {size}")
        places = [
            i if 0 <= i < size else -i - 1 if i < 0 else 2 * size - 1 - i
            for i in range(-before, size + after)
        ]
        img = img.index_select(dim, tinytensor.tensor(places, dtype=tinytensor.int64, device=img.device))
    return img


def resize(img: Tensor, size: list[int], mode: InterpolationMode, antialias: Any) -> Tensor:
    check_picture(img)
    smooth = mode in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC)
    batch, restore = as_batch(img, FLOATS)
    corners = False if smooth else None
    batch = nn.interpolate(
        batch, size, mode=mode.value, align_corners=corners, antialias=bool(antialias and smooth)
    )
    if mode is InterpolationMode.BICUBIC and img.dtype == tinytensor.uint8:
        batch = batch.clamp(0, 255)
    return restore(batch)


# ---------------------------------------------------------------- by a grid of places


def _places(width: int, height: int, first: float, model: Tensor) -> Tensor:
    """Rows (x, y, 1) for all pixels; x begins at first * width + 1/2, y likewise."""
    kind = {"dtype": model.dtype, "device": model.device}
    x = tinytensor.linspace(first * width + 0.5, first * width + width - 0.5, width, **kind)
    y = tinytensor.linspace(first * height + 0.5, first * height + height - 0.5, height, **kind)
    x, y = x[None, :].expand(height, width), y[:, None].expand(height, width)
    return tinytensor.stack([x, y, tinytensor.ones_like(x)], -1).view(height * width, 3)


def _map_of(rows: list[float], img: Tensor) -> Tensor:
    dtype = img.dtype if img.is_floating_point() else tinytensor.float32
    return tinytensor.tensor(rows, dtype=dtype, device=img.device).view(-1, 3)


def _affine_grid(img: Tensor, matrix: list[float], width: int, height: int) -> Tensor:
    theta = _map_of(matrix, img)
    half = theta.new_tensor([0.5 * img.shape[-1], 0.5 * img.shape[-2]])
    return (_places(width, height, -0.5, theta) @ (theta.T / half)).view(1, height, width, 2)


def _sample(img: Tensor, grid: Tensor, mode: InterpolationMode, fill: Any) -> Tensor:
    """The picture at the places of the grid; `fill`, a number or one per channel, elsewhere."""
    batch, restore = as_batch(img, (grid.dtype,))
    if fill is not None:
        inside = batch.new_ones(batch.shape[0], 1, *batch.shape[2:])
        batch = tinytensor.cat([batch, inside], 1)
    grid = grid.expand(batch.shape[0], *grid.shape[1:])
    batch = nn.grid_sample(batch, grid, mode=mode.value, padding_mode="zeros", align_corners=False)
    if fill is None:
        return restore(batch)
    batch, inside = batch[:, :-1], batch[:, -1:]
    color = batch.new_tensor(fill if isinstance(fill, (tuple, list)) else [float(fill)]).view(1, -1, 1, 1)
    if mode is InterpolationMode.NEAREST:
        return restore(tinytensor.where(inside < 0.5, color.expand_as(batch), batch))
    return restore(batch * inside + (1.0 - inside) * color)


def _check_sampled(img: Tensor, mode: InterpolationMode, fill: Any) -> None:
    channels = get_dimensions(img)[0]
    if fill is not None and not isinstance(fill, (int, float, tuple, list)):
        raise TypeError("Argument fill should be either int, float, tuple or list")
    if isinstance(fill, (tuple, list)) and len(fill) > 1 and len(fill) != channels:
        raise ValueError(
            "The number of elements in 'fill' cannot broadcast to match the number of channels of the image "
            f"({len(fill)} != {channels})"
        )
    if mode not in (InterpolationMode.NEAREST, InterpolationMode.BILINEAR):
        raise ValueError(f"Interpolation mode '{mode.value}' is unsupported with Tensor input")


def affine(img: Tensor, matrix: list[float], mode: InterpolationMode, fill: Any) -> Tensor:
    _check_sampled(img, mode, fill)
    return _sample(img, _affine_grid(img, matrix, img.shape[-1], img.shape[-2]), mode, fill)


def rotate(img: Tensor, matrix: list[float], mode: InterpolationMode, expand: bool, fill: Any) -> Tensor:
    _check_sampled(img, mode, fill)
    width, height = img.shape[-1], img.shape[-2]
    if expand:
        width, height = turned_size(matrix, width, height)
    return _sample(img, _affine_grid(img, matrix, width, height), mode, fill)


def turned_size(matrix: list[float], width: int, height: int) -> tuple[int, int]:
    """The size that holds all of the picture."""
    x, y = 0.5 * width, 0.5 * height
    corners = tinytensor.tensor([[-x, -y, 1.0], [-x, y, 1.0], [x, y, 1.0], [x, -y, 1.0]])
    moved = corners @ tinytensor.tensor(matrix, dtype=tinytensor.float32).view(2, 3).T + tinytensor.tensor(
        [x, y]
    )
    tolerance = 1e-4  # so that rounding errors do not add a pixel
    high = (moved.amax(0) / tolerance).trunc().mul(tolerance).tolist()
    low = (moved.amin(0) / tolerance).trunc().mul(tolerance).tolist()
    return math.ceil(high[0]) - math.floor(low[0]), math.ceil(high[1]) - math.floor(low[1])


def perspective(img: Tensor, coefficients: list[float], mode: InterpolationMode, fill: Any) -> Tensor:
    _check_sampled(img, mode, fill)
    width, height = img.shape[-1], img.shape[-2]
    above = _map_of(coefficients[:6], img)
    below = _map_of([*coefficients[6:], 1.0], img)
    places = _places(width, height, 0.0, above)
    half = above.new_tensor([0.5 * width, 0.5 * height])
    grid = (places @ (above.T / half)) / (places @ below.T) - 1.0
    return _sample(img, grid.view(1, height, width, 2), mode, fill)


def elastic_transform(img: Tensor, displacement: Tensor, mode: InterpolationMode, fill: Any) -> Tensor:
    _check_sampled(img, mode, fill)
    y, x = (tinytensor.linspace((1 - size) / size, (size - 1) / size, size) for size in img.shape[-2:])
    y, x = y[:, None].expand(len(y), len(x)), x[None, :].expand(len(y), len(x))
    identity = tinytensor.stack([x, y], -1).unsqueeze(0).to(img.device)
    return _sample(img, identity + displacement.to(img.device), mode, fill)
