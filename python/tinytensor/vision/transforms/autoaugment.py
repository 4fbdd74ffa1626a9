"""Random chains of transforms whose kinds and strengths were found by search."""

from __future__ import annotations

import math
from enum import Enum
from typing import Any

import tinytensor
from tinytensor import Tensor

from . import functional as F
from ._dirichlet import dirichlet
from ._interpolation import InterpolationMode
from ._policies import POLICIES
from ._transform import Transform, fill_for, integer

linspace = tinytensor.linspace


def _apply_op(
    img: Any, op_name: str, magnitude: float, interpolation: InterpolationMode, fill: Any, F: Any = F
) -> Any:
    """One of the changes, with its strength, by the functions of `F`."""

    def moved(translate: list[int], shear: list[float], center: Any = None) -> Any:
        return F.affine(img, 0.0, translate, 1.0, shear, interpolation, fill, center)

    slant = math.degrees(math.atan(magnitude))
    changes = {
        "Identity": lambda: img,
        "ShearX": lambda: moved([0, 0], [slant, 0.0], [0, 0]),
        "ShearY": lambda: moved([0, 0], [0.0, slant], [0, 0]),
        "TranslateX": lambda: moved([int(magnitude), 0], [0.0, 0.0]),
        "TranslateY": lambda: moved([0, int(magnitude)], [0.0, 0.0]),
        "Rotate": lambda: F.rotate(img, magnitude, interpolation, fill=fill),
        "Brightness": lambda: F.adjust_brightness(img, 1.0 + magnitude),
        "Color": lambda: F.adjust_saturation(img, 1.0 + magnitude),
        "Contrast": lambda: F.adjust_contrast(img, 1.0 + magnitude),
        "Sharpness": lambda: F.adjust_sharpness(img, 1.0 + magnitude),
        "Posterize": lambda: F.posterize(img, int(magnitude)),
        "Solarize": lambda: F.solarize(img, magnitude),
        "AutoContrast": lambda: F.autocontrast(img),
        "Equalize": lambda: F.equalize(img),
        "Invert": lambda: F.invert(img),
    }
    if op_name not in changes:
        raise ValueError(f"The provided operator {op_name} is not recognized.")
    return changes[op_name]()


COLORS = ("Brightness", "Color", "Contrast", "Sharpness")
PLAIN = ("AutoContrast", "Equalize")


def _space(
    bins: int,
    *,
    shear: float,
    shift: tuple[float, float],
    turn: float,
    color: float | None,
    bits: tuple[int, int],
    first: tuple[str, ...] = (),
    last: tuple[str, ...] = (),
) -> dict[str, tuple[Tensor, bool]]:
    """Strengths of all changes in rising order, and whether they go both ways. The order of the names counts."""
    none = (tinytensor.tensor(0.0), False)
    most_bits, lost_bits = bits
    kept_bits = most_bits - (tinytensor.arange(bins) / ((bins - 1) / lost_bits)).round().int()
    colors = {} if color is None else {name: (linspace(0.0, color, bins), True) for name in COLORS}
    return {
        **dict.fromkeys(first, none),
        "ShearX": (linspace(0.0, shear, bins), True),
        "ShearY": (linspace(0.0, shear, bins), True),
        "TranslateX": (linspace(0.0, shift[0], bins), True),
        "TranslateY": (linspace(0.0, shift[1], bins), True),
        "Rotate": (linspace(0.0, turn, bins), True),
        **colors,
        "Posterize": (kept_bits, False),
        "Solarize": (linspace(255.0, 0.0, bins), False),
        **dict.fromkeys(PLAIN + last, none),
    }


def _signed(magnitude: float, signed: bool) -> float:
    return -magnitude if signed and tinytensor.randint(2, (1,)) else magnitude


def _draw_op(space: dict) -> tuple[str, Tensor, bool]:
    name = list(space)[integer(0, len(space))]
    return name, *space[name]


