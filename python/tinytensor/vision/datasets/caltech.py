"""Caltech-101 and Caltech-256: pictures of objects in folders of their kinds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._download import extract
from ._files import PictureFiles, check_choice, check_found, fetch, folder_of, loadmat
from ._picture import pillow


def _categories(folder: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())


def _open_rgb(path: Path) -> Any:
    return pillow().open(path)


class Caltech101(PictureFiles):
    """Pictures in root/caltech101 with what `target_type` asks for: category, annotation (the outline, [2, points])."""

    _URL = "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip"
    _MD5 = "3138e1922a9193bfa496528edbbc45d0"
    _OTHER_NAMES = {
        "Faces": "Faces_2",
        "Faces_easy": "Faces_3",
        "Motorbikes": "Motorbikes_16",
        "airplanes": "Airplanes_Side_2",
    }

    def __init__(
        self,
        root: str | os.PathLike[str],
        target_type: list[str] | str = "category",
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ) -> None:
        kinds = [target_type] if isinstance(target_type, str) else target_type
        self.target_type = [check_choice(kind, "target_type", ("category", "annotation")) for kind in kinds]
        base = folder_of(root, "caltech101")
        if download and not (base / "101_ObjectCategories").is_dir():
            self._fetch(base)
        check_found(base / "101_ObjectCategories", *([base / "Annotations"] if "annotation" in kinds else []))
        self.categories = [
            name for name in _categories(base / "101_ObjectCategories") if name != "BACKGROUND_Google"
        ]
        self.annotation_categories = [self._OTHER_NAMES.get(name, name) for name in self.categories]
        samples = []
        for number, name in enumerate(self.categories):
            count = len(os.listdir(base / "101_ObjectCategories" / name))
            paths = (base / "101_ObjectCategories" / name / f"image_{i:04d}.jpg" for i in range(1, count + 1))
            samples += [(path, (number, i)) for i, path in enumerate(paths, 1)]
        super().__init__(base, samples, transform, target_transform, _open_rgb)

    @property
    def y(self) -> list[int]:
        return [number for _, (number, _) in self._samples]

    def _fetch(self, base: Path) -> None:
        fetch(self._URL, self._MD5, base)
        inner = base / "caltech-101"
        for name in ("101_ObjectCategories.tar.gz", "Annotations.tar"):
            extract(inner / name, base)

    def _target(self, target: tuple[int, int]) -> Any:
        number, index = target
        parts = [number if kind == "category" else self._outline(number, index) for kind in self.target_type]
        return tuple(parts) if len(parts) > 1 else parts[0]

    def _outline(self, number: int, index: int) -> Any:
        folder = Path(str(self.root)) / "Annotations" / self.annotation_categories[number]
        return loadmat(folder / f"annotation_{index:04d}.mat")["obj_contour"]

    def extra_repr(self) -> str:
        return f"Target type: {self.target_type}"


class Caltech256(PictureFiles):
    """Pictures in root/caltech256 with the number of their kind."""

    _URL = "https://data.caltech.edu/records/nyy15-4j048/files/256_ObjectCategories.tar"
    _MD5 = "67b4f42ca05d46448c6bb8ecd2220f6d"

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ) -> None:
        base = folder_of(root, "caltech256")
        folder = base / "256_ObjectCategories"
        if download and not folder.is_dir():
            fetch(self._URL, self._MD5, base)
        check_found(folder)
        self.categories = _categories(folder)
        samples = []
        for number, name in enumerate(self.categories):
            count = sum(entry.name.endswith(".jpg") for entry in os.scandir(folder / name))
            names = (f"{number + 1:03d}_{i:04d}.jpg" for i in range(1, count + 1))
            samples += [(folder / name / file, number) for file in names]
        super().__init__(base, samples, transform, target_transform, _open_rgb)

    @property
    def y(self) -> list[int]:
        return [number for _, number in self._samples]
