"""Oxford 102 Flower: pictures of 102 kinds of flowers."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ._download import download as download_file
from ._files import PictureFiles, check_choice, check_found, fetch, folder_of, loadmat
from .folder import default_loader


class Flowers102(PictureFiles):
    """Pictures in root/flowers-102 with the number of their kind. Reading the labels needs SciPy."""

    _SITE = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
    _IMAGES = ("102flowers.tgz", "52808999861908f626f3c1f4e79d11fa")
    _TABLES = {
        "imagelabels.mat": "e0620be6f572b9609742df49c70aed4d",
        "setid.mat": "a5357ecc9cb78c4bef273ce3793fc85c",
    }
    _PARTS = {"train": "trnid", "val": "valid", "test": "tstid"}

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        loader: Callable[[Any], Any] = default_loader,
    ) -> None:
        self._split = check_choice(split, "split", self._PARTS)
        base = folder_of(root, "flowers-102")
        if download:
            if not (base / "jpg").is_dir():
                fetch(self._SITE + self._IMAGES[0], self._IMAGES[1], base)
            for name, md5 in self._TABLES.items():
                download_file(self._SITE + name, base, name, md5)
        check_found(base / "jpg", *(base / name for name in self._TABLES))
        numbers = loadmat(base / "setid.mat", squeeze_me=True)[self._PARTS[split]]
        labels = loadmat(base / "imagelabels.mat", squeeze_me=True)["labels"]
        samples = [
            (base / "jpg" / f"image_{number:05d}.jpg", int(labels[number - 1]) - 1) for number in numbers
        ]
        super().__init__(root, samples, transform, target_transform, loader)

    def extra_repr(self) -> str:
        return f"split={self._split}"
