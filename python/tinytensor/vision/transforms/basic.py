"""Chains of transforms, and the way from pictures to tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import tinytensor


class Compose:
    """Several transforms, one after the other."""

    def __init__(self, transforms: Sequence[Callable]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        lines = [f"    {transform}" for transform in self.transforms]
        return "\n".join([type(self).__name__ + "(", *lines, ")"])


class ToTensor:
    """A PIL image or an [H, W, C] array as a [C, H, W] tensor; bytes become numbers from 0 to 1."""

    def __call__(self, pic: Any) -> tinytensor.Tensor:
        array = np.asarray(pic)
        if array.ndim == 2:
            array = array[:, :, None]
        image = tinytensor.tensor(array.transpose(2, 0, 1)).contiguous()
        return image.to(tinytensor.get_default_dtype()).div(255) if image.dtype == tinytensor.uint8 else image

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Normalize:
    """(image - mean) / std, channel by channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean, self.std, self.inplace = mean, std, inplace

    def __call__(self, tensor: tinytensor.Tensor) -> tinytensor.Tensor:
        mean = tinytensor.as_tensor(self.mean, dtype=tensor.dtype).view(-1, 1, 1)
        std = tinytensor.as_tensor(self.std, dtype=tensor.dtype).view(-1, 1, 1)
        result = tensor if self.inplace else tensor.clone()
        return result.sub_(mean).div_(std)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"


class Lambda:
    """Any function as a transform."""

    def __init__(self, lambd: Callable) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
