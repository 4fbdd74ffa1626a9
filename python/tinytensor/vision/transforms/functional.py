"""What transforms do, as functions: on PIL images through Pillow, on tensors [..., C, H, W] through tensor ops."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

from tinytensor import Tensor

from . import _tensor, _tensor_geometry
from ._forms import (
    convert_image_dtype,
    erase,
    get_dimensions,
    get_image_num_channels,
    get_image_size,
    normalize,
    pil_for,
    pil_to_tensor,
    shapes_of,
    to_pil_image,
    to_tensor,
    values_of,
)
from ._geometry import (
    affine_matrix,
    central_part,
    pair,
    perspective_coefficients,
    resized_size,
    sides,
    slants,
)
from ._interpolation import InterpolationMode, mode_of

__all__ = [
    "InterpolationMode",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "adjust_hue",
    "adjust_saturation",
    "adjust_sharpness",
    "affine",
    "autocontrast",
    "center_crop",
    "convert_image_dtype",
    "crop",
    "elastic_transform",
    "equalize",
    "erase",
    "five_crop",
    "gaussian_blur",
    "get_dimensions",
    "get_image_num_channels",
    "get_image_size",
    "hflip",
    "invert",
    "normalize",
    "pad",
    "perspective",
    "pil_to_tensor",
    "posterize",
    "resize",
    "resized_crop",
    "rgb_to_grayscale",
    "rotate",
    "solarize",
    "ten_crop",
    "to_grayscale",
    "to_pil_image",
    "to_tensor",
    "vflip",
]


# ---------------------------------------------------------------- geometry


def resize(
    img: Any,
    size: Any,
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """The picture in another size; a single number is for the shorter side."""
    mode = mode_of(interpolation)
    if isinstance(size, int):
        size = [size]
    if size is None and max_size is None:
        raise ValueError("max_size must be an integer when size is None, but got None instead.")
    if size is not None and len(size) not in (1, 2):
        raise ValueError(
            f"Size must be an int or a 1 or 2 element tuple/list, not a {len(size)} element tuple/list"
        )
    if max_size is not None and size is not None and len(size) != 1:
        raise ValueError(
            "max_size should only be passed if size specifies the length of the smaller edge, i.e. size should be an "
            "int or a sequence of length 1"
        )
    _, height, width = get_dimensions(img)
    goal = resized_size(height, width, size, max_size)
    if goal == [height, width]:
        return img
    if antialias is False and not isinstance(img, Tensor):
        warnings.warn(
            "Anti-alias option is always applied for PIL Image input. Argument antialias is ignored.",
            stacklevel=2,
        )
    return shapes_of(img).resize(img, goal, mode, antialias)


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """The picture with a border: one width, (left and right, top and bottom), or (left, top, right, bottom)."""
    if fill is not None and not isinstance(fill, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    return shapes_of(img).pad(img, sides(padding), fill, padding_mode)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """A part of the picture, black where it reaches beyond."""
    return shapes_of(img).crop(img, top, left, height, width)


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle of the picture, black where it reaches beyond."""
    _, rows, columns = get_dimensions(img)
    return crop(img, *central_part(rows, columns, output_size))


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """A part of the picture in another size."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img: Any) -> Any:
    """The mirror image."""
    return shapes_of(img).hflip(img)


def vflip(img: Any) -> Any:
    """The picture upside down, mirrored."""
    return shapes_of(img).vflip(img)


def five_crop(img: Any, size: Any) -> tuple:
    """The corners (top left, top right, bottom left, bottom right) and the middle."""
    height, width = pair(size)
    _, rows, columns = get_dimensions(img)
    if width > columns or height > rows:
        raise ValueError(f"Requested crop size {(height, width)} is bigger than input size {(rows, columns)}")
    places = [(top, left) for top in (0, rows - height) for left in (0, columns - width)]
    corners = (crop(img, top, left, height, width) for top, left in places)
    return (*corners, center_crop(img, [height, width]))


def ten_crop(img: Any, size: Any, vertical_flip: bool = False) -> tuple:
    """five_crop of the picture and of its mirror image."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def _centered(img: Tensor, center: Any) -> list[float]:
    """A point counted from the middle of the picture."""
    if center is None:
        return [0.0, 0.0]
    return [at - 0.5 * size for at, size in zip(center, get_image_size(img))]


def _check_turn(angle: Any, center: Any) -> None:
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")


def rotate(
    img: Any,
    angle: float,
    interpolation: InterpolationMode = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Any = None,
    fill: Any = None,
) -> Any:
    """The picture turned counter-clockwise by an angle in degrees."""
    mode = mode_of(interpolation)
    _check_turn(angle, center)
    if not isinstance(img, Tensor):
        return pil_for(img).rotate(img, angle, mode, expand, center, fill)
    matrix = affine_matrix(_centered(img, center), -angle, [0.0, 0.0], 1.0, [0.0, 0.0])
    return _tensor_geometry.rotate(img, matrix, mode, expand, fill)


