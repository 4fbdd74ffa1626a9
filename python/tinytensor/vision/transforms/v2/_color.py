"""Transforms that change the values of the pictures of a sample."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import Tensor
from tinytensor.vision.tv_tensors import Image, Video

from .. import basic, color
from .._forms import is_pil_image
from .._transform import integer, uniform
from . import functional as F
from ._query import query_chw
from ._transform import ByChance, Sometimes, Transform, check_probability


class ColorJitter(Transform, color.ColorJitter):
    """Brightness, contrast, saturation and hue changed by random amounts, in random order."""

    def __init__(
        self, brightness: Any = None, contrast: Any = None, saturation: Any = None, hue: Any = None
    ) -> None:
        super().__init__(
            *(0 if amount is None else amount for amount in (brightness, contrast, saturation, hue))
        )

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        order, *amounts = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        return {"order": order.tolist(), "amounts": amounts}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        for number in params["order"]:
            if params["amounts"][number] is not None:
                inpt = self._call_kernel(ADJUSTMENTS[number], inpt, params["amounts"][number])
        return inpt


ADJUSTMENTS = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)


class RandomPhotometricDistort(Transform):
    """Brightness, contrast, saturation, hue and the order of channels, each changed with probability p."""

    def __init__(
        self,
        brightness: tuple[float, float] = (0.875, 1.125),
        contrast: tuple[float, float] = (0.5, 1.5),
        saturation: tuple[float, float] = (0.5, 1.5),
        hue: tuple[float, float] = (-0.05, 0.05),
        p: float = 0.5,
    ) -> None:
        super().__init__()
        self.brightness, self.contrast, self.hue, self.saturation = brightness, contrast, hue, saturation
        self.p = p

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        channels, *_ = query_chw(flat_inputs)
        ranges = (self.brightness, self.contrast, self.saturation, self.hue)
        amounts = [uniform(*pair) if tinytensor.rand(1) < self.p else None for pair in ranges]
        contrast_first = bool(tinytensor.rand(()) < 0.5)
        order = (0, 1, 2, 3) if contrast_first else (0, 2, 3, 1)
        permutation = tinytensor.randperm(channels).tolist() if tinytensor.rand(1) < self.p else None
        return {"order": order, "amounts": amounts, "permutation": permutation}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        inpt = ColorJitter.transform(self, inpt, params)  # type: ignore[arg-type]  # which needs no more
        if params["permutation"] is None:
            return inpt
        return self._call_kernel(F.permute_channels, inpt, params["permutation"])


class RandomChannelPermutation(Transform):
    """The channels in random order."""

    _functional = F.permute_channels

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"permutation": tinytensor.randperm(query_chw(flat_inputs)[0]).tolist()}


class Grayscale(Transform, basic.Grayscale):
    """The picture in grey, in one channel or in three."""

    _functional = F.rgb_to_grayscale


class RandomGrayscale(Sometimes):
    """The picture in grey with probability p, in as many channels as it has."""

    _functional = F.rgb_to_grayscale

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = check_probability(p)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"num_output_channels": query_chw(flat_inputs)[0]}


class RGB(Transform):
    """Grey pictures in three equal channels."""

    _functional = F.grayscale_to_rgb


class RandomInvert(ByChance):
    """The negative with probability p."""

    _functional = F.invert


class RandomAutocontrast(ByChance):
    """Every channel stretched to full contrast, with probability p."""

    _functional = F.autocontrast


class RandomEqualize(ByChance):
    """The histogram made even, with probability p."""

    _functional = F.equalize


class RandomPosterize(Sometimes, color.RandomPosterize):
    """Only the highest bits of every value, with probability p."""

    _functional = F.posterize


class RandomSolarize(Sometimes, color.RandomSolarize):
    """The negative of all values from the threshold on, with probability p."""

    _functional = F.solarize


class RandomAdjustSharpness(Sometimes, color.RandomAdjustSharpness):
    """Another sharpness with probability p."""

    _functional = F.adjust_sharpness


class GaussianBlur(Transform, color.GaussianBlur):
    """The picture smoothed by a bell curve of random width."""

    _functional = F.gaussian_blur

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"sigma": [self.get_params(*self.sigma)] * 2}


class GaussianNoise(Transform):
    """Normal noise added to pictures of numbers from 0 to 1."""

    _functional = F.gaussian_noise

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> None:
        super().__init__()
        self.mean, self.sigma, self.clip = mean, sigma, clip


class JPEG(Transform):
    """The picture as it comes out of a JPEG file of that quality, or of one from that range."""

    _functional = F.jpeg

    def __init__(self, quality: Any) -> None:
        super().__init__()
        low, high = quality = [quality, quality] if isinstance(quality, int) else quality
        if not all(isinstance(number, int) for number in quality) or not 1 <= low <= high <= 100:
            raise ValueError(f"quality must be an integer from 1 to 100, or a range of them, got {quality}")
        self.quality = quality

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"quality": integer(self.quality[0], self.quality[1] + 1)}


class Normalize(Transform, basic.Normalize):
    """(picture - mean) / std, channel by channel."""

    _functional = F.normalize

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        if any(is_pil_image(inpt) for inpt in flat_inputs):
            raise TypeError(f"{type(self).__name__}() does not support PIL images.")


class LinearTransformation(Transform, basic.LinearTransformation):
    """(picture - mean_vector) @ transformation_matrix, the picture taken as one row: whitening, for example."""

    _transformed_types = (F.is_pure_tensor, Image, Video)
    check_inputs = Normalize.check_inputs

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return basic.LinearTransformation.forward(self, inpt.as_subclass(Tensor))


class RandomErasing(Sometimes, color.RandomErasing):
    """A random part of the picture replaced by a value, one per channel, or (value="random") noise, with probability p."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        channels, height, width = query_chw(flat_inputs)
        whole = tinytensor.empty(channels, height, width)
        *place, patch = self.get_params(whole, self.scale, self.ratio, self._values(channels))
        return {"region": None if patch is whole else (*place, patch)}  # whole: no part fits

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if params["region"] is None:
            return inpt
        return self._call_kernel(F.erase, inpt, *params["region"], inplace=self.inplace)
