"""The numbers behind resizing, affine maps and perspectives."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np


def sides(padding: Any) -> list[int]:
    """left, top, right and bottom."""
    if not isinstance(padding, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    padding = [padding] if isinstance(padding, numbers.Number) else list(padding)
    if len(padding) not in (1, 2, 4):
        raise ValueError(
            f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple"
        )
    return padding * (4 // len(padding))


def pair(size: Any) -> list[int]:
    """Height and width."""
    if isinstance(size, numbers.Number):
        return [int(size), int(size)]
    if len(size) == 1:
        return [size[0], size[0]]
    if len(size) != 2:
        raise ValueError("Please provide only two dimensions (h, w) for size.")
    return list(size)


def central_part(rows: int, columns: int, size: Any) -> tuple[int, int, int, int]:
    """Top, left, height and width of the middle of a picture, which may reach beyond it."""
    height, width = pair(size)
    return _before(rows, height), _before(columns, width), height, width


def _before(whole: int, part: int) -> int:
    return -((part - whole) // 2) if part > whole else int(round((whole - part) / 2.0))


def slants(shear: Any) -> list[float]:
    """The angles of shearing across and down."""
    if not isinstance(shear, (numbers.Number, list, tuple)):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    shear = [shear, 0.0] if isinstance(shear, numbers.Number) else list(shear)
    shear = shear * 2 if len(shear) == 1 else shear
    if len(shear) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    return shear


def resized_size(height: int, width: int, size: Sequence[int] | None, max_size: int | None) -> list[int]:
    """Height and width of what is asked for: both, or only the shorter side, or (size None) only the longer one."""
    if size is not None and len(size) == 2:
        return list(size)
    short, long = sorted((height, width))
    if size is None:
        new_short, new_long = int(max_size * short / long), max_size
    else:
        new_short, new_long = size[0], int(size[0] * long / short)
        if max_size is not None and max_size <= new_short:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge size = "
                f"{list(size)}"
            )
        if max_size is not None and new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return [new_long, new_short] if width <= height else [new_short, new_long]


def affine_matrix(
    center: Sequence[float], angle: float, translate: Sequence[float], scale: float, shear: Sequence[float]
) -> list[float]:
    """The two rows of the map from places of the result to places of the picture.

    Forward, a point p goes to center + translate + M (p - center) with M = scale R(angle) Y X, where R turns and
    X = [1, -tan sx; 0, 1], Y = [1, 0; -tan sy, 1] shear. det(M) = scale**2, so that M^-1 is M's adjugate over scale**2.
    """
    turn, sx, sy = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    a = math.cos(turn - sy) / math.cos(sy)
    b = -math.cos(turn - sy) * math.tan(sx) / math.cos(sy) - math.sin(turn)
    c = math.sin(turn - sy) / math.cos(sy)
    d = -math.sin(turn - sy) * math.tan(sx) / math.cos(sy) + math.cos(turn)
    rows = []
    for x, y, middle in ((d, -b, center[0]), (-c, a, center[1])):
        x, y = x / scale, y / scale
        rows += [x, y, 0.0 + x * (-center[0] - translate[0]) + y * (-center[1] - translate[1]) + middle]
    return rows


def perspective_coefficients(start: Sequence[Sequence[int]], end: Sequence[Sequence[int]]) -> list[float]:
    """(a, b, c, d, e, f, g, h) with x' = (a x + b y + c) / (g x + h y + 1), y' = (d x + e y + f) / (g x + h y + 1).

    They take each of four end points to its start point.
    """
    if len(start) != 4 or len(end) != 4:
        raise ValueError(
            f"Please provide exactly four corners, got {len(start)} startpoints and {len(end)} endpoints."
        )
    rows = []
    for (x, y), (goal_x, goal_y) in zip(end, start):
        rows.append([x, y, 1, 0, 0, 0, -goal_x * x, -goal_x * y])
        rows.append([0, 0, 0, x, y, 1, -goal_y * x, -goal_y * y])
    solution = np.linalg.lstsq(
        np.array(rows, np.float64), np.array(start, np.float64).reshape(8), rcond=None
    )[0]
    return solution.astype(np.float32).tolist()
