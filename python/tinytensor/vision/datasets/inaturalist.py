"""iNaturalist: plants and animals, of thousands of kinds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._download import download as download_file
from ._download import extract
from ._files import PictureFiles, check_choice, check_found, folder_of, numbers_of
from .folder import default_loader

SITE = "https://ml-inat-competition-datasets.s3.amazonaws.com/"
# By version: the archive's address, its MD5, and the folder in it.
ARCHIVES = {
    "2017": ("2017/train_val_images.tar.gz", "7c784ea5e424efaec655bd392f87301f", "train_val_images"),
    "2018": ("2018/train_val2018.tar.gz", "b1c6952ce38f31868cc50ea72d066cc3", "train_val2018"),
    "2019": ("2019/train_val2019.tar.gz", "c60a6e2962c9b8ccbd458d12c8582644", "train_val2019"),
    "2021_train": ("2021/train.tar.gz", "e0526d53c7f7b2e3167b2b43bb2690ed", "train"),
    "2021_train_mini": ("2021/train_mini.tar.gz", "db6ed8330e634445efc8fec83ae81442", "train_mini"),
    "2021_valid": ("2021/val.tar.gz", "f6f6e0e242e3d4c9569ba56400938afc", "val"),
}
RANKS = ["kingdom", "phylum", "class", "order", "family", "genus"]


class INaturalist(PictureFiles):
    """Pictures in root/<version> with what `target_type` asks for: full (the kind), super, or, from 2021 on, a rank.

    Ranks are kingdom, phylum, class, order, family and genus. Folders of 2021 are named
    <number>_<kingdom>_..._<species>; those before have two levels, of which the upper one is "super".
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        version: str = "2021_train",
        target_type: list[str] | str = "full",
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        loader: Callable[[Any], Any] | None = None,
    ) -> None:
        self.version = check_choice(version, "version", ARCHIVES)
        ranks = ["full", *(RANKS if version.startswith("2021") else ["super"])]
        kinds = [target_type] if isinstance(target_type, str) else target_type
        self.target_type = [check_choice(kind, "target_type", ranks) for kind in kinds]
        base = folder_of(root, version)
        if download and not base.is_dir():
            self._fetch(folder_of(root), base)
        check_found(base)
        self._read_2021(base) if version.startswith("2021") else self._read_older(base)
        samples = [
            (path, number)
            for number, name in enumerate(self.all_categories)
            for path in sorted((base / name).iterdir())
        ]
        super().__init__(base, samples, transform, target_transform, loader or default_loader)

    def _fetch(self, root: Path, base: Path) -> None:
        address, md5, inner = ARCHIVES[self.version]
        extract(download_file(SITE + address, root, f"{self.version}.tgz", md5), root)
        (root / inner).rename(base)

    def _read_2021(self, base: Path) -> None:
        self.all_categories = sorted(os.listdir(base))
        parts = [name.split("_") for name in self.all_categories]
        if any(len(part) != 8 for part in parts):
            raise RuntimeError(f"Unexpected category name in {base}: it has not eight parts")
        columns = dict(zip(RANKS, zip(*(part[1:7] for part in parts))))
        self.categories_index = {rank: numbers_of(sorted(set(names))) for rank, names in columns.items()}
        self.categories_map = [
            {rank: self.categories_index[rank][names[i]] for rank, names in columns.items()}
            for i in range(len(parts))
        ]

    def _read_older(self, base: Path) -> None:
        upper = sorted(entry.name for entry in base.iterdir() if entry.is_dir())
        self.categories_index = {"super": numbers_of(upper)}
        lower = [(name, entry.name) for name in upper for entry in sorted((base / name).iterdir())]
        if self.version != "2017":  # whose kinds have names, where the later ones have numbers
            lower.sort(key=lambda pair: int(pair[1]))
        self.all_categories = [os.path.join(*pair) for pair in lower]
        self.categories_map = [{"super": self.categories_index["super"][name]} for name, _ in lower]

    def _target(self, target: int) -> Any:
        parts = [target if kind == "full" else self.categories_map[target][kind] for kind in self.target_type]
        return tuple(parts) if len(parts) > 1 else parts[0]

    def category_name(self, category_type: str, category_id: int) -> str:
        """The name of a number of that kind."""
        if category_type == "full":
            return self.all_categories[category_id]
        if category_type not in self.categories_index:
            raise ValueError(f"Invalid category type '{category_type}'")
        for name, number in self.categories_index[category_type].items():
            if number == category_id:
                return name
        raise ValueError(f"Invalid category id {category_id} for {category_type}")
