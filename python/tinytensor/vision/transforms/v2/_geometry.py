"""Transforms that move what is in the pictures of a sample, and its masks, boxes and points with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tinytensor
from tinytensor.vision.ops.boxes import box_iou
from tinytensor.vision.tv_tensors import BoundingBoxes, Image, Mask, wrap

from .. import basic, geometry
from .._forms import is_pil_image
from .._geometry import sides
from .._interpolation import InterpolationMode, mode_of
from .._transform import check_sequence, integer, size_pair
from . import functional as F
from ._query import get_bounding_boxes, has_all, has_any, query_size
from ._transform import ByChance, Sometimes, Transform

# ---------------------------------------------------------------- flips and turns


class RandomHorizontalFlip(ByChance):
    """The mirror image with probability p."""

    _functional = F.horizontal_flip


class RandomVerticalFlip(ByChance):
    """The picture upside down, mirrored, with probability p."""

    _functional = F.vertical_flip


class RandomRotation(Transform, geometry.RandomRotation):
    """The picture turned by a random angle."""

    _functional = F.rotate

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"angle": self.get_params(self.degrees)}


class RandomAffine(Transform, geometry.RandomAffine):
    """The picture turned, moved, scaled and sheared at random."""

    _functional = F.affine

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        height, width = query_size(flat_inputs)
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, [width, height])
        return dict(zip(("angle", "translate", "scale", "shear"), drawn))


class RandomPerspective(Sometimes, geometry.RandomPerspective):
    """The picture seen from aside, with probability p: its corners move in by at most a part of half the size."""

    _functional = F.perspective

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        height, width = query_size(flat_inputs)
        return dict(zip(("startpoints", "endpoints"), self.get_params(width, height, self.distortion_scale)))


class ElasticTransform(Transform, geometry.ElasticTransform):
    """Every pixel from a random place nearby: alpha tells how far, sigma how smoothly that changes."""

    _functional = F.elastic

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"displacement": self.get_params(self.alpha, self.sigma, list(query_size(flat_inputs)))}


# ---------------------------------------------------------------- parts


class CenterCrop(Transform, basic.CenterCrop):
    """The middle of the picture, black where it reaches beyond."""

    _functional = F.center_crop

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"output_size": self.size}


class _Crops(Transform):
    def check_inputs(self, flat_inputs: list[Any]) -> None:
        if has_any(flat_inputs, BoundingBoxes, Mask):
            raise TypeError(f"BoundingBoxes'es and Mask's are not supported by {type(self).__name__}()")


class FiveCrop(_Crops, basic.FiveCrop):
    """The four corners and the middle, as a tuple."""

    _functional = F.five_crop


class TenCrop(_Crops, basic.TenCrop):
    """The four corners and the middle of the picture and of its mirror image, as a tuple."""

    _functional = F.ten_crop


class RandomCrop(Transform, geometry.RandomCrop):
    """A part of the picture, padded first if that is asked for, from a random place."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        height, width = self.size
        left, top, right, bottom = sides(self.padding or 0)
        rows, columns = query_size(flat_inputs)
        if self.pad_if_needed:
            below, beside = max(height - rows - top - bottom, 0), max(width - columns - left - right, 0)
            left, top, right, bottom = left + beside, top + below, right + beside, bottom + below
        rows, columns = rows + top + bottom, columns + left + right
        if rows < height or columns < width:
            raise ValueError(
                f"Required crop size {(height, width)} is larger than {'padded ' if self.padding is not None else ''}"
                f"input image size {(rows, columns)}."
            )
        place = {
            "top": _place(rows, height),
            "left": _place(columns, width),
            "height": height,
            "width": width,
        }
        return {"border": [left, top, right, bottom], "place": place}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if any(params["border"]):
            inpt = self._call_kernel(F.pad, inpt, params["border"], self._fill_for(inpt), self.padding_mode)
        return self._call_kernel(F.crop, inpt, **params["place"])


def _place(whole: int, part: int) -> int:
    return int(tinytensor.randint(0, whole - part + 1, ())) if whole > part else 0


class RandomResizedCrop(Transform, geometry.RandomResizedCrop):
    """A part of the picture with a random place, area and ratio of sides, resized."""

    _functional = F.resized_crop

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        place = geometry.region(*query_size(flat_inputs), self.scale, self.ratio)
        return dict(zip(("top", "left", "height", "width"), place))


class RandomIoUCrop(Transform):
    """A part of the picture that overlaps with a box as much as one of `sampler_options` asks for (arXiv 1512.02325).

    Boxes whose middle is not in it become empty; SanitizeBoundingBoxes removes them.
    """

    def __init__(
        self,
        min_scale: float = 0.3,
        max_scale: float = 1.0,
        min_aspect_ratio: float = 0.5,
        max_aspect_ratio: float = 2.0,
        sampler_options: list[float] | None = None,
        trials: int = 40,
    ) -> None:
        super().__init__()
        self.min_scale, self.max_scale = min_scale, max_scale
        self.min_aspect_ratio, self.max_aspect_ratio = min_aspect_ratio, max_aspect_ratio
        self.options = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0] if sampler_options is None else sampler_options
        self.trials = trials

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        picture = has_any(flat_inputs, is_pil_image, Image, F.is_pure_tensor)
        if not (has_all(flat_inputs, BoundingBoxes) and picture):
            raise TypeError(
                f"{type(self).__name__}() requires input sample to contain tensor or PIL images and bounding boxes."
            )

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        boxes = get_bounding_boxes(flat_inputs)
        corners = F.convert_bounding_box_format(boxes.as_subclass(tinytensor.Tensor), boxes.format, "XYXY")
        while True:
            least = self.options[integer(0, len(self.options))]
            if least >= 1.0:
                return {}
            for _ in range(self.trials):
                part = self._part(*query_size(flat_inputs))
                kept = None if part is None else _kept(corners, part, least)
                if part is not None and kept is not None:
                    return {**part, "kept": kept}

    def _part(self, rows: int, columns: int) -> dict[str, int] | None:
        width, height = self._lengths(columns, rows, self.min_scale, self.max_scale - self.min_scale)
        if not height or not self.min_aspect_ratio <= width / height <= self.max_aspect_ratio:
            return None
        left, top = self._lengths(columns - width, rows - height, 0.0, 1.0)
        return {"top": top, "left": left, "height": height, "width": width} if width else None

    @staticmethod
    def _lengths(across: int, down: int, least: float, more: float) -> list[int]:
        parts = least + more * tinytensor.rand(2)
        return [int(length * part) for length, part in zip((across, down), parts)]

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if not params:
            return inpt
        place = {name: value for name, value in params.items() if name != "kept"}
        output = self._call_kernel(F.crop, inpt, **place)
        if not isinstance(output, BoundingBoxes):
            return output
        return wrap(output * params["kept"][:, None], like=output)


