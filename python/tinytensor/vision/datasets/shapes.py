"""Ten classes of drawn shapes in CIFAR's form, made on the spot: something to learn from where there is no network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._pictures import PictureArray

SIDE = 32


def _regular(points: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Distance from the middle in units of a regular polygon's inner radius."""
    angle = np.arctan2(y, x)
    sector = 2 * np.pi / points
    return np.hypot(x, y) * np.cos((angle + sector / 2) % sector - sector / 2)


def _star(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Five rays: the radius shrinks between them."""
    angle = np.arctan2(y, x)
    return np.hypot(x, y) / (0.65 + 0.35 * np.cos(5 * angle))


# Each tells, from coordinates in which the shape is about as large as the unit disc, which points belong to it.
DRAWN: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "disc": lambda x, y: np.hypot(x, y) < 0.95,
    "ring": lambda x, y: np.abs(np.hypot(x, y) - 0.75) < 0.25,
    "square": lambda x, y: np.maximum(np.abs(x), np.abs(y)) < 0.8,
    "frame": lambda x, y: np.abs(np.maximum(np.abs(x), np.abs(y)) - 0.68) < 0.2,
    "triangle": lambda x, y: _regular(3, x, y) < 0.55,
    "hexagon": lambda x, y: _regular(6, x, y) < 0.8,
    "star": lambda x, y: _star(x, y) < 0.95,
    "plus": lambda x, y: (
        (np.minimum(np.abs(x), np.abs(y)) < 0.28) & (np.maximum(np.abs(x), np.abs(y)) < 0.95)
    ),
    "crescent": lambda x, y: (np.hypot(x, y) < 0.95) & (np.hypot(x - 0.5, y) > 0.75),
    "bars": lambda x, y: (np.maximum(np.abs(x), np.abs(y)) < 0.95) & (np.cos(2.5 * np.pi * x) > 0),
}


class Shapes(PictureArray):
    """Pictures of 32 x 32 in colour, as `data` [N, 32, 32, 3] and `targets`, the same ones for the same seed.

    A shape has a random place, size, turn and colour, on a ground of another colour, under noise.
    """

    classes = list(DRAWN)

    def __init__(
        self,
        train: bool = True,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        size: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(None, transform=transform, target_transform=target_transform)
        self.train = train
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}
        size = (20_000 if train else 4_000) if size is None else size
        if size < 0:
            raise ValueError(f"Shapes: size must not be negative, got {size}")
        random = np.random.default_rng([seed, int(train)])
        targets = random.integers(len(DRAWN), size=size)
        self.data = np.empty((size, SIDE, SIDE, 3), np.uint8)
        for number, inside in enumerate(DRAWN.values()):
            members = np.flatnonzero(targets == number)
            self.data[members] = self._draw(inside, len(members), random)
        self.targets: list[int] = targets.tolist()

    @staticmethod
    def _draw(inside: Callable, count: int, random: np.random.Generator) -> np.ndarray:
        def uniform(low: float, high: float, *shape: int) -> np.ndarray:
            return random.uniform(low, high, (count, *shape)).astype(np.float32)

        rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
        size, turn = uniform(6, 13, 1, 1), uniform(-0.4, 0.4, 1, 1)
        x = (columns - uniform(11, 20, 1, 1)) / size
        y = (rows - uniform(11, 20, 1, 1)) / size
        turned_x, turned_y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
        mask = inside(turned_x, turned_y)[..., None]
        ground, ink = uniform(0, 255, 1, 1, 3), uniform(0, 255, 1, 1, 3)
        faint = np.abs(ink - ground).sum(-1, keepdims=True) < 120
        ink = np.where(faint, (ground + 128) % 256, ink)
        noise = 18 * random.standard_normal((count, SIDE, SIDE, 3), np.float32)
        return np.clip(np.where(mask, ink, ground) + noise, 0, 255).astype(np.uint8)
