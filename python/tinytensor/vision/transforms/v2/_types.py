"""Transforms that change what the parts of a sample are: their class, dtype or format, or whether they are kept."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import tinytensor
from tinytensor import Tensor
from tinytensor.utils._pytree import tree_flatten, tree_unflatten
from tinytensor.vision.tv_tensors import BoundingBoxes, Image, KeyPoints, Mask, TVTensor, Video, wrap
from tinytensor.vision.tv_tensors._places import check_clamping_mode, format_of

from .. import basic
from .._forms import is_pil_image
from . import functional as F
from ._query import check_type, get_bounding_boxes, get_keypoints, labels_getter_of
from ._transform import Transform
from .functional._sanitize import valid_boxes, valid_points


class Identity(Transform):
    """Nothing."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return inpt


class Lambda(Transform):
    """A function of everything in a sample that has one of the types."""

    def __init__(self, lambd: Callable[[Any], Any], *types: type) -> None:
        super().__init__()
        self.lambd, self.types = lambd, types or (object,)

    def _needs_transform_list(self, flat_inputs: list[Any]) -> list[bool]:
        return [isinstance(inpt, self.types) for inpt in flat_inputs]

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self.lambd(inpt)

    def extra_repr(self) -> str:
        name = getattr(self.lambd, "__name__", "")
        return ", ".join([*([name] if name else []), f"types={[kind.__name__ for kind in self.types]}"])


# ---------------------------------------------------------------- class and dtype


