"""MNIST and the datasets in its form: 28 x 28 grey pictures in idx files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tinytensor

from ._download import download, extract
from ._idx import read_idx
from ._pictures import PictureArray


class MNIST(PictureArray):
    """Handwritten digits: 60,000 to train, 10,000 to test."""

    mirrors = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ]
    resources = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    classes = [
        *("0 - zero", "1 - one", "2 - two", "3 - three", "4 - four"),
        *("5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine"),
    ]

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
        if not self._check_exists():
            raise RuntimeError(
                f"Dataset not found in {self.raw_folder}. You can use download=True to download it, or put the files "
                f"{', '.join(name for name, _ in self.resources)} there"
            )
        self.data, self.targets = self._load_data()

    @property
    def raw_folder(self) -> str:
        return os.path.join(str(self.root), type(self).__name__, "raw")

    @property
    def processed_folder(self) -> str:
        return os.path.join(str(self.root), type(self).__name__, "processed")

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.classes)}

    # The names that the tensors had long ago.
    train_data = test_data = property(lambda self: self.data)
    train_labels = test_labels = property(lambda self: self.targets)

    def _files(self) -> tuple[str, str]:
        """The names of the two files that this half of the dataset is read from, without .gz."""
        part = "train" if self.train else "t10k"
        return f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"

    def _locate(self, name: str) -> Path | None:
        """The file as torchvision lays it out, or straight under the root; unpacked or as it was published."""
        for folder in (Path(self.raw_folder), Path(str(self.root))):
            for path in (folder / name, folder / f"{name}.gz"):
                if path.is_file():
                    return path
        return None

    def _check_exists(self) -> bool:
        return all(self._locate(name) is not None for name in self._files())

    def _load_data(self) -> tuple[tinytensor.Tensor, tinytensor.Tensor]:
        images, labels = (read_idx(self._locate(name) or name) for name in self._files())
        if images.dim() != 3 or labels.dim() != 1 or len(images) != len(labels):
            raise RuntimeError(
                f"{type(self).__name__}: {tuple(images.shape)} pictures with {tuple(labels.shape)} labels"
            )
        return images, labels.long()

    def download(self) -> None:
        if self._check_exists():
            return
        for name, md5 in self.resources:
            archive = download([mirror + name for mirror in self.mirrors], self.raw_folder, name, md5)
            extract(archive, self.raw_folder)


class FashionMNIST(MNIST):
    """Pieces of clothing, in MNIST's form and sizes."""

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes = [
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ]


class KMNIST(MNIST):
    """Cursive Japanese characters, in MNIST's form and sizes."""

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


_CAPITALS, _SMALL = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_MERGED = "abdefghnqrt"  # the small letters whose capitals look different, in alphabetic order


class EMNIST(MNIST):
    """Handwritten letters and digits, cut in six ways (`split`)."""

    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    md5 = "58c8d27c78d21e728a6bc7b3cc06412e"
    splits = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
    classes_split_dict = {
        "byclass": sorted(_DIGITS + _CAPITALS + _SMALL),
        "bymerge": sorted(_DIGITS + _CAPITALS + _MERGED),
        "balanced": sorted(_DIGITS + _CAPITALS + _MERGED),
        "letters": ["N/A", *_SMALL],
        "digits": list(_DIGITS),
        "mnist": list(_DIGITS),
    }

    def __init__(self, root: str | os.PathLike[str], split: str, **kwargs: Any) -> None:
        if split not in self.splits:
            raise ValueError(f"Unknown value '{split}' for argument split. Valid values are {self.splits}.")
        self.split = split
        self.classes = self.classes_split_dict[split]
        super().__init__(root, **kwargs)

    def _files(self) -> tuple[str, str]:
        part = f"emnist-{self.split}-{'train' if self.train else 'test'}"
        return f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"

    def download(self) -> None:
        if self._check_exists():
            return
        archive = download(self.url, self.raw_folder, md5=self.md5)
        extract(archive, self.raw_folder)
        for path in (Path(self.raw_folder) / "gzip").glob("*.gz"):
            extract(path, self.raw_folder)


class QMNIST(MNIST):
    """MNIST made anew from NIST's pictures, with 60,000 to test.

    `what` is train, test, test10k (MNIST's own), test50k (the rest) or nist (all of NIST). A target is the digit, or with
    compat=False all that is known: digit, series, writer, number, class in NIST's code, number in NIST, and two zeros.
    """

    mirrors = ["https://raw.githubusercontent.com/facebookresearch/qmnist/master/"]
    subsets = {"train": "train", "test": "test", "test10k": "test", "test50k": "test", "nist": "nist"}
    qmnist_resources = {
        "train": [
            ("qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370"),
            ("qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4"),
        ],
        "test": [
            ("qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412"),
            ("qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa"),
        ],
        "nist": [
            ("xnist-images-idx3-ubyte.xz", "7f124b3b8ab81486c9d8c2749c17f834"),
            ("xnist-labels-idx2-int.xz", "5ed0e788978e45d4a8bd4b7caec3d79d"),
        ],
    }

    def __init__(
        self,
        root: str | os.PathLike[str],
        what: str | None = None,
        compat: bool = True,
        train: bool = True,
        **kwargs: Any,
    ) -> None:
        self.what = what or ("train" if train else "test")
        if self.what not in self.subsets:
            raise ValueError(
                f"Unknown value '{what}' for argument what. Valid values are {tuple(self.subsets)}."
            )
        self.compat = compat
        self.resources = self.qmnist_resources[self.subsets[self.what]]
        super().__init__(root, train, **kwargs)

    def _files(self) -> tuple[str, str]:
        images, labels = (name.rpartition(".")[0] for name, _ in self.resources)
        return images, labels

    def _load_data(self) -> tuple[tinytensor.Tensor, tinytensor.Tensor]:
        images, labels = (read_idx(self._locate(name) or name) for name in self._files())
        part = {"test10k": slice(0, 10000), "test50k": slice(10000, None)}.get(self.what, slice(None))
        return images[part].clone(), labels[part].long()

    def _target(self, index: int) -> Any:
        return int(self.targets[index, 0]) if self.compat else self.targets[index]

    def extra_repr(self) -> str:
        return f"Split: {self.what}"


__all__ = ["EMNIST", "KMNIST", "MNIST", "QMNIST", "FashionMNIST"]