def _kept(corners: Any, part: dict[str, int], least: float) -> Any:
    """Which boxes have their middle in the part; None where that has too little to do with them."""
    left, top = part["left"], part["top"]
    right, bottom = left + part["width"], top + part["height"]
    x, y = (0.5 * (corners[..., i] + corners[..., i + 2]) for i in (0, 1))
    kept = (left < x) & (x < right) & (top < y) & (y < bottom)
    if not kept.any():
        return None
    whole = tinytensor.tensor([[left, top, right, bottom]], dtype=corners.dtype, device=corners.device)
    return kept if box_iou(corners[kept], whole).max() >= least else None


# ---------------------------------------------------------------- borders


class Pad(Transform, basic.Pad):
    """The picture with a border: one width, (left and right, top and bottom), or (left, top, right, bottom)."""

    _functional = F.pad
    _fills = (*basic.Pad._fills, dict, type(None))


class RandomZoomOut(Sometimes):
    """The picture somewhere in a larger one with probability p; `side_range` tells how many times larger."""

    def __init__(self, fill: Any = 0, side_range: Sequence[float] = (1.0, 4.0), p: float = 0.5) -> None:
        super().__init__()
        self.p, self.fill = p, self._checked_fill(fill)
        check_sequence(side_range, "side_range", 2)
        if side_range[0] < 1.0 or side_range[0] > side_range[1]:
            raise ValueError(f"Invalid side range provided {side_range}.")
        self.side_range = side_range

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        low, high = self.side_range
        times = low + tinytensor.rand(1) * (high - low)
        rows, columns = query_size(flat_inputs)
        down, across = int(rows * times) - rows, int(columns * times) - columns
        place = tinytensor.rand(2)
        left, top = int(across * place[0]), int(down * place[1])
        return {"padding": [left, top, across - left, down - top]}

    _functional = F.pad


# ---------------------------------------------------------------- sizes


class Resize(Transform):
    """The picture in another size; a single number is for the shorter side, `max_size` alone for the longer one."""

    _functional = F.resize

    def __init__(
        self,
        size: Any,
        interpolation: Any = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        if size is None and not isinstance(max_size, int):
            raise ValueError(f"max_size must be an integer when size is None, but got {max_size} instead.")
        several = isinstance(size, Sequence) and len(size) in (1, 2)
        if size is not None and not isinstance(size, int) and not several:
            raise ValueError(
                f"size can be an integer, a sequence of one or two integers, or None, but got {size} instead."
            )
        self.size = [size] if isinstance(size, int) else size if size is None else list(size)
        self.interpolation, self.max_size, self.antialias = mode_of(interpolation), max_size, antialias


class _RandomSize(Transform):
    """A size that is drawn by make_params."""

    def __init__(self, interpolation: Any, antialias: bool | None) -> None:
        super().__init__()
        self.interpolation, self.antialias = mode_of(interpolation), antialias

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(
            F.resize, inpt, params["size"], interpolation=self.interpolation, antialias=self.antialias
        )


class RandomResize(_RandomSize):
    """The shorter side of a random length from min_size to max_size - 1."""

    def __init__(
        self,
        min_size: int,
        max_size: int,
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__(interpolation, antialias)
        self.min_size, self.max_size = min_size, max_size

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"size": [int(tinytensor.randint(self.min_size, self.max_size, ()))]}


class RandomShortestSize(_RandomSize):
    """The shorter side of one of some lengths, the longer one at most max_size."""

    def __init__(
        self,
        min_size: Any,
        max_size: int | None = None,
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__(interpolation, antialias)
        self.min_size = [min_size] if isinstance(min_size, int) else list(min_size)
        self.max_size = max_size

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        height, width = query_size(flat_inputs)
        ratio = self.min_size[int(tinytensor.randint(len(self.min_size), ()))] / min(height, width)
        if self.max_size is not None:
            ratio = min(ratio, self.max_size / max(height, width))
        return {"size": (int(height * ratio), int(width * ratio))}


class ScaleJitter(_RandomSize):
    """The size that fits target_size, times a random factor."""

    def __init__(
        self,
        target_size: tuple[int, int],
        scale_range: tuple[float, float] = (0.1, 2.0),
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__(interpolation, antialias)
        self.target_size, self.scale_range = size_pair(target_size), scale_range

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        height, width = query_size(flat_inputs)
        low, high = self.scale_range
        factor = low + tinytensor.rand(1) * (high - low)
        ratio = min(self.target_size[1] / height, self.target_size[0] / width) * factor
        return {"size": (int(height * ratio), int(width * ratio))}
