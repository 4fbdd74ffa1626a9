"""Transforms against NumPy and Pillow, and their draws against the generator."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import tinytensor as torch
from tinytensor.vision import transforms as T
from tinytensor.vision.transforms import functional as F
from tinytensor.vision.transforms import v2

from vision.pictures import sample

Image = pytest.importorskip("PIL.Image")

ARRAY = sample()
PICTURE = Image.fromarray(ARRAY)
PLANES = np.ascontiguousarray(ARRAY.transpose(2, 0, 1))


def both() -> list:
    """The picture as PIL image and as tensor."""
    return [PICTURE, torch.from_numpy(PLANES.copy())]


def pixels(picture: object) -> np.ndarray:
    """[H, W, C] of either kind."""
    if isinstance(picture, torch.Tensor):
        return picture.numpy().transpose(1, 2, 0)
    array = np.asarray(picture)
    return array[:, :, None] if array.ndim == 2 else array


# ---------------------------------------------------------------- forms


def test_to_tensor_scales_bytes():
    tensor = F.to_tensor(PICTURE)
    assert tensor.dtype == torch.float32 and tensor.is_contiguous()
    np.testing.assert_array_equal(tensor.numpy(), PLANES.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(F.to_tensor(ARRAY).numpy(), tensor.numpy())
    assert F.to_tensor(ARRAY[:, :, 0]).shape == (1, 40, 50)
    assert F.to_tensor(ARRAY.astype(np.float64)).dtype == torch.float64


@pytest.mark.parametrize(
    "mode, dtype", [("1", "float32"), ("L", "float32"), ("I", "int32"), ("F", "float32"), ("RGBA", "float32")]
)
def test_to_tensor_modes(mode, dtype):
    picture = PICTURE.convert(mode)
    tensor = F.to_tensor(picture)
    expected = np.asarray(picture).astype(dtype)
    expected = expected / np.float32(255) if mode in ("L", "RGBA") else expected
    assert str(tensor.dtype) == f"torch.{dtype}"
    np.testing.assert_array_equal(pixels(tensor).squeeze(), expected.squeeze())


def test_to_tensor_and_back_is_the_picture():
    assert pixels(F.to_pil_image(F.to_tensor(PICTURE))).tolist() == ARRAY.tolist()
    assert F.to_pil_image(torch.zeros(1, 4, 5)).mode == "L"
    assert F.to_pil_image(torch.zeros(4, 5, dtype=torch.int32)).mode == "I"
    assert F.to_pil_image(torch.zeros(3, 4, 5), "HSV").mode == "HSV"
    assert F.to_pil_image(torch.zeros(4, 4, 5)).mode == "RGBA"


def test_pil_to_tensor_keeps_bytes():
    tensor = F.pil_to_tensor(PICTURE)
    assert tensor.dtype == torch.uint8
    np.testing.assert_array_equal(tensor.numpy(), PLANES)


@pytest.mark.parametrize(
    "given, goal, value, expected",
    [
        (torch.uint8, torch.float32, 255, 1.0),
        (torch.float32, torch.uint8, 1.0, 255),
        (torch.float32, torch.uint8, 0.5, 127),
        (torch.uint8, torch.int16, 3, 3 * 128),
        (torch.int16, torch.uint8, 32767, 255),
        (torch.uint8, torch.uint8, 7, 7),
    ],
)
def test_convert_image_dtype(given, goal, value, expected):
    result = F.convert_image_dtype(torch.full((1, 2, 2), value, dtype=given), goal)
    assert result.dtype == goal and (result == expected).all()


def test_normalize():
    tensor = F.to_tensor(PICTURE)
    result = T.Normalize((0.5, 0.4, 0.3), [0.1, 0.2, 0.3])(tensor)
    mean, std = np.float32([0.5, 0.4, 0.3])[:, None, None], np.float32([0.1, 0.2, 0.3])[:, None, None]
    np.testing.assert_array_equal(result.numpy(), (tensor.numpy() - mean) / std)
    assert F.normalize(tensor, [0.5], [0.5], inplace=True) is tensor


# ---------------------------------------------------------------- geometry


@pytest.mark.parametrize("picture", both())
def test_crops_and_flips(picture):
    np.testing.assert_array_equal(pixels(F.crop(picture, 3, 5, 10, 20)), ARRAY[3:13, 5:25])
    np.testing.assert_array_equal(pixels(F.hflip(picture)), ARRAY[:, ::-1])
    np.testing.assert_array_equal(pixels(F.vflip(picture)), ARRAY[::-1])
    np.testing.assert_array_equal(pixels(F.center_crop(picture, [20, 30])), ARRAY[10:30, 10:40])
    outside = pixels(F.crop(picture, -2, 45, 10, 9))
    np.testing.assert_array_equal(outside[2:, :5], ARRAY[:8, 45:])
    assert not outside[:2].any() and not outside[:, 5:].any() and outside.shape == (10, 9, 3)
    larger = pixels(F.center_crop(picture, [44, 20]))
    np.testing.assert_array_equal(larger[2:42], ARRAY[:, 15:35])
    assert not larger[:2].any() and not larger[42:].any()


@pytest.mark.parametrize("picture", both())
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
def test_pad(picture, mode):
    options = {"constant_values": 9} if mode == "constant" else {}
    expected = np.pad(ARRAY, ((2, 4), (1, 3), (0, 0)), mode, **options)
    np.testing.assert_array_equal(pixels(F.pad(picture, [1, 2, 3, 4], fill=9, padding_mode=mode)), expected)


@pytest.mark.parametrize("picture", both())
def test_five_and_ten_crops(picture):
    crops = F.five_crop(picture, 8)
    places = [(0, 0), (0, 42), (32, 0), (32, 42), (16, 21)]
    for crop, (top, left) in zip(crops, places):
        np.testing.assert_array_equal(pixels(crop), ARRAY[top : top + 8, left : left + 8])
    again = F.ten_crop(picture, (8,))
    np.testing.assert_array_equal(pixels(again[5]), ARRAY[:8, ::-1][:, :8])
    with pytest.raises(ValueError, match="bigger than input size"):
        F.five_crop(picture, 41)


@pytest.mark.parametrize(
    "size, max_size, expected", [(20, None, (20, 25)), ((31, 17), None, (31, 17)), (60, 70, (56, 70))]
)
def test_resize_sizes(size, max_size, expected):
    for picture in both():
        assert pixels(F.resize(picture, size, max_size=max_size)).shape[:2] == expected


def test_resize_is_pillows():
    expected = np.asarray(PICTURE.resize((25, 20), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(pixels(F.resize(PICTURE, 20, T.InterpolationMode.BICUBIC)), expected)
    tensor = pixels(F.resize(torch.from_numpy(PLANES), 20, T.InterpolationMode.BICUBIC)).astype(int)
    assert np.abs(tensor - expected).max() <= 1


def test_rotations_by_right_angles():
    square = torch.from_numpy(PLANES[:, :40, :40].copy())
    np.testing.assert_array_equal(F.rotate(square, 90).numpy(), np.rot90(PLANES[:, :40, :40], axes=(1, 2)))
    turned = F.rotate(torch.from_numpy(PLANES), 90, expand=True)
    np.testing.assert_array_equal(turned.numpy(), np.rot90(PLANES, axes=(1, 2)))
    moved = F.affine(square, 0.0, [3, -2], 1.0, 0.0)
    np.testing.assert_array_equal(moved.numpy()[:, :-2, 3:], PLANES[:, 2:40, :37])


def test_perspective_without_a_change_is_the_picture():
    corners = [[0, 0], [49, 0], [49, 39], [0, 39]]
    for picture in both():
        result = pixels(F.perspective(picture, corners, corners)).astype(int)
        assert np.abs(result[1:-1, 1:-1] - ARRAY[1:-1, 1:-1]).max() <= 1


# ---------------------------------------------------------------- colour


def test_blends():
    tensor = torch.from_numpy(PLANES).double() / 255
    array = tensor.numpy()
    grey = (0.2989 * array[0] + 0.587 * array[1] + 0.114 * array[2])[None]
    np.testing.assert_allclose(F.adjust_brightness(tensor, 0.4).numpy(), 0.4 * array)
    np.testing.assert_allclose(F.rgb_to_grayscale(tensor).numpy(), grey)
    np.testing.assert_allclose(F.adjust_saturation(tensor, 0.3).numpy(), 0.3 * array + 0.7 * grey)
    np.testing.assert_allclose(F.adjust_contrast(tensor, 0.3).numpy(), 0.3 * array + 0.7 * grey.mean())
    np.testing.assert_allclose(F.adjust_gamma(tensor, 2.0, 0.5).numpy(), 0.5 * array**2)
    np.testing.assert_allclose(F.adjust_brightness(tensor, 5.0).numpy(), np.clip(5 * array, 0, 1))


def test_hue_turns_round():
    tensor = torch.from_numpy(PLANES).float() / 255
    np.testing.assert_allclose(F.adjust_hue(tensor, 0.0).numpy(), tensor.numpy(), atol=1e-5)
    third = tensor
    for _ in range(3):
        third = F.adjust_hue(third, 1 / 3)
    np.testing.assert_allclose(third.numpy(), tensor.numpy(), atol=1e-4)
    np.testing.assert_allclose(F.adjust_hue(tensor, 1 / 3).numpy(), tensor.numpy()[[2, 0, 1]], atol=1e-4)


@pytest.mark.parametrize("picture", both())
def test_levels(picture):
    np.testing.assert_array_equal(pixels(F.invert(picture)), 255 - ARRAY)
    np.testing.assert_array_equal(pixels(F.posterize(picture, 3)), ARRAY & 0b11100000)
    np.testing.assert_array_equal(
        pixels(F.solarize(picture, 100)), np.where(ARRAY >= 100, 255 - ARRAY, ARRAY)
    )


def test_equalize_and_autocontrast_are_pillows():
    ImageOps = pytest.importorskip("PIL.ImageOps")
    dim = Image.fromarray(ARRAY // 2 + 30)
    tensor = torch.from_numpy(np.array(dim).transpose(2, 0, 1))
    np.testing.assert_array_equal(pixels(F.equalize(dim)), np.asarray(ImageOps.equalize(dim)))
    np.testing.assert_array_equal(pixels(F.equalize(tensor)), np.asarray(ImageOps.equalize(dim)))
    difference = pixels(F.autocontrast(tensor)).astype(int) - np.asarray(ImageOps.autocontrast(dim))
    assert np.abs(difference).max() <= 1


def test_gaussian_blur_of_a_point():
    point = torch.zeros(1, 9, 9)
    point[0, 4, 4] = 1.0
    bell = np.exp(-0.5 * (np.arange(-2, 3) / 0.7) ** 2)
    bell /= bell.sum()
    np.testing.assert_allclose(
        F.gaussian_blur(point, 5, 0.7).numpy()[0, 2:7, 2:7], np.outer(bell, bell), atol=1e-6
    )


# ---------------------------------------------------------------- draws


def test_random_crop_draws():
    transform = T.RandomCrop(32, padding=4)
    torch.manual_seed(3)
    result = pixels(transform(PICTURE))
    torch.manual_seed(3)
    top, left = (torch.randint(0, size + 8 - 32 + 1, size=(1,)).item() for size in (40, 50))
    np.testing.assert_array_equal(
        result, np.pad(ARRAY, ((4, 4), (4, 4), (0, 0)))[top : top + 32, left : left + 32]
    )


@pytest.mark.parametrize("transform, change", [(T.RandomHorizontalFlip, (1,)), (T.RandomVerticalFlip, (0,))])
def test_flip_draws(transform, change):
    torch.manual_seed(0)
    flipped = [np.array_equal(pixels(transform(0.3)(PICTURE)), np.flip(ARRAY, change)) for _ in range(50)]
    torch.manual_seed(0)
    assert flipped == [bool(torch.rand(1) < 0.3) for _ in range(50)] and 0 < sum(flipped) < 50


def test_resized_crop_draws():
    torch.manual_seed(5)
    region = T.RandomResizedCrop.get_params(PICTURE, (0.08, 0.3), (3 / 4, 4 / 3))
    torch.manual_seed(5)
    area = 2000 * torch.empty(1).uniform_(0.08, 0.3).item()
    ratio = math.exp(torch.empty(1).uniform_(math.log(3 / 4), math.log(4 / 3)).item())
    height, width = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
    places = [torch.randint(0, whole - part + 1, (1,)).item() for whole, part in ((40, height), (50, width))]
    assert region == (*places, height, width)


def test_erasing():
    tensor = torch.ones(3, 20, 20)
    torch.manual_seed(1)
    result = T.RandomErasing(1.0, value=(1.0, 2.0, 3.0))(tensor)
    assert (tensor == 1).all()
    erased = (result[2] == 3).numpy()
    rows, columns = np.flatnonzero(erased.any(1)), np.flatnonzero(erased.any(0))
    assert erased[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all() and 8 <= erased.sum() <= 132
    np.testing.assert_array_equal(result[1].numpy(), np.where(erased, 2, 1))
    assert T.RandomErasing(0.0)(tensor) is tensor


def test_jitter_stays_within_its_range():
    tensor = torch.full((3, 4, 4), 0.5)
    torch.manual_seed(0)
    values = [T.ColorJitter(brightness=(0.5, 1.5))(tensor)[0, 0, 0].item() for _ in range(200)]
    assert 0.25 <= min(values) < 0.3 and 0.7 < max(values) <= 0.75
    assert T.ColorJitter(0.2, hue=0).hue is None


def test_choices():
    transforms = [lambda x: x + 1, lambda x: x * 10]
    random.seed(0)
    assert {T.RandomOrder(transforms)(1) for _ in range(20)} == {20, 11}
    assert {T.RandomChoice(transforms, p=[0, 1])(1) for _ in range(20)} == {10}
    assert T.RandomApply(transforms, p=1.0)(1) == 20 and T.RandomApply(transforms, p=0.0)(1) == 1


@pytest.mark.parametrize("transform", [T.AutoAugment(), T.RandAugment(), T.TrivialAugmentWide(), T.AugMix()])
def test_policies_change_pictures_the_same_way_again(transform):
    for picture in both():
        results = []
        for _ in range(2):
            torch.manual_seed(11)
            results.append([pixels(transform(picture)) for _ in range(6)])
        np.testing.assert_array_equal(*results)
        assert any(not np.array_equal(result, ARRAY) for result in results[0])


# ---------------------------------------------------------------- representations, errors, modules


@pytest.mark.parametrize(
    "transform, text",
    [
        (
            T.Compose([T.ToTensor(), T.Normalize(0.5, 0.5)]),
            "Compose(\n    ToTensor()\n    Normalize(mean=0.5, std=0.5)\n)",
        ),
        (T.Resize(4), "Resize(size=4, interpolation=bilinear, max_size=None, antialias=True)"),
        (T.RandomCrop(4, 2), "RandomCrop(size=(4, 4), padding=2)"),
        (
            T.RandomResizedCrop(4),
            "RandomResizedCrop(size=(4, 4), scale=(0.08, 1.0), ratio=(0.75, 1.3333), interpolation=bilinear, antialias=True)",
        ),
        (T.RandomSolarize(9), "RandomSolarize(threshold=9,p=0.5)"),
        (T.RandomAffine(5, scale=(1, 2)), "RandomAffine(degrees=[-5.0, 5.0], scale=(1, 2))"),
        (T.RandomApply([T.ToTensor()], 0.3), "RandomApply(\n    p=0.3\n    ToTensor()\n)"),
        (v2.RandomHorizontalFlip(0.2), "RandomHorizontalFlip(p=0.2)"),
        (v2.ToDtype(torch.float32, scale=True), "ToDtype(scale=True)"),
    ],
)
def test_representation(transform, text):
    assert repr(transform) == text


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: F.to_tensor([1, 2]), TypeError, "PIL Image or ndarray"),
        (lambda: F.to_tensor(np.zeros(3)), ValueError, "2/3 dimensional"),
        (lambda: F.normalize(torch.zeros(3, 2, 2), [0.0], [0.0]), ValueError, "division by zero"),
        (
            lambda: F.normalize(torch.zeros(3, 2, 2, dtype=torch.uint8), [0.0], [1.0]),
            TypeError,
            "float tensor",
        ),
        (
            lambda: T.Normalize((0.5,) * 3, (0.5,) * 3)(torch.zeros(1, 4, 4)),
            RuntimeError,
            r"3 means do not fit a tensor of shape \(1, 4, 4\)",
        ),
        (lambda: F.hflip("picture"), TypeError, "PIL Image or Tensor"),
        (lambda: F.pad(PICTURE, [1, 2, 3]), ValueError, "1, 2, or 4 element"),
        (lambda: F.adjust_hue(PICTURE, 0.6), ValueError, "not in"),
        (lambda: F.adjust_brightness(torch.zeros(3, 2, 2), -1), ValueError, "non-negative"),
        (lambda: F.posterize(torch.zeros(3, 2, 2), 3), TypeError, "uint8"),
        (lambda: F.gaussian_blur(PICTURE, 4), ValueError, "odd"),
        (lambda: F.resize(PICTURE, 4, "nothing"), ValueError, "nothing"),
        (lambda: F.to_pil_image(torch.zeros(5, 4, 4)), ValueError, "4 channels"),
        (lambda: T.RandomCrop(60)(PICTURE), ValueError, "larger than input"),
        (lambda: T.Lambda(3), TypeError, "callable"),
        (lambda: T.RandomRotation(-1), ValueError, "positive"),
        (lambda: T.ColorJitter(brightness=-1), ValueError, "non negative"),
        (lambda: T.RandomErasing(p=2), ValueError, "between 0 and 1"),
        (lambda: T.AugMix(severity=11), ValueError, "severity"),
        (lambda: v2.Compose([]), ValueError, "at least one"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_modules_in_a_sequence():
    chain = torch.nn.Sequential(T.CenterCrop(10), T.Normalize([0.5], [0.5]))
    assert chain(torch.rand(3, 20, 20)).shape == (3, 10, 10)


# ---------------------------------------------------------------- samples


def test_v2_transforms_samples_with_the_same_draws():
    sample = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])(
        {"first": PICTURE, "rest": [7, "text"]}
    )
    np.testing.assert_array_equal(sample["first"].numpy(), F.to_tensor(PICTURE).numpy())
    assert sample["rest"] == [7, "text"]
    torch.manual_seed(2)
    crop = v2.Compose([v2.RandomCrop(12), v2.RandomHorizontalFlip()])
    first, second, number = crop(PICTURE, PICTURE, 5)
    np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
    assert number == 5


def test_v2_leaves_further_tensors_alone():
    picture, label = torch.rand(3, 8, 8), torch.tensor([1.0, 2.0])
    flipped, kept = v2.RandomHorizontalFlip(p=1.0)(picture, label)
    np.testing.assert_array_equal(flipped.numpy(), picture.numpy()[:, :, ::-1])
    assert kept is label


@pytest.mark.parametrize("mixture", [v2.MixUp, v2.CutMix])
def test_v2_mixtures(mixture):
    torch.manual_seed(0)
    pictures = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 6, 6)
    mixed, labels = mixture(num_classes=4)(pictures, torch.arange(4))
    np.testing.assert_allclose(labels.sum(1).numpy(), np.ones(4), rtol=1e-6)
    np.testing.assert_allclose((labels @ torch.arange(4.0)).numpy(), mixed.mean((1, 2, 3)).numpy(), rtol=1e-5)
    with pytest.raises(ValueError, match="num_classes"):
        mixture()(pictures, torch.arange(4))
