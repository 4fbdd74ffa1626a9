"""The operations on the values of pictures that are tensors [..., C, H, W]."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import Tensor
from tinytensor.nn import functional as nn

LARGEST = {
    tinytensor.uint8: 255,
    tinytensor.int8: 127,
    tinytensor.int16: 32767,
    tinytensor.int32: 2147483647,
    tinytensor.int64: 9223372036854775807,
}


def check_picture(img: Tensor, least: int = 2) -> None:
    if img.ndim < 2:
        raise TypeError("Tensor is not a torch image.")
    if img.ndim < least:
        raise TypeError(f"Input image tensor should have at least {least} dimensions, but found {img.ndim}")


def get_dimensions(img: Tensor) -> list[int]:
    check_picture(img)
    return [img.shape[-3] if img.ndim > 2 else 1, img.shape[-2], img.shape[-1]]


def _check_color(img: Tensor, least: int = 2) -> int:
    check_picture(img, least)
    channels = get_dimensions(img)[0]
    if channels not in (1, 3):
        raise TypeError(f"Input image tensor permitted channel values are [1, 3], but found {channels}")
    return channels


def _check_bytes(img: Tensor) -> None:
    if img.dtype != tinytensor.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")


def largest(dtype: Any) -> int:
    """The value of full brightness."""
    return LARGEST.get(dtype, 1)


def _working_type(img: Tensor) -> Any:
    return img.dtype if img.is_floating_point() else tinytensor.float32


def convert_image_dtype(image: Tensor, dtype: Any) -> Tensor:
    if image.dtype == dtype:
        return image
    full, goal = float(largest(image.dtype)), float(largest(dtype))
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        unsafe = {
            tinytensor.float32: (tinytensor.int32, tinytensor.int64),
            tinytensor.float64: (tinytensor.int64,),
        }
        if dtype in unsafe.get(image.dtype, ()):
            raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed safely.")
        return image.mul(goal + 1.0 - 1e-3).to(
            dtype
        )  # a little below the next number: equal parts for all levels
    if dtype.is_floating_point:
        return image.to(dtype) / full
    if full > goal:
        return tinytensor.div(image, int((full + 1) // (goal + 1)), rounding_mode="floor").to(dtype)
    return image.to(dtype) * int((goal + 1) // (full + 1))


def normalize(tensor: Tensor, mean: Any, std: Any, inplace: bool) -> Tensor:
    check_picture(tensor)
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.size()}"
        )
    mean, std = (tinytensor.as_tensor(part, dtype=tensor.dtype, device=tensor.device) for part in (mean, std))
    if (std == 0).any():
        raise ValueError(
            f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero."
        )
    mean, std = (part.view(-1, 1, 1) if part.ndim == 1 else part for part in (mean, std))
    found = tensor.sub_(mean) if inplace else tensor.sub(mean)
    if found.shape != tensor.shape:
        raise RuntimeError(
            f"normalize: {mean.numel()} means do not fit a tensor of shape {tuple(tensor.shape)}: {tuple(found.shape)}"
        )
    return found.div_(std)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool) -> Tensor:
    check_picture(img)
    img = img if inplace else img.clone()
    img[..., i : i + h, j : j + w] = v
    return img


# ---------------------------------------------------------------- colour


def _blend(img: Tensor, other: Tensor, ratio: float, name: str) -> Tensor:
    """ratio * img + (1 - ratio) * other; a ratio above 1 leads away from the other."""
    if ratio < 0:
        raise ValueError(f"{name} ({ratio}) is not non-negative.")
    ratio = float(ratio)
    return (ratio * img + (1.0 - ratio) * other).clamp(0, largest(img.dtype)).to(img.dtype)


def rgb_to_grayscale(img: Tensor, num_output_channels: int = 1) -> Tensor:
    channels = _check_color(img, 3)
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    if channels == 3:
        r, g, b = img.unbind(-3)
        grey = (0.2989 * r + 0.587 * g + 0.114 * b).to(img.dtype).unsqueeze(-3)
    else:
        grey = img.clone()
    return grey.expand(img.shape) if num_output_channels == 3 else grey


def adjust_brightness(img: Tensor, factor: float) -> Tensor:
    _check_color(img)
    return _blend(img, tinytensor.zeros_like(img), factor, "brightness_factor")


def adjust_contrast(img: Tensor, factor: float) -> Tensor:
    grey = rgb_to_grayscale(img) if _check_color(img) == 3 else img
    mean = grey.to(_working_type(img)).mean(dim=(-3, -2, -1), keepdim=True)
    return _blend(img, mean, factor, "contrast_factor")


def adjust_saturation(img: Tensor, factor: float) -> Tensor:
    if _check_color(img) == 1 and factor >= 0:
        return img
    return _blend(img, rgb_to_grayscale(img), factor, "saturation_factor")


def adjust_sharpness(img: Tensor, factor: float) -> Tensor:
    _check_color(img)
    if factor < 0:
        raise ValueError(f"sharpness_factor ({factor}) is not non-negative.")
    if img.size(-1) <= 2 or img.size(-2) <= 2:
        return img
    dtype = _working_type(img)
    weight = tinytensor.ones(3, 3, dtype=dtype, device=img.device)
    weight[1, 1] = 5.0
    weight = (weight / weight.sum()).expand(img.shape[-3], 1, 3, 3)
    inner, restore = as_batch(img, (dtype,))
    smooth = img.clone()  # the border stays as it is
    smooth[..., 1:-1, 1:-1] = restore(nn.conv2d(inner, weight, groups=inner.shape[-3]))
    return _blend(img, smooth, factor, "sharpness_factor")


def adjust_gamma(img: Tensor, gamma: float, gain: float) -> Tensor:
    _check_color(img)
    light = img if img.is_floating_point() else convert_image_dtype(img, tinytensor.float32)
    return convert_image_dtype((gain * light.pow(gamma)).clamp(0, 1), img.dtype)


def adjust_hue(img: Tensor, factor: float) -> Tensor:
    if _check_color(img) == 1:
        return img
    hue, saturation, value = _hsv_of(convert_image_dtype(img, tinytensor.float32))
    return convert_image_dtype(_rgb_of((hue + factor) % 1.0, saturation, value), img.dtype)


def _hsv_of(img: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue, saturation and value, from 0 to 1."""
    r, g, b = img.unbind(-3)
    high, low = img.amax(-3), img.amin(-3)
    grey = high == low
    one = tinytensor.ones_like(high)
    saturation = (high - low) / tinytensor.where(grey, one, high)
    span = tinytensor.where(grey, one, high - low)
    from_r, from_g, from_b = ((high - part) / span for part in (r, g, b))
    is_r, is_g = high == r, high == g
    hue = is_r * (from_b - from_g)
    hue = hue + (is_g & ~is_r) * (2.0 + from_r - from_b)
    hue = hue + (~is_g & ~is_r) * (4.0 + from_g - from_r)
    return tinytensor.fmod(hue / 6.0 + 1.0, 1.0), saturation, high


