"""STL-10: 96 x 96 colour pictures, few of them with labels."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ._download import download, extract, is_whole
from ._pictures import PictureArray

SIDE = 96


class STL10(PictureArray):
    """Ten classes: 5,000 pictures to train, in ten folds, 8,000 to test, 100,000 without label (-1)."""

    base_folder = "stl10_binary"
    url = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
    filename = "stl10_binary.tar.gz"
    tgz_md5 = "91f7769df0f17e558f3565bffb0c7dfb"
    class_names_file = "class_names.txt"
    folds_list_file = "fold_indices.txt"
    train_list = [
        ["train_X.bin", "918c2871b30a85fa023e0c44e0bee87f"],
        ["train_y.bin", "5a34089d4802c674881badbb80307741"],
        ["unlabeled_X.bin", "5242ba1fed5e4be9e1e742405eb56ca4"],
    ]
    test_list = [
        ["test_X.bin", "7f263ba9f9e0b06b93213547f721ac82"],
        ["test_y.bin", "36f9794fa4beb8a2c72628de14fa638e"],
    ]
    splits = ("train", "train+unlabeled", "unlabeled", "test")

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        folds: int | None = None,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        if split not in self.splits:
            raise ValueError(f"Unknown value '{split}' for argument split. Valid values are {self.splits}.")
        if folds is not None and not isinstance(folds, int):
            raise ValueError(f"Expected type None or int for argument folds, but got type {type(folds)}.")
        if folds is not None and folds not in range(10):
            raise ValueError(f"Value for argument folds should be in the range [0, 10), but got {folds}.")
        self.split, self.folds = split, folds
        self.folder = Path(str(self.root)) / self.base_folder
        if download:
            self.download()
        if not self._check_integrity():
            raise RuntimeError(
                f"Dataset not found or corrupted: {self.folder}. You can use download=True to download it"
            )
        parts = [self._read(part) for part in split.split("+")]
        self.data = np.concatenate([data for data, _ in parts])
        self.labels = np.concatenate([labels for _, labels in parts])
        names = self.folder / self.class_names_file
        if names.is_file():
            self.classes = names.read_text().splitlines()

    def _read(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Pictures [N, 3, 96, 96] and labels from 0. The file goes down the columns."""
        pixels = (
            np.fromfile(self.folder / f"{part}_X.bin", np.uint8)
            .reshape(-1, 3, SIDE, SIDE)
            .transpose(0, 1, 3, 2)
        )
        if part == "unlabeled":
            return pixels, np.full(len(pixels), -1)
        labels = np.fromfile(self.folder / f"{part}_y.bin", np.uint8) - 1
        if part == "train" and self.folds is not None:
            rows = (self.folder / self.folds_list_file).read_text().splitlines()
            chosen = np.array(rows[self.folds].split(), np.int64)
            pixels, labels = pixels[chosen], labels[chosen]
        return pixels, labels

    @property
    def targets(self) -> np.ndarray:
        return self.labels

    def _pixels(self, index: int) -> np.ndarray:
        return np.ascontiguousarray(self.data[index].transpose(1, 2, 0))

    def _check_integrity(self) -> bool:
        return all(is_whole(self.folder / name, md5) for name, md5 in self.train_list + self.test_list)

    def download(self) -> None:
        if not self._check_integrity():
            extract(download(self.url, str(self.root), self.filename, self.tgz_md5), str(self.root))

    def extra_repr(self) -> str:
        return f"Split: {self.split}"
