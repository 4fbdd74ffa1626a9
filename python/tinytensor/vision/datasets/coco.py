"""Pictures with the annotations of COCO: one JSON file for all of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from .folder import pil_loader
from .vision import VisionDataset


class Annotations:
    """The content of an annotation file, by the numbers of pictures, annotations and categories."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        with open(path, encoding="utf-8") as file:
            self.dataset = json.load(file)
        if not isinstance(self.dataset, dict) or "images" not in self.dataset:
            raise RuntimeError(f"{path}: not an annotation file of COCO: it has no list of images")
        self.imgs = {image["id"]: image for image in self.dataset["images"]}
        self.anns = {entry["id"]: entry for entry in self.dataset.get("annotations", ())}
        self.cats = {entry["id"]: entry for entry in self.dataset.get("categories", ())}
        self.imgToAnns: dict[int, list] = {}
        for entry in self.dataset.get("annotations", ()):
            self.imgToAnns.setdefault(entry["image_id"], []).append(entry)

    def getAnnIds(self, imgIds: Any = ()) -> list[int]:
        """The numbers of the annotations of some pictures, or of all."""
        numbers = _listed(imgIds) or self.imgToAnns
        return [entry["id"] for number in numbers for entry in self.imgToAnns.get(number, ())]

    def loadAnns(self, ids: Any = ()) -> list[dict]:
        return [self.anns[number] for number in _listed(ids)]

    def loadImgs(self, ids: Any = ()) -> list[dict]:
        return [self.imgs[number] for number in _listed(ids)]

    def loadCats(self, ids: Any = ()) -> list[dict]:
        return [self.cats[number] for number in _listed(ids)]

    def getCatIds(self) -> list[int]:
        return list(self.cats)

    def getImgIds(self) -> list[int]:
        return list(self.imgs)


def _listed(numbers: Any) -> list:
    return list(numbers) if isinstance(numbers, Iterable) else [numbers]


class CocoDetection(VisionDataset):
    """Pictures in `root`, each with the list of its annotations in `annFile`."""

    def __init__(
        self,
        root: str | os.PathLike[str],
        annFile: str,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        transforms: Callable | None = None,
    ) -> None:
        super().__init__(root, transforms, transform, target_transform)
        self.coco = Annotations(annFile)
        self.ids = sorted(self.coco.imgs)

    def _load_image(self, id: int) -> Any:
        return pil_loader(os.path.join(self.root, self.coco.imgs[id]["file_name"]))

    def _load_target(self, id: int) -> list[Any]:
        return self.coco.loadAnns(self.coco.getAnnIds(id))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not isinstance(index, int):
            raise ValueError(f"Index must be of type integer, got {type(index)} instead.")
        image, target = self._load_image(self.ids[index]), self._load_target(self.ids[index])
        return (image, target) if self.transforms is None else self.transforms(image, target)

    def __len__(self) -> int:
        return len(self.ids)


class CocoCaptions(CocoDetection):
    """Pictures in `root`, each with the list of its captions."""

    def _load_target(self, id: int) -> list[str]:
        return [entry["caption"] for entry in super()._load_target(id)]
