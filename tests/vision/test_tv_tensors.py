"""Tensors that say what they hold: what keeps their class, their facts, copies, files, batches."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import tinytensor as torch
from tinytensor.utils.data import DataLoader
from tinytensor.vision import tv_tensors
from tinytensor.vision.tv_tensors import BoundingBoxes, BoundingBoxFormat, Image, KeyPoints, Mask, Video

from vision.pictures import sample


def boxes(**options):
    return BoundingBoxes(
        [[1.0, 2.0, 5.0, 7.0], [0.0, 0.0, 3.0, 3.0]], format="xyxy", canvas_size=(8, 9), **options
    )


MADE = {
    "image": lambda: Image(torch.rand(3, 4, 5)),
    "video": lambda: Video(torch.rand(2, 3, 4, 5)),
    "mask": lambda: Mask(torch.ones(4, 5, dtype=torch.uint8)),
    "boxes": boxes,
    "points": lambda: KeyPoints([[1.0, 2.0]], canvas_size=(8, 9)),
}
KEEPING = {
    "clone": lambda x: x.clone(),
    "to": lambda x: x.to(torch.float64),
    "detach": lambda x: x.detach(),
    "requires_grad_": lambda x: (
        x.float().as_subclass(type(x)) if not x.is_floating_point() else x.requires_grad_()
    ),
    "deepcopy": copy.deepcopy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
}
PLAIN = {
    "sum": lambda x: x + 1,
    "reflected": lambda x: 1 - x,
    "function": lambda x: torch.exp(x.float()),
    "function of the name of a method": lambda x: torch.clone(x),
    "cast": lambda x: x.double(),
    "index": lambda x: x[0],
    "view": lambda x: x.flatten(),
    "stack": lambda x: torch.stack([x, x]),
    "in place": lambda x: x.add_(1),
    "comparison": lambda x: x > 0,
}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("kept", [name for name in KEEPING if name != "requires_grad_"])
def test_class_and_facts_that_stay(name, kept):
    x = MADE[name]()
    y = KEEPING[kept](x)
    assert type(y) is type(x)
    assert all(getattr(y, fact) == getattr(x, fact) for fact in x._facts)
    np.testing.assert_array_equal(y.numpy(), x.numpy())


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("op", PLAIN)
def test_results_are_plain_tensors(name, op):
    assert type(PLAIN[op](MADE[name]())) is torch.Tensor


def test_gradients_flow():
    x = boxes().requires_grad_()
    assert type(x) is BoundingBoxes and x.requires_grad
    (x * 3).sum().backward()
    assert x.grad.tolist() == [[3.0] * 4] * 2
    assert copy.deepcopy(x).requires_grad and type(copy.deepcopy(x)) is BoundingBoxes


def test_the_class_of_results_on_request():
    x = boxes()
    with tv_tensors.set_return_type("TVTensor"):
        doubled = x * 2
        assert type(doubled) is BoundingBoxes and doubled.format is BoundingBoxFormat.XYXY
        assert type(Image(torch.rand(1, 2, 3)).max(0).values) is Image
    assert type(x * 2) is torch.Tensor
    tv_tensors.set_return_type("tvtensor")
    try:
        assert type(x * 2) is BoundingBoxes
    finally:
        tv_tensors.set_return_type("Tensor")
    with pytest.raises(ValueError, match="must be 'TVTensor' or 'Tensor'"):
        tv_tensors.set_return_type("Image")


def test_wrap_takes_facts_from_another():
    wrapped = tv_tensors.wrap(torch.zeros(1, 4), like=boxes(clamping_mode=None), format="XYWH")
    assert (wrapped.format, wrapped.canvas_size, wrapped.clamping_mode) == (
        BoundingBoxFormat.XYWH,
        (8, 9),
        None,
    )
    assert type(tv_tensors.wrap(torch.zeros(4, 4), like=MADE["mask"]())) is Mask


def test_what_they_are_made_of():
    assert Image([[1, 2]]).shape == (1, 1, 2)
    assert Image(np.zeros((3, 4, 5), np.uint8)).dtype == torch.uint8
    assert Mask(MADE["image"]()).shape == (3, 4, 5) and type(Mask(MADE["image"]())) is Mask
    assert boxes(dtype=torch.int32).dtype == torch.int32
    assert BoundingBoxes([1, 2, 3, 4], format="XYWH", canvas_size=(5, 5)).shape == (1, 4)
    assert Image(torch.rand(3, 2, 2, requires_grad=True)).requires_grad
    assert not Image(torch.rand(3, 2, 2, requires_grad=True), requires_grad=False).requires_grad


def test_from_pictures():
    PIL = pytest.importorskip("PIL.Image")
    pixels = sample(4, 5)
    np.testing.assert_array_equal(Image(PIL.fromarray(pixels)).numpy(), pixels.transpose(2, 0, 1))
    assert Mask(PIL.fromarray(pixels[..., 0])).shape == (1, 4, 5)


def test_representation():
    assert repr(boxes()[:1].as_subclass(Mask)) == "Mask([[1., 2., 5., 7.]])"
    assert repr(KeyPoints([[1.0, 2.0]], canvas_size=(8, 9))) == "KeyPoints([[1., 2.]], canvas_size=(8, 9))"
    text = str(boxes())
    assert text.startswith("BoundingBoxes([[1., 2., 5., 7.],")
    assert text.endswith("format=BoundingBoxFormat.XYXY, canvas_size=(8, 9), clamping_mode=soft)")


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: Image(torch.zeros(3)), ValueError, "expected 2 dimensions or more, got 1"),
        (lambda: Video(torch.zeros(3, 4, 4)), ValueError, "expected 4 dimensions"),
        (lambda: boxes(clamping_mode="often"), ValueError, "got often"),
        (
            lambda: BoundingBoxes(torch.zeros(1, 2, 4), format="XYXY", canvas_size=(1, 1)),
            ValueError,
            "got 3D",
        ),
        (lambda: BoundingBoxes(torch.zeros(4), format="XYWHR", canvas_size=(1, 1)), KeyError, "XYWHR"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


class Samples:
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return Image(torch.full((3, 2, 2), float(index))), {"mask": Mask(torch.full((2, 2), index))}


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_are_plain_tensors(workers):
    (image, target), _ = DataLoader(Samples(), batch_size=2, num_workers=workers)
    assert type(image) is type(target["mask"]) is torch.Tensor
    assert image[:, 0, 0, 0].tolist() == [0.0, 1.0] and target["mask"].shape == (2, 2, 2)


def test_workers_hand_out_the_class():
    loader = DataLoader(Samples(), batch_size=2, num_workers=1, collate_fn=list)
    first = next(iter(loader))
    assert type(first[1][0]) is Image and first[1][1]["mask"].tolist() == [[1, 1], [1, 1]]
