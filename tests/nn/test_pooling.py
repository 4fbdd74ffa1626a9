"""Pooling, padding, resampling and folding as layers, and what the catalogue's rows cannot say about the functions."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from util import STAND_IN, torch

from .peer import compare, outcome

nn = torch.nn
F = nn.functional

# A layer, and the shape of its input.
LAYERS = {
    "MaxPool1d": (lambda nn: nn.MaxPool1d(3, 2, 1), (2, 3, 11)),
    "MaxPool2d": (
        lambda nn: nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0), ceil_mode=True),
        (2, 3, 9, 8),
    ),
    "MaxPool2d pairs": (lambda nn: nn.MaxPool2d(2), (2, 3, 33, 34)),
    "MaxPool2d dilated": (lambda nn: nn.MaxPool2d(3, 1, 1, 2), (3, 9, 8)),
    "MaxPool2d indices": (lambda nn: nn.MaxPool2d(2, return_indices=True), (2, 3, 9, 8)),
    "MaxPool3d": (lambda nn: nn.MaxPool3d(2, return_indices=True), (1, 2, 4, 5, 6)),
    "AvgPool1d": (lambda nn: nn.AvgPool1d(3, 2, 1, count_include_pad=False), (2, 3, 11)),
    "AvgPool2d": (lambda nn: nn.AvgPool2d(3, 2, 1, True, divisor_override=4), (2, 3, 9, 8)),
    "AvgPool2d pairs": (lambda nn: nn.AvgPool2d(2), (2, 3, 33, 34)),
    "AvgPool3d": (lambda nn: nn.AvgPool3d(2, 1), (1, 2, 4, 5, 6)),
    "LPPool1d": (lambda nn: nn.LPPool1d(2, 3), (2, 3, 9)),
    "LPPool2d": (lambda nn: nn.LPPool2d(3.0, (2, 3), 2, True), (2, 3, 8, 9)),
    "LPPool3d": (lambda nn: nn.LPPool3d(2, 2), (1, 2, 4, 4, 4)),
    "AdaptiveMaxPool1d": (lambda nn: nn.AdaptiveMaxPool1d(4), (2, 3, 9)),
    "AdaptiveMaxPool2d": (lambda nn: nn.AdaptiveMaxPool2d((None, 3), return_indices=True), (2, 3, 5, 7)),
    "AdaptiveMaxPool3d": (lambda nn: nn.AdaptiveMaxPool3d((2, None, 1)), (2, 3, 5, 3, 4)),
    "AdaptiveAvgPool1d": (lambda nn: nn.AdaptiveAvgPool1d(4), (2, 3, 9)),
    "AdaptiveAvgPool2d": (lambda nn: nn.AdaptiveAvgPool2d((2, None)), (2, 3, 5, 7)),
    "AdaptiveAvgPool2d mean": (lambda nn: nn.AdaptiveAvgPool2d(1), (2, 3, 5, 7)),
    "AdaptiveAvgPool3d": (lambda nn: nn.AdaptiveAvgPool3d(2), (2, 3, 5, 3, 4)),
    "FractionalMaxPool2d": (lambda nn: nn.FractionalMaxPool2d(2, output_size=(4, 5)), (2, 3, 9, 8)),
    "FractionalMaxPool3d": (lambda nn: nn.FractionalMaxPool3d(2, output_ratio=0.5), (2, 8, 9, 8)),
    "ConstantPad1d": (lambda nn: nn.ConstantPad1d((1, 2), 3.5), (2, 3, 4)),
    "ConstantPad2d": (lambda nn: nn.ConstantPad2d(2, -1.0), (2, 3, 4, 5)),
    "ConstantPad3d": (lambda nn: nn.ConstantPad3d((1, 0, 2, -1, 0, 1), 0.5), (2, 3, 4, 5, 6)),
    "ZeroPad1d": (lambda nn: nn.ZeroPad1d(1), (2, 3, 4)),
    "ZeroPad2d": (lambda nn: nn.ZeroPad2d((1, 2, 3, 0)), (2, 3, 4, 5)),
    "ZeroPad3d": (lambda nn: nn.ZeroPad3d(1), (2, 3, 2, 3, 4)),
    "ReflectionPad1d": (lambda nn: nn.ReflectionPad1d(2), (2, 3, 4)),
    "ReflectionPad2d": (lambda nn: nn.ReflectionPad2d((1, 2, 3, 0)), (2, 3, 4, 5)),
    "ReflectionPad3d": (lambda nn: nn.ReflectionPad3d(1), (2, 2, 2, 3, 4)),
    "ReplicationPad1d": (lambda nn: nn.ReplicationPad1d(2), (2, 3, 4)),
    "ReplicationPad2d": (lambda nn: nn.ReplicationPad2d((1, 2, 3, 0)), (2, 3, 4, 5)),
    "ReplicationPad3d": (lambda nn: nn.ReplicationPad3d(1), (2, 2, 2, 3, 4)),
    "CircularPad1d": (lambda nn: nn.CircularPad1d(2), (2, 3, 4)),
    "CircularPad2d": (lambda nn: nn.CircularPad2d((1, 2, 3, 0)), (2, 3, 4, 5)),
    "CircularPad3d": (lambda nn: nn.CircularPad3d(1), (2, 2, 2, 3, 4)),
    "PixelShuffle": (lambda nn: nn.PixelShuffle(2), (2, 8, 3, 4)),
    "PixelUnshuffle": (lambda nn: nn.PixelUnshuffle(2), (2, 2, 4, 6)),
    "ChannelShuffle": (lambda nn: nn.ChannelShuffle(3), (2, 6, 3, 4)),
    "Upsample": (lambda nn: nn.Upsample(scale_factor=2), (2, 3, 4, 5)),
    "Upsample exact": (lambda nn: nn.Upsample(size=7, mode="nearest-exact"), (2, 3, 4)),
    "Upsample linear": (lambda nn: nn.Upsample(7, mode="linear"), (2, 3, 4)),
    "Upsample bilinear": (lambda nn: nn.Upsample((3, 9), mode="bilinear", align_corners=True), (2, 3, 4, 5)),
    "Upsample bicubic": (lambda nn: nn.Upsample(scale_factor=(1.5, 0.7), mode="bicubic"), (2, 3, 4, 5)),
    "Upsample trilinear": (lambda nn: nn.Upsample(scale_factor=2.0, mode="trilinear"), (1, 2, 2, 3, 4)),
    "UpsamplingNearest2d": (lambda nn: nn.UpsamplingNearest2d(scale_factor=2), (2, 3, 4, 5)),
    "UpsamplingBilinear2d": (lambda nn: nn.UpsamplingBilinear2d(size=(7, 6)), (2, 3, 4, 5)),
    "Fold": (lambda nn: nn.Fold((5, 6), 3, padding=1, stride=2), (2, 18, 9)),
    "Unfold": (lambda nn: nn.Unfold((2, 3), dilation=2, padding=1, stride=2), (2, 3, 8, 9)),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layer_like_peer(name, dtype):
    make, shape = LAYERS[name]

    def program(torch):
        layer = make(torch.nn)
        x = torch.randn(shape, dtype=getattr(torch, dtype)).abs().requires_grad_()
        y = layer(x)
        values = y[0] if isinstance(y, tuple) else y
        weight = torch.randn(values.shape, dtype=values.dtype).requires_grad_()
        (first,) = torch.autograd.grad((values * weight).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad((first * torch.randn_like(first)).sum(), weight)
        return [y, first, second, repr(layer), list(layer.state_dict())]

    compare(program, **({} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-12}))


@pytest.mark.parametrize("name", LAYERS)
def test_layer_copies(name):
    make, shape = LAYERS[name]
    layer = make(nn)
    x = torch.rand(shape)
    torch.manual_seed(1)
    y = layer(x)
    torch.manual_seed(1)
    again = copy.deepcopy(layer)(x)
    for one, other in zip(*((v,) if torch.is_tensor(v) else v for v in (y, again)), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_unpool_undoes_pool(dims):
    pool = getattr(nn, f"MaxPool{dims}d")(2, return_indices=True)
    undo = getattr(nn, f"MaxUnpool{dims}d")(2)
    assert (
        repr(undo)
        == f"MaxUnpool{dims}d(kernel_size={(2,) * dims}, stride={(2,) * dims}, padding={(0,) * dims})"
    )
    x = torch.rand(2, 3, *(5,) * dims)
    y, at = pool(x)
    back = undo(y, at, output_size=x.shape)
    assert back.shape == x.shape
    assert torch.equal(pool(back)[0], y)
    assert int((back != 0).sum()) == y.numel()
    assert torch.equal(back.flatten(2).gather(2, at.flatten(2)).reshape(y.shape), y)
    with pytest.raises(ValueError, match="must be between"):
        undo(y, at, output_size=(9,) * dims)


def test_max_pool_takes_last_nan_and_first_maximum():
    x = torch.tensor([[[[1.0, float("nan"), 7, 7], [float("nan"), 2, 7, 7]]]])
    y, at = F.max_pool2d(x, 2, return_indices=True)
    assert at.tolist() == [[[[4, 2]]]]
    assert torch.isnan(y[0, 0, 0, 0]) and y[0, 0, 0, 1] == 7


def test_max_pool_of_lowest_numbers_stays_inside():
    x = torch.full((1, 1, 3, 3), -float("inf"), requires_grad=True)
    y, at = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    assert at.flatten().tolist() == [0, 1, 3, 4]
    y.sum().backward()
    assert x.grad.flatten().tolist() == [1, 1, 0, 1, 1, 0, 0, 0, 0]


@pytest.mark.skipif(STAND_IN, reason="PyTorch's indices lie outside of the input here")
def test_max_pool_refuses_windows_outside():
    with pytest.raises(RuntimeError, match="max_pool2d: a window lies wholly in the padding"):
        F.max_pool2d(torch.zeros(1, 1, 1, 1), 2, 1, 2, 3)


def test_overlapping_maxima_add_their_gradients():
    x = torch.tensor([[[1.0, 5, 2, 0]]], requires_grad=True)
    F.max_pool1d(x, 3, 1).backward(torch.tensor([[[1.0, 10]]]))
    assert x.grad.tolist() == [[[0, 11, 0, 0]]]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_same_bits_for_any_number_of_threads(threads):
    x = torch.from_numpy(
        np.random.default_rng(0).standard_normal((8, 16, 33, 47)).astype("float32")
    ).requires_grad_()
    before = torch.get_num_threads()

    def run():
        results = []
        for y in (
            F.max_pool2d(x, 2),
            F.max_pool2d(x, 3, 2, 1),
            F.avg_pool2d(x, 3, 2, 1),
            F.adaptive_avg_pool2d(x, (5, 7)),
            F.interpolate(x, scale_factor=1.3, mode="bilinear"),
            F.pad(x, (1, 2, 3, 4), "reflect"),
        ):
            results += [y.detach(), torch.autograd.grad(y.sin().sum(), x)[0]]
        return results

    try:
        torch.set_num_threads(1)
        alone = run()
        torch.set_num_threads(threads)
        assert all(torch.equal(a, b) for a, b in zip(alone, run(), strict=True))
    finally:
        torch.set_num_threads(before)


def test_errors_like_peer():
    def program(torch):
        nn, F = torch.nn, torch.nn.functional
        x = torch.zeros(1, 4, 4, 4)
        return [
            outcome(lambda: nn.FractionalMaxPool2d(2)),
            outcome(lambda: nn.FractionalMaxPool2d(2, 2, 0.5)),
            outcome(lambda: nn.FractionalMaxPool2d(2, output_ratio=1.5)),
            outcome(lambda: F.fractional_max_pool2d(x, 2)),
            outcome(lambda: nn.CircularPad2d(1)(x[0, 0])),
            outcome(lambda: nn.ReflectionPad2d(1)(x[0, 0])),
            outcome(lambda: nn.AdaptiveAvgPool2d((2, 2))(x[0, 0])),
            outcome(lambda: F.adaptive_max_pool2d(x, (2, 2, 2, 2))),
            outcome(lambda: nn.Upsample()(x)),
            outcome(lambda: F.pad(torch.zeros(2, dtype=torch.uint8), (1, 1), value=300)),
        ]

    compare(program)


def test_deprecated_names_warn():
    x = torch.rand(1, 2, 3, 3)
    for name, same in (
        ("upsample", F.interpolate(x, scale_factor=2)),
        ("upsample_nearest", F.interpolate(x, scale_factor=2)),
        ("upsample_bilinear", F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)),
    ):
        with pytest.warns(UserWarning, match=name):
            assert torch.equal(getattr(F, name)(x, scale_factor=2), same)
    with pytest.warns(UserWarning, match="align_corners"):
        F.grid_sample(x, torch.zeros(1, 2, 2, 2))


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_pictures_of_bytes_like_peer(mode):
    def program(torch):
        x = torch.randint(0, 256, (1, 3, 9, 8), dtype=torch.uint8)
        return torch.nn.functional.interpolate(x, scale_factor=2, mode=mode)

    compare(program)


def test_bytes_are_rounded():
    x = torch.tensor([[[[0, 255]]]], dtype=torch.uint8)
    y = F.interpolate(x, size=(1, 4), mode="bilinear")
    assert y.dtype == torch.uint8
    assert y.flatten().tolist() == [0, 64, 191, 255]
