"""Pictures for people: grids of them, files, and boxes and masks drawn into them."""

from __future__ import annotations

import math
import warnings
from typing import Any

import tinytensor
from tinytensor import Tensor

from .datasets._picture import pillow
from .transforms import functional as F

__all__ = ["draw_bounding_boxes", "draw_segmentation_masks", "make_grid", "save_image"]


def _as_batch(tensor: Any) -> Tensor:
    """[N, C, H, W] from a picture, a batch or a list of pictures; grey ones in three channels."""
    if isinstance(tensor, list):
        for part in tensor:
            if not isinstance(part, Tensor):
                raise TypeError(f"tensor or list of tensors expected, got a list containing {type(part)}")
        tensor = tinytensor.stack(tensor)
    if not isinstance(tensor, Tensor):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    while 2 <= tensor.dim() < 4:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() != 4:
        raise ValueError(f"make_grid: pictures have 2 to 4 dimensions, got shape {tuple(tensor.shape)}")
    return tensor.repeat(1, 3, 1, 1) if tensor.size(1) == 1 else tensor


def _stretched(pictures: Tensor, value_range: tuple[float, float] | None) -> Tensor:
    """With values from 0 to 1."""
    low, high = value_range if value_range is not None else (pictures.min().item(), pictures.max().item())
    return pictures.clamp(low, high).sub(low).div(max(high - low, 1e-5))


