"""Transforms of whole samples: boxes, masks and points go where the picture goes."""

from __future__ import annotations

import numpy as np
import pytest
import tinytensor as torch
from tinytensor.vision.transforms import v2
from tinytensor.vision.transforms.v2 import functional as F
from tinytensor.vision.tv_tensors import BoundingBoxes, Image, KeyPoints, Mask, TVTensor, Video

from vision.pictures import sample

HEIGHT, WIDTH = 40, 60
PIXELS = sample(HEIGHT, WIDTH)
BOX = (12, 8, 33, 27)


def picture(dtype=torch.uint8):
    return Image(torch.from_numpy(PIXELS.transpose(2, 0, 1).copy())).to(dtype)


def boxes(*corners, **options):
    return BoundingBoxes(
        torch.tensor(corners or (BOX,), dtype=torch.float32),
        format="XYXY",
        canvas_size=(HEIGHT, WIDTH),
        **options,
    )


def mask(corners=BOX):
    left, top, right, bottom = corners
    filled = torch.zeros(HEIGHT, WIDTH, dtype=torch.uint8)
    filled[top:bottom, left:right] = 1
    return Mask(filled)


def around(filled):
    rows, columns = np.nonzero(filled.numpy())
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


# ---------------------------------------------------------------- all move together

MOVES = [
    (v2.Resize((25, 90)), 1),
    (v2.Resize(30), 1),
    (v2.CenterCrop((20, 30)), 0),
    (v2.CenterCrop((50, 71)), 0),
    (v2.RandomCrop((34, 50)), 0),
    (v2.RandomCrop((34, 50), padding=(3, 5, 7, 9)), 0),
    (v2.Pad((1, 2, 3, 4)), 0),
    (v2.RandomResizedCrop((32, 48), scale=(0.5, 1.0)), 2),
    (v2.RandomHorizontalFlip(1.0), 0),
    (v2.RandomVerticalFlip(1.0), 0),
    (v2.RandomRotation(40), 1),
    (v2.RandomRotation(40, expand=True), 1.5),
    (v2.RandomRotation((90, 90), expand=True), 0.1),
    (v2.RandomAffine(20, (0.1, 0.1), (0.8, 1.2), 10), 1.5),
    (v2.RandomPerspective(0.3, 1.0), 1.5),
    (v2.ElasticTransform(30.0, 8.0), 3),
    (v2.RandomZoomOut(p=1.0), 0),
    (v2.ScaleJitter((40, 60)), 1),
    (v2.RandomShortestSize([30, 44], 70), 1),
    (v2.RandomResize(30, 50), 1),
]


@pytest.mark.parametrize("transform, tolerance", MOVES, ids=lambda part: type(part).__name__)
def test_boxes_and_masks_go_along(transform, tolerance):
    for seed in range(4):
        torch.manual_seed(seed)
        filled = Image(mask().as_subclass(torch.Tensor)[None] * 255)  # the box painted, as a picture
        image, box, moved = transform(filled, boxes(), mask())
        assert (type(image), type(box), type(moved)) == (Image, BoundingBoxes, Mask)
        assert box.canvas_size == tuple(image.shape[-2:]) == tuple(moved.shape[-2:])
        np.testing.assert_allclose(box[0].numpy(), around(moved), atol=tolerance)
        np.testing.assert_allclose(box[0].numpy(), around(image[0] > 127), atol=max(tolerance, 1))


@pytest.mark.parametrize("format", ["XYXY", "XYWH", "CXCYWH"])
@pytest.mark.parametrize("transform, tolerance", MOVES, ids=lambda part: type(part).__name__)
def test_every_format_moves_alike(transform, tolerance, format):
    torch.manual_seed(3)
    expected = transform(picture(), boxes())[1]
    torch.manual_seed(3)
    moved = transform(picture(), F.convert_bounding_box_format(boxes(), new_format=format))[1]
    assert moved.format.value == format
    back = F.convert_bounding_box_format(moved, new_format="XYXY")
    np.testing.assert_allclose(back.numpy(), expected.numpy(), atol=1e-3)


