"""Boxes, regions, losses, grids, drawings and picture files against NumPy, Pillow and torchvision's Python part."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import tinytensor as torch
from tinytensor.vision import io, ops, utils

from vision.pictures import sample, torchvision

RANDOM = np.random.default_rng(1)


def some_boxes(count, seed=0, size=50.0):
    random = np.random.default_rng(seed)
    low = random.uniform(0, size, (count, 2))
    return np.concatenate([low, low + random.uniform(1, size / 2, (count, 2))], 1).astype(np.float32)


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


# ---------------------------------------------------------------- boxes


def test_iou_and_area():
    one, two = some_boxes(7), some_boxes(5, 1)
    expected = np.array([[iou(a, b) for b in two] for a in one])
    ours = torch.from_numpy(one), torch.from_numpy(two)
    np.testing.assert_allclose(ops.box_iou(*ours).numpy(), expected, rtol=1e-5, atol=1e-7)
    for form in ("xywh", "cxcywh"):
        converted = [ops.box_convert(boxes, "xyxy", form) for boxes in ours]
        np.testing.assert_allclose(ops.box_iou(*converted, fmt=form).numpy(), expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            ops.box_area(converted[0], form).numpy(), ops.box_area(ours[0]).numpy(), rtol=1e-5
        )
    assert ops.box_area(torch.tensor([[0, 0, 100, 100]], dtype=torch.uint8)).tolist() == [10000]


def test_box_convert():
    boxes = torch.tensor([[10.0, 20.0, 30.0, 60.0]])
    assert ops.box_convert(boxes, "xyxy", "xywh").tolist() == [[10, 20, 20, 40]]
    assert ops.box_convert(boxes, "xyxy", "cxcywh").tolist() == [[20, 40, 20, 40]]
    assert ops.box_convert(boxes, "cxcywh", "xyxy").tolist() == [[-5, -10, 25, 50]]
    assert ops.box_convert(boxes, "xywh", "cxcywh").tolist() == [[25, 50, 30, 60]]
    same = ops.box_convert(boxes, "xywh", "xywh")
    assert same is not boxes and same.tolist() == boxes.tolist()


@pytest.mark.parametrize("name", ["box_iou", "generalized_box_iou", "distance_box_iou", "complete_box_iou"])
def test_overlaps_are_torchvisions(name):
    peer = pytest.importorskip("torch")
    theirs = getattr(torchvision().ops, name)
    one, two = some_boxes(7), some_boxes(5, 1)
    results = []
    for library, function in ((torch, getattr(ops, name)), (peer, theirs)):
        boxes = library.from_numpy(one.copy()).requires_grad_()
        result = function(boxes, library.from_numpy(two))
        result.square().sum().backward()
        results.append((result.detach().numpy(), boxes.grad.numpy()))
    for ours, expected in zip(*results):
        np.testing.assert_allclose(ours, expected, rtol=2e-4, atol=1e-5)


def greedy(boxes, scores, threshold):
    order, kept = list(np.argsort(-scores, kind="stable")), []
    while order:
        best = order.pop(0)
        kept.append(int(best))
        order = [other for other in order if not iou(boxes[best], boxes[other]) > threshold]
    return kept


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7, 1.0])
def test_nms(threshold):
    boxes, scores = some_boxes(60), RANDOM.random(60).astype(np.float32)
    scores[10:20] = scores[10]
    kept = ops.nms(torch.from_numpy(boxes), torch.from_numpy(scores), threshold)
    assert kept.dtype == torch.int64 and kept.tolist() == greedy(boxes.astype(float), scores, threshold)


def test_nms_by_class():
    boxes, scores, classes = some_boxes(60), RANDOM.random(60).astype(np.float32), RANDOM.integers(0, 3, 60)
    kept = ops.batched_nms(*(torch.from_numpy(array) for array in (boxes, scores, classes)), 0.3).tolist()
    expected = []
    for number in range(3):
        members = np.flatnonzero(classes == number)
        expected += list(members[greedy(boxes[members].astype(float), scores[members], 0.3)])
    assert kept == sorted(expected, key=lambda i: -scores[i])
    assert ops.nms(torch.zeros(0, 4), torch.zeros(0), 0.5).shape == (0,)


def test_other_box_functions():
    boxes = torch.tensor([[-5.0, 2.0, 30.0, 60.0], [1.0, 1.0, 1.5, 9.0]])
    assert ops.clip_boxes_to_image(boxes, (40, 20)).tolist() == [[0, 2, 20, 40], [1, 1, 1.5, 9]]
    assert ops.remove_small_boxes(boxes, 1.0).tolist() == [0]
    masks = torch.zeros(3, 6, 8, dtype=torch.bool)
    masks[0, 2:4, 3:7] = True
    masks[1, 5, 0] = True
    assert ops.masks_to_boxes(masks).tolist() == [[3, 2, 6, 3], [0, 5, 0, 5], [0, 0, 0, 0]]


# ---------------------------------------------------------------- regions


def bilinear(plane, y, x):
    height, width = plane.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    dy, dx = y - top, x - left
    upper = (1 - dx) * plane[top, left] + dx * plane[top, right]
    return (1 - dy) * upper + dy * ((1 - dx) * plane[bottom, left] + dx * plane[bottom, right])


def align(image, rows, height, width, scale, ratio, aligned):
    out = np.zeros((len(rows), image.shape[1], height, width))
    for k, (number, *corners) in enumerate(rows):
        x1, y1, x2, y2 = (corner * scale - 0.5 * aligned for corner in corners)
        across, down = (x2 - x1, y2 - y1) if aligned else (max(x2 - x1, 1), max(y2 - y1, 1))
        ny, nx = (ratio or math.ceil(side / count) for side, count in ((down, height), (across, width)))
        for c, i, j in np.ndindex(image.shape[1], height, width):
            ys = [y1 + (i + (s + 0.5) / ny) * down / height for s in range(ny)]
            xs = [x1 + (j + (s + 0.5) / nx) * across / width for s in range(nx)]
            values = [bilinear(image[int(number), c], y, x) for y in ys for x in xs]
            out[k, c, i, j] = np.mean(values) if values else 0
    return out


ROWS = np.array(
    [[0, 1, 2, 9, 11], [1, 3.2, 4.7, 8.1, 30.5], [1, -4, -4, 3, 3], [0, 5, 5, 5.1, 5.1], [0, 90, 90, 99, 99]]
)


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("ratio", [0, 2])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_roi_align(aligned, ratio, scale):
    image = RANDOM.standard_normal((2, 3, 14, 12))
    ours = ops.roi_align(torch.from_numpy(image), torch.from_numpy(ROWS), (3, 2), scale, ratio or -1, aligned)
    np.testing.assert_allclose(ours.numpy(), align(image, ROWS, 3, 2, scale, ratio, aligned), atol=1e-10)


def test_roi_align_gradient_and_lists():
    image = torch.from_numpy(RANDOM.standard_normal((2, 1, 6, 5))).requires_grad_()
    boxes = [torch.tensor([[0.5, 0.5, 3.0, 4.0]]), torch.tensor([[1.0, 1.0, 4.0, 4.0], [0.0, 0.0, 9.0, 9.0]])]
    layer = ops.RoIAlign(2, 1.0, 2)
    assert torch.autograd.gradcheck(lambda x: layer(x, boxes), (image,))
    assert repr(layer) == "RoIAlign(output_size=2, spatial_scale=1.0, sampling_ratio=2, aligned=False)"
    assert ops.roi_align(image, torch.zeros(0, 5), 2).shape == (0, 1, 2, 2)


def test_roi_align_is_torchvisions():
    peer = pytest.importorskip("torch")
    torchvision()
    theirs = sys.modules["torchvision.ops.roi_align"]._roi_align.__wrapped__
    image = RANDOM.standard_normal((2, 3, 14, 12)).astype(np.float32)
    rows = ROWS[[0, 3]].astype(
        np.float32
    )  # its Python form takes what is outside otherwise than its compiled form
    for ratio in (-1, 3):
        ours = ops.roi_align(torch.from_numpy(image), torch.from_numpy(rows), 3, 0.5, ratio, False)
        expected = theirs(peer.from_numpy(image), peer.from_numpy(rows), 0.5, 3, 3, ratio, False)
        np.testing.assert_allclose(ours.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5)


def test_roi_pool():
    image = RANDOM.standard_normal((1, 2, 8, 8))
    result = ops.roi_pool(
        torch.from_numpy(image), torch.tensor([[0.0, 1.0, 2.0, 4.0, 7.0], [0.0, 20.0, 20.0, 30.0, 30.0]]), 2
    )
    expected = [[image[0, :, y : y + 3, x : x + 2].max((1, 2)) for x in (1, 3)] for y in (2, 5)]
    np.testing.assert_array_equal(result[0].numpy(), np.array(expected).transpose(2, 0, 1))
    assert not result[1].any()


def test_multi_scale_roi_align():
    features = {
        "a": torch.rand(1, 2, 64, 64),
        "b": torch.rand(1, 2, 32, 32),
        "skipped": torch.rand(1, 2, 8, 8),
    }
    pooler = ops.MultiScaleRoIAlign(["a", "b"], 3, 2, canonical_scale=64, canonical_level=3)
    boxes = [torch.tensor([[0.0, 0.0, 200.0, 180.0], [4.0, 4.0, 30.0, 24.0], [10.0, 0.0, 250.0, 250.0]])]
    result = pooler(features, boxes, [(256, 256)])
    assert pooler.scales == [0.25, 0.125]
    rows = torch.cat([torch.zeros(3, 1), boxes[0]], 1)
    for number, (name, scale) in enumerate([("b", 0.125), ("a", 0.25), ("b", 0.125)]):
        expected = ops.roi_align(features[name], rows[number : number + 1], 3, scale, 2)
        np.testing.assert_array_equal(result[number].numpy(), expected[0].numpy())


# ---------------------------------------------------------------- losses


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("alpha", [0.25, -1])
def test_focal_loss(reduction, alpha):
    x, target = RANDOM.standard_normal((4, 5)), RANDOM.integers(0, 2, (4, 5)).astype(float)
    p = 1 / (1 + np.exp(-x))
    right = np.where(target == 1, p, 1 - p)
    weight = np.where(target == 1, alpha, 1 - alpha) if alpha >= 0 else 1.0
    expected = {"none": np.asarray, "mean": np.mean, "sum": np.sum}[reduction](
        -weight * (1 - right) ** 2 * np.log(right)
    )
    loss = ops.sigmoid_focal_loss(torch.from_numpy(x), torch.from_numpy(target), alpha, reduction=reduction)
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-9)


def test_box_loss():
    one, two = torch.from_numpy(some_boxes(6).astype(float)), torch.from_numpy(some_boxes(6, 1).astype(float))
    expected = 1 - ops.generalized_box_iou(one, two).diagonal()
    np.testing.assert_allclose(ops.generalized_box_iou_loss(one, two).numpy(), expected.numpy(), atol=1e-6)
    np.testing.assert_allclose(
        ops.generalized_box_iou_loss(one, two, "mean").item(), expected.mean().item(), atol=1e-6
    )


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: ops.nms(torch.zeros(2, 3), torch.zeros(2), 0.5), RuntimeError, "4 columns"),
        (lambda: ops.nms(torch.zeros(2, 4), torch.zeros(3), 0.5), RuntimeError, "score"),
        (lambda: ops.box_convert(torch.zeros(1, 4), "xyxy", "abc"), ValueError, "abc"),
        (lambda: ops.box_iou(torch.zeros(1, 5), torch.zeros(1, 5), "xywhr"), NotImplementedError, "turned"),
        (
            lambda: ops.roi_align(torch.zeros(1, 1, 4, 4), torch.zeros(2, 4), 2),
            AssertionError,
            r"Tensor\[K, 5\]",
        ),
        (
            lambda: ops.roi_align(torch.zeros(1, 1, 4, 4), torch.tensor([[1.0, 0, 0, 1, 1]]), 2),
            IndexError,
            "batch of 1",
        ),
        (lambda: ops.sigmoid_focal_loss(torch.zeros(1), torch.zeros(1), 2.0), ValueError, "alpha"),
        (
            lambda: ops.sigmoid_focal_loss(torch.zeros(1), torch.zeros(1), reduction="max"),
            ValueError,
            "reduction",
        ),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---------------------------------------------------------------- grids


def test_make_grid():
    pictures = torch.rand(5, 3, 4, 6)
    grid = utils.make_grid(pictures, nrow=3, padding=1, pad_value=0.5).numpy()
    assert grid.shape == (3, 11, 22)
    expected = np.full((3, 11, 22), 0.5, np.float32)
    for number in range(5):
        top, left = 1 + 5 * (number // 3), 1 + 7 * (number % 3)
        expected[:, top : top + 4, left : left + 6] = pictures[number].numpy()
    np.testing.assert_array_equal(grid, expected)


def test_make_grid_forms():
    assert utils.make_grid(torch.rand(4, 6)).shape == (3, 4, 6)
    assert utils.make_grid(torch.rand(1, 4, 6)).shape == (3, 4, 6)
    assert utils.make_grid([torch.rand(1, 4, 6)] * 2).shape == (3, 8, 18)
    pictures = torch.stack([torch.full((3, 2, 2), 2.0), torch.full((3, 2, 2), 6.0)])
    pictures[:, :, 0, 0] += 2
    stretched = utils.make_grid(pictures, padding=0, normalize=True)
    assert stretched[0, 1].tolist() == pytest.approx([0, 0, 2 / 3, 2 / 3])
    each = utils.make_grid(pictures, padding=0, normalize=True, scale_each=True)
    assert each[0, 0].tolist() == [1, 0, 1, 0] and pictures.max() == 8
    ranged = utils.make_grid(pictures, padding=0, normalize=True, value_range=(0, 4))
    assert ranged[0, 1].tolist() == [0.5, 0.5, 1, 1]
    with pytest.raises(TypeError, match="list of tensors"):
        utils.make_grid("picture")


# ---------------------------------------------------------------- files and drawings


def test_save_and_read_picture(tmp_path):
    pytest.importorskip("PIL")
    array = sample(7, 9)
    picture = torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
    utils.save_image(picture.float() / 255, tmp_path / "a.png")
    np.testing.assert_array_equal(io.read_image(tmp_path / "a.png").numpy(), picture.numpy())
    assert io.read_image(str(tmp_path / "a.png"), io.ImageReadMode.GRAY).shape == (1, 7, 9)
    assert io.decode_image(io.read_file(tmp_path / "a.png"), "RGBA").shape == (4, 7, 9)
    io.write_png(picture, tmp_path / "b.png")
    np.testing.assert_array_equal(io.decode_png(io.read_file(tmp_path / "b.png")).numpy(), picture.numpy())
    smooth = torch.full((3, 16, 16), 100, dtype=torch.uint8)
    assert (io.decode_jpeg(io.encode_jpeg(smooth, 90)).int() - 100).abs().max() <= 1
    with pytest.raises(RuntimeError, match="uint8"):
        io.encode_png(torch.rand(3, 4, 4))
    with pytest.raises(OSError):
        io.decode_png(io.encode_jpeg(smooth))


def test_drawn_boxes():
    pytest.importorskip("PIL")
    black = torch.zeros(3, 20, 30, dtype=torch.uint8)
    drawn = utils.draw_bounding_boxes(black, torch.tensor([[2, 3, 20, 15]]), colors="red").numpy()
    frame = np.zeros((20, 30), bool)
    frame[3:16, 2:21] = True
    frame[4:15, 3:20] = False
    np.testing.assert_array_equal(drawn[0], np.where(frame, 255, 0))
    assert not drawn[1:].any() and not black.any()
    labelled = utils.draw_bounding_boxes(
        black.float(), torch.tensor([[2.0, 3, 20, 15]]), ["x"], (0, 255, 0), fill=True
    )
    assert labelled.dtype == torch.float32 and labelled[1, 14, 10] > 0.3 and labelled[1].max() == 1
    with pytest.raises(ValueError, match="xmin"):
        utils.draw_bounding_boxes(black, torch.tensor([[20, 3, 2, 15]]))
    with pytest.warns(UserWarning, match="No box"):
        assert utils.draw_bounding_boxes(black, torch.zeros(0, 4)) is black


def test_drawn_boxes_are_torchvisions():
    peer = pytest.importorskip("torch")
    theirs = torchvision().utils.draw_bounding_boxes
    image, boxes = sample(40, 50).transpose(2, 0, 1).copy(), [[2, 3, 20, 15], [5, 5, 40, 38]]
    for options in ({}, {"labels": ["a", "b"], "width": 2}, {"fill": True, "colors": ["red", (1, 2, 3)]}):
        ours = utils.draw_bounding_boxes(torch.from_numpy(image), torch.tensor(boxes), **options)
        expected = theirs(peer.from_numpy(image), peer.tensor(boxes), **options)
        np.testing.assert_array_equal(ours.numpy(), expected.numpy())


def test_drawn_masks():
    image = torch.full((3, 4, 4), 100, dtype=torch.uint8)
    masks = torch.zeros(2, 4, 4, dtype=torch.bool)
    masks[0, 0], masks[1, :, 0] = True, True
    drawn = utils.draw_segmentation_masks(image, masks, 0.5, [(200, 0, 0), (0, 50, 0)])
    assert drawn[:, 0, 1].tolist() == [150, 50, 50] and drawn[:, 1, 0].tolist() == [50, 75, 50]
    assert drawn[:, 0, 0].tolist() == [50, 50, 50] and drawn[:, 2, 2].tolist() == [100, 100, 100]
    with pytest.raises(ValueError, match="bool"):
        utils.draw_segmentation_masks(image, masks.float())
