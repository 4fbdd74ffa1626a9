"""What inputs are: their sizes, and the forms that they are turned into."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinytensor
from tinytensor import Tensor
from tinytensor.vision.tv_tensors import BoundingBoxes, Image, KeyPoints, Mask, Video

from ... import functional as first
from ..._forms import is_pil_image
from ._kernels import functional


def _get_size(inpt: Any) -> list[int]:
    """Height and width, of boxes and points those of their picture."""
    return first.get_dimensions(inpt)[1:]


def _get_size_mask(mask: Tensor) -> list[int]:
    return list(mask.shape[-2:])


def _get_size_places(places: Tensor, canvas_size: tuple[int, int]) -> list[int]:
    return list(canvas_size)


def _get_num_frames(inpt: Tensor) -> int:
    """How many pictures a video [..., T, C, H, W] has."""
    return inpt.shape[-4]


get_dimensions = functional(first.get_dimensions)
get_num_channels = get_image_num_channels = functional(first.get_image_num_channels, name="get_num_channels")
get_num_frames = functional(_get_num_frames, pictures=(Video,))
get_size = functional(
    _get_size,
    {Mask: _get_size_mask, **dict.fromkeys((BoundingBoxes, KeyPoints), _get_size_places)},
)


def get_image_size(inpt: Any) -> list[int]:
    """Width and height."""
    return get_size(inpt)[::-1]


def to_image(inpt: Any) -> Image:
    """A PIL image, an [H, W, C] array or a tensor as an Image with the values it has."""
    if isinstance(inpt, np.ndarray):
        array = inpt[:, :, None] if inpt.ndim < 3 else inpt
        return Image(tinytensor.from_numpy(array).permute(2, 0, 1).contiguous())
    if is_pil_image(inpt):
        return Image(first.pil_to_tensor(inpt).contiguous())
    if not isinstance(inpt, Tensor):
        raise TypeError(
            f"Input can either be a pure Tensor, a numpy array, or a PIL image, but got {type(inpt)} instead."
        )
    return Image(inpt)
