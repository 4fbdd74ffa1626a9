"""LSUN: scenes of ten kinds, each in a database of LMDB's."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from typing import Any

from ._files import check_choice, folder_of
from ._picture import pillow
from .vision import VisionDataset

CATEGORIES = (
    "bedroom", "bridge", "church_outdoor", "classroom", "conference_room", "dining_room", "kitchen",
    "living_room", "restaurant", "tower",
)  # fmt: skip
SPLITS = ("train", "val", "test")


class LSUNClass(VisionDataset):
    """The pictures of one database, without targets. Needs the package lmdb."""

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable | None = None,
        target_transform: Callable | None = None,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        try:
            import lmdb
        except ImportError as error:
            raise ImportError("reading LSUN needs lmdb: pip install lmdb") from error
        options = {"max_readers": 1, "readonly": True, "lock": False, "readahead": False, "meminit": False}
        self.env = lmdb.open(str(self.root), **options)
        with self.env.begin(write=False) as transaction:
            self.length = transaction.stat()["entries"]
            self.keys = list(transaction.cursor().iternext(keys=True, values=False))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        with self.env.begin(write=False) as transaction:
            content = transaction.get(self.keys[index])
        image = pillow().open(io.BytesIO(content)).convert("RGB")
        return (image if self.transform is None else self.transform(image)), ""

    def __len__(self) -> int:
        return self.length


class LSUN(VisionDataset):
    """Pictures in root/<class>_lmdb with the number of the class in `classes`.

    `classes` is train, val or test, or a list of names such as bedroom_train.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        classes: str | list[str] = "train",
        transform: Callable | None = None,
        target_transform: Callable | None = None,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.classes = self._names(classes)
        self.dbs = [LSUNClass(folder_of(root, f"{name}_lmdb"), transform) for name in self.classes]
        self.indices = list(accumulate(len(database) for database in self.dbs))
        self.length = self.indices[-1] if self.indices else 0

    @staticmethod
    def _names(classes: str | list[str]) -> list[str]:
        if isinstance(classes, str):
            split = check_choice(classes, "classes", SPLITS)
            return ["test"] if split == "test" else [f"{name}_{split}" for name in CATEGORIES]
        for name in classes:
            category, _, split = name.rpartition("_")
            check_choice(split, "classes", SPLITS)
            check_choice(category, "classes", CATEGORIES)
        return classes

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        target = bisect_right(self.indices, index)
        start = self.indices[target - 1] if target else 0
        image, _ = self.dbs[target][index - start]
        return image, target if self.target_transform is None else self.target_transform(target)

    def __len__(self) -> int:
        return self.length

    def extra_repr(self) -> str:
        return f"Classes: {self.classes}"