@tinytensor.no_grad()
def make_grid(
    tensor: Tensor | list[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """One picture [C, H, W] of many, `nrow` beside each other, with gaps of `padding` pixels."""
    pictures = _as_batch(tensor)
    if normalize:
        if value_range is not None and not isinstance(value_range, tuple):
            raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
        if scale_each:
            pictures = tinytensor.stack([_stretched(picture, value_range) for picture in pictures])
        else:
            pictures = _stretched(pictures, value_range)
    count, channels, height, width = pictures.shape
    if count == 1:
        return pictures.squeeze(0)
    columns = min(nrow, count)
    rows = math.ceil(count / columns)
    height, width = height + padding, width + padding
    grid = pictures.new_full((channels, height * rows + padding, width * columns + padding), pad_value)
    for number, picture in enumerate(pictures):
        top, left = number // columns * height + padding, number % columns * width + padding
        grid[:, top : top + height - padding, left : left + width - padding] = picture
    return grid


@tinytensor.no_grad()
def save_image(tensor: Tensor | list[Tensor], fp: Any, format: str | None = None, **kwargs: Any) -> None:
    """Write a picture with values from 0 to 1, or a grid of them (`kwargs` are make_grid's), to a file."""
    grid = make_grid(tensor, **kwargs)
    pixels = grid.mul(255).add(0.5).clamp(0, 255).permute(1, 2, 0).to("cpu", tinytensor.uint8)
    pillow().fromarray(pixels.contiguous().numpy()).save(fp, format=format)


# ---------------------------------------------------------------- drawing


def _check_drawn(image: Any) -> None:
    if not isinstance(image, Tensor):
        raise TypeError(f"Tensor expected, got {type(image)}")
    if not (image.dtype == tinytensor.uint8 or image.is_floating_point()):
        raise ValueError(f"The image dtype must be uint8 or float, got {image.dtype}")
    if image.dim() != 3:
        raise ValueError("Pass individual images, not batches")


def _colors(colors: Any, count: int) -> list[tuple]:
    """A colour from 0 to 255 for each of so many things."""
    if colors is None:
        return [tuple(i * step % 255 for step in (2**25 - 1, 2**15 - 1, 2**21 - 1)) for i in range(count)]
    if isinstance(colors, list):
        if len(colors) < count:
            raise ValueError(
                f"Number of colors must be equal or larger than the number of objects, but got {len(colors)} < {count}."
            )
    elif not isinstance(colors, (tuple, str)):
        raise ValueError(f"colors must be a tuple or a string, or a list thereof, but got {colors}.")
    elif isinstance(colors, tuple) and len(colors) != 3:
        raise ValueError(f"If passed as tuple, colors should be an RGB triplet, but got {colors}.")
    else:
        colors = [colors] * count
    pillow()
    from PIL import ImageColor

    return [ImageColor.getrgb(color) if isinstance(color, str) else color for color in colors]


@tinytensor.no_grad()
def draw_bounding_boxes(
    image: Tensor,
    boxes: Tensor,
    labels: list[str] | None = None,
    colors: Any = None,
    fill: bool | None = False,
    width: int = 1,
    font: str | None = None,
    font_size: int | None = None,
    label_colors: Any = None,
    label_background_colors: Any = None,
    fill_labels: bool = False,
) -> Tensor:
    """The picture [C, H, W] in colour, with boxes (x1, y1, x2, y2) [N, 4] and their labels drawn into it."""
    _check_drawn(image)
    if image.size(0) not in (1, 3):
        raise ValueError("Only grayscale and RGB images are supported")
    if boxes.dim() != 2 or boxes.size(1) != 4:
        raise ValueError(f"draw_bounding_boxes: boxes must have the shape [N, 4], got {tuple(boxes.shape)}")
    if (boxes[:, 0] > boxes[:, 2]).any() or (boxes[:, 1] > boxes[:, 3]).any():
        raise ValueError(
            "Boxes need to be in (xmin, ymin, xmax, ymax) format. Use torchvision.ops.box_convert to convert them"
        )
    count = boxes.size(0)
    if count == 0:
        warnings.warn("boxes doesn't contain any box. No box was drawn", stacklevel=2)
        return image
    if labels is not None and len(labels) != count:
        raise ValueError(
            f"Number of boxes ({count}) and labels ({len(labels)}) mismatch. Please specify labels for each box."
        )
    outlines = _colors(colors, count)
    inks = _colors(label_colors or "black", count) if label_colors or fill_labels else outlines
    grounds = _colors(label_background_colors, count) if fill_labels and label_background_colors else outlines
    canvas = _canvas(image)
    pen = _Pen(canvas, width, bool(fill), font, font_size)
    for number, box in enumerate(boxes.to(tinytensor.int64).tolist()):
        pen.box(box, outlines[number])
        if labels is not None and labels[number] is not None:
            pen.label(box, labels[number], inks[number], grounds[number] if fill_labels else None)
    return F.convert_image_dtype(F.pil_to_tensor(canvas), image.dtype)


def _canvas(image: Tensor) -> Any:
    image = image.repeat(3, 1, 1) if image.size(0) == 1 else image
    return F.to_pil_image(F.convert_image_dtype(image, tinytensor.uint8))


class _Pen:
    """Draws boxes and what they are called."""

    def __init__(self, canvas: Any, width: int, fill: bool, font: str | None, font_size: int | None) -> None:
        from PIL import ImageDraw, ImageFont

        self.draw = ImageDraw.Draw(canvas, "RGBA") if fill else ImageDraw.Draw(canvas)
        self.width, self.fill = width, fill
        if font is None and font_size is not None:
            warnings.warn("Argument 'font_size' will be ignored since 'font' is not set.", stacklevel=4)
        self.font = (
            ImageFont.load_default() if font is None else ImageFont.truetype(font=font, size=font_size or 10)
        )

    def box(self, box: list[int], color: tuple) -> None:
        inside = (*color, 100) if self.fill else None
        self.draw.rectangle(box, width=self.width, outline=color, fill=inside)

    def label(self, box: list[int], text: str, ink: tuple, ground: tuple | None) -> None:
        place = (box[0] + self.width + 1, box[1] + self.width + 1)
        if ground is not None:
            left, top, right, bottom = self.draw.textbbox(place, text, font=self.font)
            self.draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=ground)
        self.draw.text(place, text, fill=ink, font=self.font)


@tinytensor.no_grad()
def draw_segmentation_masks(image: Tensor, masks: Tensor, alpha: float = 0.8, colors: Any = None) -> Tensor:
    """The picture [3, H, W] with boolean masks [N, H, W] in colour; black where they overlap. An alpha of 1 hides it."""
    _check_drawn(image)
    if image.size(0) != 3:
        raise ValueError("Pass an RGB image. Other Image formats are not supported")
    masks = masks[None] if masks.ndim == 2 else masks
    if masks.ndim != 3:
        raise ValueError("masks must be of shape (H, W) or (batch_size, H, W)")
    if masks.dtype != tinytensor.bool:
        raise ValueError(f"The masks must be of dtype bool. Got {masks.dtype}")
    if masks.shape[-2:] != image.shape[-2:]:
        raise ValueError("The image and the masks must have the same height and width")
    if len(masks) == 0:
        warnings.warn("masks doesn't contain any mask. No mask was drawn", stacklevel=2)
        return image
    bright = 255 if image.is_floating_point() else 1
    drawn = image.detach().clone()
    for mask, color in zip(masks, _colors(colors, len(masks))):
        drawn[:, mask] = tinytensor.tensor([part / bright for part in color], device=image.device).to(
            image.dtype
        )[:, None]
    drawn[:, masks.sum(0) > 1] = 0
    return (image * (1 - alpha) + drawn * alpha).to(image.dtype)
