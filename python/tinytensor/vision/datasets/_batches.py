"""Batches of pictures from one array of bytes, transformed all at once.

A chain of transforms qualifies when it moves pixels by crops and flips, changes values one by one, and erases parts at
the end. Then a batch is one gather: the values that the 256 bytes end as are looked up in a table, which the transforms
themselves fill, and where pixels come from follows from draws that are made in the order of the samples. So values and
random choices are those of the samples taken one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinytensor
from tinytensor import _C, Tensor, nn

from .. import transforms as T
from ..transforms import v2
from ..transforms._geometry import sides

BYTES = 256


class Integers:
    """A draw of a whole number below `count`, as randint makes it."""

    def __init__(self, count: int) -> None:
        self.count = count

    def of(self, words: np.ndarray) -> np.ndarray:
        return words % self.count

    def single(self) -> int:
        return tinytensor.randint(0, self.count, (1,)).item()


class Chances:
    """A draw that is true with probability p, as rand(1) < p makes it."""

    def __init__(self, p: float) -> None:
        self.p = p

    def of(self, words: np.ndarray) -> np.ndarray:
        return (words & 0xFFFFFF).astype(np.float32) / np.float32(1 << 24) < np.float32(self.p)

    def single(self) -> bool:
        return bool(tinytensor.rand(1) < self.p)


def draw_all(draws: list, count: int) -> list[np.ndarray]:
    """For each of the draws its results for `count` samples, from one word of the generator per sample and draw."""
    total = count * len(draws)
    pairs = (
        tinytensor.empty(total // 2, dtype=tinytensor.int64).random_(-(1 << 63), None).numpy().view(np.uint64)
    )
    words = np.empty(total, np.int64)
    words[0 : total - 1 : 2] = pairs >> np.uint64(32)
    words[1::2] = pairs & np.uint64(0xFFFFFFFF)
    results = [draw.of(words[number :: len(draws)]) for number, draw in enumerate(draws)]
    if total % 2:
        results[-1][-1] = draws[-1].single()
    return results


class Walks:
    """Where the rows and columns of a batch come from: start and step for each sample, down and across."""

    def __init__(self, count: int) -> None:
        self.places = np.tile(np.array([0, 1, 0, 1], np.int64), (count, 1))

    def move(self, axis: int, by: Any) -> None:
        self.places[:, 2 * axis] += self.places[:, 2 * axis + 1] * by

    def mirror(self, axis: int, chosen: np.ndarray, size: int) -> None:
        start, step = self.places[:, 2 * axis], self.places[:, 2 * axis + 1]
        start[chosen] += step[chosen] * (size - 1)
        step[chosen] *= -1


class Unsuited(Exception):
    """The transforms ask for a look at the single samples."""


class Plan:
    """What a chain of transforms does to pictures of one size."""

    def __init__(self, transform: Any, channels: int, height: int, width: int) -> None:
        self.channels, self.height, self.width = channels, height, width
        self.draws: list[Integers | Chances] = []
        self.moves: list[Callable[[Walks, list], None]] = []
        self.erasures: list[T.RandomErasing] = []
        self.whole, self.fill = True, None  # nothing was cut off yet; the values around the picture
        values = np.repeat(np.arange(BYTES, dtype=np.uint8)[:, None, None], channels, 2)
        self.values: Any = values  # [256, 1, channels] of a picture, [channels, 256, 1] of a tensor
        for part in _parts(transform):
            self._add(part)
        if not isinstance(self.values, Tensor) or self.values.dtype != tinytensor.float32:
            raise Unsuited
        self.table = self.values.reshape(channels, BYTES).contiguous()
        fill = tinytensor.zeros(channels) if self.fill is None else self.fill.reshape(channels)
        self.fill = fill.contiguous()

    def _add(self, part: Any) -> None:
        kind = type(part)
        if kind not in STEPS or (
            isinstance(part, nn.Module) and (part._forward_hooks or part._forward_pre_hooks)
        ):
            raise Unsuited
        if self.erasures and not isinstance(part, T.RandomErasing):
            raise Unsuited
        STEPS[kind](self, part)

    # ---- steps

    def change(self, part: Any) -> None:
        """Values change one by one."""
        if isinstance(self.values, Tensor) == (type(part) in FORMS):
            raise Unsuited
        before = self.values.shape if isinstance(self.values, Tensor) else (self.channels, BYTES, 1)
        self.values = _changed(part, self.values)
        if self.values.shape != before:
            raise Unsuited
        if self.fill is not None:
            self.fill = _changed(part, self.fill)

    def _surround(self, fill: Any) -> None:
        """Pixels of this value come around the picture."""
        fill = 0 if fill is None else fill
        fills = [fill] * self.channels if isinstance(fill, (int, float)) else list(fill)
        if len(fills) != self.channels or not self.whole or self.fill is not None:
            raise Unsuited
        if isinstance(self.values, Tensor):
            if not isinstance(fill, (int, float)):
                raise Unsuited
            self.fill = self.values.new_full((self.channels, 1, 1), float(fill))
            return
        if any(not 0 <= value < BYTES for value in fills):
            raise Unsuited
        self.fill = np.array([int(value) for value in fills], np.uint8)[None, None, :]

    def pad(self, part: Any) -> None:
        if part.padding_mode != "constant":
            raise Unsuited
        left, top, right, bottom = sides(part.padding)
        if min(left, top, right, bottom) < 0:
            raise Unsuited
        self._surround(part.fill)
        self.height, self.width = self.height + top + bottom, self.width + left + right

        def move(walks: Walks, drawn: list) -> None:
            walks.move(0, -top)
            walks.move(1, -left)

        self.moves.append(move)

    def _cut(self, height: int, width: int, place: Callable[[list], tuple]) -> None:
        if height > self.height or width > self.width:
            raise Unsuited
        self.height, self.width, self.whole = height, width, False

        def move(walks: Walks, drawn: list) -> None:
            top, left = place(drawn)
            walks.move(0, top)
            walks.move(1, left)

        self.moves.append(move)

    def crop(self, part: T.RandomCrop) -> None:
        if part.padding is not None:
            self.pad(part)
        height, width = part.size
        spare = (self.height - height, self.width - width)
        if spare == (0, 0):
            return
        second_version = isinstance(part, v2.RandomCrop)  # which draws only where there is a choice
        numbers: list[int | None] = []
        for rest in spare:
            drawing = rest > 0 or not second_version
            numbers.append(len(self.draws) if drawing else None)
            if drawing:
                self.draws.append(Integers(rest + 1))
        self._cut(
            height, width, lambda drawn: tuple(0 if number is None else drawn[number] for number in numbers)
        )

    def center(self, part: T.CenterCrop) -> None:
        height, width = part.size
        top, left = int(round((self.height - height) / 2.0)), int(round((self.width - width) / 2.0))
        self._cut(height, width, lambda drawn: (top, left))

    def flip(self, part: Any) -> None:
        axis = 1 if isinstance(part, (T.RandomHorizontalFlip, v2.RandomHorizontalFlip)) else 0
        number, size = len(self.draws), (self.height, self.width)[axis]
        self.draws.append(Chances(part.p))
        self.moves.append(lambda walks, drawn: walks.mirror(axis, drawn[number], size))

    def erase(self, part: T.RandomErasing) -> None:
        if not isinstance(self.values, Tensor):
            raise Unsuited
        self.erasures.append(part)

    # ---- batches

    def run(self, pictures: Tensor, numbers: Tensor) -> Tensor:
        """The transformed pictures with these numbers."""
        count = len(numbers)
        drawn, patches = self._draw_singly(count) if self.erasures else (draw_all(self.draws, count), [])
        walks = Walks(count)
        for move in self.moves:
            move(walks, drawn)
        places = tinytensor.from_numpy(walks.places)
        batch = _C.take_pictures(pictures, numbers, self.table, self.fill, places, self.height, self.width)
        for sample, (top, left, height, width, patch) in patches:
            batch[sample, :, top : top + height, left : left + width] = patch
        return batch

    def _draw_singly(self, count: int) -> tuple[list[np.ndarray], list]:
        """Draws for one sample after the other, because erasing takes as many as it needs."""
        model = tinytensor.empty(self.channels, self.height, self.width)
        rows, patches = [], []
        for sample in range(count):
            rows.append([draw.single() for draw in self.draws])
            for part in self.erasures:
                if tinytensor.rand(1) < part.p:
                    region = part.get_params(model, part.scale, part.ratio, part._values(self.channels))
                    if region[-1] is not model:  # which says that no region fits
                        patches.append((sample, region))
        return [np.array(column) for column in zip(*rows)], patches


ARRAYS = (T.PILToTensor, v2.PILToTensor, v2.ToImage)  # which make a tensor of the bytes
FORMS = (T.ToTensor, v2.ToTensor, *ARRAYS)
STEPS: dict[type, Callable] = {
    **dict.fromkeys(FORMS, Plan.change),
    **dict.fromkeys(
        (T.ConvertImageDtype, v2.ConvertImageDtype, v2.ToDtype, T.Normalize, v2.Normalize), Plan.change
    ),
    **dict.fromkeys((T.Pad, v2.Pad), Plan.pad),
    **dict.fromkeys((T.RandomCrop, v2.RandomCrop), Plan.crop),
    **dict.fromkeys((T.CenterCrop, v2.CenterCrop), Plan.center),
    **dict.fromkeys((T.RandomHorizontalFlip, v2.RandomHorizontalFlip), Plan.flip),
    **dict.fromkeys((T.RandomVerticalFlip, v2.RandomVerticalFlip), Plan.flip),
    **dict.fromkeys((T.RandomErasing, v2.RandomErasing), Plan.erase),
}


def _parts(transform: Any) -> list:
    """The transforms of a chain, of chains in it too."""
    if type(transform) not in (T.Compose, v2.Compose, nn.Sequential):
        return [transform]
    parts = transform if type(transform) is nn.Sequential else transform.transforms
    return [inner for part in parts for inner in _parts(part)]


def _changed(part: Any, values: Any) -> Tensor:
    if type(part) in ARRAYS:
        return tinytensor.from_numpy(values).permute(2, 0, 1)
    return part(values.clone() if isinstance(values, Tensor) else values)


class PictureTaker:
    """Takes batches from a dataset that holds an array of bytes, and targets that are whole numbers."""

    def __init__(self, dataset: Any, pictures: Tensor, targets: Tensor, plan: Plan) -> None:
        self.dataset, self.transform, self.data = dataset, dataset.transform, dataset.data
        self.pictures, self.targets, self.plan = pictures, targets, plan

    @staticmethod
    def of(dataset: Any) -> PictureTaker | None:
        """None where the samples are to be taken one by one."""
        data = tinytensor.from_numpy(dataset.data) if isinstance(dataset.data, np.ndarray) else dataset.data
        targets = _whole_numbers(dataset.targets)
        if dataset.transform is None or dataset.target_transform is not None or targets is None:
            return None
        if type(data) is not Tensor or data.dtype != tinytensor.uint8 or len(targets) != len(data):
            return None
        pictures = data.unsqueeze(-1) if data.ndim == 3 else data
        if pictures.ndim != 4 or pictures.size(3) not in (1, 3) or not pictures.is_contiguous():
            return None
        if data.ndim == 4 and pictures.size(3) == 1:
            return None
        _, height, width, channels = pictures.shape
        try:
            plan = Plan(dataset.transform, channels, height, width)
        except (
            Unsuited,
            TypeError,
            ValueError,
            RuntimeError,
        ):  # the last three are for the single samples to raise
            return None
        return PictureTaker(dataset, pictures, targets, plan)

    def take(self, numbers: Tensor) -> list[Tensor] | None:
        """What collating these samples would give; None where the numbers or the dataset ask for a closer look."""
        if self.dataset.transform is not self.transform or self.dataset.data is not self.data:
            return None
        places = numbers.numpy()
        if places.min() < 0 or places.max() >= len(self.targets):
            return None
        return [self.plan.run(self.pictures, numbers), _C.index_select(self.targets, 0, numbers)]


def _whole_numbers(targets: Any) -> Tensor | None:
    if isinstance(targets, list) and set(map(type, targets)) == {int}:
        return tinytensor.tensor(targets, dtype=tinytensor.int64)
    if isinstance(targets, np.ndarray) and targets.ndim == 1 and targets.dtype.kind in "iu":
        return tinytensor.from_numpy(targets.astype(np.int64))
    if type(targets) is Tensor and targets.ndim == 1 and not targets.is_floating_point():
        return targets.to(tinytensor.int64)
    return None
