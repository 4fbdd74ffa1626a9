"""The policies of changes, with the draws of the second version."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import Tensor
from tinytensor.vision.tv_tensors import BoundingBoxes, Image, KeyPoints, Mask, TVTensor, Video, wrap

from .. import autoaugment
from .._forms import is_pil_image
from .._tensor import largest
from . import functional as F
from ._query import has_any
from ._transform import Transform

draw = tinytensor.randint


class _Policy(Transform):
    """Changes the one picture of a sample."""

    interpolation: Any
    fill: Any

    _transformed_types = (F.is_pure_tensor, is_pil_image, Image, Video)

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        if has_any(flat_inputs, BoundingBoxes, KeyPoints, Mask):
            raise TypeError(f"{type(self).__name__}() does not support bounding boxes, key points and masks.")

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        if not flat_inputs:
            raise TypeError("Found no image in the sample.")
        if len(flat_inputs) > 1:
            raise TypeError(
                f"Auto augment transformations are only properly defined for a single image, "
                f"but found {len(flat_inputs)}."
            )
        return {"fill": self._fill_for(flat_inputs[0])}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if isinstance(inpt, TVTensor):
            return wrap(self._changed(inpt.as_subclass(Tensor), params["fill"]), like=inpt)
        return self._changed(inpt, params["fill"])

    def _changed(self, img: Any, fill: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define _changed")

    def _change(self, img: Any, name: str, magnitude: float, signed: bool, fill: Any) -> Any:
        if signed and tinytensor.rand(()) <= 0.5:
            magnitude = -magnitude
        if name == "Solarize" and isinstance(img, tinytensor.Tensor):
            magnitude *= largest(img.dtype) / 255  # which is drawn for bytes
        fill = autoaugment.fill_for(fill, img)
        return autoaugment._apply_op(img, name, magnitude, self.interpolation, fill, F)


def _drawn(space: dict) -> tuple[str, Any, bool]:
    name = list(space)[int(draw(len(space), ()))]
    return name, *space[name]


class AutoAugment(_Policy, autoaugment.AutoAugment):
    """One of the 25 pairs of changes of a policy, each of them with its probability."""

    def _changed(self, img: Any, fill: Any) -> Any:
        space = self._augmentation_space(10, tuple(F.get_size(img)))
        for name, probability, level in self.policies[int(draw(len(self.policies), ()))]:
            if tinytensor.rand(()) <= probability:
                magnitudes, signed = space[name]
                img = self._change(
                    img, name, 0.0 if level is None else float(magnitudes[level]), signed, fill
                )
        return img


class RandAugment(_Policy, autoaugment.RandAugment):
    """Some changes in a row, each any of 14, all of the same strength."""

    def _changed(self, img: Any, fill: Any) -> Any:
        space = self._augmentation_space(self.num_magnitude_bins, tuple(F.get_size(img)))
        for _ in range(self.num_ops):
            name, magnitudes, signed = _drawn(space)
            magnitude = float(magnitudes[self.magnitude]) if magnitudes.ndim else 0.0
            img = self._change(img, name, magnitude, signed, fill)
        return img


class TrivialAugmentWide(_Policy, autoaugment.TrivialAugmentWide):
    """One change, any of 14, of any strength."""

    def _changed(self, img: Any, fill: Any) -> Any:
        name, magnitudes, signed = _drawn(self._augmentation_space(self.num_magnitude_bins))
        magnitude = float(magnitudes[int(draw(len(magnitudes), ()))]) if magnitudes.ndim else 0.0
        return self._change(img, name, magnitude, signed, fill)


class AugMix(_Policy, autoaugment.AugMix):
    """A random mixture of the picture and of several chains of changes of it."""

    def _changed(self, img: Any, fill: Any) -> Any:
        return autoaugment.AugMix._mixture(self, img, fill)

    def _chain(self, img: Any, space: dict, fill: Any) -> Any:
        for _ in range(self._depth()):
            name, magnitudes, signed = _drawn(space)
            magnitude = float(magnitudes[int(draw(self.severity, ()))]) if magnitudes.ndim else 0.0
            img = self._change(img, name, magnitude, signed and bool(magnitudes.ndim), fill)
        return img
