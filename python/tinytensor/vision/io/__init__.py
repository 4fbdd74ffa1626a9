"""Picture files and tensors, through Pillow, under torchvision's names."""

from __future__ import annotations

import io
import os
from enum import Enum
from typing import Any

import numpy as np

import tinytensor
from tinytensor import Tensor

from ..datasets._picture import pillow
from ..transforms import functional as F

__all__ = [
    "ImageReadMode",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "encode_jpeg",
    "encode_png",
    "read_file",
    "read_image",
    "write_file",
    "write_jpeg",
    "write_png",
]


class ImageReadMode(Enum):
    """The channels that a picture is read in."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4
    RGBA = RGB_ALPHA


_PILLOW_MODES = {
    ImageReadMode.GRAY: "L",
    ImageReadMode.GRAY_ALPHA: "LA",
    ImageReadMode.RGB: "RGB",
    ImageReadMode.RGB_ALPHA: "RGBA",
}


def read_file(path: str | os.PathLike[str]) -> Tensor:
    """The bytes of a file."""
    return tinytensor.from_numpy(np.fromfile(path, np.uint8))


def write_file(filename: str | os.PathLike[str], data: Tensor) -> None:
    """Write a vector of bytes to a file."""
    if data.dtype != tinytensor.uint8 or data.dim() != 1:
        raise RuntimeError(
            f"write_file: expected a vector of uint8, got {data.dtype} of shape {tuple(data.shape)}"
        )
    data.contiguous().numpy().tofile(filename)


def _decoded(source: Any, mode: ImageReadMode | str, apply_exif_orientation: bool, *formats: str) -> Tensor:
    mode = ImageReadMode[mode.upper()] if isinstance(mode, str) else mode
    if isinstance(source, Tensor):
        if source.dtype != tinytensor.uint8 or source.dim() != 1 or source.numel() == 0:
            raise RuntimeError(
                f"decode_image: expected a non empty vector of uint8, got {source.dtype} of shape {tuple(source.shape)}"
            )
        source = io.BytesIO(source.cpu().contiguous().numpy().tobytes())
    with pillow().open(source, formats=formats or None) as image:
        if apply_exif_orientation:
            from PIL import ImageOps

            image = ImageOps.exif_transpose(image)
        if mode is not ImageReadMode.UNCHANGED:
            image = image.convert(_PILLOW_MODES[mode])
        elif image.mode in ("P", "1"):
            image = image.convert(
                "RGBA" if "transparency" in image.info else "RGB" if image.mode == "P" else "L"
            )
        return F.pil_to_tensor(image).contiguous()


def decode_image(
    input: Tensor | str,
    mode: ImageReadMode | str = ImageReadMode.UNCHANGED,
    apply_exif_orientation: bool = False,
) -> Tensor:
    """The picture [C, H, W] in the bytes of a file, or in a file."""
    return _decoded(input if isinstance(input, Tensor) else os.fspath(input), mode, apply_exif_orientation)


def decode_png(
    input: Tensor, mode: ImageReadMode | str = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False
) -> Tensor:
    """The picture [C, H, W] in the bytes of a PNG file."""
    return _decoded(input, mode, apply_exif_orientation, "PNG")


def decode_jpeg(
    input: Any,
    mode: ImageReadMode | str = ImageReadMode.UNCHANGED,
    device: Any = "cpu",
    apply_exif_orientation: bool = False,
) -> Any:
    """The picture [C, H, W] in the bytes of a JPEG file, or a list of them from a list."""
    if isinstance(input, list):
        return [decode_jpeg(part, mode, device, apply_exif_orientation) for part in input]
    return _decoded(input, mode, apply_exif_orientation, "JPEG").to(device)


def read_image(
    path: str | os.PathLike[str],
    mode: ImageReadMode | str = ImageReadMode.UNCHANGED,
    apply_exif_orientation: bool = False,
) -> Tensor:
    """The picture [C, H, W] in a file, of bytes."""
    return _decoded(os.fspath(path), mode, apply_exif_orientation)


def _encoded(input: Tensor, name: str, **options: Any) -> Tensor:
    if input.dtype != tinytensor.uint8 or input.dim() != 3 or input.size(0) not in (1, 3):
        raise RuntimeError(
            f"encode_{name}: expected a picture of uint8 [1 or 3, H, W], got {input.dtype} of shape {tuple(input.shape)}"
        )
    content = io.BytesIO()
    F.to_pil_image(input).save(content, format=name, **options)
    return tinytensor.from_numpy(np.frombuffer(content.getvalue(), np.uint8).copy())


def encode_png(input: Tensor, compression_level: int = 6) -> Tensor:
    """The bytes of a PNG file with the picture."""
    if not 0 <= compression_level <= 9:
        raise RuntimeError(f"encode_png: the compression level is from 0 to 9, got {compression_level}")
    return _encoded(input, "png", compress_level=compression_level)


def encode_jpeg(input: Any, quality: int = 75) -> Any:
    """The bytes of a JPEG file with the picture, or a list of them from a list."""
    if not 1 <= quality <= 100:
        raise ValueError("Image quality should be a positive number between 1 and 100")
    if isinstance(input, list):
        return [encode_jpeg(part, quality) for part in input]
    return _encoded(input, "jpeg", quality=quality)


def write_png(input: Tensor, filename: str | os.PathLike[str], compression_level: int = 6) -> None:
    """Write the picture to a PNG file."""
    write_file(filename, encode_png(input, compression_level))


def write_jpeg(input: Tensor, filename: str | os.PathLike[str], quality: int = 75) -> None:
    """Write the picture to a JPEG file."""
    write_file(filename, encode_jpeg(input, quality))
