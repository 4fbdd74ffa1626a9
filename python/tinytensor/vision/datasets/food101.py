"""Food-101: a thousand pictures of each of 101 dishes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from ._files import PictureFiles, check_choice, check_found, fetch, folder_of, numbers_of
from .folder import default_loader


class Food101(PictureFiles):
    """Pictures in root/food-101, with the number of their dish: 750 of each to train, 250 to test."""

    _URL = "http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz"
    _MD5 = "85eeb15f3717b99a5da872d97d918f87"

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        loader: Callable[[Any], Any] = default_loader,
    ) -> None:
        self._split = check_choice(split, "split", ("train", "test"))
        base = folder_of(root, "food-101")
        if download and not (base / "images").is_dir():
            fetch(self._URL, self._MD5, folder_of(root))
        check_found(base / "meta" / f"{split}.json", base / "images")
        listed = json.loads((base / "meta" / f"{split}.json").read_text())
        self.classes = sorted(listed)
        self.class_to_idx = numbers_of(self.classes)
        samples = [
            (base / "images" / f"{name}.jpg", self.class_to_idx[label])
            for label, names in listed.items()
            for name in names
        ]
        super().__init__(root, samples, transform, target_transform, loader)

    def extra_repr(self) -> str:
        return f"split={self._split}"
