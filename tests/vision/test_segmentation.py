"""Networks that tell a class for every pixel: their parameters, scores, weights and arguments."""

from __future__ import annotations

import numpy as np
import pytest
import tinytensor as torch
from tinytensor.vision import models
from tinytensor.vision.models import segmentation

from vision.pictures import sample, torchvision

# The published counts, with the auxiliary classifier where there is one.
COUNTS = {
    "fcn_resnet50": 35322218,
    "fcn_resnet101": 54314346,
    "deeplabv3_resnet50": 42004074,
    "deeplabv3_resnet101": 60996202,
    "deeplabv3_mobilenet_v3_large": 11029328,
    "lraspp_mobilenet_v3_large": 3221538,
}


def made(name, library=segmentation, **options):
    if not name.startswith("lraspp"):
        options = {"aux_loss": True, **options}
    return getattr(library, name)(weights=None, weights_backbone=None, **options)


@pytest.mark.parametrize("name", COUNTS)
def test_parameters(name):
    weights = models.get_model_weights(name).DEFAULT
    assert COUNTS[name] == weights.meta["num_params"]
    assert sum(parameter.numel() for parameter in made(name).parameters()) == COUNTS[name]
    assert name in models.list_models(module=segmentation)


@pytest.mark.parametrize(
    "name", ["fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"]
)
def test_scores_for_every_pixel(name):
    net = made(name, num_classes=4).eval()
    with torch.no_grad():
        scores = net(torch.rand(2, 3, 40, 56))
    assert list(scores) == (["out"] if name.startswith("lraspp") else ["out", "aux"])
    assert all(part.shape == (2, 4, 40, 56) for part in scores.values())


def test_it_learns():
    torch.manual_seed(0)
    net = made("lraspp_mobilenet_v3_large", num_classes=2)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    pictures = torch.rand(2, 3, 32, 32)
    classes = (pictures.mean(1) > 0.5).long()
    losses = []
    for _ in range(6):
        loss = torch.nn.functional.cross_entropy(net(pictures)["out"], classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_weights_from_a_file(tmp_path):
    net = made("lraspp_mobilenet_v3_large", num_classes=3)
    torch.save(net.state_dict(), tmp_path / "weights.pth")
    again = segmentation.lraspp_mobilenet_v3_large(weights=tmp_path / "weights.pth", num_classes=3)
    assert all(torch.equal(part, again.state_dict()[name]) for name, part in net.state_dict().items())
    with pytest.raises(ValueError, match="expected value 21 but got 3"):
        segmentation.fcn_resnet50(weights="COCO_WITH_VOC_LABELS_V1", num_classes=3)
    with pytest.raises(ValueError, match="'aux_loss' expected value True"):
        segmentation.fcn_resnet50(weights="COCO_WITH_VOC_LABELS_V1", aux_loss=False)


def test_preparation():
    prepare = segmentation.FCN_ResNet50_Weights.DEFAULT.transforms()
    pixels = torch.from_numpy(sample(30, 40).transpose(2, 0, 1).copy())
    prepared = prepare(pixels)
    assert prepared.shape == (3, 520, 693) and prepared.dtype == torch.float32
    assert "resize_size=[520]" in repr(prepare)


@pytest.mark.parametrize(
    "name", ["fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"]
)
def test_torchvisions_numbers(name):
    peer = pytest.importorskip("torch")
    torchvision()
    import torchvision.models.segmentation as theirs

    torch.manual_seed(0)
    ours = made(name).eval()
    peer.manual_seed(0)
    other = made(name, theirs).eval()
    assert repr(ours) == repr(other)
    mine, expected = ours.state_dict(), other.state_dict()
    assert list(mine) == list(expected)
    for key, part in expected.items():
        np.testing.assert_allclose(mine[key].numpy(), part.numpy(), atol=1e-6)
    x = np.random.default_rng(0).standard_normal((1, 3, 33, 48)).astype(np.float32)
    with torch.no_grad(), peer.no_grad():
        results, goals = ours(torch.from_numpy(x)), other(peer.from_numpy(x))
    for key, goal in goals.items():
        np.testing.assert_allclose(results[key].numpy(), goal.numpy(), atol=3e-4, rtol=1e-4)