def affine(
    img: Any,
    angle: float,
    translate: Any,
    scale: float,
    shear: Any,
    interpolation: InterpolationMode = InterpolationMode.NEAREST,
    fill: Any = None,
    center: Any = None,
) -> Any:
    """The picture turned clockwise, scaled, sheared (angles in degrees) and moved (in pixels)."""
    mode = mode_of(interpolation)
    _check_turn(angle, center)
    if not isinstance(translate, (list, tuple)):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    shear = slants(shear)
    if isinstance(img, Tensor):
        middle = _centered(img, center)
    else:
        middle = [0.5 * size for size in get_image_size(img)] if center is None else center
    return shapes_of(img).affine(img, affine_matrix(middle, angle, translate, scale, shear), mode, fill)


def perspective(
    img: Any,
    startpoints: list[list[int]],
    endpoints: list[list[int]],
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    fill: Any = None,
) -> Any:
    """The picture seen so that four of its points are at four others."""
    mode = mode_of(interpolation)
    return shapes_of(img).perspective(img, perspective_coefficients(startpoints, endpoints), mode, fill)


def elastic_transform(
    img: Any,
    displacement: Tensor,
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    fill: Any = None,
) -> Any:
    """Every pixel from a place shifted by `displacement` [1, H, W, 2], in halves of the picture's size."""
    mode = mode_of(interpolation)
    if not isinstance(displacement, Tensor):
        raise TypeError("Argument displacement should be a Tensor")
    picture = img if isinstance(img, Tensor) else pil_to_tensor(img)
    expected = (1, *picture.shape[-2:], 2)
    if expected != tuple(displacement.shape):
        raise ValueError(
            f"Argument displacement shape should be {expected}, but given {tuple(displacement.shape)}"
        )
    result = _tensor_geometry.elastic_transform(picture, displacement, mode, fill)
    return result if isinstance(img, Tensor) else to_pil_image(result, img.mode)


# ---------------------------------------------------------------- colour


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """0 gives black, 1 the picture."""
    return values_of(img).adjust_brightness(img, brightness_factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """0 gives an even grey, 1 the picture."""
    return values_of(img).adjust_contrast(img, contrast_factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """0 gives a grey picture, 1 the picture."""
    return values_of(img).adjust_saturation(img, saturation_factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """The hue turned by a part of the circle, from -0.5 to 0.5."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    return values_of(img).adjust_hue(img, hue_factor)


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """gain * img ** gamma, of brightness from 0 to 1."""
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    return values_of(img).adjust_gamma(img, gamma, gain)


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """0 gives a smoothed picture, 1 the picture."""
    return values_of(img).adjust_sharpness(img, sharpness_factor)


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """The picture in grey, in one channel or in three."""
    return values_of(img).rgb_to_grayscale(img, num_output_channels)


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """A PIL image in grey, in one channel or in three."""
    if isinstance(img, Tensor):
        raise TypeError("Input should be PIL Image")
    return rgb_to_grayscale(img, num_output_channels)


def invert(img: Any) -> Any:
    """The negative."""
    return values_of(img).invert(img)


def posterize(img: Any, bits: int) -> Any:
    """Only the highest bits of every value."""
    if not 0 <= bits <= 8:
        raise ValueError(f"The number if bits should be between 0 and 8. Got {bits}")
    return values_of(img).posterize(img, bits)


def solarize(img: Any, threshold: float) -> Any:
    """The negative of all values from the threshold on."""
    return values_of(img).solarize(img, threshold)


def autocontrast(img: Any) -> Any:
    """Every channel stretched from black to full brightness."""
    return values_of(img).autocontrast(img)


def equalize(img: Any) -> Any:
    """Levels moved so that about equally many pixels have each."""
    return values_of(img).equalize(img)


def gaussian_blur(img: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """The picture smoothed by a bell curve of a size and width, or (across, down) of each."""
    if not isinstance(kernel_size, (int, list, tuple)):
        raise TypeError(f"kernel_size should be int or a sequence of integers. Got {type(kernel_size)}")
    sizes = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if len(sizes) != 2:
        raise ValueError(f"If kernel_size is a sequence its length should be 2. Got {len(sizes)}")
    if any(size % 2 == 0 or size < 0 for size in sizes):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {sizes}")
    if sigma is None:
        sigma = [size * 0.15 + 0.35 for size in sizes]
    if not isinstance(sigma, (int, float, list, tuple)):
        raise TypeError(f"sigma should be either float or sequence of floats. Got {type(sigma)}")
    widths = [float(sigma)] * 2 if isinstance(sigma, (int, float)) else list(sigma)
    widths = widths * 2 if len(widths) == 1 else widths
    if len(widths) != 2:
        raise ValueError(f"If sigma is a sequence, its length should be 2. Got {len(widths)}")
    if any(width <= 0.0 for width in widths):
        raise ValueError(f"sigma should have positive values. Got {widths}")
    if isinstance(img, Tensor):
        return _tensor.gaussian_blur(img, sizes, widths)
    pil_for(img)
    return to_pil_image(_tensor.gaussian_blur(pil_to_tensor(img), sizes, widths), mode=img.mode)