class PILToTensor(Transform):
    """PIL images as [C, H, W] tensors of the values they have."""

    _transformed_types = (is_pil_image,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        return F.pil_to_tensor(inpt)


class ToImage(Transform):
    """PIL images, [H, W, C] arrays and the plain tensor that counts as the picture, as Images of the values they have."""

    _transformed_types = (F.is_pure_tensor, is_pil_image, np.ndarray)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Image:
        return F.to_image(inpt)


class ToTensor(Transform):
    """PIL images and [H, W, C] arrays as [C, H, W] tensors; bytes become numbers from 0 to 1."""

    _transformed_types = (is_pil_image, np.ndarray)

    def __init__(self) -> None:
        warnings.warn(
            "The transform `ToTensor()` is deprecated. Instead, please use "
            "`v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])`.",
            stacklevel=2,
        )
        super().__init__()

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        return F.to_tensor(inpt)


class ToPILImage(Transform):
    """[C, H, W] tensors and [H, W, C] arrays as PIL images."""

    _transformed_types = (F.is_pure_tensor, Image, np.ndarray)

    def __init__(self, mode: str | None = None) -> None:
        super().__init__()
        self.mode = mode

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.to_pil_image(inpt, mode=self.mode)


class ToPureTensor(Transform):
    """Everything that says what it holds as a plain tensor."""

    _transformed_types = (TVTensor,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        return inpt.as_subclass(Tensor)


class ToDtype(Transform):
    """Pictures in another dtype, or everything by a dict of types and "others"; with `scale`, pictures keep brightness."""

    _transformed_types = (Tensor,)

    def __init__(self, dtype: Any, scale: bool = False) -> None:
        super().__init__()
        if not isinstance(dtype, (dict, tinytensor.dtype)):
            raise ValueError(f"dtype must be a dict or a torch.dtype, got {type(dtype)} instead")
        self.dtype, self.scale = dtype, scale

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        picture = check_type(inpt, (F.is_pure_tensor, Image, Video))
        dtype = self.dtype
        if isinstance(dtype, dict):
            if type(inpt) not in dtype and "others" not in dtype:
                raise ValueError(f"No dtype was specified for type {type(inpt)}.")
            dtype = dtype[type(inpt)] if type(inpt) in dtype else dtype["others"]
        elif not picture:
            return inpt
        if dtype is None:
            if self.scale and picture:
                warnings.warn(
                    "scale was set to True but no dtype was specified for images or videos", stacklevel=2
                )
            return inpt
        return self._call_kernel(F.to_dtype, inpt, dtype=dtype, scale=self.scale)


class ConvertImageDtype(Transform, basic.ConvertImageDtype):
    """The picture in another dtype, full brightness to full brightness."""

    def __init__(self, dtype: Any = tinytensor.float32) -> None:
        super().__init__(dtype)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        return self._call_kernel(F.to_dtype, inpt, dtype=self.dtype, scale=True)


class UniformTemporalSubsample(Transform):
    """Some pictures of a video, evenly spread over it."""

    _transformed_types = (Tensor,)
    _functional = F.uniform_temporal_subsample

    def __init__(self, num_samples: int) -> None:
        super().__init__()
        self.num_samples = num_samples


# ---------------------------------------------------------------- boxes and points


class ConvertBoundingBoxFormat(Transform):
    """Boxes in another format."""

    _transformed_types = (BoundingBoxes,)

    def __init__(self, format: Any) -> None:
        super().__init__()
        self.format = format_of(format)

    def transform(self, inpt: BoundingBoxes, params: dict[str, Any]) -> Any:
        return F.convert_bounding_box_format(inpt, new_format=self.format)


class ClampBoundingBoxes(Transform):
    """Boxes without what is beyond the picture; "auto" is their own mode."""

    _transformed_types = (BoundingBoxes,)

    def __init__(self, clamping_mode: str | None = "auto") -> None:
        super().__init__()
        check_clamping_mode(clamping_mode, "auto")
        self.clamping_mode = clamping_mode

    def transform(self, inpt: BoundingBoxes, params: dict[str, Any]) -> Any:
        return F.clamp_bounding_boxes(inpt, clamping_mode=self.clamping_mode)


class SetClampingMode(Transform):
    """Boxes that later transforms will cut off ("soft", "hard") or leave (None)."""

    _transformed_types = (BoundingBoxes,)

    def __init__(self, clamping_mode: str | None) -> None:
        super().__init__()
        check_clamping_mode(clamping_mode)
        self.clamping_mode = clamping_mode

    def transform(self, inpt: BoundingBoxes, params: dict[str, Any]) -> Any:
        return wrap(inpt.clone().as_subclass(Tensor), like=inpt, clamping_mode=self.clamping_mode)


class ClampKeyPoints(Transform):
    """Points moved onto the picture."""

    _transformed_types = (KeyPoints,)

    def transform(self, inpt: KeyPoints, params: dict[str, Any]) -> Any:
        return F.clamp_keypoints(inpt)


class _Sanitize(Transform):
    """Removes places that are not worth keeping, and their labels."""

    _kinds: tuple[type, ...]  # of which entries are removed

    def __init__(self, labels_getter: Any) -> None:
        super().__init__()
        self.labels_getter = labels_getter
        self._labels_getter = labels_getter_of(labels_getter)

    def _valid(self, flat: list[Any]) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define _valid")

    def forward(self, *inputs: Any) -> Any:
        sample = inputs if len(inputs) > 1 else inputs[0]
        labels = self._labels_getter(sample)
        labels = () if labels is None else labels if isinstance(labels, (tuple, list)) else (labels,)
        flat, structure = tree_flatten(sample)
        valid = self._valid(flat)
        for label in labels:
            if not isinstance(label, Tensor):
                raise ValueError(
                    f"The labels in the input to forward() must be a tensor, got {type(label)} instead."
                )
            if len(label) != len(valid):
                raise ValueError(
                    f"Number of boxes (shape={len(valid)}) and labels (shape={label.shape}) do not match."
                )
        removed = [isinstance(part, self._kinds) or any(part is label for label in labels) for part in flat]
        return tree_unflatten(
            [_those(part, valid) if cut else part for part, cut in zip(flat, removed)], structure
        )


def _those(part: Tensor, valid: Tensor) -> Tensor:
    return wrap(part.as_subclass(Tensor)[valid], like=part) if isinstance(part, TVTensor) else part[valid]


class SanitizeBoundingBoxes(_Sanitize):
    """Removes boxes that are too small or not within the picture, with their labels and masks."""

    _kinds = (BoundingBoxes, Mask)

    def __init__(self, min_size: float = 1.0, min_area: float = 1.0, labels_getter: Any = "default") -> None:
        for name, value in (("min_size", min_size), ("min_area", min_area)):
            if value < 1:
                raise ValueError(f"{name} must be >= 1, got {value}.")
        super().__init__(labels_getter)
        self.min_size, self.min_area = min_size, min_area

    def _valid(self, flat: list[Any]) -> Tensor:
        boxes = get_bounding_boxes(flat)
        plain = boxes.as_subclass(Tensor)
        return valid_boxes(plain, boxes.format, boxes.canvas_size, self.min_size, self.min_area)


class SanitizeKeyPoints(_Sanitize):
    """Removes points that are not within the picture, with their labels."""

    _kinds = (KeyPoints,)

    def __init__(self, labels_getter: Any = None) -> None:
        super().__init__(labels_getter)

    def _valid(self, flat: list[Any]) -> Tensor:
        points = get_keypoints(flat)
        return valid_points(points.as_subclass(Tensor), points.canvas_size)
