"""Mixtures of the pictures of a batch."""

from __future__ import annotations

import math
from typing import Any

import tinytensor
from tinytensor import Tensor, nn
from tinytensor.utils._pytree import tree_flatten, tree_unflatten
from tinytensor.vision.tv_tensors import BoundingBoxes, Mask, TVTensor, wrap

from .._dirichlet import dirichlet
from .._forms import is_pil_image
from ._query import has_any, labels_getter_of, query_size
from ._transform import Transform


class _Mixture(Transform):
    """Mixes each picture of a batch, and its label, with the one before it."""

    def __init__(
        self, *, alpha: float = 1.0, num_classes: int | None = None, labels_getter: Any = "default"
    ) -> None:
        super().__init__()
        self.alpha, self.num_classes = float(alpha), num_classes
        self._labels_getter = labels_getter_of(labels_getter)

    def _share(self) -> float:
        """How much of a picture is its own: a draw of Beta(alpha, alpha)."""
        return float(dirichlet(tinytensor.tensor([[self.alpha, self.alpha]]))[0, 0])

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
        labels = self._labels_getter(sample)
        self._check_labels(labels)
        flat, structure = tree_flatten(sample)
        if has_any(flat, is_pil_image, BoundingBoxes, Mask):
            raise ValueError(
                f"{type(self).__name__}() does not support PIL images, bounding boxes and masks."
            )
        pictures = [
            takes and part is not labels for part, takes in zip(flat, self._needs_transform_list(flat))
        ]
        for part in (part for part, takes in zip(flat, pictures) if takes):
            if part.ndim not in (4, 5) or len(part) != len(labels):
                raise ValueError(
                    "Expected a batch of pictures or videos with as many labels, "
                    f"but got shape {tuple(part.shape)} and {len(labels)} labels."
                )
        params = self.make_params([part for part, takes in zip(flat, pictures) if takes])
        results = [self.transform(part, params) if takes else part for part, takes in zip(flat, pictures)]
        results = [self._label(labels, params["share"]) if part is labels else part for part in results]
        return tree_unflatten(results, structure)

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        mixed = self._mixed(inpt.as_subclass(Tensor), params)
        return wrap(mixed, like=inpt) if isinstance(inpt, TVTensor) else mixed

    def _mixed(self, pictures: Tensor, params: dict[str, Any]) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define _mixed")

    def _label(self, labels: Tensor, share: float) -> Tensor:
        if labels.ndim == 1:
            labels = nn.functional.one_hot(labels, self.num_classes)
        labels = labels if labels.is_floating_point() else labels.float()
        return labels.roll(1, 0) * (1.0 - share) + labels * share


class MixUp(_Mixture):
    """Pictures and labels blended with the ones before them (arXiv 1710.09412)."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"share": self._share()}

    def _mixed(self, pictures: Tensor, params: dict[str, Any]) -> Tensor:
        return pictures.roll(1, 0) * (1.0 - params["share"]) + pictures * params["share"]


class CutMix(_Mixture):
    """A random part of each picture from the one before it, labels blended by area (arXiv 1905.04899)."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        share = self._share()
        height, width = query_size(flat_inputs)
        x, y = (int(tinytensor.randint(size, (1,))) for size in (width, height))
        half = 0.5 * math.sqrt(1.0 - share)
        beside, above = int(half * width), int(half * height)
        left, right = max(x - beside, 0), min(x + beside, width)
        top, bottom = max(y - above, 0), min(y + above, height)
        part = (..., slice(top, bottom), slice(left, right))
        return {"part": part, "share": 1.0 - (right - left) * (bottom - top) / (width * height)}

    def _mixed(self, pictures: Tensor, params: dict[str, Any]) -> Tensor:
        mixed, part = pictures.clone(), params["part"]
        mixed[part] = pictures.roll(1, 0)[part]
        return mixed
