"""Transforms that change the values of a picture, at random."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import tinytensor
from tinytensor import Tensor

from . import functional as F
from ._transform import RegionDraw, Transform, check_region, integer, size_pair, uniform


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed by random amounts, in random order."""

    _shown = ("brightness", "contrast", "saturation", "hue")

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0) -> None:
        super().__init__()
        self.brightness = self._range(brightness, "brightness")
        self.contrast = self._range(contrast, "contrast")
        self.saturation = self._range(saturation, "saturation")
        self.hue = self._range(hue, "hue", center=0, bound=(-0.5, 0.5))

    @staticmethod
    def _range(value: Any, name: str, center: float = 1, bound: tuple = (0, float("inf"))) -> tuple | None:
        """The range to draw from; None where nothing is to be done."""
        if isinstance(value, numbers.Number):
            if value < 0:
                raise ValueError(f"If {name} is a single number, it must be non negative.")
            low, high = center - float(value), center + float(value)
            low = max(low, 0.0) if center else low
        elif isinstance(value, (tuple, list)) and len(value) == 2:
            low, high = float(value[0]), float(value[1])
        else:
            raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
        if not bound[0] <= low <= high <= bound[1]:
            raise ValueError(f"{name} values should be between {bound}, but got {[low, high]}.")
        return None if low == high == center else (low, high)

    @staticmethod
    def get_params(brightness: Any, contrast: Any, saturation: Any, hue: Any) -> tuple:
        """The order, and the amounts."""
        order = tinytensor.randperm(4)
        amounts = [
            None if pair is None else uniform(*pair) for pair in (brightness, contrast, saturation, hue)
        ]
        return order, *amounts

    def forward(self, img: Any) -> Any:
        order, *amounts = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        changes = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for number in order.tolist():
            if amounts[number] is not None:
                img = changes[number](img, amounts[number])
        return img


class RandomGrayscale(Transform):
    """The picture in grey with probability p, in as many channels as it has."""

    _shown = ("p",)

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        channels = F.get_image_num_channels(img)
        return F.rgb_to_grayscale(img, num_output_channels=channels) if tinytensor.rand(1) < self.p else img


class RandomErasing(Transform):
    """A random part of the picture replaced by a value, one per channel, or (value="random") noise, with probability p."""

    _shown = ("p", "scale", "ratio", "value", "inplace")

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(value, (numbers.Number, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        check_region(scale, ratio)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        if p < 0 or p > 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    @staticmethod
    def get_params(
        img: Tensor, scale: Sequence[float], ratio: Sequence[float], value: list[float] | None = None
    ) -> tuple[int, int, int, int, Tensor]:
        """Top, left, height, width, and what is put there."""
        channels, rows, columns = img.shape[-3:]
        draw = RegionDraw(rows * columns, scale, ratio)
        for _ in range(10):
            height, width = draw()
            if height >= rows or width >= columns:
                continue
            if value is None:
                patch = tinytensor.empty(channels, height, width, dtype=tinytensor.float32).normal_()
            else:
                patch = tinytensor.tensor(value)[:, None, None]
            return integer(0, rows - height + 1), integer(0, columns - width + 1), height, width, patch
        return 0, 0, rows, columns, img

    def _values(self, channels: int) -> list[float] | None:
        if isinstance(self.value, str):
            return None
        values = [
            float(value) for value in (self.value if isinstance(self.value, (list, tuple)) else [self.value])
        ]
        if len(values) not in (1, channels):
            raise ValueError(
                f"If value is a sequence, it should have either a single value or {channels} (number of input channels)"
            )
        return values

    def forward(self, img: Tensor) -> Tensor:
        if not tinytensor.rand(1) < self.p:
            return img
        return F.erase(
            img, *self.get_params(img, self.scale, self.ratio, self._values(img.shape[-3])), self.inplace
        )


class GaussianBlur(Transform):
    """The picture smoothed by a bell curve of random width."""

    _shown = ("kernel_size", "sigma")

    def __init__(self, kernel_size: Any, sigma: Any = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = size_pair(kernel_size, "Kernel size should be a tuple/list of two integers")
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        if isinstance(sigma, numbers.Number):
            if sigma <= 0:
                raise ValueError("If sigma is a single number, it must be positive.")
            sigma = (sigma, sigma)
        elif not isinstance(sigma, Sequence) or len(sigma) != 2:
            raise ValueError("sigma should be a single number or a list/tuple with length 2.")
        elif not 0.0 < sigma[0] <= sigma[1]:
            raise ValueError("sigma values should be positive and of the form (min, max).")
        self.sigma = sigma

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        return uniform(sigma_min, sigma_max)

    def forward(self, img: Any) -> Any:
        sigma = self.get_params(*self.sigma)
        return F.gaussian_blur(img, list(self.kernel_size), [sigma, sigma])


class _Sometimes(Transform):
    """A change with probability p."""

    _shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def _change(self, img: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define _change")

    def forward(self, img: Any) -> Any:
        return self._change(img) if tinytensor.rand(1).item() < self.p else img


class _SometimesBy(_Sometimes):
    """A change by a given amount with probability p. The amount is the first attribute that is shown."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({','.join(f'{name}={getattr(self, name)}' for name in self._shown)})"


class RandomInvert(_Sometimes):
    """The negative with probability p."""

    def _change(self, img: Any) -> Any:
        return F.invert(img)


class RandomAutocontrast(_Sometimes):
    """Every channel stretched to full contrast, with probability p."""

    def _change(self, img: Any) -> Any:
        return F.autocontrast(img)


class RandomEqualize(_Sometimes):
    """The histogram made even, with probability p."""

    def _change(self, img: Any) -> Any:
        return F.equalize(img)


class RandomPosterize(_SometimesBy):
    """Only the highest bits of every value, with probability p."""

    _shown = ("bits", "p")

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(p)
        self.bits = bits

    def _change(self, img: Any) -> Any:
        return F.posterize(img, self.bits)


class RandomSolarize(_SometimesBy):
    """The negative of all values from the threshold on, with probability p."""

    _shown = ("threshold", "p")

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.threshold = threshold

    def _change(self, img: Any) -> Any:
        return F.solarize(img, self.threshold)


class RandomAdjustSharpness(_SometimesBy):
    """Another sharpness with probability p."""

    _shown = ("sharpness_factor", "p")

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def _change(self, img: Any) -> Any:
        return F.adjust_sharpness(img, self.sharpness_factor)
