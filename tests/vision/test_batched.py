"""Batches of pictures served at once: the values and choices of the samples taken one by one."""

from __future__ import annotations

import numpy as np
import pytest
import tinytensor as torch
from tinytensor import _C
from tinytensor.utils.data import DataLoader, Subset
from tinytensor.vision import transforms as T
from tinytensor.vision.datasets import MNIST, Shapes
from tinytensor.vision.datasets._pictures import PictureArray
from tinytensor.vision.transforms import v2

pytest.importorskip("PIL.Image")

NORMAL = T.Normalize((0.5, 0.4, 0.3), (0.2, 0.3, 0.25))
COUNT = 101

SERVED = {
    "scaled": [T.ToTensor()],
    "normal": [T.ToTensor(), NORMAL],
    "augmented": [T.RandomCrop(32, 4), T.RandomHorizontalFlip(), T.ToTensor(), NORMAL],
    "no place to choose": [T.RandomCrop(32), T.ToTensor()],
    "one side to choose": [T.RandomCrop((32, 30)), T.ToTensor()],
    "uneven": [
        T.RandomHorizontalFlip(0.3),
        T.RandomCrop((30, 28), (1, 2, 3, 4), fill=(1, 2, 3)),
        T.RandomVerticalFlip(),
        T.PILToTensor(),
        T.ConvertImageDtype(torch.float32),
        NORMAL,
    ],
    "after": [T.ToTensor(), T.RandomCrop(32, 4, fill=0.7), NORMAL, T.RandomHorizontalFlip()],
    "padded": [T.Pad(2, fill=9), T.CenterCrop(28), T.RandomHorizontalFlip(), T.ToTensor(), NORMAL],
    "erased": [
        T.RandomCrop(32, 4),
        T.ToTensor(),
        NORMAL,
        T.RandomErasing(0.7),
        T.RandomErasing(0.5, value="random"),
    ],
    "never erased": [T.ToTensor(), T.RandomErasing(1.0, scale=(0.99, 1.0), ratio=(1.0, 1.0))],
    "nested": [T.Compose([T.ToTensor()]), torch.nn.Sequential(NORMAL)],
    "second version": [
        v2.RandomCrop((32, 28), 4),
        v2.RandomHorizontalFlip(),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.5], [0.5]),
    ],
    "second version, one side": [v2.RandomCrop((32, 28)), v2.ToImage(), v2.ToDtype(torch.float32)],
}


def shapes(transform: object, **options: object) -> Shapes:
    return Shapes(size=COUNT, transform=transform, **options)


def batches(dataset: object, one_by_one: bool, monkeypatch: pytest.MonkeyPatch, **options: object) -> list:
    """All batches of an epoch, and the generator's next number."""
    with monkeypatch.context() as patch:
        if one_by_one:
            patch.setattr(PictureArray, "_taker", lambda self: None)
        torch.manual_seed(5)
        taken = [(image, label) for image, label in DataLoader(dataset, batch_size=16, **options)]
        return [*taken, (torch.rand(1), torch.rand(1))]


def check_same(dataset: object, monkeypatch: pytest.MonkeyPatch, **options: object) -> None:
    at_once, singly = (batches(dataset, flag, monkeypatch, **options) for flag in (False, True))
    assert len(at_once) == len(singly)
    for pair, expected in zip(at_once, singly):
        for mine, other in zip(pair, expected):
            assert mine.dtype == other.dtype and mine.stride() == other.stride()
            np.testing.assert_array_equal(mine.numpy(), other.numpy())


@pytest.mark.parametrize("name", SERVED)
def test_served_batches_are_the_samples(name, monkeypatch):
    dataset = shapes(T.Compose(SERVED[name]))
    assert dataset._taker() is not None
    check_same(dataset, monkeypatch, shuffle=True)
    check_same(Subset(Subset(dataset, range(90, 5, -2)), [3, 1, 1, 7]), monkeypatch)


def test_grey_pictures_and_tensor_targets(monkeypatch):
    dataset = MNIST.__new__(MNIST)
    PictureArray.__init__(
        dataset, None, transform=T.Compose([T.RandomCrop(28, 2), T.ToTensor(), T.Normalize((0.1,), (0.3,))])
    )
    dataset.train = True
    dataset.data = torch.randint(0, 256, (COUNT, 28, 28), dtype=torch.uint8)
    dataset.targets = torch.randint(0, 10, (COUNT,), dtype=torch.uint8)
    assert dataset._taker() is not None
    check_same(dataset, monkeypatch)


def test_a_worker_serves_the_same(monkeypatch):
    dataset = shapes(T.Compose(SERVED["augmented"]))
    check_same(dataset, monkeypatch, num_workers=1)


class Own(Shapes):
    def __getitem__(self, index):
        return super().__getitem__(index)


def hooked() -> T.Normalize:
    transform = T.Normalize([0.5], [0.5])
    transform.register_forward_hook(lambda module, inputs, output: output + 1)
    return transform


