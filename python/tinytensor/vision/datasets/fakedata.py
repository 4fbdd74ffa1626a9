"""Pictures of noise, for tries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinytensor

from ..transforms import functional as F
from .vision import VisionDataset


class FakeData(VisionDataset):
    """Noise with a random class, the same for the same index and offset."""

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        self.size, self.num_classes = size, num_classes
        self.image_size, self.random_offset = image_size, random_offset

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        generator = tinytensor.Generator()
        generator.manual_seed(index + self.random_offset)
        noise = tinytensor.randn(*self.image_size, generator=generator)
        label = tinytensor.randint(0, self.num_classes, (1,), generator=generator)[0]
        image, target = F.to_pil_image(noise), label
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target.item() if isinstance(target, tinytensor.Tensor) else target

    def __len__(self) -> int:
        return self.size
