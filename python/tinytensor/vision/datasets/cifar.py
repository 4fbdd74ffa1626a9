"""CIFAR-10 and CIFAR-100: 32 x 32 colour pictures, in the Python or in the binary form that their authors publish."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ._download import download, extract, md5_of
from ._pictures import PictureArray
from ._plain_pickle import load_plain

PIXELS = 3 * 32 * 32


class CIFAR10(PictureArray):
    """Ten classes, 50,000 pictures to train and 10,000 to test."""

    base_folder = "cifar-10-batches-py"
    binary_folder = "cifar-10-batches-bin"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename = "cifar-10-python.tar.gz"
    tgz_md5 = "c58f30108f718f92721af3b95e74349a"
    train_list = [
        ["data_batch_1", "c99cafc152244af753f735de768cd75f"],
        ["data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"],
        ["data_batch_3", "54ebc095f3ab1f0389bbae665268c751"],
        ["data_batch_4", "634d18415352ddfa80567beed471001a"],
        ["data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"],
    ]
    test_list = [["test_batch", "40351d587109b95175f43aff81a1287e"]]
    meta = {"filename": "batches.meta", "key": "label_names", "md5": "5ff9c542aee3614f3951f8cda6e48888"}
    binary_names = "batches.meta.txt"
    label_bytes = 1  # in a record of the binary form, the last of them the class

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        folder, binary = Path(str(self.root)) / self.base_folder, Path(str(self.root)) / self.binary_folder
        if (folder / self._parts()[0][0]).is_file():
            self._read_python(folder)
        elif (binary / self._binary_name(self._parts()[0][0])).is_file():
            self._read_binary(binary)
        else:
            raise RuntimeError(
                f"Dataset not found or corrupted: neither {folder} nor {binary}. You can use download=True to download it"
            )
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}

    def _parts(self) -> list[list[str]]:
        return self.train_list if self.train else self.test_list

    @staticmethod
    def _binary_name(part: str) -> str:
        return f"{part}.bin"

    def _read_python(self, folder: Path) -> None:
        data, self.targets = [], []
        for name, md5 in self._parts():
            entry = load_plain(self._checked(folder / name, md5))
            data.append(entry["data"])
            self.targets += entry.get("labels") or entry["fine_labels"]
        self.data = self._as_pictures(np.concatenate(data))
        self.classes = load_plain(self._checked(folder / self.meta["filename"], self.meta["md5"]))[
            self.meta["key"]
        ]

    def _read_binary(self, folder: Path) -> None:
        data, targets = [], []
        for name, _ in self._parts():
            path = folder / self._binary_name(name)
            records = np.fromfile(path, np.uint8)
            if len(records) == 0 or len(records) % (self.label_bytes + PIXELS):
                raise RuntimeError(
                    f"Dataset not found or corrupted: {path} has {len(records)} bytes, no whole records"
                )
            records = records.reshape(-1, self.label_bytes + PIXELS)
            targets.append(records[:, self.label_bytes - 1])
            data.append(records[:, self.label_bytes :])
        self.targets = np.concatenate(targets).tolist()
        self.data = self._as_pictures(np.concatenate(data))
        self.classes = (folder / self.binary_names).read_text().split()

    @staticmethod
    def _checked(path: Path, md5: str) -> bytes:
        if not path.is_file() or md5_of(path) != md5:
            raise RuntimeError(
                f"Dataset not found or corrupted: {path} is missing or does not have MD5 {md5}. You can use "
                "download=True to download it"
            )
        return path.read_bytes()

    @staticmethod
    def _as_pictures(rows: np.ndarray) -> np.ndarray:
        """[N, H, W, 3] from rows of three planes."""
        return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))

    def download(self) -> None:
        root = Path(str(self.root))
        wanted = [*self.train_list, *self.test_list]
        if all((root / self.base_folder / name).is_file() for name, _ in wanted):
            return
        if all((root / self.binary_folder / self._binary_name(name)).is_file() for name, _ in wanted):
            return
        extract(download(self.url, root, self.filename, self.tgz_md5), root)


class CIFAR100(CIFAR10):
    """A hundred classes, 50,000 pictures to train and 10,000 to test."""

    base_folder = "cifar-100-python"
    binary_folder = "cifar-100-binary"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list = [["train", "16019d7e3df5f24257cddd939b257f8d"]]
    test_list = [["test", "f0ef6b0ae62326f3e7ffdfab6717acfc"]]
    meta = {"filename": "meta", "key": "fine_label_names", "md5": "7973b15100ade9c7d40fb424638fde48"}
    binary_names = "fine_label_names.txt"
    label_bytes = 2
