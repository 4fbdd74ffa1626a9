"""Datasets that hold all their pictures in one array of bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._picture import picture
from .vision import VisionDataset


class PictureArray(VisionDataset):
    """Pictures `data` [N, H, W] or [N, H, W, 3], of bytes, and their classes `targets`."""

    data: Any
    targets: Any
    train: bool

    def _pixels(self, index: int) -> np.ndarray:
        """Picture number `index`, [H, W] or [H, W, 3]."""
        return np.asarray(self.data[index])

    def _target(self, index: int) -> Any:
        return int(self.targets[index])

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, target = picture(self._pixels(index)), self._target(index)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __len__(self) -> int:
        return len(self.data)

    def _taker(self) -> Any:
        """What takes batches for a DataLoader, if that gives the same as taking samples one by one."""
        from ._batches import PictureTaker

        names = ("__getitem__", "_pixels", "_target")
        own = all(getattr(type(self), name) is getattr(PictureArray, name) for name in names)
        return PictureTaker.of(self) if own else None

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"
