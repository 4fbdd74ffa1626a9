"""Oxford-IIIT Pet: cats and dogs of 37 breeds."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ._files import PictureFiles, check_choice, check_found, fetch, folder_of, numbers_of
from ._picture import pillow


class OxfordIIITPet(PictureFiles):
    """Pictures in root/oxford-iiit-pet with what `target_types` asks for.

    That is category (the breed's number), binary-category (0 for cats, 1 for dogs), segmentation (a PIL image with 1 for
    the animal, 2 for what is around it, 3 for the border).
    """

    _SITE = "https://www.robots.ox.ac.uk/~vgg/data/pets/data/"
    _ARCHIVES = {
        "images.tar.gz": "5c4f3ee8e5d25df40f4fd59a7f44e54c",
        "annotations.tar.gz": "95a8c909bbe2e81eed6a22bccdf3f68f",
    }
    _KINDS = ("category", "binary-category", "segmentation")

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "trainval",
        target_types: Sequence[str] | str = "category",
        transforms: Callable | None = None,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ) -> None:
        self._split = check_choice(split, "split", ("trainval", "test"))
        kinds = [target_types] if isinstance(target_types, str) else target_types
        self._target_types = [check_choice(kind, "target_types", self._KINDS) for kind in kinds]
        base = folder_of(root, "oxford-iiit-pet")
        images, notes = base / "images", base / "annotations"
        if download and not (images.is_dir() and notes.is_dir()):
            for name, md5 in self._ARCHIVES.items():
                fetch(self._SITE + name, md5, base)
        check_found(images, notes)
        lines = [line.split() for line in (notes / f"{split}.txt").read_text().splitlines()]
        breeds = {int(breed): name.rsplit("_", 1)[0] for name, breed, *_ in lines}
        self.classes = [
            " ".join(part.title() for part in breeds[breed].split("_")) for breed in sorted(breeds)
        ]
        self.class_to_idx = numbers_of(self.classes)
        samples = [
            (images / f"{name}.jpg", (int(breed) - 1, int(animal) - 1, notes / "trimaps" / f"{name}.png"))
            for name, breed, animal, *_ in lines
        ]
        super().__init__(root, samples, transform, target_transform, _open_rgb, transforms)

    def _target(self, target: tuple[int, int, Path]) -> Any:
        parts = [self._part(kind, *target) for kind in self._target_types]
        return None if not parts else tuple(parts) if len(parts) > 1 else parts[0]

    @staticmethod
    def _part(kind: str, breed: int, animal: int, trimap: Path) -> Any:
        if kind == "segmentation":
            return pillow().open(trimap)
        return breed if kind == "category" else animal


def _open_rgb(path: Path) -> Any:
    return pillow().open(path).convert("RGB")
