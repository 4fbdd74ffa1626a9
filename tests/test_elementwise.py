"""What the loops over the catalogue cannot see of elementwise ops: numbers, ties, activations, in-place arguments."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest
from util import MODULE, STAND_IN, torch

core: Any = importlib.import_module("torch.nn.functional" if STAND_IN else MODULE + "._C")
NAN, INF = math.nan, math.inf


def grads(function: Any, *values: list[float]) -> list[list[float]]:
    tensors = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]
    y = function(*tensors)
    found = torch.autograd.grad(y, tensors, torch.ones_like(y))
    return [(g + 0).tolist() for g in found]


def assert_lists(actual: Any, wanted: Any) -> None:
    np.testing.assert_allclose(np.array(actual), np.array(wanted), rtol=1e-9, atol=1e-12, equal_nan=True)


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("expression", "dtype", "values"),
    [
        ("bytes + 300", "uint8", [45, 88, 244]),
        ("bytes == 300", "bool", [False, True, False]),
        ("half == 0.1", "bool", [True, False]),
        ("mask + 1", "int64", [2, 1]),
        ("mask + True", "bool", [True, True]),
        ("mask + 1.5", "float32", [2.5, 1.5]),
        ("mask ** 2", "int64", [1, 0]),
        ("ints / 2", "float32", [1.5, -1.0, 0.0]),
        ("ints ** 2.0", "float32", [9.0, 4.0, 0.0]),
        ("2 ** ints", "int64", [8, 0, 1]),
        ("1 - ints", "int64", [-2, 3, 1]),
        ("7 // (ints + 5)", "int64", [0, 2, 1]),
        ("torch.add(2, ints, alpha=3)", "int64", [11, -4, 2]),
        ("torch.add(mask, mask, alpha=True)", "bool", [True, False]),
        ("torch.where(mask, 1, 2)", "int64", [1, 2]),
        ("torch.where(mask, half, 2.5)", "float16", [0.0999755859375, 2.5]),
        ("torch.clamp(ints, 0.5)", "float32", [3.0, 0.5, 0.5]),
        ("torch.true_divide(ints, 4)", "float32", [0.75, -0.5, 0.0]),
        ("torch.float_power(ints, 2)", "float64", [9.0, 4.0, 0.0]),
        ("torch.ldexp(torch.tensor([1e-30]), torch.tensor([200]))", "float32", [1.606937994239264e30]),
        ("torch.floor(ints)", "int64", [3, -2, 0]),
    ],
)
def test_numbers(expression: str, dtype: str, values: list[Any]) -> None:
    scope = {
        "torch": torch,
        "bytes": torch.tensor([1, 44, 200], dtype=torch.uint8),
        "half": torch.tensor([0.1, 1.0], dtype=torch.float16),
        "mask": torch.tensor([True, False]),
        "ints": torch.tensor([3, -2, 0]),
    }
    y = eval(expression, scope)
    assert y.dtype == getattr(torch, dtype)
    np.testing.assert_allclose(np.array(y.tolist(), float), np.array(values, float), rtol=1e-6)


@pytest.mark.parametrize(
    ("expression", "error", "message"),
    [
        ("mask - mask", RuntimeError, "two bool tensors"),
        ("1 - mask", RuntimeError, "bool tensor"),
        ("-mask", RuntimeError, "bool tensor"),
        ("~floats", TypeError, "integer"),
        ("torch.bitwise_not(floats)", NotImplementedError, "bitwise_not"),
        ("floats & 1", NotImplementedError, "bitwise_and"),
        ("ints << 1.5", NotImplementedError, "shift"),
        ("ints // 0", RuntimeError, "ZeroDivisionError"),
        ("ints % torch.tensor([1, 0, 2])", RuntimeError, "ZeroDivisionError"),
        ("ints ** -1", RuntimeError, "negative"),
        ("torch.add(ints, ints, alpha=1.5)", RuntimeError, "alpha"),
        ("torch.add(floats, floats, alpha=True)", RuntimeError, "alpha"),
        ("torch.clamp(floats)", RuntimeError, "None"),
        ("torch.clamp(ints.to(torch.uint8), 1, 300)", RuntimeError, "overflow"),
        ("torch.lerp(floats, floats.double(), 0.5)", RuntimeError, "dtype"),
        ("torch.relu(mask)", RuntimeError, "relu"),
        ("torch.abs(mask)", NotImplementedError, "abs"),
        ("torch.maximum(floats, 2)", TypeError, "Tensor"),
        ("torch.eq(2, floats)", TypeError, "Tensor|combination"),
        ("torch.pow(2, 2)", TypeError, "Tensor|combination"),
        ("core.silu(ints)", NotImplementedError, "silu"),
        ("torch.softmax(ints, 0)", NotImplementedError, "softmax"),
        ("torch.softmax(floats, 2)", IndexError, "range"),
        ("torch.prelu(floats[None], torch.tensor([0.1, 0.2]))", RuntimeError, "2.*3"),
    ],
)
def test_errors(expression: str, error: type[Exception], message: str) -> None:
    scope = {
        "torch": torch,
        "core": core,
        "mask": torch.tensor([True, False]),
        "ints": torch.tensor([3, -2, 0]),
        "floats": torch.tensor([0.1, -1.0, 2.0]),
    }
    with pytest.raises(error, match=None if STAND_IN else message):
        eval(expression, scope)


# ---------------------------------------------------------------- derivatives where functions are not smooth


@pytest.mark.parametrize(
    ("name", "points", "wanted"),
    [
        ("abs", [0.0, -2.0, NAN], [0.0, -1.0, 0.0]),
        ("relu", [0.0, 1.0, NAN], [0.0, 1.0, 1.0]),
        ("sqrt", [0.0, 4.0], [INF, 0.25]),
        ("sinc", [0.0, 1.0], [0.0, -1.0]),
        ("nan_to_num", [NAN, INF, 2.0], [0.0, 0.0, 1.0]),
        ("logit", [0.5, 2.0], [4.0, NAN]),
        ("sign", [0.0, 2.0], [0.0, 0.0]),
    ],
)
def test_slopes_of_one(name: str, points: list[float], wanted: list[float]) -> None:
    assert_lists(grads(getattr(torch, name), points)[0], wanted)


A, B = [0.0, 1.0, 2.0, NAN, 1.0], [0.0, 2.0, 1.0, 1.0, NAN]


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("maximum", [0.5, 0, 1, 1, 1], [0.5, 1, 0, 1, 1]),
        ("minimum", [0.5, 1, 0, 1, 1], [0.5, 0, 1, 1, 1]),
        ("fmax", [1, 0, 1, 0, 1], [0, 1, 0, 1, 0]),
        ("fmin", [1, 1, 0, 0, 1], [0, 0, 1, 1, 0]),
        ("clamp_min", [1, 0, 1, 0, 0], [0, 1, 0, 0, 0]),
        ("atan2", [0, 0.4, 0.2, NAN, NAN], [0, -0.2, -0.4, NAN, NAN]),
    ],
)
def test_slopes_of_two(name: str, first: list[float], second: list[float]) -> None:
    found = grads(getattr(torch, name), A, B)
    assert_lists(found[0], first)
    assert_lists(found[1], second)


def test_slopes_of_powers() -> None:
    assert_lists(grads(lambda x: x**0, [0.0, NAN])[0], [0, 0])
    assert_lists(grads(lambda x: 0**x, [0.0, 2.0])[0], [0, 0])
    base, exponent = grads(torch.pow, [0.0, 0.0, 2.0], [0.0, 1.0, 3.0])
    assert_lists(base, [0, 1, 12])
    assert_lists(exponent, [0, 0, 8 * math.log(2)])


def test_slopes_of_clamp() -> None:
    assert_lists(grads(lambda x: x.clamp(-1, 1), [-1.0, 1.0, 2.0, NAN])[0], [1, 1, 0, 0])
    assert_lists(grads(lambda x: x.clamp(1, -1), [-1.0, 1.0, 0.0])[0], [0, 0, 0])
    x, low, high = grads(torch.clamp, [1.0, 1.0, 5.0], [3.0, 3.0, 3.0], [4.0, 2.0, 4.0])
    assert_lists((x, low, high), [[0, 0, 0], [1, 0, 0], [0, 1, 1]])


# ---------------------------------------------------------------- activations


def softplus(x: Any) -> Any:
    return np.log1p(np.exp(x))


def normal_cdf(x: Any) -> Any:
    return 0.5 * np.vectorize(math.erfc)(-x / math.sqrt(2))


ACTIVATIONS = {
    "elu": (lambda x: np.where(x > 0, x, np.expm1(x)), {}),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.2 * x), {"negative_slope": 0.2}),
    "hardtanh": (lambda x: np.clip(x, -0.5, 2), {"min_val": -0.5, "max_val": 2.0}),
    "relu6": (lambda x: np.clip(x, 0, 6), {}),
    "gelu": (lambda x: x * normal_cdf(x), {}),
    "silu": (lambda x: x / (1 + np.exp(-x)), {}),
    "mish": (lambda x: x * np.tanh(softplus(x)), {}),
    "softplus": (lambda x: softplus(2 * x) / 2, {"beta": 2}),
    "hardsigmoid": (lambda x: np.clip(x + 3, 0, 6) / 6, {}),
    "hardswish": (lambda x: x * np.clip(x + 3, 0, 6) / 6, {}),
    "logsigmoid": (lambda x: -softplus(-x), {}),
    "softshrink": (lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0), {}),
    "hardshrink": (lambda x: np.where(np.abs(x) > 0.5, x, 0), {}),
    "celu": (lambda x: np.maximum(x, 0) + np.minimum(0, 2 * np.expm1(x / 2)), {"alpha": 2.0}),
    "selu": (
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
        {},
    ),
}
POINTS = [-7.5, -3.25, -1.1, -0.3, 0.2, 0.7, 1.6, 2.9, 6.5]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    reference, options = ACTIVATIONS[name]
    function = getattr(core, name)
    for dtype, tolerance in (("float64", 1e-12), ("float32", 2e-6), ("float16", 2e-3)):
        x = torch.tensor(POINTS, dtype=getattr(torch, dtype))
        y = function(x, **options)
        assert y.dtype == x.dtype
        exact = np.array(x.tolist())
        np.testing.assert_allclose(y.tolist(), reference(exact), rtol=tolerance, atol=tolerance)
    x = torch.tensor(POINTS, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: function(x, **options), (x,))
    if not (STAND_IN and name == "hardsigmoid"):  # of which PyTorch has no second derivative
        assert torch.autograd.gradgradcheck(lambda x: function(x, **options), (x,))


def test_gelu_by_tanh() -> None:
    x = torch.tensor(POINTS, dtype=torch.float64, requires_grad=True)
    values = np.array(POINTS)
    inner = math.sqrt(2 / math.pi) * (values + 0.044715 * values**3)
    assert_lists(core.gelu(x, approximate="tanh").tolist(), 0.5 * values * (1 + np.tanh(inner)))
    assert torch.autograd.gradcheck(lambda x: core.gelu(x, approximate="tanh"), (x,))
    assert torch.autograd.gradgradcheck(lambda x: core.gelu(x, approximate="tanh"), (x,))
    with pytest.raises(RuntimeError, match="none"):
        core.gelu(x, approximate="erf")


def test_prelu_per_channel() -> None:
    x = torch.tensor([[[-1.0, 2.0], [-3.0, 4.0]]], dtype=torch.float64, requires_grad=True)
    weight = torch.tensor([0.5, 0.25], dtype=torch.float64, requires_grad=True)
    assert torch.prelu(x, weight).tolist() == [[[-0.5, 2.0], [-0.75, 4.0]]]
    torch.prelu(x, weight).sum().backward()
    assert x.grad.tolist() == [[[0.5, 1.0], [0.25, 1.0]]]
    assert weight.grad.tolist() == [-1.0, -3.0]


# ---------------------------------------------------------------- in place


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda a, w: a.mul_(w), [0.8, 1.8]),
        (lambda a, w: a.clamp_(0.5).mul_(w).relu_(), [0.0, 1.8]),
        (lambda a, w: a.lt_(0.5), [0.0, 0.0]),
        (lambda a, w: a.pow_(2), [1.6, 8.0]),
        (lambda a, w: a.sub_(1).neg_(), [-2.0, -2.0]),
    ],
)
def test_inplace_gradient(change: Any, wanted: list[float]) -> None:
    x = torch.tensor([0.2, 1.0], dtype=torch.float64, requires_grad=True)
    w = torch.tensor([0.4, 0.9], dtype=torch.float64)
    a = x * 2
    assert change(a, w) is a
    a.sum().backward()
    assert_lists((x.grad + 0).tolist(), wanted)


@pytest.mark.skipif(STAND_IN, reason="PyTorch refuses an op that overwrites its own argument")
@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda a: a.mul_(a), [1.6, 8.0]),
        (lambda a: a.__imul__(a), [1.6, 8.0]),
        (lambda a: a.addcmul_(a, a), [3.6, 10.0]),
        (lambda a: a.div_(a), [0.0, 0.0]),
    ],
)
def test_inplace_on_its_own_argument(change: Any, wanted: list[float]) -> None:
    x = torch.tensor([0.2, 1.0], dtype=torch.float64, requires_grad=True)
    a = x * 2
    change(a)
    a.sum().backward()
    assert_lists(x.grad.tolist(), wanted)


def test_what_no_derivative_reads_may_change() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    weight = torch.tensor([3.0, 4.0])
    a = x * weight  # the derivative reads weight, not x
    b = x.clamp(0, 1.5)  # reads x, not b
    with torch.no_grad():
        b.mul_(0)
    a.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [3.0, 4.0]
    weight.add_(1)
    with pytest.raises(RuntimeError, match="inplace"):
        a.sum().backward()


def test_missing_derivative_is_an_error() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    for y in (x // 2, torch.heaviside(x, x)):
        assert y.requires_grad
        with pytest.raises(RuntimeError, match="not implemented"):
            y.sum().backward()


@pytest.mark.parametrize("name", ["add", "sub", "addcmul", "addcdiv"])
def test_the_factor_may_stand_first(name):
    """The order of arguments of PyTorch's first versions, in functions, methods and in place."""
    others = [torch.tensor([1.0, 2.0]), torch.tensor([4.0, 8.0])][: 2 if name.startswith("addc") else 1]
    factor = {"value" if name.startswith("addc") else "alpha": -3}
    x = torch.tensor([5.0, 6.0], requires_grad=True)
    expected = getattr(torch, name)(x, *others, **factor)
    for found in (
        getattr(torch, name)(x, -3, *others),
        getattr(x, name)(-3, *others),
        getattr(x.detach().clone(), name + "_")(-3, *others),
        getattr(x.detach().clone(), name + "_")(torch.tensor(-3.0), *others),
    ):
        assert found.tolist() == expected.tolist()
    getattr(x, name)(-3, *others).sum().backward()
    assert x.grad.tolist() == [1, 1]
    with pytest.raises(TypeError):
        getattr(x, name)(others[0], *others, -3)
