"""What the transforms share: how they show themselves, what they accept, and how they draw."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Sequence
from typing import Any

import tinytensor
from tinytensor import Tensor, nn

from . import functional as F

SIZE = "Please provide only two dimensions (h, w) for size."


class Transform(nn.Module):
    """A module that shows the attributes named in `_shown`."""

    _shown: tuple[str, ...] = ()

    def _checked_fill(self, fill: Any) -> Any:
        return checked_fill(fill)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in self._shown)})"


def listed(transform: Any, transforms: Sequence, *first: str) -> str:
    """The representation of a transform made of others, a line for each."""
    lines = [*first, *(str(part) for part in transforms)]
    return "\n".join([type(transform).__name__ + "(", *("    " + line for line in lines), ")"])


# ---------------------------------------------------------------- arguments


def size_pair(size: Any, message: str = SIZE) -> Any:
    """(height, width) from that, or from one number."""
    if isinstance(size, numbers.Number):
        return int(size), int(size)
    if isinstance(size, Sequence) and len(size) == 1:
        return size[0], size[0]
    if len(size) != 2:
        raise ValueError(message)
    return size


def check_sequence(value: Any, name: str, *lengths: int) -> None:
    wanted = f"{name} should be a sequence of length {' or '.join(map(str, lengths))}."
    if not isinstance(value, Sequence):
        raise TypeError(wanted)
    if len(value) not in lengths:
        raise ValueError(wanted)


def angle_range(value: Any, name: str, *lengths: int) -> list[float]:
    """A range of angles from that, or from one number to both sides."""
    if isinstance(value, numbers.Number):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be positive.")
        value = [-value, value]
    check_sequence(value, name, *lengths)
    return [float(angle) for angle in value]


def checked_fill(fill: Any) -> Any:
    if fill is None:
        return 0
    if not isinstance(fill, (Sequence, numbers.Number)):
        raise TypeError("Fill should be either a sequence or a number.")
    return fill


def fill_for(fill: Any, img: Any) -> Any:
    """One number per channel for a tensor; for a PIL image as it was given."""
    if not isinstance(img, Tensor) or fill is None:
        return fill
    if isinstance(fill, (int, float)):
        return [float(fill)] * F.get_image_num_channels(img)
    return [float(value) for value in fill]


def check_region(scale: Any, ratio: Any) -> None:
    if not isinstance(scale, Sequence):
        raise TypeError("Scale should be a sequence")
    if not isinstance(ratio, Sequence):
        raise TypeError("Ratio should be a sequence")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=3)


# ---------------------------------------------------------------- draws


def integer(low: int, high: int) -> int:
    """From low to high - 1."""
    return tinytensor.randint(low, high, (1,)).item()


def uniform(low: float, high: float) -> float:
    return tinytensor.empty(1).uniform_(low, high).item()


class RegionDraw:
    """Draws areas (as parts of the whole) and, on a logarithmic scale, ratios of their sides."""

    def __init__(self, area: int, scale: Any, ratio: Any) -> None:
        self.area, self.scale = area, scale
        self.low, self.high = tinytensor.tensor(ratio).log().tolist()

    def __call__(self) -> tuple[int, int]:
        """The longer side first where the ratio is above 1."""
        area = self.area * uniform(*self.scale)
        ratio = tinytensor.empty(1).uniform_(self.low, self.high).exp().item()
        return int(round(math.sqrt(area * ratio))), int(round(math.sqrt(area / ratio)))