@pytest.mark.parametrize("transform, tolerance", MOVES, ids=lambda part: type(part).__name__)
def test_no_boxes_move_too(transform, tolerance):
    for format in ("XYXY", "CXCYWH"):
        none = BoundingBoxes(torch.zeros(0, 4), format=format, canvas_size=(HEIGHT, WIDTH))
        image, moved = transform(picture(), none)
        assert moved.shape == (0, 4) and moved.canvas_size == tuple(image.shape[-2:])
    assert v2.SanitizeBoundingBoxes(labels_getter=None)(none).shape == (0, 4)


def test_points_go_along():
    points = KeyPoints([[12.0, 8.0], [0.0, 39.0]], canvas_size=(HEIGHT, WIDTH))
    assert F.horizontal_flip(points).tolist() == [[47.0, 8.0], [59.0, 39.0]]
    assert F.vertical_flip(points).tolist() == [[12.0, 31.0], [0.0, 0.0]]
    cropped = F.crop(points, 5, 4, 20, 30)
    assert cropped.tolist() == [[8.0, 3.0], [-4.0, 34.0]] and cropped.canvas_size == (20, 30)
    assert F.clamp_keypoints(cropped).tolist() == [[8.0, 3.0], [0.0, 19.0]]
    np.testing.assert_allclose(F.resize(points, [20, 90]).numpy(), [[18, 4], [0, 19.5]])
    assert v2.SanitizeKeyPoints()(cropped).tolist() == [[8.0, 3.0]]


def test_clamping_modes():
    outside = (-5.0, 3.0, 70.0, 45.0)
    assert F.crop(boxes(outside), 0, 0, 30, 40).tolist() == [[0.0, 3.0, 40.0, 30.0]]
    free = F.crop(boxes(outside, clamping_mode=None), 0, 0, 30, 40)
    assert free.tolist() == [list(outside)] and free.clamping_mode is None
    assert v2.ClampBoundingBoxes()(free).tolist() == [list(outside)]
    assert v2.ClampBoundingBoxes("hard")(free).tolist() == [[0.0, 3.0, 40.0, 30.0]]
    assert v2.SetClampingMode("hard")(free).clamping_mode == "hard"


def test_formats_of_integers():
    corners = torch.tensor([[2, 3, 7, 9], [0, 0, 4, 5]])
    for format in ("XYWH", "CXCYWH"):
        other = F.convert_bounding_box_format(corners, "XYXY", format)
        assert other.dtype == corners.dtype
        assert F.convert_bounding_box_format(other, format, "XYXY").dtype == corners.dtype
    assert F.convert_bounding_box_format(corners, "xyxy", "xywh").tolist() == [[2, 3, 5, 6], [0, 0, 4, 5]]
    kept = corners.clone()
    F.convert_bounding_box_format(kept, "XYXY", "XYWH", inplace=True)
    assert kept.tolist() == [[2, 3, 5, 6], [0, 0, 4, 5]]


# ---------------------------------------------------------------- what in a sample is transformed


def test_photometric_transforms_leave_the_rest():
    sample = {"image": picture(), "boxes": boxes(), "mask": mask(), "points": None, "name": "a"}
    for transform in (
        v2.ColorJitter(0.5),
        v2.RandomInvert(1.0),
        v2.GaussianBlur(3),
        v2.RandomPhotometricDistort(p=1.0),
    ):
        result = transform(sample)
        assert not np.array_equal(result["image"].numpy(), sample["image"].numpy())
        assert all(result[name] is sample[name] for name in ("boxes", "mask", "points", "name"))


def test_the_first_plain_tensor_is_the_picture_where_there_is_no_other():
    flip = v2.RandomHorizontalFlip(1.0)
    plain, label = torch.rand(3, 4, 5), torch.rand(3, 4, 5)
    flipped, kept = flip(plain, label)
    np.testing.assert_array_equal(flipped.numpy(), plain.numpy()[..., ::-1])
    assert kept is label and type(flipped) is torch.Tensor
    image, same = flip(picture(), plain)
    assert type(image) is Image and same is plain
    assert flip({"boxes": boxes(), "x": plain})["boxes"].tolist() == [[27.0, 8.0, 48.0, 27.0]]


