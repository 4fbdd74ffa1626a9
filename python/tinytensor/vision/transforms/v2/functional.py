"""The functions of `transforms.functional`, with the names that torchvision's second version adds."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinytensor
from tinytensor import Tensor

from .. import functional as _first
from ..functional import *  # noqa: F403
from ..functional import convert_image_dtype, get_dimensions, hflip, pil_to_tensor, vflip

horizontal_flip = hflip
vertical_flip = vflip
get_num_channels = _first.get_image_num_channels


def to_image(inpt: Any) -> Tensor:
    """A PIL image or an [H, W, C] array as a [C, H, W] tensor of the values it has; a tensor as it is."""
    if isinstance(inpt, np.ndarray):
        array = inpt[:, :, None] if inpt.ndim < 3 else inpt
        return tinytensor.from_numpy(array).permute(2, 0, 1).contiguous()
    if isinstance(inpt, Tensor):
        return inpt
    return pil_to_tensor(inpt).contiguous()


def to_dtype(inpt: Tensor, dtype: Any = tinytensor.float32, scale: bool = False) -> Tensor:
    """The tensor in another dtype; with `scale`, full brightness to full brightness."""
    return convert_image_dtype(inpt, dtype) if scale else inpt.to(dtype)


def get_size(inpt: Any) -> list[int]:
    """Height and width."""
    return get_dimensions(inpt)[1:]


def grayscale_to_rgb(inpt: Any) -> Any:
    """A grey picture in three equal channels; a coloured one as it is."""
    if isinstance(inpt, Tensor):
        return inpt.repeat_interleave(3, -3) if inpt.shape[-3] == 1 else inpt
    return inpt.convert("RGB")


def rgb_to_grayscale(inpt: Any, num_output_channels: int = 1) -> Any:  # type: ignore[no-redef]  # v2 differs
    """The picture in grey, in one channel or in three, whatever it had."""
    grey = _first.rgb_to_grayscale(inpt)
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels must be 1 or 3, got {num_output_channels}.")
    return grey if num_output_channels == 1 else grayscale_to_rgb(grey)


def gaussian_noise(inpt: Tensor, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> Tensor:
    """The picture, of numbers from 0 to 1, with normal noise added."""
    if not inpt.is_floating_point():
        raise ValueError(f"Input tensor is expected to be in float dtype, got dtype={inpt.dtype}")
    if sigma < 0:
        raise ValueError(f"sigma shouldn't be negative. Got {sigma}")
    noisy = inpt + (mean + tinytensor.randn_like(inpt) * sigma)
    return noisy.clamp(0, 1) if clip else noisy
