"""Pascal VOC: pictures with boxes, or with the class of every pixel."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ._files import PictureFiles, check_choice, check_found, fetch, folder_of
from ._picture import pillow

SITE = "https://thor.robots.ox.ac.uk/pascal/VOC/"
# By year: the address, the MD5 of the archive and where its content lies.
ARCHIVES = {
    "2012": ("voc2012/VOCtrainval_11-May-2012.tar", "6cd6e144f989b92b3379bac3b3de84fd", "VOCdevkit/VOC2012"),
    "2011": (
        "voc2011/VOCtrainval_25-May-2011.tar",
        "6c3384ef61512963050cb5d687e5bf1e",
        "TrainVal/VOCdevkit/VOC2011",
    ),
    "2010": ("voc2010/VOCtrainval_03-May-2010.tar", "da459979d0c395079b5c75ee67908abb", "VOCdevkit/VOC2010"),
    "2009": ("voc2009/VOCtrainval_11-May-2009.tar", "a3e00b113cfcfebf17e343f59da3caa1", "VOCdevkit/VOC2009"),
    "2008": ("voc2008/VOCtrainval_14-Jul-2008.tar", "2629fa636546599198acfcfbfcf1904a", "VOCdevkit/VOC2008"),
    "2007": ("voc2007/VOCtrainval_06-Nov-2007.tar", "c52e279531787c972589f7e41ab4ae64", "VOCdevkit/VOC2007"),
    "2007-test": ("voc2007/VOCtest_06-Nov-2007.tar", "b6e924de25625d8de591ea690078ad9f", "VOCdevkit/VOC2007"),
}
CLASSES = (
    "__background__", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
YEARS = tuple(year for year in ARCHIVES if year.isdigit())


class _VOC(PictureFiles):
    _sets: str  # the folder of the lists of pictures
    _folder: str  # that of the targets
    _suffix: str

    def __init__(
        self,
        root: str | os.PathLike[str],
        year: str = "2012",
        image_set: str = "train",
        download: bool = False,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        transforms: Callable | None = None,
    ) -> None:
        self.year = check_choice(year, "year", YEARS)
        choices = ("train", "trainval", "val", *(["test"] if year == "2007" else []))
        self.image_set = check_choice(image_set, "image_set", choices)
        key = "2007-test" if (year, image_set) == ("2007", "test") else year
        address, md5, place = ARCHIVES[key]
        base = folder_of(root, *place.split("/"))
        if download and not base.is_dir():
            fetch(SITE + address, md5, folder_of(root))
        names = base / "ImageSets" / self._sets / f"{image_set}.txt"
        check_found(base, names)
        samples = [
            (base / "JPEGImages" / f"{name}.jpg", base / self._folder / (name + self._suffix))
            for name in names.read_text().split()
        ]
        super().__init__(root, samples, transform, target_transform, transforms=transforms)

    @property
    def images(self) -> list[str]:
        return [str(path) for path, _ in self._samples]

    @property
    def targets(self) -> list[str]:
        return [str(path) for _, path in self._samples]


class VOCSegmentation(_VOC):
    """Pictures in root/VOCdevkit, each with a PIL image of the classes of its pixels; 255 is a border."""

    _sets, _folder, _suffix = "Segmentation", "SegmentationClass", ".png"

    @property
    def masks(self) -> list[str]:
        return self.targets

    def _target(self, target: Path) -> Any:
        return pillow().open(target)


class VOCDetection(_VOC):
    """Pictures in root/VOCdevkit, each with its annotation as nested dicts: ["annotation"]["object"] is a list."""

    _sets, _folder, _suffix = "Main", "Annotations", ".xml"

    @property
    def annotations(self) -> list[str]:
        return self.targets

    def _target(self, target: Path) -> dict[str, Any]:
        return self.parse_voc_xml(ElementTree.parse(target).getroot())

    @staticmethod
    def parse_voc_xml(node: ElementTree.Element) -> dict[str, Any]:
        """The texts in an element by their names. What comes several times is a list."""
        content = _content(node)
        return {} if content is None else {node.tag: content}


def _content(node: ElementTree.Element) -> Any:
    """None of an empty element."""
    if not len(node):
        return node.text.strip() if node.text else None
    found: dict[str, list] = {}
    for child in node:
        content = _content(child)
        if content is not None:
            found.setdefault(child.tag, []).append(content)
    several = ("object",) if node.tag == "annotation" else ()
    return {name: part if len(part) > 1 or name in several else part[0] for name, part in found.items()}
