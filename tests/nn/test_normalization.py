"""Normalisation as modules: parameters, running statistics, modes, lazy forms and precision."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from util import torch

from .peer import compare

nn = torch.nn
F = nn.functional

RANDOM = np.random.default_rng(5)

# What makes the module, and the shape of its input.
MODULES = {
    "batch 1d": (lambda nn: nn.BatchNorm1d(6), (4, 6)),
    "batch 1d, cumulative": (lambda nn: nn.BatchNorm1d(6, momentum=None), (4, 6, 3)),
    "batch 2d": (lambda nn: nn.BatchNorm2d(6, eps=1e-3, momentum=0.3), (4, 6, 3, 3)),
    "batch 2d, plain": (lambda nn: nn.BatchNorm2d(6, affine=False), (4, 6, 3, 3)),
    "batch 2d, no statistics": (lambda nn: nn.BatchNorm2d(6, track_running_stats=False), (4, 6, 3, 3)),
    "batch 3d, no bias": (lambda nn: nn.BatchNorm3d(6, bias=False), (2, 6, 3, 3, 2)),
    "lazy batch 2d": (lambda nn: nn.LazyBatchNorm2d(), (4, 6, 3, 3)),
    "sync": (lambda nn: nn.SyncBatchNorm(6), (4, 6, 3)),
    "layer": (lambda nn: nn.LayerNorm(6), (4, 6)),
    "layer, two dimensions": (lambda nn: nn.LayerNorm((3, 6), bias=False), (4, 3, 6)),
    "layer, plain": (lambda nn: nn.LayerNorm([6], elementwise_affine=False), (4, 3, 6)),
    "group": (lambda nn: nn.GroupNorm(2, 6), (4, 6, 5)),
    "group, no bias": (lambda nn: nn.GroupNorm(3, 6, bias=False), (4, 6)),
    "instance 1d": (lambda nn: nn.InstanceNorm1d(6), (4, 6, 5)),
    "instance 2d": (lambda nn: nn.InstanceNorm2d(6, affine=True, track_running_stats=True), (4, 6, 5, 5)),
    "instance 2d, unbatched": (lambda nn: nn.InstanceNorm2d(6, affine=True), (6, 5, 5)),
    "instance 3d": (lambda nn: nn.InstanceNorm3d(6), (2, 6, 2, 2, 2)),
    "lazy instance 1d": (lambda nn: nn.LazyInstanceNorm1d(affine=True, track_running_stats=True), (2, 6, 4)),
    "rms": (lambda nn: nn.RMSNorm(6, eps=1e-4), (4, 6)),
    "local response": (lambda nn: nn.LocalResponseNorm(3, alpha=0.1), (2, 6, 4, 4)),
}


@pytest.mark.parametrize("name", MODULES)
def test_module(name: str) -> None:
    """Results and gradients in training and evaluation, running statistics, state and printed form."""
    make, shape = MODULES[name]
    inputs = [RANDOM.normal(1.0, 2.0, shape).astype(np.float32) for _ in range(3)]
    factors = RANDOM.normal(size=shape).astype(np.float32)

    def program(library):
        module = make(library.nn)
        made = [repr(module)]
        for number, values in enumerate(inputs):
            module.train(number < 2)
            x = library.tensor(values, requires_grad=True)
            y = module(x)
            (y * y * library.tensor(factors)).sum().backward()
            made += [y, x.grad, [p.grad for p in module.parameters()], module.state_dict(), y.stride()]
        return [*made, repr(module)]

    compare(program, rtol=2e-4, atol=2e-4)


def test_running_statistics() -> None:
    module, seen = nn.BatchNorm1d(3, momentum=0.25), []
    mean, variance = np.zeros(3), np.ones(3)
    for _ in range(4):
        x = RANDOM.normal(2.0, 3.0, (5, 3, 4))
        module(torch.tensor(x, dtype=torch.float32))
        seen.append(x)
        mean = 0.75 * mean + 0.25 * x.mean((0, 2))
        variance = 0.75 * variance + 0.25 * x.var((0, 2), ddof=1)
    np.testing.assert_allclose(module.running_mean.numpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(module.running_var.numpy(), variance, rtol=1e-5)
    assert module.num_batches_tracked.item() == 4
    module.eval()
    y = module(torch.tensor(seen[0], dtype=torch.float32)).detach().numpy()
    wanted = (seen[0] - mean[:, None]) / np.sqrt(variance[:, None] + 1e-5)
    np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-5)
    module.reset_running_stats()
    assert module.running_mean.tolist() == [0, 0, 0] and module.num_batches_tracked.item() == 0


def test_channels_last_keeps_its_order() -> None:
    x = torch.tensor(RANDOM.normal(size=(3, 5, 4, 6)).astype(np.float32))
    last = x.contiguous(memory_format=torch.channels_last)
    for module in (nn.BatchNorm2d(5), nn.GroupNorm(1, 5)):
        other = copy.deepcopy(module)
        a, b = x.clone().requires_grad_(), last.clone().requires_grad_()
        y, z = module(a), other(b)
        assert z.stride() == last.stride()
        np.testing.assert_allclose(z.detach().numpy(), y.detach().numpy(), rtol=1e-5, atol=1e-6)
        (y * y * x).sum().backward()
        (z * z * last).sum().backward()
        np.testing.assert_allclose(b.grad.numpy(), a.grad.numpy(), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            other.weight.grad.numpy(), module.weight.grad.numpy(), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("shape", [(64, 8), (16, 8, 21), (4, 8, 33, 32), (2, 8, 3000)])
def test_a_large_mean_costs_no_precision(shape: tuple) -> None:
    """One outlier and a mean far from 0: the statistics are those of float64."""
    x = (RANDOM.normal(size=shape) + 1000).astype(np.float32)
    x[0, 0].flat[0] = -5000.0
    axes = (0, *range(2, len(shape)))
    mean, variance = torch.zeros(8), torch.zeros(8)
    F.batch_norm(torch.tensor(x), mean, variance, training=True, momentum=1.0)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(mean.numpy(), exact.mean(axes), rtol=1e-6)
    np.testing.assert_allclose(variance.numpy(), exact.var(axes, ddof=1), rtol=1e-4)


def test_threads_do_not_change_bits() -> None:
    threads, found = torch.get_num_threads(), []
    for count in (1, 3):
        torch.set_num_threads(count)
        bits = []
        for module, shape in (
            (nn.BatchNorm2d(40), (9, 40, 13, 11)),
            (nn.BatchNorm1d(300), (70, 300)),
            (nn.LayerNorm(300), (200, 300)),
            (nn.GroupNorm(4, 40), (9, 40, 13, 11)),
        ):
            x = torch.arange(int(np.prod(shape)), dtype=torch.float32).reshape(shape).sin().requires_grad_()
            y = module(x)
            (y * x).sum().backward()
            bits += [t.detach().numpy().tobytes() for t in (y, x.grad, module.weight.grad, module.bias.grad)]
        found.append(bits)
    torch.set_num_threads(threads)
    assert found[0] == found[1]


def test_half_input_with_float_parameters() -> None:
    x = torch.tensor(RANDOM.normal(size=(4, 6, 5))).to(torch.float16).requires_grad_()
    module = nn.BatchNorm1d(6)
    y = module(x)
    assert y.dtype == torch.float16 and module.running_mean.dtype == torch.float32
    y.sum().backward()
    assert x.grad.dtype == torch.float16 and module.weight.grad.dtype == torch.float32
    with pytest.raises(RuntimeError, match="dtype"):
        module(torch.zeros(4, 6, 5, dtype=torch.float64))


@pytest.mark.parametrize(
    ("message", "make", "shape"),
    [
        ("4D.*2D", lambda: nn.BatchNorm2d(3), (2, 3)),
        ("2D or 3D.*4D", lambda: nn.BatchNorm1d(3), (2, 3, 4, 4)),
        ("5D.*4D", lambda: nn.BatchNorm3d(3), (2, 3, 4, 4)),
        ("3D or 4D.*2D", lambda: nn.InstanceNorm2d(3), (2, 3)),
        ("num_features.*4", lambda: nn.InstanceNorm1d(3, affine=True), (2, 4, 5)),
        (r"more than 1 value.*\(1, 3, 1\)", lambda: nn.BatchNorm1d(3), (1, 3, 1)),
        ("at least 2D.*1D", lambda: nn.SyncBatchNorm(3), (3,)),
    ],
)
def test_refuses(message: str, make, shape: tuple) -> None:
    with pytest.raises(ValueError, match=message):
        make()(torch.zeros(shape))


def test_group_norm_refuses_uneven_groups() -> None:
    with pytest.raises(ValueError, match=r"4.*3"):
        nn.GroupNorm(3, 4)


def test_convert_sync_batchnorm() -> None:
    model = nn.Sequential(
        nn.Linear(3, 3), nn.Sequential(nn.BatchNorm1d(3), nn.ReLU()), nn.BatchNorm1d(3, affine=False)
    )
    weight = model[1][0].weight
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert [type(m).__name__ for m in (converted[1][0], converted[2])] == ["SyncBatchNorm"] * 2
    assert converted[1][0].weight is weight and converted[2].weight is None
    assert converted(torch.ones(4, 3)).shape == (4, 3)


def test_loads_state_of_version_1() -> None:
    module = nn.BatchNorm2d(3)
    state = {k: v for k, v in module.state_dict().items() if k != "num_batches_tracked"}
    assert str(nn.BatchNorm2d(3).load_state_dict(state)) == "<All keys matched successfully>"
    versioned = module.state_dict()
    del versioned["num_batches_tracked"]
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        nn.BatchNorm2d(3).load_state_dict(versioned)


def test_evaluation_leaves_the_statistics() -> None:
    module = nn.BatchNorm1d(3)
    module(torch.tensor(RANDOM.normal(size=(4, 3)).astype(np.float32)))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module.eval()
    module(torch.ones(1, 3))
    assert all((module.state_dict()[name] == value).all() for name, value in before.items())