def _rgb_of(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    sector = tinytensor.floor(hue * 6.0)
    part = hue * 6.0 - sector
    p = (value * (1.0 - saturation)).clamp(0.0, 1.0)
    q = (value * (1.0 - saturation * part)).clamp(0.0, 1.0)
    t = (value * (1.0 - saturation * (1.0 - part))).clamp(0.0, 1.0)
    choice = (sector.to(tinytensor.int64) % 6).unsqueeze(-3)
    orders = ((value, q, p, p, t, value), (t, value, value, q, p, p), (p, p, t, value, value, q))
    return tinytensor.cat([tinytensor.stack(order, -3).gather(-3, choice) for order in orders], -3)


def invert(img: Tensor) -> Tensor:
    _check_color(img, 3)
    return largest(img.dtype) - img


def posterize(img: Tensor, bits: int) -> Tensor:
    check_picture(img, 3)
    _check_bytes(img)
    _check_color(img)
    return img & (256 - 2 ** (8 - bits))


def solarize(img: Tensor, threshold: float) -> Tensor:
    _check_color(img, 3)
    if threshold > largest(img.dtype):
        raise TypeError("Threshold should be less than bound of img.")
    return tinytensor.where(img >= threshold, invert(img), img)


def autocontrast(img: Tensor) -> Tensor:
    _check_color(img, 3)
    bound, dtype = largest(img.dtype), _working_type(img)
    low = img.amin(dim=(-2, -1), keepdim=True).to(dtype)
    high = img.amax(dim=(-2, -1), keepdim=True).to(dtype)
    scale = bound / (high - low)
    stretched = tinytensor.isfinite(scale)  # a plane of one level stays as it is
    low = tinytensor.where(stretched, low, tinytensor.zeros_like(low))
    scale = tinytensor.where(stretched, scale, tinytensor.ones_like(scale))
    return ((img - low) * scale).clamp(0, bound).to(img.dtype)


def equalize(img: Tensor) -> Tensor:
    check_picture(img)
    if not 3 <= img.ndim <= 4:
        raise TypeError(f"Input image tensor should have 3 or 4 dimensions, but found {img.ndim}")
    _check_bytes(img)
    _check_color(img)
    planes = img.reshape(-1, *img.shape[-2:])
    return tinytensor.stack([_equalized(plane) for plane in planes]).view(img.shape) if len(planes) else img


def _equalized(plane: Tensor) -> Tensor:
    """Levels moved so that about equally many pixels have each."""
    counts = tinytensor.bincount(plane.reshape(-1), minlength=256)
    used = counts[counts != 0]
    step = int(used[:-1].sum()) // 255
    if step == 0:
        return plane
    levels = tinytensor.div(tinytensor.cumsum(counts, 0) + step // 2, step, rounding_mode="floor").clamp(
        0, 255
    )
    levels = tinytensor.cat([levels.new_zeros(1), levels[:-1]])
    return levels[plane.to(tinytensor.int64)].to(tinytensor.uint8)


# ---------------------------------------------------------------- forms


def as_batch(img: Tensor, dtypes: tuple) -> tuple[Tensor, Any]:
    """The picture as a batch of one of these types, and what turns such a batch into the form of the picture."""
    given, leading = img.dtype, img.shape[:-3]
    batch = img if img.ndim == 4 else img.unsqueeze(0) if img.ndim < 4 else img.flatten(0, -4)
    batch = batch if given in dtypes else batch.to(dtypes[0])

    def restore(result: Tensor) -> Tensor:
        if img.ndim != 4:
            result = result.squeeze(0) if img.ndim < 4 else result.unflatten(0, leading)
        if result.dtype == given:
            return result
        return (result if given.is_floating_point else result.round()).to(given)

    return batch, restore


def gaussian_blur(img: Tensor, kernel_size: list[int], sigma: list[float]) -> Tensor:
    check_picture(img)
    dtype = _working_type(img)
    across, down = (_bell(size, width, dtype, img.device) for size, width in zip(kernel_size, sigma))
    weight = (down[:, None] @ across[None, :]).expand(img.shape[-3], 1, len(down), len(across))
    batch, restore = as_batch(img, (dtype,))
    beside, above = kernel_size[0] // 2, kernel_size[1] // 2
    batch = nn.pad(batch, [beside, beside, above, above], mode="reflect")
    return restore(nn.conv2d(batch, weight, groups=batch.shape[-3]))


def _bell(size: int, sigma: float, dtype: Any, device: Any) -> Tensor:
    half = (size - 1) * 0.5
    places = tinytensor.linspace(-half, half, size, dtype=dtype, device=device)
    density = tinytensor.exp(-0.5 * (places / sigma).pow(2))
    return density / density.sum()
