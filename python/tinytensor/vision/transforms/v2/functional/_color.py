"""Functionals that change the values of pictures."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import Tensor
from tinytensor.vision.tv_tensors import BoundingBoxes, Image, KeyPoints, Mask, Video

from ... import functional as first
from ..._forms import is_pil_image, pil_to_tensor, to_pil_image
from ._kernels import functional
from ._meta import get_num_frames


def _to_dtype(inpt: Tensor, dtype: Any = tinytensor.float32, scale: bool = False) -> Tensor:
    """The tensor in another dtype; with `scale`, full brightness to full brightness."""
    return first.convert_image_dtype(inpt, dtype) if scale else inpt.to(dtype)


def _cast(inpt: Tensor, dtype: Any = tinytensor.float32) -> Tensor:
    return inpt.to(dtype)


def _rgb_to_grayscale(inpt: Any, num_output_channels: int = 1) -> Any:
    """The picture in grey, in one channel or in three, whatever it had."""
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels must be 1 or 3, got {num_output_channels}.")
    grey = first.rgb_to_grayscale(inpt)
    return grey if num_output_channels == 1 else _grayscale_to_rgb(grey)


def _grayscale_to_rgb(inpt: Any) -> Any:
    """A grey picture in three equal channels; a coloured one as it is."""
    if isinstance(inpt, Tensor):
        return inpt.repeat_interleave(3, -3) if inpt.shape[-3] == 1 else inpt
    return inpt.convert("RGB")


def _gaussian_noise(inpt: Tensor, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> Tensor:
    """The picture, of numbers from 0 to 1, with normal noise added."""
    if is_pil_image(inpt):
        raise ValueError("Gaussian Noise is not implemented for PIL images.")
    if not inpt.is_floating_point():
        raise ValueError(f"Input tensor is expected to be in float dtype, got dtype={inpt.dtype}")
    if sigma < 0:
        raise ValueError(f"sigma shouldn't be negative. Got {sigma}")
    noisy = inpt + (mean + tinytensor.randn_like(inpt) * sigma)
    return noisy.clamp(0, 1) if clip else noisy


def _erase(inpt: Any, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Any:
    """The picture with v in its rows i to i + h and columns j to j + w."""
    if is_pil_image(inpt):
        return to_pil_image(first.erase(pil_to_tensor(inpt), i, j, h, w, v), inpt.mode)
    return first.erase(inpt, i, j, h, w, v, inplace)


def _posterize(inpt: Any, bits: int) -> Any:
    """Only the highest bits of every value, or as many levels of numbers from 0 to 1."""
    if not isinstance(inpt, Tensor) or not inpt.is_floating_point():
        return first.posterize(inpt, bits)
    levels = 1 << bits
    return (inpt * levels).floor().clamp(0, levels - 1) / levels


def _equalize(inpt: Any) -> Any:
    """Levels moved so that about equally many pixels have each."""
    if not isinstance(inpt, Tensor):
        return first.equalize(inpt)
    planes = first.convert_image_dtype(inpt, tinytensor.uint8).reshape(-1, *inpt.shape[-3:])
    return first.convert_image_dtype(first.equalize(planes).view(inpt.shape), inpt.dtype)


def _permute_channels(inpt: Any, permutation: list[int]) -> Any:
    """The channels in another order."""
    if is_pil_image(inpt):
        return to_pil_image(_permute_channels(pil_to_tensor(inpt), permutation), inpt.mode)
    if len(permutation) != inpt.shape[-3]:
        raise ValueError(
            f"Length of permutation does not match number of channels: {len(permutation)} != {inpt.shape[-3]}"
        )
    return inpt.index_select(-3, tinytensor.tensor(permutation, device=inpt.device))


def _jpeg(image: Any, quality: int) -> Any:
    """The picture as it comes out of a JPEG file of that quality, from 1 to 100."""
    from tinytensor.vision import io

    if is_pil_image(image):
        return to_pil_image(_jpeg(pil_to_tensor(image), quality), image.mode)
    flat = image.reshape(-1, *image.shape[-3:])
    if not len(flat):
        return image
    mode = io.ImageReadMode.GRAY if flat.shape[1] == 1 else io.ImageReadMode.RGB
    return tinytensor.stack([io.decode_jpeg(io.encode_jpeg(part, quality), mode) for part in flat]).view(
        image.shape
    )


def _uniform_temporal_subsample(inpt: Tensor, num_samples: int) -> Tensor:
    """Some pictures of a video, evenly spread over it, the first and the last among them."""
    places = tinytensor.linspace(0, get_num_frames(inpt) - 1, num_samples, device=inpt.device).long()
    return inpt.index_select(-4, places)


adjust_brightness = functional(first.adjust_brightness)
adjust_contrast = functional(first.adjust_contrast)
adjust_gamma = functional(first.adjust_gamma)
adjust_hue = functional(first.adjust_hue)
adjust_saturation = functional(first.adjust_saturation)
adjust_sharpness = functional(first.adjust_sharpness)
autocontrast = functional(first.autocontrast)
equalize = functional(_equalize)
erase = functional(_erase)
gaussian_blur = functional(first.gaussian_blur)
gaussian_noise = functional(_gaussian_noise)
grayscale_to_rgb = functional(_grayscale_to_rgb)
invert = functional(first.invert)
jpeg = functional(_jpeg)
normalize = functional(first.normalize)
permute_channels = functional(_permute_channels)
posterize = functional(_posterize)
rgb_to_grayscale = functional(_rgb_to_grayscale)
solarize = functional(first.solarize)
to_dtype = functional(
    _to_dtype, dict.fromkeys((Mask, BoundingBoxes, KeyPoints), _cast), pictures=(Image, Video)
)
uniform_temporal_subsample = functional(_uniform_temporal_subsample, pictures=(Video,))
