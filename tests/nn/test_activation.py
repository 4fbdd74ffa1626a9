"""Activations as functions and as layers, Linear, Bilinear, Flatten, dropout and lazy layers."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from util import STAND_IN, torch

from .peer import compare, outcome

nn = torch.nn
F = nn.functional

GRID = np.array([-7.0, -3.2, -2.5, -1.0, -0.6, -0.2, 0.1, 0.4, 0.9, 2.0, 3.5, 6.5, 25.0])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normal_cdf(x):
    return np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x])


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

# layer, function, NumPy reference; layer and function are given the same arguments.
CASES = {
    "relu": (lambda: nn.ReLU(), lambda x: F.relu(x), lambda x: np.maximum(x, 0)),
    "relu6": (lambda: nn.ReLU6(), lambda x: F.relu6(x), lambda x: np.clip(x, 0, 6)),
    "elu": (lambda: nn.ELU(1.5), lambda x: F.elu(x, 1.5), lambda x: np.where(x > 0, x, 1.5 * np.expm1(x))),
    "selu": (
        lambda: nn.SELU(),
        lambda x: F.selu(x),
        lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(x)),
    ),
    "celu": (
        lambda: nn.CELU(2.0),
        lambda x: F.celu(x, 2.0),
        lambda x: np.where(x > 0, x, 2 * np.expm1(x / 2)),
    ),
    "leaky_relu": (
        lambda: nn.LeakyReLU(0.3),
        lambda x: F.leaky_relu(x, 0.3),
        lambda x: np.where(x > 0, x, 0.3 * x),
    ),
    "rrelu": (
        lambda: nn.RReLU(0.1, 0.3).eval(),
        lambda x: F.rrelu(x, 0.1, 0.3),
        lambda x: np.where(x > 0, x, 0.2 * x),
    ),
    "hardtanh": (lambda: nn.Hardtanh(-2, 3), lambda x: F.hardtanh(x, -2, 3), lambda x: np.clip(x, -2, 3)),
    "hardsigmoid": (
        lambda: nn.Hardsigmoid(),
        lambda x: F.hardsigmoid(x),
        lambda x: np.clip(x + 3, 0, 6) / 6,
    ),
    "hardswish": (
        lambda: nn.Hardswish(),
        lambda x: F.hardswish(x),
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
    ),
    "silu": (lambda: nn.SiLU(), lambda x: F.silu(x), lambda x: x * sigmoid(x)),
    "mish": (lambda: nn.Mish(), lambda x: F.mish(x), lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    "gelu": (lambda: nn.GELU(), lambda x: F.gelu(x), lambda x: x * normal_cdf(x)),
    "gelu_tanh": (
        lambda: nn.GELU("tanh"),
        lambda x: F.gelu(x, approximate="tanh"),
        lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    "sigmoid": (lambda: nn.Sigmoid(), lambda x: F.sigmoid(x), sigmoid),
    "tanh": (lambda: nn.Tanh(), lambda x: F.tanh(x), np.tanh),
    "logsigmoid": (lambda: nn.LogSigmoid(), lambda x: F.logsigmoid(x), lambda x: -np.log1p(np.exp(-x))),
    "softplus": (
        lambda: nn.Softplus(2.0, 10.0),
        lambda x: F.softplus(x, 2.0, 10.0),
        lambda x: np.where(2 * x > 10, x, np.log1p(np.exp(2 * x)) / 2),
    ),
    "softsign": (lambda: nn.Softsign(), lambda x: F.softsign(x), lambda x: x / (1 + np.abs(x))),
    "tanhshrink": (lambda: nn.Tanhshrink(), lambda x: F.tanhshrink(x), lambda x: x - np.tanh(x)),
    "hardshrink": (
        lambda: nn.Hardshrink(0.7),
        lambda x: F.hardshrink(x, 0.7),
        lambda x: np.where(np.abs(x) > 0.7, x, 0),
    ),
    "softshrink": (
        lambda: nn.Softshrink(0.7),
        lambda x: F.softshrink(x, 0.7),
        lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.7, 0),
    ),
    "threshold": (
        lambda: nn.Threshold(0.5, 9.0),
        lambda x: F.threshold(x, 0.5, 9.0),
        lambda x: np.where(x > 0.5, x, 9),
    ),
    "identity": (lambda: nn.Identity(3, unused=4), lambda x: x, lambda x: x),
}

INPLACE = {
    **{
        name: getattr(F, name)
        for name in ("relu", "relu6", "selu", "silu", "mish", "hardswish", "hardsigmoid")
    },
    **{name: getattr(F, name) for name in ("elu", "celu", "leaky_relu", "hardtanh")},
    "rrelu": F.rrelu,
    "threshold": lambda x, inplace=False: F.threshold(x, 0.5, 9.0, inplace),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    make, function, reference = CASES[name]
    for shape in ((13,), (1, 13, 1), (13, 1)):
        x = torch.from_numpy(GRID.reshape(shape))
        expected = reference(GRID).reshape(shape)
        np.testing.assert_allclose(make()(x).numpy(), expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(function(x).numpy(), expected, rtol=1e-9, atol=1e-12)
    wide = torch.from_numpy(np.stack([GRID, GRID])).t()
    np.testing.assert_allclose(function(wide).numpy()[:, 0], reference(GRID), rtol=1e-9, atol=1e-12)
    assert function(torch.empty(0, 3)).shape == (0, 3)


@pytest.mark.parametrize("name", CASES)
def test_gradients(name):
    _, function, _ = CASES[name]
    x = torch.from_numpy(GRID[:-1].copy()).requires_grad_()
    assert torch.autograd.gradcheck(function, (x,))
    # PyTorch has no second derivative of hardsigmoid.
    assert (STAND_IN and name == "hardsigmoid") or torch.autograd.gradgradcheck(function, (x,))


@pytest.mark.parametrize("name", INPLACE)
def test_in_place(name):
    function = INPLACE[name]
    x = torch.from_numpy(GRID.copy())
    expected = function(x)
    changed = function(x, inplace=True)
    assert changed is x and torch.equal(x, expected)
    start = torch.from_numpy(GRID.copy()).requires_grad_()
    function(start * 1, inplace=True).sum().backward()
    again = torch.from_numpy(GRID.copy()).requires_grad_()
    function(again * 1).sum().backward()
    assert torch.allclose(start.grad, again.grad)


def test_in_place_functions_of_their_own():
    for name in ("relu_", "elu_", "selu_", "celu_", "leaky_relu_", "hardtanh_", "rrelu_"):
        x = torch.from_numpy(GRID.copy())
        assert getattr(F, name)(x) is x
    x = torch.ones(2)
    assert F.threshold_(x, 3, 4) is x and x[0] == 4


def test_softmax_and_its_kin():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    e = np.exp(x - x.max(1, keepdims=True))
    softmax = e / e.sum(1, keepdims=True)
    t = torch.from_numpy(x)
    np.testing.assert_allclose(F.softmax(t, 1).numpy(), softmax)
    np.testing.assert_allclose(F.log_softmax(t, dim=1).numpy(), np.log(softmax))
    np.testing.assert_allclose(F.softmin(-t, 1).numpy(), softmax)
    np.testing.assert_allclose(nn.Softmax(1)(t).numpy(), softmax)
    np.testing.assert_allclose(nn.LogSoftmax(1)(t).numpy(), np.log(softmax))
    np.testing.assert_allclose(nn.Softmin(1)(-t).numpy(), softmax)
    np.testing.assert_allclose(nn.Softmax2d()(t.transpose(0, 1)).numpy(), softmax.swapaxes(0, 1))
    assert F.softmax(t.float(), 1, dtype=torch.float64).dtype == torch.float64
    for rank, dim in ((1, 0), (2, 1), (3, 0), (4, 1)):
        ones = torch.ones([2] * rank)
        with pytest.warns(UserWarning, match="Implicit dimension choice for softmax"):
            assert torch.equal(F.softmax(ones), F.softmax(ones, dim))
    with pytest.raises(ValueError, match="3D or 4D"):
        nn.Softmax2d()(torch.ones(2, 2))


def test_glu():
    x = np.random.default_rng(0).normal(size=(4, 6))
    expected = x[:, :3] * sigmoid(x[:, 3:])
    np.testing.assert_allclose(F.glu(torch.from_numpy(x)).numpy(), expected)
    np.testing.assert_allclose(nn.GLU(0)(torch.from_numpy(x.T.copy())).numpy(), expected.T)
    assert torch.autograd.gradcheck(F.glu, (torch.from_numpy(x).requires_grad_(),))
    with pytest.raises(RuntimeError, match="dimension 0 is size 3"):
        F.glu(torch.ones(3, 2), 0)
    with pytest.raises(RuntimeError, match="scalars"):
        F.glu(torch.tensor(1.0))


def test_prelu():
    layer = nn.PReLU(3, 0.3)
    assert [*layer.state_dict()] == ["weight"] and layer.weight.shape == (3,)
    x = torch.arange(-6.0, 6.0).reshape(2, 3, 2)
    assert torch.allclose(layer(x), torch.where(x > 0, x, 0.3 * x))
    layer(x).sum().backward()
    assert torch.equal(layer.weight.grad, x.clamp(max=0).sum((0, 2)))


def test_gumbel_softmax():
    logits = torch.zeros(5, 4, requires_grad=True)
    soft = F.gumbel_softmax(logits, tau=0.5)
    assert torch.allclose(soft.sum(-1), torch.ones(5))
    hard = F.gumbel_softmax(logits, hard=True, dim=0)
    assert torch.allclose(hard.detach().sum(0), torch.ones(4)) and set(
        hard.detach().round().flatten().tolist()
    ) == {0.0, 1.0}
    (hard * torch.arange(20.0).reshape(5, 4)).sum().backward()
    assert logits.grad.abs().sum() > 0
    with pytest.warns(UserWarning, match="eps"):
        F.gumbel_softmax(logits, eps=1e-3)


# ---------------------------------------------------------------- linear


def test_linear():
    layer = nn.Linear(3, 2)
    w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    for shape in ((3,), (5, 3), (2, 4, 3), (0, 3)):
        x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        np.testing.assert_allclose(
            layer(torch.from_numpy(x)).detach().numpy(), x @ w.T + b, rtol=1e-5, atol=1e-6
        )
    bare = nn.Linear(3, 2, bias=False, dtype=torch.float64)
    assert bare.bias is None and [*bare.state_dict()] == ["weight"] and bare.weight.dtype == torch.float64
    assert np.abs(w).max() <= 1 / math.sqrt(3)
    with pytest.raises(RuntimeError):
        layer(torch.ones(2))


def test_bilinear():
    rng = np.random.default_rng(0)
    x, y, w, b = (rng.normal(size=s) for s in ((5, 3), (5, 2), (4, 3, 2), (4,)))
    arguments = [torch.from_numpy(v).requires_grad_() for v in (x, y, w, b)]
    expected = np.einsum("ni,oij,nj->no", x, w, y) + b
    np.testing.assert_allclose(F.bilinear(*arguments).detach().numpy(), expected)
    assert torch.autograd.gradcheck(F.bilinear, arguments)
    layer = nn.Bilinear(3, 2, 4)
    assert layer(torch.ones(3), torch.ones(2)).shape == (4,)
    assert layer(torch.ones(2, 6, 3), torch.ones(2, 6, 2)).shape == (2, 6, 4)
    for bad in ((torch.ones(5, 2), torch.ones(5, 2)), (torch.ones(5, 3), torch.ones(4, 2))):
        with pytest.raises(RuntimeError, match="match"):
            layer(*bad)
    with pytest.raises(ValueError):
        nn.Bilinear(0, 1, 1)


def test_flatten_and_unflatten():
    x = torch.arange(24.0).reshape(2, 3, 4)
    assert nn.Flatten()(x).shape == (2, 12) and nn.Flatten(0, 1)(x).shape == (6, 4)
    assert torch.equal(nn.Unflatten(1, (3, 4))(nn.Flatten()(x)), x)
    assert nn.Unflatten(2, [-1, 2])(x).shape == (2, 3, 2, 2)
    for bad in (3, (2, "a")):
        with pytest.raises(TypeError):
            nn.Unflatten(1, bad)


# ---------------------------------------------------------------- dropout

DROPOUTS = {
    "Dropout": (lambda: nn.Dropout(0.4), (50, 40)),
    "Dropout1d": (lambda: nn.Dropout1d(0.4), (50, 40, 2)),
    "Dropout2d": (lambda: nn.Dropout2d(0.4), (50, 40, 2, 2)),
    "Dropout3d": (lambda: nn.Dropout3d(0.4), (50, 40, 2, 2, 2)),
}


@pytest.mark.parametrize("name", DROPOUTS)
def test_dropout(name):
    make, shape = DROPOUTS[name]
    layer, x = make(), torch.ones(shape, requires_grad=True)
    y = layer(x)
    channels = y.detach().reshape(50, 40, -1)
    assert torch.equal(channels, channels[..., :1].expand(channels.shape))
    assert channels.unique().tolist() == [0.0, pytest.approx(1 / 0.6)]
    assert abs(float((channels[..., 0] == 0).float().mean()) - 0.4) < 0.05
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())
    assert layer.eval()(x) is x or torch.equal(layer(x), x)


def test_alpha_dropout_keeps_mean_and_variance():
    torch.manual_seed(0)
    x = torch.randn(200, 500)
    for layer in (nn.AlphaDropout(0.3), nn.FeatureAlphaDropout(0.3)):
        y = layer(x)
        assert abs(float(y.mean())) < 0.03 and abs(float(y.std()) - 1) < 0.03
        assert torch.equal(layer.eval()(x), x)


def test_dropout_extremes_and_errors():
    x = torch.ones(3, 4)
    assert F.dropout(x, 1.0).sum() == 0 and torch.equal(F.dropout(x, 0.0), x)
    assert F.dropout(x, 0.5, training=False) is x or torch.equal(F.dropout(x, 0.5, training=False), x)
    assert F.dropout(x, 1.0, inplace=True) is x and x.sum() == 0
    for p in (-0.1, 1.5):
        for call in (
            lambda p=p: nn.Dropout(p),
            lambda p=p: F.dropout(x, p),
            lambda p=p: F.dropout2d(torch.ones(1, 1, 1, 1), p),
            lambda p=p: F.alpha_dropout(x, p),
            lambda p=p: F.feature_alpha_dropout(x, p),
        ):
            with pytest.raises(ValueError, match="between 0 and 1"):
                call()
    with pytest.raises(RuntimeError, match="2D or 3D"):
        F.dropout1d(torch.ones(4))
    with pytest.warns(UserWarning, match="dropout2d"):
        F.dropout2d(torch.ones(2, 3))


# ---------------------------------------------------------------- lazy layers


def test_lazy_linear():
    model = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(2, bias=False))
    assert model[0].has_uninitialized_params() and isinstance(model[0].weight, nn.UninitializedParameter)
    assert "in_features=0" in repr(model[0]) and repr(model[0].weight) == "<UninitializedParameter>"
    copied = copy.deepcopy(model).double()
    assert model(torch.ones(3, 5)).shape == (3, 2)
    assert type(model[0]) is nn.Linear and model[0].in_features == 5 and type(model[0].weight) is nn.Parameter
    assert len(model[0]._forward_pre_hooks) == 0
    assert copied(torch.ones(3, 7, dtype=torch.float64)).dtype == torch.float64 and copied[0].in_features == 7
    model(torch.ones(3, 5)).sum().backward()
    assert model[2].weight.grad.shape == (2, 4)


def test_lazy_linear_takes_shapes_from_a_state_dict():
    source, lazy = nn.Linear(3, 2), nn.LazyLinear(2)
    lazy.load_state_dict(source.state_dict())
    x = torch.ones(1, 3)
    assert torch.equal(lazy(x), source(x)) and type(lazy) is nn.Linear
    with pytest.raises(RuntimeError, match="uninitialized"):
        source.load_state_dict(nn.LazyLinear(2).state_dict())
    other = nn.LazyLinear(2)
    other.load_state_dict(nn.LazyLinear(2).state_dict())
    assert other.has_uninitialized_params()


def test_uninitialized_parameters_refuse_to_be_used():
    weight = nn.LazyLinear(2).weight
    for use in (lambda: weight + 1, lambda: weight.sum(), lambda: weight.requires_grad_(), lambda: weight[0]):
        with pytest.raises(ValueError, match="uninitialized"):
            use()
    for use in (lambda: weight.shape, lambda: weight.share_memory_()):
        with pytest.raises(RuntimeError, match="uninitialized"):
            use()
    assert weight.dtype == torch.float32 and weight.requires_grad
    buffer = nn.UninitializedBuffer()
    buffer.materialize((2, 3))
    assert type(buffer) is torch.Tensor and buffer.shape == (2, 3)


# ---------------------------------------------------------------- against PyTorch


def test_layers_are_pytorchs():
    def program(torch):
        nn = torch.nn
        x = torch.randn(2, 4, 6, dtype=torch.float64)
        layers = [
            *(
                nn.ReLU(),
                nn.ReLU(True),
                nn.RReLU(),
                nn.RReLU(inplace=True),
                nn.Hardtanh(-2, 3, True),
                nn.ReLU6(True),
            ),
            *(
                nn.Sigmoid(),
                nn.Tanh(),
                nn.SiLU(True),
                nn.Mish(),
                nn.Hardswish(),
                nn.ELU(2.0, True),
            ),
            *(
                nn.CELU(),
                nn.SELU(),
                nn.GLU(1),
                nn.GELU(),
                nn.GELU("tanh"),
                nn.Hardshrink(),
                nn.LeakyReLU(0.3),
            ),
            *(
                nn.LogSigmoid(),
                nn.Softplus(2, 3),
                nn.Softshrink(),
                nn.PReLU(4, dtype=torch.float64),
                nn.Softsign(),
            ),
            *(nn.Tanhshrink(), nn.Softmin(1), nn.Softmax(), nn.Softmax(2), nn.Softmax2d(), nn.LogSoftmax(1)),
            *(
                nn.Threshold(0.1, 2),
                nn.Threshold(0.1, 2, True),
                nn.Dropout(0.3),
                nn.Dropout1d(0.3),
                nn.Dropout2d(),
            ),
            *(
                nn.Dropout3d(),
                nn.AlphaDropout(),
                nn.FeatureAlphaDropout(),
                nn.Identity(),
                nn.Flatten(),
                nn.Flatten(0, 1),
            ),
            *(
                nn.Unflatten(2, (2, 3)),
                nn.Linear(6, 3, dtype=torch.float64),
                nn.Linear(6, 3, False, dtype=torch.float64),
            ),
        ]
        found = []
        for layer in layers:
            start = x.clone().requires_grad_()
            y = layer(start * 1)
            (first,) = torch.autograd.grad((y**2).sum(), start, create_graph=True)
            second = torch.autograd.grad((first**2).sum(), start, allow_unused=True)[0]
            found.append([repr(layer), layer.state_dict(), y, first, second])
        return found

    compare(program, rtol=1e-9, atol=1e-12)


def test_random_functions_are_pytorchs():
    def program(torch):
        F = torch.nn.functional
        x = torch.linspace(-3, 3, 120).reshape(2, 3, 4, 5)
        return [
            F.dropout(x, 0.3),
            F.dropout(x.clone(), 0.3, True, True),
            F.dropout1d(x[0], 0.3),
            F.dropout1d(x[0, 0].clone(), 0.3, inplace=True),
            F.dropout2d(x, 0.3),
            F.dropout2d(x[0], 0.3),
            F.dropout3d(x, 0.3),
            F.dropout3d(x[None], 0.3),
            F.alpha_dropout(x, 0.3, True),
            F.feature_alpha_dropout(x, 0.3, True),
            F.rrelu(x, training=True),
            F.gumbel_softmax(x[0, 0], tau=2.0),
            F.gumbel_softmax(x[0, 0], hard=True, dim=0),
            torch.rand(3),
        ]

    compare(program)


def test_errors_are_pytorchs():
    def program(torch):
        nn, F = torch.nn, torch.nn.functional
        x = torch.ones(2, 3)
        calls = [
            lambda: F.relu(3),
            lambda: F.relu(x.bool()),
            lambda: F.softmax(x, 5),
            lambda: F.softmax(x.long(), 0),
            lambda: F.glu(x),
            lambda: F.glu(x, 7),
            lambda: F.hardtanh(x, 2, -1),
            lambda: nn.Hardtanh(1, 1),
            lambda: F.celu(x, 0.0),
            lambda: F.gelu(x, approximate="nonsense"),
            lambda: F.prelu(x, torch.ones(2)),
            lambda: F.softshrink(x, -1.0),
            lambda: nn.Linear(4, 5)(x),
            lambda: nn.Linear(3, 5)(x.double()),
            lambda: F.linear(x, torch.ones(4, 3), torch.ones(3)),
            lambda: nn.Unflatten(1, (2, 2))(x),
            lambda: nn.Dropout("a"),
        ]
        return [type(outcome(call)).__name__ for call in calls]

    compare(program)
