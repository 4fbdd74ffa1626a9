"""Masks as COCO writes them: as polygons, or as the lengths of runs, down the columns, of pixels outside and inside."""

from __future__ import annotations

from typing import Any

import numpy as np


def mask_of(segmentation: Any, height: int, width: int) -> np.ndarray:
    """[height, width] of bytes, 1 within."""
    if isinstance(segmentation, dict):
        counts = segmentation["counts"]
        runs = _runs(counts) if isinstance(counts, (str, bytes)) else counts
        inside = np.arange(len(runs)) % 2
        flat = np.repeat(inside, runs)
        if flat.size != height * width:
            raise ValueError(f"mask: runs of {flat.size} pixels for a picture of {height} x {width}")
        return flat.reshape(width, height).T.astype(np.uint8)
    inside = [_within(np.reshape(polygon, (-1, 2)), height, width) for polygon in segmentation]
    return np.any(inside, axis=0).astype(np.uint8) if inside else np.zeros((height, width), np.uint8)


def _within(corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """Of which pixels the middle is in the polygon: those with an odd number of sides to their left."""
    sides = np.zeros((height, width + 1), np.int64)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, 1, 0)):
        first, last = (int(np.ceil(y - 0.5)) for y in sorted((y0, y1)))
        rows = np.arange(max(first, 0), min(last, height))
        if len(rows):
            x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            np.add.at(sides, (rows, np.clip(np.ceil(x - 0.5).astype(np.int64), 0, width)), 1)
    return np.cumsum(sides, 1)[:, :width] % 2 == 1


def _runs(text: str | bytes) -> list[int]:
    """The lengths in a text: numbers of five bits a character, the lowest first, each less the one before the last."""
    codes = (text.encode() if isinstance(text, str) else text).rstrip(b"\0")
    runs: list[int] = []
    number = shift = 0
    for code in codes:
        digit = code - 48
        number |= (digit & 31) << shift
        shift += 5
        if digit & 32:  # more to come
            continue
        if digit & 16:  # negative
            number -= 1 << shift
        runs.append(number + (runs[-2] if len(runs) > 2 else 0))
        number = shift = 0
    return runs
