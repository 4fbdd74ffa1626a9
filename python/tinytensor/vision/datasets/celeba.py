"""CelebA: faces with attributes, identities, boxes and landmarks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tinytensor

from ._download import extract, is_whole
from ._picture import pillow
from .vision import VisionDataset


class CelebA(VisionDataset):
    """Faces from root/celeba/img_align_celeba with what `target_type` asks for: attr, identity, bbox, landmarks.

    The files are handed out by hand only: they are unpacked here (`download=True`), but not fetched.
    """

    base_folder = "celeba"
    archive = ("img_align_celeba.zip", "00d2c5bc6d35e252742224ab0c1e8fcb")
    file_list = [
        ("list_attr_celeba.txt", "75e246fa4810816ffd6ee81facbd244c"),
        ("identity_CelebA.txt", "32bd1bd63d3c78cd57e08160ec5ed1e2"),
        ("list_bbox_celeba.txt", "00566efa6fedff7a56946cd1c10f1c16"),
        ("list_landmarks_align_celeba.txt", "cc24ecafdb5b50baae59b03474781f8c"),
        ("list_eval_partition.txt", "d32c9cbf5e040fd4025c592c306e6668"),
    ]
    _splits = {"train": 0, "valid": 1, "test": 2, "all": None}

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        target_type: list[str] | str = "attr",
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = split
        self.target_type = target_type if isinstance(target_type, list) else [target_type]
        if not self.target_type and target_transform is not None:
            raise RuntimeError("target_transform is specified but target_type is empty")
        self.folder = Path(str(self.root)) / self.base_folder
        if download:
            self.download()
        missing = [name for name, md5 in self.file_list if not is_whole(self.folder / name, md5)]
        if missing or not (self.folder / "img_align_celeba").is_dir():
            names = ", ".join([*missing, "img_align_celeba"])
            raise RuntimeError(f"Dataset not found or corrupted: {self.folder} lacks some of {names}")
        if split.lower() not in self._splits:
            raise ValueError(
                f"Unknown value '{split}' for argument split. Valid values are {tuple(self._splits)}."
            )
        self._read(self._splits[split.lower()])

    def _read(self, part: int | None) -> None:
        _, names, parts = self._table("list_eval_partition.txt", False)
        chosen = [i for i in range(len(names)) if part is None or int(parts[i, 0]) == part]
        rows = tinytensor.tensor(chosen, dtype=tinytensor.int64)
        self.filename = [names[i] for i in chosen]
        self.identity = self._table("identity_CelebA.txt", False)[2][rows]
        self.bbox = self._table("list_bbox_celeba.txt", True)[2][rows]
        self.landmarks_align = self._table("list_landmarks_align_celeba.txt", True)[2][rows]
        self.attr_names, _, attributes = self._table("list_attr_celeba.txt", True)
        self.attr = tinytensor.div(attributes[rows] + 1, 2, rounding_mode="floor")  # the file has -1 and 1

    def _table(self, name: str, has_header: bool) -> tuple[list[str], list[str], tinytensor.Tensor]:
        """The names of columns, where there are any, those of the pictures, and the numbers."""
        lines = [line.split() for line in (self.folder / name).read_text().splitlines()]
        header = lines[1] if has_header else []
        lines = lines[2:] if has_header else lines
        return (
            header,
            [line[0] for line in lines],
            tinytensor.tensor([[int(cell) for cell in line[1:]] for line in lines]),
        )

    def download(self) -> None:
        name, md5 = self.archive
        if (self.folder / "img_align_celeba").is_dir():
            return
        if not is_whole(self.folder / name, md5):
            files = ", ".join([name, *(file for file, _ in self.file_list)])
            raise RuntimeError(
                "CelebA cannot be downloaded by a program: get it from http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html "
                f"and put {files} into {self.folder.resolve()}"
            )
        extract(self.folder / name, self.folder)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = pillow().open(self.folder / "img_align_celeba" / self.filename[index])
        targets = [self._target(kind, index) for kind in self.target_type]
        target: Any = None
        if targets:
            target = tuple(targets) if len(targets) > 1 else targets[0]
            target = target if self.target_transform is None else self.target_transform(target)
        return image if self.transform is None else self.transform(image), target

    def _target(self, kind: str, index: int) -> tinytensor.Tensor:
        if kind == "identity":
            return self.identity[index, 0]
        tables = {"attr": self.attr, "bbox": self.bbox, "landmarks": self.landmarks_align}
        if kind not in tables:
            raise ValueError(f'Target type "{kind}" is not recognized.')
        return tables[kind][index, :]

    def __len__(self) -> int:
        return len(self.attr)

    def extra_repr(self) -> str:
        return f"Target type: {self.target_type}\nSplit: {self.split}"
