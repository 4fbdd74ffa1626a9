"""Detectors: parameters and keys as published, losses in training, findings otherwise."""

import hashlib
import urllib.error

import numpy as np
import pytest
import tinytensor
from tinytensor import hub, nn
from tinytensor.vision import models
from tinytensor.vision.models.detection import _utils as boxes_
from tinytensor.vision.models.detection import transform
from tinytensor.vision.models.detection.anchor_utils import AnchorGenerator
from tinytensor.vision.models.detection.faster_rcnn import FastRCNNPredictor
from tinytensor.vision.models.detection.mask_rcnn import MaskRCNNPredictor
from tinytensor.vision.models.detection.roi_heads import paste_masks_in_image
from tinytensor.vision.ops.feature_pyramid_network import (
    FeaturePyramidNetwork,
    LastLevelMaxPool,
    LastLevelP6P7,
)

# Without trained weights: parameters, length of the state_dict, beginning of the SHA-256 of keys and shapes.
_FACTS = {
    "fasterrcnn_mobilenet_v3_large_320_fpn": (19410754, 330, "87f499bc85fe"),
    "fasterrcnn_mobilenet_v3_large_fpn": (19410754, 330, "87f499bc85fe"),
    "fasterrcnn_resnet50_fpn": (41808406, 348, "8f7536d48a1d"),
    "fasterrcnn_resnet50_fpn_v2": (43712278, 404, "b47231bd591a"),
    "maskrcnn_resnet50_fpn": (44454513, 360, "88e5922657eb"),
    "maskrcnn_resnet50_fpn_v2": (46359409, 432, "c29ed1ced30b"),
}

_SMALL = {
    "weights_backbone": None,
    "num_classes": 4,
    "min_size": 64,
    "max_size": 96,
    "rpn_pre_nms_top_n_train": 100,
    "rpn_post_nms_top_n_train": 20,
    "rpn_pre_nms_top_n_test": 100,
    "rpn_post_nms_top_n_test": 20,
    "box_batch_size_per_image": 16,
    "box_score_thresh": 0.0,
    "box_detections_per_img": 6,
}


@pytest.mark.parametrize("name", _FACTS)
def test_parameters_and_keys_are_the_published_ones(name, monkeypatch):
    for draw in vars(nn.init):
        if draw.endswith("_") and not draw.startswith("_"):
            monkeypatch.setattr(nn.init, draw, lambda tensor, *args, **kwargs: tensor)
    net = models.get_model(name, weights_backbone=None)
    state = net.state_dict()
    text = "\n".join(f"{key} {tuple(value.shape)}" for key, value in state.items())
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    assert (sum(p.numel() for p in net.parameters()), len(state), digest) == _FACTS[name]
    assert len(models.get_model_weights(name).DEFAULT.meta["categories"]) == 91


def _target(masks):
    target = {
        "boxes": tinytensor.tensor([[5.0, 8.0, 40.0, 44.0], [30.0, 10.0, 60.0, 50.0]]),
        "labels": tinytensor.tensor([1, 3]),
    }
    if masks:
        target["masks"] = tinytensor.zeros(2, 56, 70, dtype=tinytensor.uint8)
        target["masks"][0, 8:44, 5:40] = 1
        target["masks"][1, 10:50, 30:60] = 1
    return target


@pytest.mark.parametrize("name", ["fasterrcnn_mobilenet_v3_large_320_fpn", "maskrcnn_resnet50_fpn"])
def test_losses_and_findings(name):
    masks = name.startswith("mask")
    tinytensor.manual_seed(0)
    net = models.get_model(name, **_SMALL)
    picture = tinytensor.rand(3, 56, 70)
    empty = {"boxes": tinytensor.zeros(0, 4), "labels": tinytensor.zeros(0, dtype=tinytensor.int64)}
    if masks:
        empty["masks"] = tinytensor.zeros(0, 40, 48, dtype=tinytensor.uint8)
    given = _target(masks)
    losses = net([picture, tinytensor.rand(3, 40, 48)], [given, empty])
    names = ["loss_classifier", "loss_box_reg", *(["loss_mask"] if masks else [])]
    assert list(losses) == [*names, "loss_objectness", "loss_rpn_box_reg"]
    assert all(loss.isfinite() and loss > 0 for loss in losses.values())
    assert given["boxes"][0].tolist() == [5.0, 8.0, 40.0, 44.0]  # the caller's targets stay
    sum(losses.values()).backward()
    assert all(p.grad is not None for part in (net.rpn, net.roi_heads) for p in part.parameters())

    found = net.eval()([picture])[0]
    count = len(found["scores"])
    assert 0 < count <= 6
    assert found["boxes"].shape == (count, 4) and set(found["labels"].tolist()) <= {1, 2, 3}
    assert (found["scores"][:-1] >= found["scores"][1:]).all()
    assert (found["boxes"] >= 0).all() and (found["boxes"][:, 2] <= 70.01).all()
    assert ("masks" in found) == masks
    if masks:
        assert found["masks"].shape == (count, 1, 56, 70)


