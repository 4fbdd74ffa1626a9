"""From PIL images and arrays to tensors and back, and which of them a picture is."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

import tinytensor
from tinytensor import Tensor

from ..datasets._picture import pillow
from . import _tensor, _tensor_geometry


def is_pil_image(img: Any) -> bool:
    pillow_images = sys.modules.get("PIL.Image")  # without which there are none
    return pillow_images is not None and isinstance(img, pillow_images.Image)


def pil_for(img: Any) -> ModuleType:
    """The functions on PIL images, if this is one."""
    if not is_pil_image(img):
        raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
    from . import _pil

    return _pil


def values_of(img: Any) -> ModuleType:
    return _tensor if isinstance(img, Tensor) else pil_for(img)


def shapes_of(img: Any) -> ModuleType:
    return _tensor_geometry if isinstance(img, Tensor) else pil_for(img)


# ---------------------------------------------------------------- sizes and forms


def get_dimensions(img: Any) -> list[int]:
    """Channels, height and width."""
    return values_of(img).get_dimensions(img)


def get_image_size(img: Any) -> list[int]:
    """Width and height."""
    _, height, width = get_dimensions(img)
    return [width, height]


def get_image_num_channels(img: Any) -> int:
    return get_dimensions(img)[0]


_WIDE = {"I": np.int32, "I;16": np.int16, "I;16B": np.int16, "F": np.float32}  # all other modes have bytes


def to_tensor(pic: Any) -> Tensor:
    """A PIL image or an [H, W, C] array as a [C, H, W] tensor; bytes become numbers from 0 to 1."""
    if isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        array = pic
    elif is_pil_image(pic):
        array = np.array(pic, _WIDE.get(pic.mode, np.uint8))
        if pic.mode == "1":
            array *= 255
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    img = _channels_first(array).contiguous()
    return img.to(tinytensor.get_default_dtype()).div_(255) if img.dtype == tinytensor.uint8 else img


def _channels_first(array: np.ndarray) -> Tensor:
    array = array[:, :, None] if array.ndim == 2 else array
    return tinytensor.from_numpy(np.ascontiguousarray(array)).permute(2, 0, 1)


def pil_to_tensor(pic: Any) -> Tensor:
    """A PIL image as a [C, H, W] tensor of the values it has."""
    if not is_pil_image(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    return _channels_first(np.array(pic))


def convert_image_dtype(image: Tensor, dtype: Any = tinytensor.float32) -> Tensor:
    """The picture in another dtype, full brightness to full brightness."""
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    return _tensor.convert_image_dtype(image, dtype)


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A [C, H, W] tensor or an [H, W, C] array as a PIL image."""
    if isinstance(pic, Tensor):
        pic = (pic.permute(1, 2, 0) if pic.ndim == 3 else pic).detach().cpu().numpy()
    elif not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    array = pic[:, :, None] if pic.ndim == 2 else pic
    if array.ndim != 3:
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    channels = array.shape[2]
    if not 1 <= channels <= 4:
        raise ValueError(f"pic should not have > 4 channels. Got {channels} channels.")
    if np.issubdtype(array.dtype, np.floating) and mode != "F":
        array = (array * 255).astype(np.uint8)
    if channels == 1:
        return _one_channel(array[:, :, 0], mode)
    pillow()
    from ._pil import sequence_modes

    permitted = sequence_modes(channels)
    if mode is not None and mode not in permitted:
        raise ValueError(f"Only modes {list(permitted)} are supported for {channels}D inputs")
    if array.dtype != np.uint8:
        raise TypeError(f"Input type {array.dtype} is not supported")
    return _picture(array, mode or permitted[0])


_SINGLE = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}


def _one_channel(array: np.ndarray, mode: str | None) -> Any:
    expected = _SINGLE.get(array.dtype.name)
    if mode is not None and mode != expected:
        raise ValueError(
            f"Incorrect mode ({mode}) supplied for input type {array.dtype}. Should be {expected}"
        )
    if expected is None:
        raise TypeError(f"Input type {array.dtype} is not supported")
    return _picture(array, expected)


def _picture(array: np.ndarray, mode: str) -> Any:
    """Pillow sees most modes from the array itself."""
    if mode in ("L", "I", "F", "LA", "RGB", "RGBA"):
        return pillow().fromarray(array)
    height, width = array.shape[:2]
    return pillow().frombytes(mode, (width, height), np.ascontiguousarray(array).tobytes())


def normalize(tensor: Tensor, mean: list[float], std: list[float], inplace: bool = False) -> Tensor:
    """(tensor - mean) / std, channel by channel."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    return _tensor.normalize(tensor, mean, std, inplace)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Tensor:
    """The picture with v in its rows i to i + h and columns j to j + w."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    return _tensor.erase(img, i, j, h, w, v, inplace)
