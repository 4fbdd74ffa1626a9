"""The operations on PIL images, by Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from ._interpolation import OF_PILLOW, InterpolationMode


def get_dimensions(img: Image.Image) -> list[int]:
    return [len(img.getbands()), img.height, img.width]


def hflip(img: Image.Image) -> Image.Image:
    return img.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def vflip(img: Image.Image) -> Image.Image:
    return img.transpose(Image.Transpose.FLIP_TOP_BOTTOM)


def crop(img: Image.Image, top: int, left: int, height: int, width: int) -> Image.Image:
    return img.crop((left, top, left + width, top + height))


def resize(img: Image.Image, size: list[int], mode: InterpolationMode, antialias: Any) -> Image.Image:
    return img.resize((size[1], size[0]), OF_PILLOW[mode])


def _color(fill: Any, img: Image.Image) -> Any:
    """A fill value in the form that Pillow takes for the mode of the image."""
    channels = len(img.getbands())
    fill = 0 if fill is None else fill
    if isinstance(fill, (int, float)) and channels > 1:
        fill = (fill,) * channels
    number = (lambda value: value) if img.mode == "F" else int
    if not isinstance(fill, (list, tuple)):
        return number(fill)
    if len(fill) == 1:
        fill = list(fill) * channels
    if len(fill) != channels:
        raise ValueError(
            "The number of elements in 'fill' does not match the number of channels of the image "
            f"({len(fill)} != {channels})"
        )
    return tuple(number(value) for value in fill)


def pad(img: Image.Image, sides: list[int], fill: Any, padding_mode: str) -> Image.Image:
    """More pixels at the left, top, right and bottom."""
    palette = img.getpalette() if img.mode == "P" else None
    if padding_mode == "constant":
        result = ImageOps.expand(img, border=tuple(sides), fill=_color(fill, img))
    else:
        left, top, right, bottom = (-min(side, 0) for side in sides)
        if left or top or right or bottom:
            img = img.crop((left, top, img.width - right, img.height - bottom))
        left, top, right, bottom = (max(side, 0) for side in sides)
        array = np.asarray(img)
        widths = [(top, bottom), (left, right), (0, 0)][: array.ndim]
        result = Image.fromarray(np.pad(array, widths, padding_mode))
    if palette is not None:
        result.putpalette(palette)
    return result


def affine(img: Image.Image, matrix: list[float], mode: InterpolationMode, fill: Any) -> Image.Image:
    return img.transform(
        img.size, Image.Transform.AFFINE, matrix, OF_PILLOW[mode], fillcolor=_color(fill, img)
    )


def rotate(
    img: Image.Image, angle: float, mode: InterpolationMode, expand: bool, center: Any, fill: Any
) -> Image.Image:
    return img.rotate(angle, OF_PILLOW[mode], expand, center, fillcolor=_color(fill, img))


def perspective(
    img: Image.Image, coefficients: list[float], mode: InterpolationMode, fill: Any
) -> Image.Image:
    return img.transform(
        img.size, Image.Transform.PERSPECTIVE, coefficients, OF_PILLOW[mode], fillcolor=_color(fill, img)
    )


def adjust_brightness(img: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Brightness(img).enhance(factor)


def adjust_contrast(img: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Contrast(img).enhance(factor)


def adjust_saturation(img: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Color(img).enhance(factor)


def adjust_sharpness(img: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Sharpness(img).enhance(factor)


def adjust_hue(img: Image.Image, factor: float) -> Image.Image:
    """Turns the hue, which goes round in 256 steps."""
    if img.mode in ("L", "1", "I", "F"):
        return img
    hue, saturation, value = img.convert("HSV").split()
    turned = np.array(hue, np.uint8) + np.int32(factor * 255).astype(np.uint8)
    return Image.merge("HSV", (Image.fromarray(turned), saturation, value)).convert(img.mode)


def adjust_gamma(img: Image.Image, gamma: float, gain: float) -> Image.Image:
    levels = [int((256 - 1e-3) * gain * (level / 255.0) ** gamma) for level in range(256)]
    return img.convert("RGB").point(levels * 3).convert(img.mode)


def rgb_to_grayscale(img: Image.Image, num_output_channels: int) -> Image.Image:
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    grey = img.convert("L")
    return grey if num_output_channels == 1 else Image.merge("RGB", (grey, grey, grey))


def invert(img: Image.Image) -> Image.Image:
    return ImageOps.invert(img)


def posterize(img: Image.Image, bits: int) -> Image.Image:
    return ImageOps.posterize(img, bits)


def solarize(img: Image.Image, threshold: float) -> Image.Image:
    return ImageOps.solarize(img, threshold)


def autocontrast(img: Image.Image) -> Image.Image:
    return ImageOps.autocontrast(img)


def equalize(img: Image.Image) -> Image.Image:
    return ImageOps.equalize(img)


def sequence_modes(channels: int) -> Sequence[str]:
    """The modes that an array of bytes with so many channels may have, the usual one first."""
    return {1: ("L",), 2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}[channels]