def test_heads_are_replaced_as_in_fine_tuning():
    net = models.detection.maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    inputs = net.roi_heads.box_predictor.cls_score.in_features
    net.roi_heads.box_predictor = FastRCNNPredictor(inputs, 2)
    channels = net.roi_heads.mask_predictor.conv5_mask.in_channels
    net.roi_heads.mask_predictor = MaskRCNNPredictor(channels, 256, 2)
    assert net.roi_heads.has_mask()
    assert net.roi_heads.mask_predictor.mask_fcn_logits.out_channels == 2


def test_weights_of_detectors(tmp_path, monkeypatch):
    def refuse(url):
        raise urllib.error.URLError("no network in this test")

    monkeypatch.setattr(hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(hub, "_open_url", refuse)
    build = models.detection.fasterrcnn_mobilenet_v3_large_320_fpn
    with pytest.warns(UserWarning, match="trainable_backbone_layers"):
        net = build(weights_backbone=None, num_classes=2, trainable_backbone_layers=1)
    assert all(p.requires_grad for p in net.parameters())
    # By default the backbone is trained, and both kinds of weights would be downloaded.
    with pytest.raises(urllib.error.URLError, match="mobilenet_v3_large-8738ca79.pth"):
        build(num_classes=2, progress=False)
    with pytest.warns(UserWarning), pytest.raises(urllib.error.URLError, match="320_fpn-907ea3f9.pth"):
        build(pretrained=True, progress=False)
    with pytest.raises(ValueError, match="num_classes.*91.*2"):
        build(weights="COCO_V1", num_classes=2)
    # A backbone from a file keeps its statistics and its first layers.
    tinytensor.save(models.mobilenet_v3_large().state_dict(), tmp_path / "backbone.pth")
    net = build(weights_backbone=tmp_path / "backbone.pth", num_classes=2, trainable_backbone_layers=2)
    first = net.backbone.body["0"]
    assert type(first[1]).__name__ == "FrozenBatchNorm2d"
    assert not first[0].weight.requires_grad
    tinytensor.save(net.state_dict(), tmp_path / "whole.pth")
    again = build(weights=str(tmp_path / "whole.pth"), num_classes=2)
    for (key, value), other in zip(net.state_dict().items(), again.state_dict().values()):
        assert (value == other).all(), key


def test_bad_targets_are_named():
    net = models.get_model("fasterrcnn_mobilenet_v3_large_320_fpn", **_SMALL)
    picture = tinytensor.rand(3, 56, 70)
    labels = tinytensor.tensor([1])
    with pytest.raises(AssertionError, match="targets should not be none"):
        net([picture])
    with pytest.raises(AssertionError, match=r"shape \[N, 4\], got \(4,\)"):
        net([picture], [{"boxes": tinytensor.zeros(4), "labels": labels}])
    with pytest.raises(AssertionError, match="positive height and width"):
        net([picture], [{"boxes": tinytensor.tensor([[5.0, 5.0, 5.0, 9.0]]), "labels": labels}])
    with pytest.raises(ValueError, match="3d tensors"):
        net.eval()([picture[0]])
    with pytest.raises(TypeError, match="floating type"):
        net([tinytensor.zeros(3, 8, 8, dtype=tinytensor.uint8)])
    with pytest.raises(ValueError, match="num_classes"):
        models.detection.FasterRCNN(net.backbone)
    with pytest.raises(ValueError, match="out_channels"):
        models.detection.FasterRCNN(nn.Identity(), 2)


# ---------------------------------------------------------------- parts


def test_coding_boxes_and_back():
    rng = np.random.default_rng(0)
    corners = rng.random((7, 2)) * 50
    boxes = tinytensor.from_numpy(np.concatenate([corners, corners + 1 + rng.random((7, 2)) * 30], 1))
    others = tinytensor.from_numpy(np.concatenate([corners + 2, corners + 9], 1))
    coder = boxes_.BoxCoder((10.0, 10.0, 5.0, 5.0))
    (codes,) = coder.encode([boxes], [others])
    x, y, right, bottom = others[3].tolist()
    centre = (boxes[3, 0].item() + boxes[3, 2].item()) / 2
    assert codes[3, 0].item() == pytest.approx(10 * (centre - (x + right) / 2) / (right - x))
    np.testing.assert_allclose(coder.decode(codes, [others])[:, 0].numpy(), boxes.numpy(), rtol=1e-12)
    far = coder.decode(tinytensor.full((1, 4), 1e4, dtype=tinytensor.float64), [others[:1]])
    assert (far[0, 0, 2] - far[0, 0, 0]).item() == pytest.approx(1000 / 16 * (right - x))


def test_matching():
    quality = tinytensor.tensor([[0.9, 0.5, 0.1, 0.2], [0.1, 0.2, 0.0, 0.35]])
    assert boxes_.Matcher(0.7, 0.3)(quality).tolist() == [0, -2, -1, -2]
    assert boxes_.Matcher(0.7, 0.3, allow_low_quality_matches=True)(quality).tolist() == [0, -2, -1, 1]
    with pytest.raises(ValueError, match="No ground-truth"):
        boxes_.Matcher(0.7, 0.3)(tinytensor.zeros(0, 3))


def test_sampling_is_balanced():
    labels = tinytensor.tensor([1.0] * 10 + [0.0] * 50 + [-1.0] * 5)
    (positive,), (negative,) = boxes_.BalancedPositiveNegativeSampler(16, 0.25)([labels])
    assert (positive.sum().item(), negative.sum().item()) == (4, 12)
    assert (labels[positive.bool()] == 1).all() and (labels[negative.bool()] == 0).all()


def test_anchors():
    make = AnchorGenerator(((32,), (64,)), ((0.5, 1.0, 2.0),) * 2)
    assert make.num_anchors_per_location() == [3, 3]
    assert make.cell_anchors[0].tolist() == [[-23, -11, 23, 11], [-16, -16, 16, 16], [-11, -23, 11, 23]]
    from tinytensor.vision.models.detection.image_list import ImageList

    images = ImageList(tinytensor.zeros(2, 3, 64, 96), [(60, 90), (64, 96)])
    maps = [tinytensor.zeros(2, 8, 4, 6), tinytensor.zeros(2, 8, 2, 3)]
    anchors = make(images, maps)
    assert [one.shape for one in anchors] == [(4 * 6 * 3 + 2 * 3 * 3, 4)] * 2
    assert anchors[0][3 * 7 + 1].tolist() == [0, 0, 32, 32]  # row 1, column 1 of stride 16
    with pytest.raises(AssertionError, match="1 feature maps but 2 sizes"):
        make(images, maps[:1])


def test_pictures_are_resized_and_padded():
    prepare = transform.GeneralizedRCNNTransform(32, 50, [0.0] * 3, [1.0] * 3).eval()
    targets = [{"boxes": tinytensor.tensor([[0.0, 4.0, 10.0, 20.0]])}, {"boxes": tinytensor.zeros(0, 4)}]
    images, changed = prepare([tinytensor.ones(3, 16, 20), tinytensor.ones(3, 10, 40)], targets)
    assert images.image_sizes == [(32, 40), (12, 50)]
    assert images.tensors.shape == (2, 3, 32, 64)
    assert images.tensors[1].sum().item() == pytest.approx(3 * 12 * 50, rel=1e-5)
    assert changed[0]["boxes"].tolist() == [[0, 8, 20, 40]]
    assert transform.resize_boxes(changed[0]["boxes"], (32, 40), (16, 20)).tolist() == [[0, 4, 10, 20]]


def test_masks_are_pasted_where_the_boxes_are():
    masks = tinytensor.ones(2, 1, 28, 28)
    boxes = tinytensor.tensor([[4.0, 2.0, 11.0, 9.0], [-6.0, -6.0, 3.0, 30.0]])
    whole = paste_masks_in_image(masks, boxes, (16, 20))
    assert whole.shape == (2, 1, 16, 20)
    assert (whole[0, 0, 3:9, 5:11] == 1).all() and whole[0, 0, 12:].sum() == 0
    assert (whole[1, 0, :, :3] == 1).all() and whole[1, 0, :, 6:].sum() == 0
    assert paste_masks_in_image(masks[:0], boxes[:0], (16, 20)).shape == (0, 1, 16, 20)


def test_a_feature_pyramid_adds_the_coarser_levels():
    net = FeaturePyramidNetwork([2, 3], 4, LastLevelMaxPool())
    with tinytensor.no_grad():
        for p in net.parameters():
            p.zero_()
        net.inner_blocks[0][0].bias.fill_(1.0)
        net.inner_blocks[1][0].bias.fill_(10.0)
        for block in net.layer_blocks:
            for channel in range(4):
                block[0].weight[channel, channel, 1, 1] = 1.0
    out = net({"a": tinytensor.zeros(1, 2, 8, 8), "b": tinytensor.zeros(1, 3, 4, 4)})
    assert {name: tuple(level.shape) for name, level in out.items()} == {
        "a": (1, 4, 8, 8),
        "b": (1, 4, 4, 4),
        "pool": (1, 4, 2, 2),
    }
    assert (out["a"] == 11).all() and (out["b"] == 10).all()
    more = FeaturePyramidNetwork([2], 4, LastLevelP6P7(4, 4))({"a": tinytensor.rand(1, 2, 8, 8)})
    assert list(more) == ["a", "p6", "p7"] and more["p7"].shape == (1, 4, 2, 2)