NOT_SERVED = {
    "nothing": None,
    "a function": T.Compose([T.ToTensor(), T.Lambda(lambda x: x * 2)]),
    "a rotation": T.Compose([T.RandomRotation(10), T.ToTensor()]),
    "bytes": T.PILToTensor(),
    "doubles": T.Compose([T.PILToTensor(), T.ConvertImageDtype(torch.float64)]),
    "a value after erasing": T.Compose([T.ToTensor(), T.RandomErasing(), NORMAL]),
    "reflection": T.Compose([T.RandomCrop(32, 4, padding_mode="reflect"), T.ToTensor()]),
    "two fills": T.Compose([T.Pad(1, fill=1), T.Pad(1, fill=2), T.ToTensor()]),
    "a border after a crop": T.Compose([T.CenterCrop(20), T.Pad(2), T.ToTensor()]),
    "a crop that is too large": T.Compose([T.RandomCrop(40), T.ToTensor()]),
    "bad numbers": T.Compose([T.ToTensor(), T.Normalize([0.5] * 4, [0.5])]),
    "a hook": T.Compose([T.ToTensor(), hooked()]),
    "a derived transform": T.Compose([T.ToTensor(), type("Mine", (T.Normalize,), {})([0.5], [0.5])]),
}


@pytest.mark.parametrize("name", NOT_SERVED)
def test_what_is_left_to_the_samples(name):
    assert shapes(NOT_SERVED[name])._taker() is None


def test_datasets_that_are_left_to_the_samples():
    transform = T.ToTensor()
    assert Own(size=4, transform=transform)._taker() is None
    assert shapes(transform, target_transform=float)._taker() is None
    dataset = shapes(transform)
    dataset.targets = [0.5] * COUNT
    assert dataset._taker() is None
    dataset.targets = [1] * (COUNT - 1)
    assert dataset._taker() is None


def test_numbers_from_the_end_and_out_of_range():
    dataset = shapes(T.ToTensor())
    loader = DataLoader(dataset, batch_sampler=[[-1, 0]])
    np.testing.assert_array_equal(next(iter(loader))[0][0].numpy(), dataset[COUNT - 1][0].numpy())
    with pytest.raises(IndexError):
        next(iter(DataLoader(dataset, batch_sampler=[[0, COUNT]])))


def test_another_transform_in_the_midst_of_an_epoch():
    dataset = shapes(T.ToTensor())
    batches = iter(DataLoader(dataset, batch_size=4))
    first, _ = next(batches)
    dataset.transform = T.Compose([T.ToTensor(), T.Normalize([10.0], [1.0])])
    second, _ = next(batches)
    assert first.min() >= 0 and second.max() <= -9


# ---------------------------------------------------------------- the kernel


def reference(pictures, numbers, table, fill, walks, height, width):
    count, rows, columns, channels = pictures.shape
    out = np.empty((len(numbers), channels, height, width), np.float32)
    for b, (y0, dy, x0, dx) in enumerate(walks):
        for y, x in np.ndindex(height, width):
            row, column = y0 + dy * y, x0 + dx * x
            inside = 0 <= row < rows and 0 <= column < columns
            for c in range(channels):
                out[b, c, y, x] = table[c, pictures[numbers[b], row, column, c]] if inside else fill[c]
    return out


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("height, width", [(5, 7), (0, 3), (12, 1)])
def test_take_pictures(channels, height, width):
    random = np.random.default_rng(channels)
    pictures = random.integers(0, 256, (4, 6, 5, channels), dtype=np.uint8)
    numbers = random.integers(0, 4, 40)
    table = random.standard_normal((channels, 256)).astype(np.float32)
    fill = random.standard_normal(channels).astype(np.float32)
    walks = np.stack([random.integers(-9, 15, 40), random.choice([-1, 1], 40)] * 2, 1)
    walks[:, 2] = random.integers(-9, 15, 40)
    given = [torch.from_numpy(array) for array in (pictures, numbers, table, fill, walks)]
    result = _C.take_pictures(*given, height, width)
    np.testing.assert_array_equal(
        result.numpy(), reference(pictures, numbers, table, fill, walks, height, width)
    )
    stepped = torch.from_numpy(np.repeat(pictures, 2, 2))[:, :, ::2]
    np.testing.assert_array_equal(
        _C.take_pictures(stepped, *given[1:], height, width).numpy(), result.numpy()
    )


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"numbers": torch.tensor([4])}, IndexError, "out of"),
        ({"numbers": torch.tensor([-1])}, IndexError, "out of"),
        ({"numbers": torch.tensor([1.0])}, TypeError, "numbers must be"),
        ({"table": torch.zeros(3, 255)}, RuntimeError, "table must have"),
        ({"fill": torch.zeros(2)}, RuntimeError, "fill must have"),
        ({"walks": torch.tensor([[0, 2, 0, 1]])}, ValueError, "step must be"),
        ({"walks": torch.tensor([[2**40, 1, 0, 1]])}, ValueError, "too far"),
        ({"pictures": torch.zeros(4, 6, 5, dtype=torch.uint8)}, RuntimeError, "4 dimensions"),
        ({"pictures": torch.zeros(4, 6, 5, 3)}, TypeError, "pictures must be"),
        ({"height": -1}, ValueError, "negative"),
    ],
)
def test_take_pictures_errors(change, error, message):
    given = {
        "pictures": torch.zeros(4, 6, 5, 3, dtype=torch.uint8),
        "numbers": torch.tensor([1]),
        "table": torch.zeros(3, 256),
        "fill": torch.zeros(3),
        "walks": torch.tensor([[0, 1, 0, 1]]),
        "height": 2,
        "width": 2,
        **change,
    }
    with pytest.raises(error, match=message):
        _C.take_pictures(**given)
