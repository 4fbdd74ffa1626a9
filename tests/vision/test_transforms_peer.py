"""Every transform beside torchvision's: results, draws, representations and kinds of errors."""

from __future__ import annotations

import random
import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest
import tinytensor
import tinytensor.vision.transforms
import tinytensor.vision.transforms.v2

from vision.pictures import sample, torchvision

Image = pytest.importorskip("PIL.Image")

PICTURES = [sample(40, 50), sample(33, 31), sample(28, 28, 1)]
KINDS = ["pil", "bytes", "floats", "batch"]

CASES = [
    line.strip()
    for line in """
    Resize(20)
    Resize((31, 17))
    Resize(60, max_size=70)
    Resize(20, m.InterpolationMode.NEAREST)
    Resize(24, m.InterpolationMode.BICUBIC)
    Resize(24, antialias=False)
    CenterCrop(20)
    CenterCrop((61, 45))
    Pad(3)
    Pad((1, 2), fill=7)
    Pad((1, 2, 3, 4), padding_mode="reflect")
    Pad(5, padding_mode="edge")
    Pad(5, padding_mode="symmetric")
    FiveCrop(16)
    TenCrop((16, 12))
    TenCrop(9, True)
    RandomCrop(16)
    RandomCrop(28, 4)
    RandomCrop(28, 4, padding_mode="reflect")
    RandomCrop((60, 50), pad_if_needed=True, fill=3)
    RandomHorizontalFlip()
    RandomVerticalFlip(0.3)
    RandomResizedCrop(20)
    RandomResizedCrop((20, 24), scale=(0.9, 1), ratio=(3, 4))
    RandomResizedCrop(20, interpolation=m.InterpolationMode.BICUBIC)
    RandomRotation(30)
    RandomRotation(45, expand=True, fill=9)
    RandomRotation(45, m.InterpolationMode.BILINEAR)
    RandomRotation((10, 20), center=(3, 4))
    RandomAffine(20)
    RandomAffine(20, (0.1, 0.2), (0.8, 1.2), 10)
    RandomAffine(0, shear=(1, 5, 2, 9), interpolation=m.InterpolationMode.BILINEAR, fill=5, center=(4, 5))
    RandomPerspective(p=0.8)
    RandomPerspective(0.3, 0.9, m.InterpolationMode.NEAREST, 4)
    ElasticTransform()
    ColorJitter(0.4, 0.4, 0.4, 0.2)
    ColorJitter(hue=0.5)
    ColorJitter(brightness=(0.5, 2))
    Grayscale()
    Grayscale(3)
    RandomGrayscale(0.5)
    GaussianBlur(3)
    GaussianBlur((5, 3), (0.3, 1.0))
    RandomInvert()
    RandomPosterize(3)
    RandomSolarize(100.0)
    RandomAdjustSharpness(2)
    RandomAdjustSharpness(0.4)
    RandomAutocontrast()
    RandomEqualize()
    AutoAugment()
    AutoAugment(m.AutoAugmentPolicy.CIFAR10, fill=4)
    AutoAugment(m.AutoAugmentPolicy.SVHN)
    RandAugment()
    RandAugment(3, 15)
    TrivialAugmentWide()
    AugMix()
    AugMix(5, 2, 2, 0.5, False)
    RandomApply([m.RandomRotation(20), m.ColorJitter(0.3)], 0.6)
    RandomChoice([m.RandomRotation(20), m.Grayscale(3)])
    RandomOrder([m.RandomRotation(20), m.RandomHorizontalFlip()])
    Compose([m.ToTensor(), m.Normalize((0.5,), (0.2,)), m.RandomErasing(0.8, value="random")])
    Compose([m.ToTensor(), m.RandomErasing()])
    Compose([m.ToTensor(), m.ToPILImage()])
    """.strip().splitlines()
]
# On PIL images too these compute in tensors, or with strengths that are rounded in another way.
ROUNDED = ("AugMix", "GaussianBlur", "ElasticTransform", "Compose", "TrivialAugment")
SECOND = [
    line.strip()
    for line in """
    RandomCrop(28, 4)
    RandomCrop((33, 20))
    RandomCrop((60, 50), pad_if_needed=True)
    RandomResize(20, 30)
    RandomShortestSize([20, 24, 28], max_size=32)
    Resize(None, max_size=22)
    RandomResizedCrop(20)
    RandomHorizontalFlip()
    RandomRotation(30)
    ColorJitter(0.4, 0.4, 0.4)
    RandomChoice([m.RandomRotation(20), m.Grayscale(3)])
    RandomOrder([m.RandomRotation(20), m.RandomHorizontalFlip()])
    RandomApply([m.RandomRotation(20)], 0.6)
    RandomGrayscale(0.5)
    Compose([m.ToImage(), m.RandomErasing(0.8)])
    """.strip().splitlines()
]


