"""ImageNet of the challenge of 2012, which is to be asked for at https://image-net.org/challenges/LSVRC/2012."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from tinytensor import load, save

from ._download import extract, is_whole
from ._files import check_choice, loadmat
from .folder import ImageFolder

ARCHIVES = {
    "train": ("ILSVRC2012_img_train.tar", "1d675b47d978889d74fa0da5fadfb00e"),
    "val": ("ILSVRC2012_img_val.tar", "29b22e2961454d5413ddabcf34fc5622"),
    "devkit": ("ILSVRC2012_devkit_t12.tar.gz", "fa75699e90414af021442c21a62c3abf"),
}
META_FILE = "meta.bin"


class ImageNet(ImageFolder):
    """Pictures in root/train/<wnid>/ and root/val/<wnid>/ with the number of their class.

    The archives are unpacked when they lie in root. root/meta.bin, which has the names of the classes, is made of the
    devkit's archive when it is not there; that needs SciPy.
    """

    def __init__(self, root: str | os.PathLike[str], split: str = "train", **kwargs: Any) -> None:
        root = Path(root).expanduser()
        self.split = check_choice(split, "split", ("train", "val"))
        if not (root / META_FILE).is_file():
            parse_devkit_archive(root)
        names, pictures = load_meta_file(root)
        if not (root / split).is_dir():
            _unpack(root, split, pictures)
        super().__init__(root / split, **kwargs)
        self.root = str(root)
        self.wnids, self.wnid_to_idx = self.classes, self.class_to_idx
        self.classes = [names[wnid] for wnid in self.wnids]  # type: ignore[misc]  # each a tuple of names
        self.class_to_idx = {name: number for number, same in enumerate(self.classes) for name in same}

    @property
    def split_folder(self) -> str:
        return os.path.join(str(self.root), self.split)

    def extra_repr(self) -> str:
        return f"Split: {self.split}"


def load_meta_file(root: str | os.PathLike[str], file: str | None = None) -> tuple[dict, list[str]]:
    """The names of the classes by wnid, and the wnids of the pictures to validate with."""
    return load(os.path.join(root, file or META_FILE), weights_only=True)


def _archive(root: Path, part: str, file: str | None = None) -> Path:
    name, md5 = ARCHIVES[part]
    path = root / (file or name)
    if not is_whole(path, None if file else md5):
        raise RuntimeError(
            f"The archive {path.name} is not present in the root directory or is corrupted. "
            f"You need to download it externally and place it in {root.resolve()}."
        )
    return path


def parse_devkit_archive(root: str | os.PathLike[str], file: str | None = None) -> None:
    """Makes meta.bin of the devkit's archive."""
    root = Path(root)
    archive = _archive(root, "devkit", file)
    temporary = root / ".devkit"
    try:
        extract(archive, temporary)
        data = temporary / "ILSVRC2012_devkit_t12" / "data"
        rows = [
            row for row in loadmat(data / "meta.mat", squeeze_me=True)["synsets"] if row[4] == 0
        ]  # leaves
        wnids = {int(row[0]): str(row[1]) for row in rows}
        names = {str(row[1]): tuple(str(row[2]).split(", ")) for row in rows}
        truth = (data / "ILSVRC2012_validation_ground_truth.txt").read_text().split()
        save((names, [wnids[int(number)] for number in truth]), root / META_FILE)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _unpack(root: Path, split: str, pictures: list[str]) -> None:
    archive, folder = _archive(root, split), root / split
    part = root / f"{split}.part"
    extract(archive, part)
    if split == "train":
        for inner in sorted(part.glob("*.tar")):
            extract(inner, part / inner.stem)
            inner.unlink()
    else:
        for wnid, path in zip(pictures, sorted(part.iterdir())):
            (part / wnid).mkdir(exist_ok=True)
            path.rename(part / wnid / path.name)
    part.rename(folder)
