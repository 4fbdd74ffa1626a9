"""Transforms that the second version has alone, or does in another way than the first."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import tinytensor
from tinytensor import Tensor, nn

from .. import geometry
from .._dirichlet import dirichlet
from .._forms import is_pil_image
from .._geometry import resized_size
from .._interpolation import InterpolationMode, mode_of
from .._transform import size_pair
from ..functional import _sides
from . import functional as F
from ._transform import Classic, Transform, applied, checked_transforms, leaves, rebuilt

# ---------------------------------------------------------------- chains and choices


class Compose(Transform):
    """Several transforms of samples, one after the other."""

    def __init__(self, transforms: Sequence[Callable]) -> None:
        super().__init__()
        self.transforms = checked_transforms(transforms)

    def forward(self, *inputs: Any) -> Any:
        return applied(self.transforms, inputs)

    def extra_repr(self) -> str:
        return "\n".join(f"    {transform}" for transform in self.transforms)


class RandomApply(Compose):
    """All of some transforms with probability p, else none."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__(transforms)
        if not 0.0 <= p <= 1.0:
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        self.p = p

    def forward(self, *inputs: Any) -> Any:
        return applied([] if tinytensor.rand(1) >= self.p else self.transforms, inputs)


class RandomOrder(Compose):
    """All of the transforms, in random order."""

    def forward(self, *inputs: Any) -> Any:
        return applied(
            [self.transforms[i] for i in tinytensor.randperm(len(self.transforms)).tolist()], inputs
        )

    extra_repr = Transform.extra_repr


class RandomChoice(Compose):
    """One of the transforms, by weights where they are given."""

    def __init__(self, transforms: Sequence[Callable], p: list[float] | None = None) -> None:
        super().__init__(transforms)
        p = [1] * len(transforms) if p is None else p
        if len(p) != len(transforms):
            raise ValueError(
                f"Length of p doesn't match the number of transforms: {len(p)} != {len(transforms)}"
            )
        self.p = [weight / sum(p) for weight in p]

    def forward(self, *inputs: Any) -> Any:
        return self.transforms[int(tinytensor.multinomial(tinytensor.tensor(self.p), 1))](*inputs)

    extra_repr = Transform.extra_repr


class Identity(Transform):
    """Nothing."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return inpt


class Lambda(Transform):
    """A function of everything in a sample that has one of the types."""

    def __init__(self, lambd: Callable[[Any], Any], *types: type) -> None:
        super().__init__()
        self.lambd, self.types = lambd, types or (object,)

    def forward(self, *inputs: Any) -> Any:
        sample = inputs if len(inputs) > 1 else inputs[0]
        results = [self.lambd(part) if isinstance(part, self.types) else part for part in leaves(sample)]
        return rebuilt(sample, iter(results))

    def extra_repr(self) -> str:
        name = getattr(self.lambd, "__name__", "")
        return ", ".join([*([name] if name else []), f"types={[kind.__name__ for kind in self.types]}"])


# ---------------------------------------------------------------- forms


class PILToTensor(Transform):
    """PIL images as [C, H, W] tensors of the values they have."""

    def _takes(self, inpt: Any) -> bool:
        return is_pil_image(inpt)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        return F.pil_to_tensor(inpt)


class ToImage(Transform):
    """PIL images and [H, W, C] arrays as [C, H, W] tensors of the values they have."""

    def _takes(self, inpt: Any) -> bool:
        return super()._takes(inpt) or isinstance(inpt, np.ndarray)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        return F.to_image(inpt)


class ToTensor(Transform):
    """PIL images and [H, W, C] arrays as [C, H, W] tensors; bytes become numbers from 0 to 1."""

    def __init__(self) -> None:
        warnings.warn(
            "The transform `ToTensor()` is deprecated. Instead, please use "
            "`v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])`.",
            stacklevel=2,
        )
        super().__init__()

    def _takes(self, inpt: Any) -> bool:
        return is_pil_image(inpt) or isinstance(inpt, np.ndarray)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        return F.to_tensor(inpt)


class ToPILImage(Transform):
    """[C, H, W] tensors and [H, W, C] arrays as PIL images."""

    def __init__(self, mode: str | None = None) -> None:
        super().__init__()
        self.mode = mode

    def _takes(self, inpt: Any) -> bool:
        return isinstance(inpt, (Tensor, np.ndarray))

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.to_pil_image(inpt, mode=self.mode)


class ToPureTensor(Identity):
    """Nothing: pictures are plain tensors here."""


class ToDtype(Transform):
    """Tensors in another dtype; with `scale`, full brightness to full brightness."""

    def __init__(self, dtype: Any, scale: bool = False) -> None:
        super().__init__()
        if not isinstance(dtype, (dict, tinytensor.dtype)):
            raise ValueError(f"dtype must be a dict or a torch.dtype, got {type(dtype)} instead")
        self.dtype, self.scale = dtype, scale

    def _takes(self, inpt: Any) -> bool:
        return isinstance(inpt, Tensor)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        dtype = self.dtype
        if isinstance(dtype, dict):
            if type(inpt) not in dtype and "others" not in dtype:
                raise ValueError(f"No dtype was specified for type {type(inpt)}.")
            dtype = dtype.get(type(inpt), dtype.get("others"))
        return inpt if dtype is None else F.to_dtype(inpt, dtype, self.scale)


class Grayscale(Transform):
    """The picture in grey, in one channel or in three."""

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.rgb_to_grayscale(inpt, self.num_output_channels)


class RGB(Transform):
    """Grey pictures in three equal channels."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.grayscale_to_rgb(inpt)