def test_structures_stay():
    sample = [(picture(), {"boxes": boxes(), "labels": [1, "two", None]}), mask()]
    (image, target), moved = v2.CenterCrop(10)(sample)
    assert image.shape == (3, 10, 10) and target["labels"] == [1, "two", None] and moved.shape == (10, 10)


def test_pictures_of_a_video_see_the_same():
    frames = torch.stack([torch.from_numpy(PIXELS.transpose(2, 0, 1).copy())] * 2)
    chain = v2.Compose(
        [v2.RandomResizedCrop(20), v2.RandomRotation(30), v2.ColorJitter(0.5), v2.GaussianBlur(3)]
    )
    for clip in (Video(frames), Video(frames[None])):
        result = chain(clip)
        assert type(result) is Video and result.shape[-2:] == (20, 20) and result.ndim == clip.ndim
        np.testing.assert_array_equal(result[..., 0, :, :, :].numpy(), result[..., 1, :, :, :].numpy())
    assert v2.UniformTemporalSubsample(4)(Video(frames)).shape[0] == 4


def test_masks_keep_their_classes():
    classes = Mask(torch.arange(HEIGHT * WIDTH).view(HEIGHT, WIDTH) % 7)
    for transform in (
        v2.Resize((21, 33)),
        v2.RandomRotation(45, interpolation=v2.InterpolationMode.BILINEAR),
    ):
        moved = transform(classes)
        assert moved.dtype == classes.dtype and set(np.unique(moved.numpy())) <= set(range(7))


def test_fill_by_class():
    pad = v2.Pad(2, fill={Mask: 9, "others": 1})
    image, moved = pad(picture(), mask())
    assert image[0, 0, 0] == 1 and moved[0, 0] == 9
    assert v2.Pad(1, fill=(1, 2, 3))(picture())[:, 0, 0].tolist() == [1, 2, 3]
    with pytest.raises(RuntimeError, match="nothing for 'others'"):
        v2.Pad(2, fill={Mask: 9})(picture())
    with pytest.raises(ValueError, match="2 fill values do not fit 3 channels"):
        F.pad(picture(), 1, fill=[1, 2])


def test_sizes_must_agree():
    with pytest.raises(ValueError, match="multiple HxW"):
        v2.RandomCrop(4)(torch.rand(3, 8, 8), mask())


# ---------------------------------------------------------------- sanitizing, classes, dtypes


@pytest.mark.parametrize("labels", [None, "default", lambda sample: sample["labels"]])
def test_sanitize(labels):
    corners = [(0, 0, 10, 10), (5, 5, 5.5, 30), (-1, 2, 8, 9), (1, 1, 60, 40)]
    sample = {
        "boxes": boxes(*corners),
        "labels": torch.arange(4),
        "masks": Mask(torch.arange(4)[:, None, None].expand(4, HEIGHT, WIDTH)),
    }
    result = v2.SanitizeBoundingBoxes(labels_getter=labels)(sample)
    assert type(result["boxes"]) is BoundingBoxes and result["boxes"].tolist() == [
        list(corners[0]),
        list(corners[3]),
    ]
    assert result["masks"][:, 0, 0].tolist() == [0, 3]
    assert result["labels"].tolist() == ([0, 1, 2, 3] if labels is None else [0, 3])
    kept, valid = F.sanitize_bounding_boxes(sample["boxes"], min_size=20)
    assert kept.tolist() == [list(corners[3])] and valid.tolist() == [False, False, False, True]


