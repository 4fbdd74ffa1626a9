"""Places365: scenes of 365 kinds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._download import download as download_file
from ._download import extract
from ._files import PictureFiles, check_choice, check_found, fetch, folder_of
from .folder import default_loader

CATEGORIES = "categories_places365.txt"
# By split: the list of its pictures, the folder of the large ones and that of the small ones.
SPLITS = {
    "train-standard": ("places365_train_standard.txt", "data_large_standard", "data_256_standard"),
    "train-challenge": ("places365_train_challenge.txt", "data_large_challenge", "data_256_challenge"),
    "val": ("places365_val.txt", "val_large", "val_256"),
    "test": ("places365_test.txt", "test_large", "test_256"),
}
LISTS = {
    "standard": ("filelist_places365-standard.tar", "35a0585fee1fa656440f3ab298f8479c"),
    "challenge": ("filelist_places365-challenge.tar", "70a8307e459c3de41690a7c76c931734"),
}
IMAGES = {
    ("train-standard", False): ("train_large_places365standard.tar", "67e186b496a84c929568076ed01a8aa1"),
    ("train-challenge", False): ("train_large_places365challenge.tar", "605f18e68e510c82b958664ea134545f"),
    ("val", False): ("val_large.tar", "9b71c4993ad89d2d8bcbdc4aef38042f"),
    ("test", False): ("test_large.tar", "41a4b6b724b1d2cd862fb3871ed59913"),
    ("train-standard", True): ("train_256_places365standard.tar", "53ca1c756c3d1e7809517cc47c5561c5"),
    ("train-challenge", True): ("train_256_places365challenge.tar", "741915038a5e3471ec7332404dfb64ef"),
    ("val", True): ("val_256.tar", "e27b17d8d44f4af9a78502beb927f808"),
    ("test", True): ("test_256.tar", "f532f6ad7b582262a2ec8009075e186b"),
}


class Places365(PictureFiles):
    """Pictures in root/data_large_standard, root/val_256 and so on, with the number of their scene (None to test)."""

    _SITE = "http://data.csail.mit.edu/places/places365/"

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train-standard",
        small: bool = False,
        download: bool = False,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        loader: Callable[[Any], Any] = default_loader,
    ) -> None:
        self.split, self.small = check_choice(split, "split", SPLITS), small
        base = folder_of(root)
        names, large_folder, small_folder = SPLITS[split]
        folder = base / (small_folder if small else large_folder)
        if download:
            self._fetch(base, names, folder)
        check_found(base / CATEGORIES, base / names, folder)
        rows = [line.split() for line in (base / CATEGORIES).read_text().splitlines()]
        self.class_to_idx = {name: int(number) for name, number in rows}
        self.classes = sorted(self.class_to_idx)
        lines = [line.split() for line in (base / names).read_text().splitlines()]
        samples = [(folder / name.lstrip("/"), int(rest[0]) if rest else None) for name, *rest in lines]
        self.imgs = [(str(path), target) for path, target in samples]
        self.targets = [target for _, target in samples]
        super().__init__(root, samples, transform, target_transform, loader)

    def _fetch(self, base: Path, names: str, folder: Path) -> None:
        if not (base / names).is_file() or not (base / CATEGORIES).is_file():
            archive, md5 = LISTS["challenge" if "challenge" in self.split else "standard"]
            fetch(self._SITE + archive, md5, base)
        if not folder.is_dir():
            name, md5 = IMAGES[self.split, self.small]
            extract(download_file(self._SITE + name, base, name, md5), base)
            if self.split.startswith("train"):
                (base / folder.name.rpartition("_")[0]).rename(folder)

    def extra_repr(self) -> str:
        return f"Split: {self.split}\nSmall: {self.small}"
