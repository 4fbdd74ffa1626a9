"""Datasets whose samples say what they hold: boxes and masks of tv_tensors in the place of numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinytensor

from . import (
    caltech,
    celeba,
    cifar,
    coco,
    flowers102,
    folder,
    food101,
    imagenet,
    inaturalist,
    mnist,
    oxford_iiit_pet,
    places365,
    published,
    shapes,
    stl10,
    svhn,
    voc,
)
from ._masks import mask_of
from .vision import VisionDataset


@dataclass
class Wrapper:
    """What is made of (dataset, index, picture, target, keys), and the keys of the parts that there are."""

    target: Callable[[Any, int, Any, Any, set[str]], Any]
    usual: set[str] | None = None
    more: set[str] = frozenset()  # type: ignore[assignment]

    def keys(self, wanted: Any) -> set[str]:
        if self.usual is None:
            if wanted not in (None, "all"):
                raise ValueError(
                    "target_keys must be None or 'all': the targets of this dataset are no dicts"
                )
            return set()
        known = self.usual | self.more
        if wanted is None:
            return self.usual
        keys = known if wanted == "all" else {wanted} if isinstance(wanted, str) else set(wanted)
        if keys - known:
            raise ValueError(f"Target keys {sorted(keys - known)} are not available")
        return keys


def _as_is(dataset: Any, index: int, image: Any, target: Any, keys: set[str]) -> Any:
    return target


def _boxes(corners: Any, image: Any, format: str) -> Any:
    from ..tv_tensors import BoundingBoxes

    size = (image.height, image.width)
    return BoundingBoxes(corners, format=format, canvas_size=size)


def _each(dataset: Any, kinds: list[str], target: Any, change: Callable[[str, Any], Any]) -> Any:
    """A target of one kind, or of several in a tuple, changed by its kind."""
    if target is None or not kinds:
        return target
    if len(kinds) == 1:
        return change(kinds[0], target)
    return tuple(change(kind, part) for kind, part in zip(kinds, target))


def _celeba(dataset: Any, index: int, image: Any, target: Any, keys: set[str]) -> Any:
    def change(kind: str, part: Any) -> Any:
        return _boxes(part, image, "XYWH") if kind == "bbox" else part

    return _each(dataset, dataset.target_type, target, change)


def _mask(picture: Any) -> Any:
    from ..tv_tensors import Mask

    return Mask(picture)


def _pet(dataset: Any, index: int, image: Any, target: Any, keys: set[str]) -> Any:
    def change(kind: str, part: Any) -> Any:
        return _mask(part) if kind == "segmentation" else part

    return _each(dataset, dataset._target_types, target, change)


def _segmentation(dataset: Any, index: int, image: Any, target: Any, keys: set[str]) -> Any:
    return _mask(target)


# ---------------------------------------------------------------- detection


def _voc(dataset: Any, index: int, image: Any, target: Any, keys: set[str]) -> Any:
    objects = target["annotation"]["object"]
    found = {name: part for name, part in target.items() if name in keys}
    if "boxes" in keys:
        sides = ("xmin", "ymin", "xmax", "ymax")
        corners = [[int(part["bndbox"][side]) for side in sides] for part in objects]
        found["boxes"] = _boxes(corners, image, "XYXY")
    if "labels" in keys:
        found["labels"] = tinytensor.tensor([voc.CLASSES.index(part["name"]) for part in objects])
    return found


def _coco(dataset: Any, index: int, image: Any, target: list[dict], keys: set[str]) -> Any:
    number = dataset.ids[index]
    if not target:
        return {"image_id": number} if "image_id" in keys else {}
    found: dict[str, Any] = {name: [entry[name] for entry in target] for name in keys & target[0].keys()}
    if "image_id" in keys:
        found["image_id"] = number
    if "boxes" in keys:
        from ..transforms.v2.functional import convert_bounding_box_format

        boxes = _boxes([entry["bbox"] for entry in target], image, "XYWH")
        found["boxes"] = convert_bounding_box_format(boxes, new_format="XYXY")
    if "masks" in keys:
        masks = [mask_of(entry["segmentation"], image.height, image.width) for entry in target]
        found["masks"] = _mask(tinytensor.from_numpy(np.stack(masks)))
    if "labels" in keys:
        found["labels"] = tinytensor.tensor([entry["category_id"] for entry in target])
    return found


WRAPPERS: dict[type, Wrapper] = {
    **dict.fromkeys(
        (
            *(caltech.Caltech256, cifar.CIFAR10, coco.CocoCaptions, flowers102.Flowers102),
            *(folder.DatasetFolder, food101.Food101, imagenet.ImageNet, inaturalist.INaturalist, mnist.MNIST),
            *(places365.Places365, published.DTD, published.SUN397, shapes.Shapes, stl10.STL10, svhn.SVHN),
        ),
        Wrapper(_as_is),
    ),
    celeba.CelebA: Wrapper(_celeba),
    coco.CocoDetection: Wrapper(
        _coco,
        {"boxes", "image_id", "labels"},
        {"area", "bbox", "category_id", "iscrowd", "masks", "segmentation"},
    ),
    oxford_iiit_pet.OxfordIIITPet: Wrapper(_pet),
    voc.VOCDetection: Wrapper(_voc, {"boxes", "labels"}, {"annotation"}),
    voc.VOCSegmentation: Wrapper(_segmentation),
}


class _Wrapped(VisionDataset):
    def __init__(self, dataset: Any, wrapper: Wrapper, keys: set[str]) -> None:
        self._dataset, self._wrapper, self._keys = dataset, wrapper, keys
        names = ("transform", "target_transform", "transforms")
        self.transform, self.target_transform, self.transforms = (getattr(dataset, name) for name in names)
        for name in names:  # they are to see what is made of the samples
            setattr(dataset, name, None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_dataset":
            raise AttributeError(name)
        return getattr(self._dataset, name)

    def __getitem__(self, index: int) -> Any:
        image, target = self._dataset[index]
        target = self._wrapper.target(self._dataset, index, image, target, self._keys)
        return (image, target) if self.transforms is None else self.transforms(image, target)

    def __len__(self) -> int:
        return len(self._dataset)

    def __repr__(self) -> str:
        return repr(self._dataset)

    def __reduce__(self) -> tuple:
        keys = self._keys if self._wrapper.usual is not None else None
        state = {name: vars(self)[name] for name in ("transform", "target_transform", "transforms")}
        return wrap_dataset_for_transforms_v2, (self._dataset, keys), state

    def _taker(self) -> None:
        """Samples are taken one by one."""


def wrap_dataset_for_transforms_v2(dataset: Any, target_keys: Collection[str] | str | None = None) -> Any:
    """The dataset with samples that transforms.v2 understands: boxes and masks say what they are.

    Where targets become dicts, `target_keys` are the parts that are wanted, "all" all there are, None the usual ones.
    """
    kind = next((kind for kind in type(dataset).__mro__ if kind in WRAPPERS), None)
    if kind is None:
        raise TypeError(
            f"No wrapper exists for dataset class {type(dataset).__name__}: wrap its output yourself."
        )
    wrapped = type(f"Wrapped{type(dataset).__name__}", (_Wrapped, type(dataset)), {})
    return wrapped(dataset, WRAPPERS[kind], WRAPPERS[kind].keys(target_keys))
