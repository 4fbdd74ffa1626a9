"""What datasets of picture files share: a list of files with targets, and messages where something is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ._download import download, extract
from .folder import default_loader
from .vision import VisionDataset


class PictureFiles(VisionDataset):
    """Pictures in files, each with a target."""

    def __init__(
        self,
        root: str | os.PathLike[str],
        samples: list[tuple[Path, Any]],
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        loader: Callable[[Any], Any] = default_loader,
        transforms: Callable | None = None,
    ) -> None:
        super().__init__(root, transforms, transform, target_transform)
        self._samples, self.loader = samples, loader

    def _target(self, target: Any) -> Any:
        """What is handed out for a sample's target."""
        return target

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self._samples[index]
        image, target = self.loader(path), self._target(target)
        return (image, target) if self.transforms is None else self.transforms(image, target)

    def __len__(self) -> int:
        return len(self._samples)


def numbers_of(classes: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(classes)}


def folder_of(root: str | os.PathLike[str], *parts: str) -> Path:
    return Path(root).expanduser().joinpath(*parts)


def check_choice(value: Any, name: str, choices: Iterable[Any]) -> Any:
    if value not in choices:
        raise ValueError(f"Unknown value '{value}' for argument {name}. Valid values are {tuple(choices)}.")
    return value


def check_found(*paths: Path) -> None:
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise RuntimeError(
            f"Dataset not found or corrupted: there is no {', '.join(missing)}. You can use download=True to download it"
        )


def fetch(url: str, md5: str | None, into: Path, filename: str | None = None) -> None:
    """Downloads an archive and unpacks it beside itself."""
    extract(download(url, into, filename, md5), into)


def loadmat(path: Path, **options: Any) -> Any:
    """A file of MATLAB's."""
    try:
        from scipy import io
    except ImportError as error:
        raise ImportError(f"reading {path.name} needs SciPy: pip install scipy") from error
    return io.loadmat(path, **options)
