"""House numbers seen from the street: 32 x 32 colour pictures of digits, in a file of MATLAB's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ._download import download, is_whole
from ._files import loadmat
from ._pictures import PictureArray


class SVHN(PictureArray):
    """Digits of house numbers in three parts: train, test and extra. `data` is [N, 3, 32, 32]. Reading needs SciPy."""

    split_list = {
        part: [f"http://ufldl.stanford.edu/housenumbers/{part}_32x32.mat", f"{part}_32x32.mat", md5]
        for part, md5 in (
            ("train", "e26dedcc434d2e4c54c9b2d4a06d8373"),
            ("test", "eb5a983be6a315427106f1b164d9cef3"),
            ("extra", "a93ce644f1a588dc4d68dda5feec44a7"),
        )
    }

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        if split not in self.split_list:
            raise ValueError(
                f"Unknown value '{split}' for argument split. Valid values are {tuple(self.split_list)}."
            )
        self.split = split
        self.url, self.filename, self.file_md5 = self.split_list[split]
        if download:
            self.download()
        path = Path(str(self.root)) / self.filename
        if not is_whole(path, self.file_md5):
            raise RuntimeError(
                f"Dataset not found or corrupted: {path}. You can use download=True to download it"
            )
        content = loadmat(path)
        self.data = np.transpose(content["X"], (3, 2, 0, 1))
        self.labels = content["y"].astype(np.int64).reshape(-1) % 10  # the file calls the digit 0 ten

    @property
    def targets(self) -> np.ndarray:
        return self.labels

    def _pixels(self, index: int) -> np.ndarray:
        return np.ascontiguousarray(self.data[index].transpose(1, 2, 0))

    def download(self) -> None:
        download(self.url, str(self.root), self.filename, self.file_md5)

    def extra_repr(self) -> str:
        return f"Split: {self.split}"