class GaussianNoise(Transform):
    """Normal noise added to pictures of numbers from 0 to 1."""

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> None:
        super().__init__()
        self.mean, self.sigma, self.clip = mean, sigma, clip

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        return F.gaussian_noise(inpt, self.mean, self.sigma, self.clip)


# ---------------------------------------------------------------- sizes


class RandomCrop(Classic, geometry.RandomCrop):
    """A part of the picture, padded first if that is asked for, from a random place."""

    _classic = geometry.RandomCrop

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if params["state"] is not None:
            tinytensor.set_rng_state(params["state"])
        height, width = self.size
        left, top, right, bottom = _sides(self.padding or 0)
        rows, columns = F.get_size(inpt)
        if self.pad_if_needed:
            below, beside = max(height - rows - top - bottom, 0), max(width - columns - left - right, 0)
            left, top, right, bottom = left + beside, top + below, right + beside, bottom + below
        if left or top or right or bottom:
            inpt = F.pad(inpt, [left, top, right, bottom], self.fill, self.padding_mode)
        rows, columns = rows + top + bottom, columns + left + right
        if rows < height or columns < width:
            raise ValueError(
                f"Required crop size {(height, width)} is larger than {'padded ' if self.padding is not None else ''}"
                f"input image size {(rows, columns)}."
            )
        top, left = (_place(whole, part) for whole, part in ((rows, height), (columns, width)))
        return F.crop(inpt, top, left, height, width)


def _place(whole: int, part: int) -> int:
    return int(tinytensor.randint(0, whole - part + 1, ())) if whole > part else 0


class Resize(Transform):
    """The picture in another size; a single number is for the shorter side, `max_size` alone for the longer one."""

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
        if (
            size is not None
            and not isinstance(size, int)
            and not (isinstance(size, Sequence) and len(size) in (1, 2))
        ):
            raise ValueError(
                f"size can be an integer, a sequence of one or two integers, or None, but got {size} instead."
            )
        self.size = [size] if isinstance(size, int) else size if size is None else list(size)
        self.interpolation, self.max_size, self.antialias = mode_of(interpolation), max_size, antialias

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        goal = resized_size(*F.get_size(inpt), self.size, self.max_size)
        return F.resize(inpt, goal, self.interpolation, antialias=self.antialias)


class _RandomSize(Transform):
    """A size that is drawn by make_params."""

    def __init__(self, interpolation: Any, antialias: bool | None) -> None:
        super().__init__()
        self.interpolation, self.antialias = mode_of(interpolation), antialias

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.resize(inpt, params["size"], self.interpolation, antialias=self.antialias)


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
        height, width = F.get_size(flat_inputs[0])
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
        height, width = F.get_size(flat_inputs[0])
        low, high = self.scale_range
        factor = low + tinytensor.rand(1) * (high - low)
        ratio = min(self.target_size[1] / height, self.target_size[0] / width) * factor
        return {"size": (int(height * ratio), int(width * ratio))}


