"""What a detector does to its pictures before, and to its findings after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tinytensor
from tinytensor import Tensor, nn
from tinytensor.nn import functional as F

from .image_list import ImageList
from .roi_heads import paste_masks_in_image

__all__ = ["GeneralizedRCNNTransform", "resize_boxes"]

Target = dict[str, Tensor]


def _ratios(original_size: Sequence[int], new_size: Sequence[int]) -> list[Tensor]:
    # In single precision, as the boxes are.
    pairs = zip(new_size, original_size)
    return [tinytensor.tensor(float(new)) / tinytensor.tensor(float(old)) for new, old in pairs]


def resize_boxes(boxes: Tensor, original_size: Sequence[int], new_size: Sequence[int]) -> Tensor:
    """Boxes in a picture (height, width) as boxes in the resized one."""
    down, across = (ratio.to(boxes.device) for ratio in _ratios(original_size, new_size))
    return boxes * tinytensor.stack([across, down, across, down]).to(boxes.dtype)


class GeneralizedRCNNTransform(nn.Module):
    """Normalize, resize (the shorter side to min_size, the longer to at most max_size), pad to one size."""

    def __init__(
        self,
        min_size: int | Sequence[int],
        max_size: int,
        image_mean: Sequence[float],
        image_std: Sequence[float],
        size_divisible: int = 32,
        fixed_size: tuple[int, int] | None = None,
        _skip_resize: bool = False,
    ) -> None:
        super().__init__()
        self.min_size = min_size if isinstance(min_size, (list, tuple)) else (min_size,)
        self.max_size = max_size
        self.image_mean = image_mean
        self.image_std = image_std
        self.size_divisible = size_divisible
        self.fixed_size = fixed_size
        self._skip_resize = _skip_resize

    def forward(
        self, images: Sequence[Tensor], targets: Sequence[Target] | None = None
    ) -> tuple[ImageList, list[Target] | None]:
        changed, changed_targets = [], []
        for image, target in zip(images, [None] * len(images) if targets is None else targets):
            if image.dim() != 3:
                raise ValueError(
                    "images is expected to be a list of 3d tensors of shape [C, H, W], "
                    f"got {tuple(image.shape)}"
                )
            image, target = self.resize(self.normalize(image), None if target is None else dict(target))
            changed.append(image)
            changed_targets.append(target)
        sizes = [tuple(image.shape[-2:]) for image in changed]
        batch = self.batch_images(changed, self.size_divisible)
        return ImageList(batch, sizes), None if targets is None else changed_targets

    def normalize(self, image: Tensor) -> Tensor:
        if not image.is_floating_point():
            raise TypeError(
                "Expected input images to be of floating type (in range [0, 1]), "
                f"but found type {image.dtype} instead"
            )
        options = {"dtype": image.dtype, "device": image.device}
        mean, deviation = (tinytensor.as_tensor(v, **options) for v in (self.image_mean, self.image_std))
        return (image - mean[:, None, None]) / deviation[:, None, None]

    def _chosen_size(self) -> int:
        if not self.training:
            return self.min_size[-1]
        return self.min_size[int(tinytensor.empty(1).uniform_(0.0, float(len(self.min_size))).item())]

    def resize(self, image: Tensor, target: Target | None = None) -> tuple[Tensor, Target | None]:
        before = image.shape[-2:]
        if self.training and self._skip_resize:
            return image, target
        shortest = self._chosen_size()
        if self.fixed_size is not None:
            how: dict[str, Any] = {"size": [self.fixed_size[1], self.fixed_size[0]]}
        else:
            factor = min(shortest / min(before), self.max_size / max(before))
            how = {"scale_factor": factor, "recompute_scale_factor": True}
        image = F.interpolate(image[None], mode="bilinear", align_corners=False, **how)[0]
        if target is None:
            return image, None
        if "masks" in target:
            masks = F.interpolate(target["masks"][:, None].float(), **how)
            target["masks"] = masks[:, 0].to(tinytensor.uint8)
        target["boxes"] = resize_boxes(target["boxes"], before, image.shape[-2:])
        return image, target

    def batch_images(self, images: list[Tensor], size_divisible: int = 32) -> Tensor:
        """The pictures in the upper left corner of zeros."""
        largest = [max(image.shape[axis] for image in images) for axis in range(3)]
        height, width = (math.ceil(size / size_divisible) * size_divisible for size in largest[1:])
        batch = images[0].new_full((len(images), largest[0], height, width), 0)
        for place, image in zip(batch, images):
            place[: image.shape[0], : image.shape[1], : image.shape[2]].copy_(image)
        return batch

    def postprocess(
        self, result: list[Target], image_shapes: Sequence, original_image_sizes: Sequence
    ) -> list[Target]:
        """The findings in the coordinates of the pictures that were given."""
        if self.training:
            return result
        for found, size, original in zip(result, image_shapes, original_image_sizes):
            found["boxes"] = resize_boxes(found["boxes"], size, original)
            if "masks" in found:
                found["masks"] = paste_masks_in_image(found["masks"], found["boxes"], original)
        return result

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(\n    Normalize(mean={self.image_mean}, std={self.image_std})\n"
            f"    Resize(min_size={self.min_size}, max_size={self.max_size}, mode='bilinear')\n)"
        )