def test_iou_crop_then_sanitize():
    chain = v2.Compose([v2.RandomIoUCrop(), v2.SanitizeBoundingBoxes()])
    for seed in range(10):
        torch.manual_seed(seed)
        image, target = chain(picture(), {"boxes": boxes(BOX, (0, 0, 9, 9)), "labels": torch.tensor([1, 2])})
        corners = target["boxes"].numpy()
        assert len(corners) == len(target["labels"]) >= 1
        assert (corners >= 0).all() and (corners[:, 2] <= image.shape[-1]).all()
    with pytest.raises(TypeError, match="requires input sample"):
        v2.RandomIoUCrop()(picture())


def test_dtypes():
    image, box = v2.ToDtype(torch.float32, scale=True)(picture(), boxes())
    assert type(image) is Image and image.max() <= 1 and box.dtype == torch.float32
    by_class = {Image: torch.float64, Mask: torch.int64, "others": None}
    image, box, moved = v2.ToDtype(by_class)(picture(), boxes(), mask())
    assert (image.dtype, box.dtype, moved.dtype) == (torch.float64, torch.float32, torch.int64)
    with pytest.raises(ValueError, match="No dtype was specified"):
        v2.ToDtype({Mask: torch.int64})(picture())


def test_to_image_and_back():
    PIL = pytest.importorskip("PIL.Image")
    image, kept = v2.ToImage()(PIL.fromarray(PIXELS), torch.zeros(2))
    assert type(image) is Image and type(kept) is torch.Tensor
    np.testing.assert_array_equal(np.asarray(v2.ToPILImage()(image)), PIXELS)
    assert type(v2.ToImage()(torch.rand(3, 4, 4))) is Image
    assert type(v2.ToPureTensor()({"a": image, "b": boxes()})["b"]) is torch.Tensor
    assert F.get_size(PIL.fromarray(PIXELS)) == F.get_size(boxes()) == F.get_size(mask()) == [HEIGHT, WIDTH]
    rough, again = (F.jpeg(image, quality).numpy().astype(int) for quality in (5, 95))
    assert np.abs(again - image.numpy()).mean() < np.abs(rough - image.numpy()).mean()
    assert type(v2.JPEG((20, 30))(image)) is Image


def test_lambda_sees_the_types_it_asks_for():
    image, box = picture(), boxes()
    same, moved = v2.Lambda(lambda part: part + 1, BoundingBoxes)(image, box)
    assert same is image and moved.tolist() == [[13.0, 9.0, 34.0, 28.0]]


@pytest.mark.parametrize("mixture", [v2.MixUp, v2.CutMix])
def test_mixtures_keep_the_class(mixture):
    batch, labels = mixture(num_classes=3)(Image(torch.rand(4, 3, 8, 8)), torch.tensor([0, 1, 2, 0]))
    assert type(batch) is Image and labels.shape == (4, 3)
    named = mixture(num_classes=3)({"imgs": torch.rand(4, 3, 8, 8), "labels": torch.tensor([0, 1, 2, 0])})
    assert named["labels"].shape == (4, 3)
    with pytest.raises(ValueError, match="masks"):
        mixture(num_classes=3)(torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 0]), mask())


# ---------------------------------------------------------------- one's own


class Shift(v2.Transform):
    def make_params(self, flat_inputs):
        height, width = v2.query_size(flat_inputs)
        return {"by": int(torch.randint(1, width, ()))}

    def transform(self, inpt, params):
        if isinstance(inpt, BoundingBoxes):
            return self._call_kernel(F.crop, inpt, 0, params["by"], *inpt.canvas_size)
        return self._call_kernel(F.crop, inpt, 0, params["by"], *F.get_size(inpt))


def test_a_transform_of_ones_own():
    torch.manual_seed(0)
    image, box = Shift()(picture(), boxes(BOX, clamping_mode=None))
    by = BOX[0] - int(box[0, 0])
    np.testing.assert_array_equal(image[..., : WIDTH - by].numpy(), picture().numpy()[..., by:])
    with pytest.raises(NotImplementedError, match="must define transform"):
        v2.Transform()(picture())


class Depth(TVTensor):
    """Metres for every pixel."""