class AutoAugmentPolicy(Enum):
    """The datasets for which policies were searched."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


class AutoAugment(Transform):
    """One of the 25 pairs of changes of a policy, each of them with its probability. Tensors must be of bytes."""

    _shown = ("policy", "fill")

    def __init__(
        self,
        policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:
        super().__init__()
        if policy not in list(AutoAugmentPolicy):
            raise ValueError(f"The provided policy {policy} is not recognized.")
        self.policy, self.interpolation, self.fill = policy, interpolation, fill
        self.policies = POLICIES[policy.value]

    def _augmentation_space(
        self, num_bins: int, image_size: tuple[int, int]
    ) -> dict[str, tuple[Tensor, bool]]:
        height, width = image_size
        shift = (150.0 / 331.0 * width, 150.0 / 331.0 * height)
        return _space(num_bins, shear=0.3, shift=shift, turn=30.0, color=0.9, bits=(8, 4), last=("Invert",))

    @staticmethod
    def get_params(transform_num: int) -> tuple[int, Tensor, Tensor]:
        """The number of a pair, its draws and its directions."""
        return integer(0, transform_num), tinytensor.rand((2,)), tinytensor.randint(2, (2,))

    def forward(self, img: Any) -> Any:
        fill = fill_for(self.fill, img)
        number, draws, directions = self.get_params(len(self.policies))
        space = self._augmentation_space(10, tuple(F.get_dimensions(img)[1:]))
        for i, (name, probability, level) in enumerate(self.policies[number]):
            if not draws[i] <= probability:
                continue
            magnitudes, signed = space[name]
            magnitude = 0.0 if level is None else float(magnitudes[level].item())
            magnitude = -magnitude if signed and directions[i] == 0 else magnitude
            img = _apply_op(img, name, magnitude, self.interpolation, fill)
        return img


class RandAugment(Transform):
    """Some changes in a row, each any of 14, all of the same strength. Tensors must be of bytes."""

    _shown = ("num_ops", "magnitude", "num_magnitude_bins", "interpolation", "fill")

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:
        super().__init__()
        self.num_ops, self.magnitude, self.num_magnitude_bins = num_ops, magnitude, num_magnitude_bins
        self.interpolation, self.fill = interpolation, fill

    def _augmentation_space(
        self, num_bins: int, image_size: tuple[int, int]
    ) -> dict[str, tuple[Tensor, bool]]:
        height, width = image_size
        shift = (150.0 / 331.0 * width, 150.0 / 331.0 * height)
        return _space(
            num_bins, shear=0.3, shift=shift, turn=30.0, color=0.9, bits=(8, 4), first=("Identity",)
        )

    def forward(self, img: Any) -> Any:
        fill = fill_for(self.fill, img)
        space = self._augmentation_space(self.num_magnitude_bins, tuple(F.get_dimensions(img)[1:]))
        for _ in range(self.num_ops):
            name, magnitudes, signed = _draw_op(space)
            magnitude = float(magnitudes[self.magnitude].item()) if magnitudes.ndim > 0 else 0.0
            img = _apply_op(img, name, _signed(magnitude, signed), self.interpolation, fill)
        return img


class TrivialAugmentWide(Transform):
    """One change, any of 14, of any strength. Tensors must be of bytes."""

    _shown = ("num_magnitude_bins", "interpolation", "fill")

    def __init__(
        self,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:
        super().__init__()
        self.num_magnitude_bins, self.interpolation, self.fill = num_magnitude_bins, interpolation, fill

    def _augmentation_space(self, num_bins: int) -> dict[str, tuple[Tensor, bool]]:
        return _space(
            num_bins, shear=0.99, shift=(32.0, 32.0), turn=135.0, color=0.99, bits=(8, 6), first=("Identity",)
        )

    def forward(self, img: Any) -> Any:
        fill = fill_for(self.fill, img)
        name, magnitudes, signed = _draw_op(self._augmentation_space(self.num_magnitude_bins))
        magnitude = float(magnitudes[integer(0, len(magnitudes))].item()) if magnitudes.ndim > 0 else 0.0
        return _apply_op(img, name, _signed(magnitude, signed), self.interpolation, fill)


class AugMix(Transform):
    """A random mixture of the picture and of several chains of changes of it. Tensors must be of bytes."""

    _shown = ("severity", "mixture_width", "chain_depth", "alpha", "all_ops", "interpolation", "fill")
    _PARAMETER_MAX = 10

    def __init__(
        self,
        severity: int = 3,
        mixture_width: int = 3,
        chain_depth: int = -1,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        fill: Any = None,
    ) -> None:
        super().__init__()
        if not 1 <= severity <= self._PARAMETER_MAX:
            raise ValueError(
                f"The severity must be between [1, {self._PARAMETER_MAX}]. Got {severity} instead."
            )
        self.severity, self.mixture_width, self.chain_depth = severity, mixture_width, chain_depth
        self.alpha, self.all_ops, self.interpolation, self.fill = alpha, all_ops, interpolation, fill

    def _augmentation_space(
        self, num_bins: int, image_size: tuple[int, int]
    ) -> dict[str, tuple[Tensor, bool]]:
        height, width = image_size
        space = _space(
            num_bins, shear=0.3, shift=(width / 3.0, height / 3.0), turn=30.0, color=0.9, bits=(4, 4)
        )
        colors = {name: space.pop(name) for name in COLORS}
        return {**space, **colors} if self.all_ops else space

    def _sample_dirichlet(self, params: Tensor) -> Tensor:
        return dirichlet(params)

    def forward(self, orig_img: Any) -> Any:
        return self._mixture(orig_img, fill_for(self.fill, orig_img))

    def _mixture(self, orig_img: Any, fill: Any) -> Any:
        img = orig_img if isinstance(orig_img, Tensor) else F.pil_to_tensor(orig_img)
        space = self._augmentation_space(self._PARAMETER_MAX, tuple(F.get_dimensions(img)[1:]))
        batch = img.reshape([1] * max(4 - img.ndim, 0) + list(img.shape))
        count, ones = batch.size(0), [1] * (batch.ndim - 1)
        share = self._sample_dirichlet(tinytensor.tensor([self.alpha] * 2).expand(count, -1))
        weights = self._sample_dirichlet(
            tinytensor.tensor([self.alpha] * self.mixture_width).expand(count, -1)
        )
        weights = weights * share[:, 1].view(count, 1)
        mix = share[:, 0].view(count, *ones) * batch
        for chain in range(self.mixture_width):
            changed = self._chain(batch, space, fill)
            mix.add_(weights[:, chain].view(count, *ones) * changed)
        mix = mix.view(img.shape).to(img.dtype)
        return mix if isinstance(orig_img, Tensor) else F.to_pil_image(mix)

    def _depth(self) -> int:
        return self.chain_depth if self.chain_depth > 0 else integer(1, 4)

    def _chain(self, img: Tensor, space: dict, fill: Any) -> Tensor:
        for _ in range(self._depth()):
            name, magnitudes, signed = _draw_op(space)
            magnitude = float(magnitudes[integer(0, self.severity)].item()) if magnitudes.ndim > 0 else 0.0
            img = _apply_op(img, name, _signed(magnitude, signed), self.interpolation, fill)
        return img
