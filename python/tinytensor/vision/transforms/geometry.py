"""Transforms that move what is in a picture, at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tinytensor
from tinytensor import Tensor

from . import functional as F
from ._interpolation import InterpolationMode, mode_of
from ._transform import (
    RegionDraw,
    Transform,
    angle_range,
    check_region,
    check_sequence,
    fill_for,
    integer,
    size_pair,
    uniform,
)


class RandomCrop(Transform):
    """A part of the picture, padded first if that is asked for, from a random place."""

    _shown = ("size", "padding")

    def __init__(
        self,
        size: Any,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = tuple(size_pair(size))
        self.padding, self.pad_if_needed = padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Top, left, height and width."""
        _, rows, columns = F.get_dimensions(img)
        height, width = output_size
        if rows < height or columns < width:
            raise ValueError(
                f"Required crop size {(height, width)} is larger than input image size {(rows, columns)}"
            )
        if (rows, columns) == (height, width):
            return 0, 0, rows, columns
        return integer(0, rows - height + 1), integer(0, columns - width + 1), height, width

    def forward(self, img: Any) -> Any:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, rows, columns = F.get_dimensions(img)
        height, width = self.size
        if self.pad_if_needed and columns < width:
            img = F.pad(img, [width - columns, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and rows < height:
            img = F.pad(img, [0, height - rows], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))


class RandomHorizontalFlip(Transform):
    """The mirror image with probability p."""

    _shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        return F.hflip(img) if tinytensor.rand(1) < self.p else img


class RandomVerticalFlip(Transform):
    """The picture upside down, mirrored, with probability p."""

    _shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        return F.vflip(img) if tinytensor.rand(1) < self.p else img


def region(
    rows: int, columns: int, scale: Sequence[float], ratio: Sequence[float]
) -> tuple[int, int, int, int]:
    """Top, left, height and width of a part of random area and ratio of sides; after ten misfits, of the middle."""
    draw = RegionDraw(rows * columns, scale, ratio)
    for _ in range(10):
        width, height = draw()
        if 0 < width <= columns and 0 < height <= rows:
            return integer(0, rows - height + 1), integer(0, columns - width + 1), height, width
    height, width = rows, columns  # the largest part whose sides have a ratio that is allowed
    if columns / rows < min(ratio):
        height = int(round(width / min(ratio)))
    elif columns / rows > max(ratio):
        width = int(round(height * max(ratio)))
    return (rows - height) // 2, (columns - width) // 2, height, width


class RandomResizedCrop(Transform):
    """A part of the picture with a random place, area and ratio of sides, resized."""

    def __init__(
        self,
        size: Any,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = size_pair(size)
        check_region(scale, ratio)
        self.interpolation, self.antialias = mode_of(interpolation), antialias
        self.scale, self.ratio = scale, ratio

    @staticmethod
    def get_params(img: Any, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """Top, left, height and width."""
        _, rows, columns = F.get_dimensions(img)
        return region(rows, columns, scale, ratio)

    def forward(self, img: Any) -> Any:
        place = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *place, self.size, self.interpolation, antialias=self.antialias)

    def __repr__(self) -> str:
        scale, ratio = (tuple(round(value, 4) for value in pair) for pair in (self.scale, self.ratio))
        return (
            f"{type(self).__name__}(size={self.size}, scale={scale}, ratio={ratio}, "
            f"interpolation={self.interpolation.value}, antialias={self.antialias})"
        )


class RandomRotation(Transform):
    """The picture turned by a random angle."""

    def __init__(
        self,
        degrees: Any,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Any = None,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.degrees = angle_range(degrees, "degrees", 2)
        if center is not None:
            check_sequence(center, "center", 2)
        self.center, self.interpolation = center, mode_of(interpolation)
        self.expand, self.fill = expand, self._checked_fill(fill)

    @staticmethod
    def get_params(degrees: list[float]) -> float:
        return uniform(float(degrees[0]), float(degrees[1]))

    def forward(self, img: Any) -> Any:
        angle = self.get_params(self.degrees)
        return F.rotate(img, angle, self.interpolation, self.expand, self.center, fill_for(self.fill, img))

    def __repr__(self) -> str:
        center = "" if self.center is None else f", center={self.center}"
        return (
            f"{type(self).__name__}(degrees={self.degrees}, interpolation={self.interpolation.value}, "
            f"expand={self.expand}{center}, fill={self.fill})"
        )


class RandomAffine(Transform):
    """The picture turned, moved, scaled and sheared at random."""

    def __init__(
        self,
        degrees: Any,
        translate: Any = None,
        scale: Any = None,
        shear: Any = None,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = 0,
        center: Any = None,
    ) -> None:
        super().__init__()
        self.degrees = angle_range(degrees, "degrees", 2)
        if translate is not None:
            check_sequence(translate, "translate", 2)
            if not all(0.0 <= part <= 1.0 for part in translate):
                raise ValueError("translation values should be between 0 and 1")
        if scale is not None:
            check_sequence(scale, "scale", 2)
            if any(factor <= 0 for factor in scale):
                raise ValueError("scale values should be positive")
        if center is not None:
            check_sequence(center, "center", 2)
        self.translate, self.scale, self.center = translate, scale, center
        self.shear = None if shear is None else angle_range(shear, "shear", 2, 4)
        self.interpolation, self.fill = mode_of(interpolation), self._checked_fill(fill)

    @staticmethod
    def get_params(
        degrees: list[float], translate: Any, scale_ranges: Any, shears: Any, img_size: list[int]
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """Angle, shift (of a picture of this width and height), scale and shear."""
        angle = uniform(float(degrees[0]), float(degrees[1]))
        shift = (0, 0)
        if translate is not None:
            most = [float(part * size) for part, size in zip(translate, img_size)]
            shift = (int(round(uniform(-most[0], most[0]))), int(round(uniform(-most[1], most[1]))))
        scale = 1.0 if scale_ranges is None else uniform(scale_ranges[0], scale_ranges[1])
        across = 0.0 if shears is None else uniform(shears[0], shears[1])
        down = uniform(shears[2], shears[3]) if shears is not None and len(shears) == 4 else 0.0
        return angle, shift, scale, (across, down)

    def forward(self, img: Any) -> Any:
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, F.get_image_size(img))
        fill = fill_for(self.fill, img)
        return F.affine(img, *drawn, interpolation=self.interpolation, fill=fill, center=self.center)

    def __repr__(self) -> str:
        shown = [f"degrees={self.degrees}"]
        for name in ("translate", "scale", "shear"):
            if getattr(self, name) is not None:
                shown.append(f"{name}={getattr(self, name)}")
        if self.interpolation is not InterpolationMode.NEAREST:
            shown.append(f"interpolation={self.interpolation.value}")
        if self.fill != 0:
            shown.append(f"fill={self.fill}")
        if self.center is not None:
            shown.append(f"center={self.center}")
        return f"{type(self).__name__}({', '.join(shown)})"


class RandomPerspective(Transform):
    """The picture seen from aside, with probability p: its corners move in by at most a part of half the size."""

    _shown = ("p",)

    def __init__(
        self,
        distortion_scale: float = 0.5,
        p: float = 0.5,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.distortion_scale, self.p = distortion_scale, p
        self.interpolation, self.fill = mode_of(interpolation), self._checked_fill(fill)

    @staticmethod
    def get_params(
        width: int, height: int, distortion_scale: float
    ) -> tuple[list[list[int]], list[list[int]]]:
        """The corners, clockwise from the top left, and where they go."""
        across, down = int(distortion_scale * (width // 2)), int(distortion_scale * (height // 2))
        left, right = (0, across + 1), (width - across - 1, width)
        top, bottom = (0, down + 1), (height - down - 1, height)
        corners = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
        ranges = ((left, top), (right, top), (right, bottom), (left, bottom))
        return corners, [[integer(*x), integer(*y)] for x, y in ranges]

    def forward(self, img: Any) -> Any:
        _, height, width = F.get_dimensions(img)
        if not tinytensor.rand(1) < self.p:
            return img
        points = self.get_params(width, height, self.distortion_scale)
        return F.perspective(img, *points, self.interpolation, fill_for(self.fill, img))


class ElasticTransform(Transform):
    """Every pixel from a random place nearby: alpha tells how far, sigma how smoothly that changes."""

    _shown = ("alpha", "sigma", "interpolation", "fill")

    def __init__(
        self,
        alpha: Any = 50.0,
        sigma: Any = 5.0,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.alpha, self.sigma = self._pair(alpha, "alpha"), self._pair(sigma, "sigma")
        self.interpolation = mode_of(interpolation)
        self.fill = self._checked_fill(fill)

    def _checked_fill(self, fill: Any) -> Any:
        if not isinstance(fill, (int, float, list, tuple)):
            raise TypeError(f"fill should be int or float or a list or tuple of them. Got {type(fill)}")
        return [float(value) for value in (fill if isinstance(fill, (list, tuple)) else [fill])]

    @staticmethod
    def _pair(value: Any, name: str) -> Any:
        if not isinstance(value, (float, Sequence)):
            raise TypeError(f"{name} should be float or a sequence of floats. Got {type(value)}")
        if isinstance(value, float):
            return [value, value]
        if len(value) != 2:
            raise ValueError(f"If {name} is a sequence its length should be 2. Got {len(value)}")
        for element in value:
            if not isinstance(element, float):
                raise TypeError(f"{name} should be a sequence of floats. Got {type(element)}")
        return value

    @staticmethod
    def get_params(alpha: list[float], sigma: list[float], size: list[int]) -> Tensor:
        """Shifts [1, height, width, 2], across and down."""
        height, width = size
        shifts = []
        for far, smooth, length in zip(alpha, sigma, (width, height)):
            shift = tinytensor.rand([1, 1, height, width]) * 2 - 1
            if smooth > 0.0:
                taps = int(8 * smooth + 1) | 1  # an odd number
                shift = F.gaussian_blur(shift, [taps, taps], list(sigma))
            shifts.append(shift * far / length)
        return tinytensor.cat(shifts, 1).permute(0, 2, 3, 1)

    def forward(self, tensor: Any) -> Any:
        displacement = self.get_params(self.alpha, self.sigma, F.get_dimensions(tensor)[1:])
        return F.elastic_transform(tensor, displacement, self.interpolation, self.fill)