def test_kernels_of_ones_own():
    depth = torch.rand(4, 6).as_subclass(Depth)
    flip = v2.RandomHorizontalFlip(1.0)
    assert flip(depth) is depth
    with pytest.raises(TypeError, match="supports inputs of type Tensor, .*but got"):
        F.vertical_flip(depth)

    @F.register_kernel("horizontal_flip", Depth)
    def flipped(inpt):
        return inpt.flip(-1).as_subclass(Depth)

    result = flip(depth)
    assert type(result) is Depth
    np.testing.assert_array_equal(result.numpy(), depth.numpy()[:, ::-1])
    with pytest.raises(ValueError, match="already has a kernel"):
        F.register_kernel(F.hflip, Depth)
    with pytest.raises(ValueError, match="builtin"):
        F.register_kernel(F.hflip, Image)
    with pytest.raises(ValueError, match="Could not find"):
        F.register_kernel("hop", Depth)


def test_kernels_by_name():
    corners = torch.tensor([BOX], dtype=torch.float32)
    moved, canvas = F.resize_bounding_boxes(corners, (HEIGHT, WIDTH), [20, 30])
    assert moved.tolist() == [[6.0, 4.0, 16.5, 13.5]] and canvas == (20, 30)
    moved, canvas = F.crop_bounding_boxes(corners, "XYXY", 5, 10, 10, 10)
    assert moved.tolist() == [[2.0, 3.0, 10.0, 10.0]] and canvas == (10, 10)
    flipped = F.horizontal_flip_bounding_boxes(corners, format="XYXY", canvas_size=(HEIGHT, WIDTH))
    assert type(flipped) is torch.Tensor and flipped.tolist() == [[27.0, 8.0, 48.0, 27.0]]
    assert F.resize_mask(mask().as_subclass(torch.Tensor), [20, 30]).shape == (20, 30)
    assert F.resize_image(torch.rand(3, 8, 8), [4, 4]).shape == (3, 4, 4)
    points, canvas = F.resize_keypoints(torch.ones(1, 2), [20, 30], (HEIGHT, WIDTH))
    assert points.tolist() == [[0.5, 0.5]] and canvas == (20, 30)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: F.pad(boxes(), 2, padding_mode="reflect"), ValueError, "not supported with bounding boxes"),
        (lambda: F.clamp_bounding_boxes(torch.zeros(1, 4)), ValueError, "have to be passed"),
        (lambda: F.clamp_bounding_boxes(boxes(), format="XYXY"), ValueError, "must not be passed"),
        (lambda: F.convert_bounding_box_format(boxes()), TypeError, "new_format"),
        (
            lambda: F.convert_bounding_box_format(torch.zeros(1, 4), new_format="XYXY"),
            ValueError,
            "have to be passed",
        ),
        (lambda: F.resize("a", [2, 2]), TypeError, "supports inputs of type"),
        (lambda: F.adjust_brightness(boxes(), 1.0), TypeError, "but got"),
        (lambda: F.resize(boxes(), [2, 2], size=3), TypeError, "multiple values"),
        (lambda: v2.FiveCrop(4)(picture(), boxes()), TypeError, "not supported by FiveCrop"),
        (lambda: v2.AutoAugment()(picture(), mask()), TypeError, "does not support"),
        (lambda: v2.SanitizeBoundingBoxes()(picture(), {"labels": 1}), ValueError, "No bounding boxes"),
        (lambda: v2.SanitizeBoundingBoxes(0), ValueError, "min_size must be >= 1"),
        (lambda: v2.SanitizeBoundingBoxes()({"boxes": boxes()}), ValueError, "where the labels are"),
        (lambda: v2.RandomHorizontalFlip(2), ValueError, "interval"),
        (lambda: v2.JPEG(0), ValueError, "from 1 to 100"),
        (lambda: v2.RandomZoomOut(side_range=(0.5, 2)), ValueError, "side range"),
        (lambda: v2.RandomCrop(99)(picture()), ValueError, "larger than"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
