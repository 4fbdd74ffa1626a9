"""First values: the numbers that PyTorch draws, and what they should look like."""

from __future__ import annotations

import math

import numpy as np
import pytest
from util import torch

from .peer import compare

nn = torch.nn
init = nn.init


def test_gains():
    assert (
        init.calculate_gain("linear") == init.calculate_gain("conv2d") == init.calculate_gain("sigmoid") == 1
    )
    assert init.calculate_gain("tanh") == 5 / 3 and init.calculate_gain("selu") == 0.75
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu", 0.2) == math.sqrt(2 / 1.04)
    assert init.calculate_gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    for arguments in (("nonsense",), ("leaky_relu", True), ("leaky_relu", "x")):
        with pytest.raises(ValueError):
            init.calculate_gain(*arguments)


@pytest.mark.parametrize(
    ("fill", "deviation", "bound"),
    [
        (lambda x: init.uniform_(x, -3, 3), math.sqrt(3), 3),
        (lambda x: init.normal_(x, 0, 2), 2, math.inf),
        (lambda x: init.xavier_uniform_(x, 2), 2 * math.sqrt(2 / 500), 2 * math.sqrt(6 / 500)),
        (lambda x: init.xavier_normal_(x), math.sqrt(2 / 500), math.inf),
        (lambda x: init.kaiming_uniform_(x, nonlinearity="relu"), math.sqrt(2 / 200), math.sqrt(6 / 200)),
        (lambda x: init.kaiming_normal_(x, mode="fan_out"), math.sqrt(2 / (1 * 300)), math.inf),
        (lambda x: init.trunc_normal_(x, 0, 1, -2, 2), 0.8796, 2),
        (lambda x: init.trunc_normal_(x, 0, 1, 1, 1.5), None, 1.5),
    ],
)
def test_spread(fill, deviation, bound):
    torch.manual_seed(1)
    x = torch.empty(300, 200, dtype=torch.float64)
    assert fill(x) is x
    values = x.numpy()
    assert np.abs(values).max() <= bound
    if deviation is not None:
        assert values.std() == pytest.approx(deviation, rel=0.01) and abs(values.mean()) < 0.02 * deviation
    else:
        assert values.min() >= 1


def test_constants():
    x = torch.empty(2, 3)
    assert torch.equal(init.constant_(x, 4), torch.full((2, 3), 4.0))
    assert torch.equal(init.ones_(x), torch.ones(2, 3)) and torch.equal(init.zeros_(x), torch.zeros(2, 3))
    assert torch.equal(init.eye_(x), torch.eye(2, 3))


def test_dirac_keeps_a_signal():
    weight = init.dirac_(torch.empty(4, 2, 3, 3), groups=2)
    expected = np.zeros((4, 2, 3, 3))
    for group in range(2):
        for channel in range(2):
            expected[group * 2 + channel, channel, 1, 1] = 1
    assert np.array_equal(weight.numpy(), expected)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 2, 3), (3, 3), (1, 4)])
def test_orthogonal(shape):
    weight = init.orthogonal_(torch.empty(*shape, dtype=torch.float64), gain=2).reshape(shape[0], -1).numpy()
    small = weight @ weight.T if weight.shape[0] <= weight.shape[1] else weight.T @ weight
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


def test_sparse_has_zeros_in_each_column():
    weight = init.sparse_(torch.empty(10, 4), 0.35).numpy()
    assert ((weight == 0).sum(0) == 4).all()


def test_gradients_are_not_recorded():
    weight = nn.Parameter(torch.empty(3, 3))
    for fill in (init.xavier_normal_, init.orthogonal_, init.trunc_normal_, init.eye_, init.zeros_):
        assert fill(weight) is weight and weight.grad_fn is None and weight.requires_grad


def test_wrong_shapes():
    for call in (
        lambda: init.xavier_uniform_(torch.empty(3)),
        lambda: init.eye_(torch.empty(3)),
        lambda: init.dirac_(torch.empty(3, 3)),
        lambda: init.dirac_(torch.empty(3, 2, 2), groups=2),
        lambda: init.orthogonal_(torch.empty(3)),
        lambda: init.sparse_(torch.empty(3), 0.1),
        lambda: init.kaiming_uniform_(torch.empty(3, 3), mode="nonsense"),
    ):
        with pytest.raises(ValueError):
            call()
    with pytest.warns(UserWarning, match="no-op"):
        init.kaiming_normal_(torch.empty(3, 0))
    with pytest.warns(UserWarning, match="2 std"):
        init.trunc_normal_(torch.empty(3), 5, 1, -1, 1)


def test_old_names_warn():
    with pytest.warns(FutureWarning, match="`nn.init.xavier_uniform` is now deprecated"):
        init.xavier_uniform(torch.empty(2, 2))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_draws_are_pytorchs(dtype):
    def program(torch):
        init = torch.nn.init
        fills = [
            lambda x: init.uniform_(x, -1, 2),
            lambda x: init.normal_(x, 1, 3),
            init.xavier_uniform_,
            init.xavier_normal_,
            lambda x: init.kaiming_uniform_(x, a=5**0.5),
            lambda x: init.kaiming_normal_(x, mode="fan_out", nonlinearity="relu"),
            init.trunc_normal_,
            lambda x: init.trunc_normal_(x, 0.1, 0.5, -0.2, 0.3),
            lambda x: init.trunc_normal_(x, std=0.02),
        ]
        if dtype in ("float32", "float64"):
            fills += [init.orthogonal_]
        return [
            fill(torch.empty(*shape, dtype=getattr(torch, dtype)))
            for fill in fills
            for shape in [(5, 3), (4, 6, 2, 2)]
        ]

    # Half types are rounded from the same float32 numbers.
    compare(program, rtol=1e-5 if dtype.startswith("float3") or dtype == "float64" else 2e-2)


def test_sparse_and_generators_are_pytorchs():
    def program(torch):
        init = torch.nn.init
        generator = torch.Generator().manual_seed(5)
        return [
            init.sparse_(torch.empty(7, 3), 0.4),
            init.xavier_normal_(torch.empty(3, 3), generator=generator),
            init.trunc_normal_(torch.empty(9), generator=generator),
            torch.rand(2),
        ]

    compare(program)
