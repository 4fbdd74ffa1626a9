"""The policies of changes, with the draws of the second version."""

from __future__ import annotations

from typing import Any

import tinytensor

from .. import autoaugment
from .._tensor import largest
from . import functional as F
from ._transform import Transform

draw = tinytensor.randint


class _Policy(Transform):
    """Changes the one picture of a sample."""

    interpolation: Any
    fill: Any

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        if not flat_inputs:
            raise TypeError("Found no image in the sample.")
        if len(flat_inputs) > 1:
            raise TypeError(
                f"Auto augment transformations are only properly defined for a single image, "
                f"but found {len(flat_inputs)}."
            )
        return {}

    def _change(self, img: Any, name: str, magnitude: float, signed: bool) -> Any:
        if signed and tinytensor.rand(()) <= 0.5:
            magnitude = -magnitude
        if name == "Solarize" and isinstance(img, tinytensor.Tensor):
            magnitude *= largest(img.dtype) / 255  # which is drawn for bytes
        fill = autoaugment.fill_for(self.fill, img)
        return autoaugment._apply_op(img, name, magnitude, self.interpolation, fill)


def _drawn(space: dict) -> tuple[str, Any, bool]:
    name = list(space)[int(draw(len(space), ()))]
    return name, *space[name]


class AutoAugment(_Policy, autoaugment.AutoAugment):
    """One of the 25 pairs of changes of a policy, each of them with its probability."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        space = self._augmentation_space(10, tuple(F.get_size(inpt)))
        for name, probability, level in self.policies[int(draw(len(self.policies), ()))]:
            if tinytensor.rand(()) <= probability:
                magnitudes, signed = space[name]
                inpt = self._change(inpt, name, 0.0 if level is None else float(magnitudes[level]), signed)
        return inpt


class RandAugment(_Policy, autoaugment.RandAugment):
    """Some changes in a row, each any of 14, all of the same strength."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        space = self._augmentation_space(self.num_magnitude_bins, tuple(F.get_size(inpt)))
        for _ in range(self.num_ops):
            name, magnitudes, signed = _drawn(space)
            magnitude = float(magnitudes[self.magnitude]) if magnitudes.ndim else 0.0
            inpt = self._change(inpt, name, magnitude, signed)
        return inpt


class TrivialAugmentWide(_Policy, autoaugment.TrivialAugmentWide):
    """One change, any of 14, of any strength."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        name, magnitudes, signed = _drawn(self._augmentation_space(self.num_magnitude_bins))
        magnitude = float(magnitudes[int(draw(len(magnitudes), ()))]) if magnitudes.ndim else 0.0
        return self._change(inpt, name, magnitude, signed)
