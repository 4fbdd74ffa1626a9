"""The published weights: a table of facts, read into one enum per model."""

from __future__ import annotations

import math
from functools import lru_cache, partial
from importlib import resources
from typing import Any, NamedTuple

from ._api import Weights, WeightsEnum
from ._presets import ImageClassification

SITE = "https://download.pytorch.org/models/"

# Pictures are normalized with ImageNet's own mean and deviation, with these exceptions.
_SCALES = {
    "half": {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)},
    "bytes": {"mean": (0.48235, 0.45882, 0.40784), "std": (1 / 255, 1 / 255, 1 / 255)},
}


class _Row(NamedTuple):
    enum: str
    member: str
    file: str
    num_params: str
    top1: str
    top5: str
    gflops: str
    megabytes: str
    crop: str
    resize: str
    interpolation: str
    min_size: str
    scale: str = ""


@lru_cache
def _lines(name: str) -> list[str]:
    text = resources.files(__package__).joinpath("data", name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@lru_cache
def imagenet_categories() -> list[str]:
    """The names of ImageNet's thousand classes, in the order of the models' outputs."""
    return _lines("imagenet_classes.txt")


@lru_cache
def coco_categories() -> list[str]:
    """The names of COCO's 91 classes, the background first, in the order of the detectors' labels."""
    return _lines("coco_classes.txt")


@lru_cache
def _rows() -> dict[str, list[_Row]]:
    table: dict[str, list[_Row]] = {}
    for line in _lines("weights.txt"):
        row = _Row(*line.split())
        table.setdefault(row.enum, []).append(row)
    return table


def _transforms(row: _Row) -> partial:
    options: dict[str, Any] = {"crop_size": int(row.crop)}
    if row.resize != "256":
        options["resize_size"] = int(row.resize)
    if row.interpolation != "bilinear":
        options["interpolation"] = row.interpolation
    return partial(ImageClassification, **options, **_SCALES.get(row.scale, {}))


def _weights(row: _Row) -> Weights:
    accuracy = {"acc@1": float(row.top1), "acc@5": float(row.top5)}
    # Weights without an accuracy are those of the layers before the classifier alone.
    classifies = not math.isnan(accuracy["acc@1"])
    meta = {
        "num_params": int(row.num_params),
        "min_size": (int(row.min_size), int(row.min_size)),
        "categories": imagenet_categories() if classifies else None,
        "_metrics": {"ImageNet-1K": accuracy},
        "_ops": float(row.gflops),
        "_file_size": float(row.megabytes),
    }
    return Weights(SITE + row.file, _transforms(row), meta)


def weights_of(enum: str, module: str) -> type[WeightsEnum]:
    """The enum of a model's weights, as a class of the module. A star in the table marks DEFAULT."""
    members = {}
    for row in _rows()[enum]:
        members[row.member.rstrip("*")] = _weights(row)
    default = next(row.member.rstrip("*") for row in _rows()[enum] if row.member.endswith("*"))
    return WeightsEnum(enum, {**members, "DEFAULT": members[default]}, module=module, qualname=enum)
