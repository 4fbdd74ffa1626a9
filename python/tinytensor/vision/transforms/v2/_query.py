"""What is in a sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tinytensor import Tensor
from tinytensor.vision.tv_tensors import BoundingBoxes, Image, KeyPoints, Mask, Video

from .._forms import is_pil_image
from . import functional as F
from .functional import is_pure_tensor

PICTURES = (is_pure_tensor, is_pil_image, Image, Video)
SIZED = (*PICTURES, Mask, BoundingBoxes, KeyPoints)


def check_type(obj: Any, types_or_checks: Iterable[type | Callable[[Any], bool]]) -> bool:
    """Whether the object has one of the types, or is what one of the functions asks for."""
    for kind in types_or_checks:
        if isinstance(obj, kind) if isinstance(kind, type) else kind(obj):
            return True
    return False


def has_any(flat_inputs: list[Any], *types_or_checks: Any) -> bool:
    return any(check_type(inpt, types_or_checks) for inpt in flat_inputs)


def has_all(flat_inputs: list[Any], *types_or_checks: Any) -> bool:
    return all(has_any(flat_inputs, kind) for kind in types_or_checks)


def _only(values: set, what: str) -> Any:
    if len(values) != 1:
        raise ValueError(f"Found multiple {what} dimensions in the sample: {sorted(values)}")
    return values.pop()


def query_size(flat_inputs: list[Any]) -> tuple[int, int]:
    """Height and width, which all in the sample have."""
    sizes = {tuple(F.get_size(inpt)) for inpt in flat_inputs if check_type(inpt, SIZED)}
    if not sizes:
        raise TypeError("No image, video, mask, bounding box or key point was found in the sample")
    return _only(sizes, "HxW")


def query_chw(flat_inputs: list[Any]) -> tuple[int, int, int]:
    """Channels, height and width, which all pictures have."""
    sizes = {tuple(F.get_dimensions(inpt)) for inpt in flat_inputs if check_type(inpt, PICTURES)}
    if not sizes:
        raise TypeError("No image or video was found in the sample")
    return _only(sizes, "CxHxW")


def _one(flat_inputs: list[Any], kind: type, what: str) -> Any:
    found = [inpt for inpt in flat_inputs if isinstance(inpt, kind)]
    if len(found) != 1:
        number = "No" if not found else "Found multiple"
        raise ValueError(f"{number} {what} {'were found' if not found else 'instances'} in the sample")
    return found[0]


def get_bounding_boxes(flat_inputs: list[Any]) -> BoundingBoxes:
    """The boxes of the sample, which must be one object."""
    return _one(flat_inputs, BoundingBoxes, "bounding boxes")


def get_keypoints(flat_inputs: list[Any]) -> KeyPoints:
    """The key points of the sample, which must be one object."""
    return _one(flat_inputs, KeyPoints, "keypoints")


def find_labels(sample: Any) -> Any:
    """What is called label or labels, or has that in its name, in a dict; or the second part of a tuple."""
    if isinstance(sample, (tuple, list)):
        sample = sample[1]
    if isinstance(sample, Tensor):
        return sample
    if not isinstance(sample, dict):
        raise ValueError(
            "When using the default labels_getter, the input passed to forward must be a dictionary or a two-tuple "
            f"whose second item is a dictionary or a tensor, but got {type(sample)} instead."
        )
    names = {str(key).lower(): key for key in sample}
    exact = [name for name in ("labels", "label") if name in names]
    likely = exact or [name for name in names if "label" in name]
    if not likely:
        raise ValueError(
            "Could not infer where the labels are in the sample. Try passing a callable as the labels_getter parameter? "
            "If there are no labels in the sample by design, pass labels_getter=None."
        )
    return sample[names[likely[0]]]


def no_labels(sample: Any) -> None:
    return None


def labels_getter_of(labels_getter: Any) -> Callable[[Any], Any]:
    if labels_getter == "default":
        return find_labels
    if labels_getter is None:
        return no_labels
    if callable(labels_getter):
        return labels_getter
    raise ValueError(
        f"labels_getter should either be 'default', a callable, or None, but got {labels_getter}."
    )
