"""Published pictures that lie in folders of their classes, or in a list of such."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._files import PictureFiles, check_choice, check_found, fetch, folder_of, numbers_of
from .folder import ImageFolder, default_loader


class _Published(ImageFolder):
    """Folders of classes, fetched where that is asked for."""

    def _open(
        self,
        root: str | os.PathLike[str],
        into: Path,
        folder: Path,
        archive: tuple[str, str],
        download: bool,
        **options: Any,
    ) -> None:
        if download and not folder.is_dir():
            fetch(*archive, into)
        check_found(folder)
        super().__init__(folder, **options)
        self.root = os.path.expanduser(root)


class EuroSAT(_Published):
    """Ten kinds of land seen by a satellite, in root/eurosat/2750."""

    _ARCHIVE = (
        "https://huggingface.co/datasets/torchgeo/eurosat/resolve/c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip",
        "c8fa014336c82ac7804f0398fcb19387",
    )

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        loader: Callable[[Any], Any] = default_loader,
    ) -> None:
        base = folder_of(root, "eurosat")
        options = {"transform": transform, "target_transform": target_transform, "loader": loader}
        self._open(root, base, base / "2750", self._ARCHIVE, download, **options)


class _InParts(_Published):
    """In folders train, valid and test."""

    _ARCHIVE: tuple[str, str]
    _base: str
    _parts: dict[str, str]  # the folders of the splits

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        loader: Callable[[Any], Any] = default_loader,
    ) -> None:
        self._split = check_choice(split, "split", self._parts)
        folder = folder_of(root, self._base, self._parts[split])
        options = {"transform": transform, "target_transform": target_transform, "loader": loader}
        self._open(root, folder_of(root), folder, self._ARCHIVE, download, **options)

    def extra_repr(self) -> str:
        return f"split={self._split}"


class Country211(_InParts):
    """The countries, 211, where pictures were taken, in root/country211."""

    _ARCHIVE = (
        "https://openaipublic.azureedge.net/clip/data/country211.tgz",
        "84988d7644798601126c29e9877aab6a",
    )
    _base, _parts = "country211", {"train": "train", "valid": "valid", "test": "test"}


class RenderedSST2(_InParts):
    """Sentences written in pictures, negative or positive, in root/rendered-sst2."""

    _ARCHIVE = (
        "https://openaipublic.azureedge.net/clip/data/rendered-sst2.tgz",
        "2384d08e9dcfa4bd55b324e610496ee5",
    )
    _base, _parts = "rendered-sst2", {"train": "train", "val": "valid", "test": "test"}


class Imagenette(_Published):
    """Ten classes of ImageNet that are easy to tell apart, in root/imagenette2, imagenette2-320 or imagenette2-160."""

    _SITE = "https://s3.amazonaws.com/fast-ai-imageclas/"
    _ARCHIVES = {
        "full": ("imagenette2", "fe2fc210e6bb7c5664d602c3cd71e612"),
        "320px": ("imagenette2-320", "3df6f0d01a2c9592104656642f5e78a3"),
        "160px": ("imagenette2-160", "e793b78cc4c9e9a4ccc0c1155377a412"),
    }
    _NAMES = {
        "n01440764": ("tench", "Tinca tinca"),
        "n02102040": ("English springer", "English springer spaniel"),
        "n02979186": ("cassette player",),
        "n03000684": ("chain saw", "chainsaw"),
        "n03028079": ("church", "church building"),
        "n03394916": ("French horn", "horn"),
        "n03417042": ("garbage truck", "dustcart"),
        "n03425413": ("gas pump", "gasoline pump", "petrol pump", "island dispenser"),
        "n03445777": ("golf ball",),
        "n03888257": ("parachute", "chute"),
    }

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        size: str = "full",
        download: bool = False,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        loader: Callable[[Any], Any] = default_loader,
    ) -> None:
        self._split = check_choice(split, "split", ("train", "val"))
        self._size = check_choice(size, "size", self._ARCHIVES)
        name, md5 = self._ARCHIVES[size]
        archive = (f"{self._SITE}{name}.tgz", md5)
        options = {"transform": transform, "target_transform": target_transform, "loader": loader}
        self._open(root, folder_of(root), folder_of(root, name, split), archive, download, **options)
        self.wnids, self.wnid_to_idx = self.classes, self.class_to_idx
        self.classes = [self._NAMES[wnid] for wnid in self.wnids]  # type: ignore[misc]  # each a tuple of names
        self.class_to_idx = {name: number for number, same in enumerate(self.classes) for name in same}


class DTD(PictureFiles):
    """Textures of 47 kinds in root/dtd, split into thirds in ten ways (`partition`)."""

    _ARCHIVE = (
        "https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz",
        "fff73e5086ae6bdbea199a49dfb8a4c1",
    )

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        partition: int = 1,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        loader: Callable[[Any], Any] = default_loader,
    ) -> None:
        self._split = check_choice(split, "split", ("train", "val", "test"))
        self._partition = check_choice(partition, "partition", range(1, 11))
        base = folder_of(root, "dtd")
        if download and not (base / "dtd").is_dir():
            fetch(*self._ARCHIVE, base)
        names = base / "dtd" / "labels" / f"{split}{partition}.txt"
        check_found(names)
        pairs = [line.split("/") for line in names.read_text().split()]
        self.classes = sorted({label for label, _ in pairs})
        self.class_to_idx = numbers_of(self.classes)
        images = base / "dtd" / "images"
        samples = [(images / label / name, self.class_to_idx[label]) for label, name in pairs]
        super().__init__(root, samples, transform, target_transform, loader)

    def extra_repr(self) -> str:
        return f"split={self._split}, partition={self._partition}"


class SUN397(PictureFiles):
    """Scenes of 397 kinds in root/SUN397."""

    _ARCHIVE = (
        "http://vision.princeton.edu/projects/2010/SUN/SUN397.tar.gz",
        "8ca2778205c41d23104230ba66911c7a",
    )

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        loader: Callable[[Any], Any] = default_loader,
    ) -> None:
        base = folder_of(root, "SUN397")
        if download and not base.is_dir():
            fetch(*self._ARCHIVE, folder_of(root))
        check_found(base / "ClassName.txt")
        self.classes = [line[3:].strip() for line in (base / "ClassName.txt").read_text().splitlines()]
        self.class_to_idx = numbers_of(self.classes)
        paths = sorted(base.rglob("sun_*.jpg"))  # in base/<first letter>/<kind>
        samples = [(path, self.class_to_idx["/".join(path.relative_to(base).parts[1:-1])]) for path in paths]
        super().__init__(root, samples, transform, target_transform, loader)