def _given(library: Any, array: np.ndarray, kind: str) -> Any:
    if kind == "pil":
        return Image.fromarray(array if array.shape[2] == 3 else array[:, :, 0])
    tensor = library.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
    if kind == "floats":
        return tensor.float() / 255
    return library.stack([tensor, tensor.flip(-1)]) if kind == "batch" else tensor


def _listed(result: Any) -> list:
    if isinstance(result, (tuple, list)):
        return [part for item in result for part in _listed(item)]
    if isinstance(result, Image.Image):
        return [(result.mode, np.asarray(result))]
    return [(str(result.dtype), result.numpy())]


def _outcome(library: Any, transform: Any, array: np.ndarray, kind: str, seed: int) -> Any:
    """The results and the generator's next number, or the kind of the error."""
    library.manual_seed(seed)
    random.seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _listed(transform(_given(library, array, kind))), library.rand(1).item()
        except Exception as error:  # which one it is, is the result
            return type(error).__name__


def _check_equal(ours: np.ndarray, theirs: np.ndarray, exact: bool) -> None:
    difference = np.abs(ours.astype(float) - theirs.astype(float))
    if exact:
        assert difference.max() == 0
    else:  # a rounding error may tip a level, or at a tie the choice of the nearest pixel
        is_bytes = ours.dtype == np.uint8
        assert (difference > (1 if is_bytes else 2e-5)).mean() < 0.003
        assert not is_bytes or (difference > 0).mean() < 0.05


def _check_case(case: str, kind: str, theirs: Any, ours: Any) -> None:
    peer = pytest.importorskip("torch")
    expected, transform = (eval(f"m.{case}", {"m": module}) for module in (theirs, ours))
    if "v2" not in ours.__name__:
        assert repr(transform) == repr(expected)
    exact = kind == "pil" and not case.startswith(ROUNDED)
    for array in PICTURES:
        for seed in range(3):
            mine = _outcome(tinytensor, transform, array, kind, seed)
            other = _outcome(peer, expected, array, kind, seed)
            if isinstance(other, str) or isinstance(mine, str):
                assert mine == other
                continue
            assert mine[1] == other[1], "the generators are at different places"
            assert [(name, value.shape) for name, value in mine[0]] == [
                (name, value.shape) for name, value in other[0]
            ]
            for (_, our_values), (_, their_values) in zip(mine[0], other[0]):
                _check_equal(our_values, their_values, exact)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_transform(case: str, kind: str) -> None:
    _check_case(case, kind, torchvision().transforms, tinytensor.vision.transforms)


POLICIES = ["AutoAugment()", "RandAugment(3)", "TrivialAugmentWide()"]


@pytest.mark.parametrize(
    "case, kind", [*product(SECOND, ["pil", "floats"]), *product(POLICIES, ["pil", "bytes"])]
)
def test_second_version(case: str, kind: str) -> None:
    torchvision()
    import torchvision.transforms.v2 as theirs

    _check_case(case, kind, theirs, tinytensor.vision.transforms.v2)