# ---------------------------------------------------------------- mixtures of the pictures of a batch


class _Mixture(Transform):
    """Mixes each picture of a batch, and its label, with the one before it."""

    def __init__(
        self, *, alpha: float = 1.0, num_classes: int | None = None, labels_getter: Any = "default"
    ) -> None:
        super().__init__()
        if labels_getter != "default" and not callable(labels_getter):
            raise ValueError(f"labels_getter should be 'default' or a callable, got {labels_getter!r}")
        self.alpha, self.num_classes, self._labels_getter = float(alpha), num_classes, labels_getter

    def _share(self) -> float:
        """How much of a picture is its own: a draw of Beta(alpha, alpha)."""
        return float(dirichlet(tinytensor.tensor([[self.alpha, self.alpha]]))[0, 0])

    def _labels_of(self, sample: Any) -> Any:
        if callable(self._labels_getter):
            return self._labels_getter(sample)
        if isinstance(sample, dict):
            return next(part for key, part in sample.items() if "label" in str(key).lower())
        return sample[1]

    def _check_labels(self, labels: Any) -> None:
        if not isinstance(labels, Tensor):
            raise ValueError(f"The labels must be a tensor, but got {type(labels)} instead.")
        if labels.ndim not in (1, 2):
            raise ValueError(
                f"labels should have the shape (N,) or (N, classes), but got {tuple(labels.shape)} instead."
            )
        if labels.ndim == 1 and self.num_classes is None:
            raise ValueError("num_classes must be passed if the labels are index-based (1D)")
        if labels.ndim == 2 and self.num_classes not in (None, labels.shape[-1]):
            raise ValueError(
                "When passing 2D labels, the number of elements in last dimension must match num_classes: "
                f"{labels.shape[-1]} != {self.num_classes}."
            )

    def forward(self, *inputs: Any) -> Any:
        sample = inputs if len(inputs) > 1 else inputs[0]
        labels = self._labels_of(sample)
        self._check_labels(labels)
        flat = list(leaves(sample))
        if any(is_pil_image(part) for part in flat):
            raise ValueError(f"{type(self).__name__}() does not support PIL images.")
        pictures = next(part for part in flat if isinstance(part, Tensor))
        if pictures.ndim != 4 or len(pictures) != len(labels):
            raise ValueError(
                f"Expected pictures of shape (N, C, H, W) with N labels, but got {tuple(pictures.shape)} and {len(labels)}."
            )
        mixed, share = self._mixed(pictures)
        results = [
            mixed if part is pictures else self._label(part, share) if part is labels else part
            for part in flat
        ]
        return rebuilt(sample, iter(results))

    def _mixed(self, pictures: Tensor) -> tuple[Tensor, float]:
        raise NotImplementedError(f"{type(self).__name__} must define _mixed")

    def _label(self, labels: Tensor, share: float) -> Tensor:
        if labels.ndim == 1:
            labels = nn.functional.one_hot(labels, self.num_classes)
        labels = labels if labels.is_floating_point() else labels.float()
        return labels.roll(1, 0) * (1.0 - share) + labels * share


class MixUp(_Mixture):
    """Pictures and labels blended with the ones before them (arXiv 1710.09412)."""

    def _mixed(self, pictures: Tensor) -> tuple[Tensor, float]:
        share = self._share()
        return pictures.roll(1, 0) * (1.0 - share) + pictures * share, share


class CutMix(_Mixture):
    """A random part of each picture from the one before it, labels blended by area (arXiv 1905.04899)."""

    def _mixed(self, pictures: Tensor) -> tuple[Tensor, float]:
        share = self._share()
        height, width = pictures.shape[-2:]
        x, y = (int(tinytensor.randint(size, (1,))) for size in (width, height))
        half = 0.5 * math.sqrt(1.0 - share)
        beside, above = int(half * width), int(half * height)
        left, right = max(x - beside, 0), min(x + beside, width)
        top, bottom = max(y - above, 0), min(y + above, height)
        mixed = pictures.clone()
        mixed[..., top:bottom, left:right] = pictures.roll(1, 0)[..., top:bottom, left:right]
        return mixed, 1.0 - (right - left) * (bottom - top) / (width * height)
