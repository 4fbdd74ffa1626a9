"""Tensor types by name (`FloatTensor`, `x.type()`), and seeds and states of the random number generators."""

import warnings

import numpy as np
import pytest
from util import torch

NAMES = {
    "FloatTensor": torch.float32,
    "DoubleTensor": torch.float64,
    "HalfTensor": torch.float16,
    "BFloat16Tensor": torch.bfloat16,
    "ByteTensor": torch.uint8,
    "CharTensor": torch.int8,
    "ShortTensor": torch.int16,
    "IntTensor": torch.int32,
    "LongTensor": torch.int64,
    "BoolTensor": torch.bool,
}


@pytest.fixture(autouse=True)
def default_dtype():
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name, dtype", NAMES.items(), ids=list(NAMES))
def test_types_by_name(name, dtype):
    kind = getattr(torch, name)
    made = kind([1, 0, 1])
    assert made.dtype == kind.dtype == dtype and made.tolist() == [1, 0, 1]
    assert made.type() == f"torch.{name}" and repr(kind) == f"<class 'torch.{name}'>"
    assert kind(2, 3).shape == (2, 3) and kind(2, 3).dtype == dtype
    assert isinstance(made, kind) and not isinstance(3, kind)
    assert [other for other in NAMES if isinstance(made, getattr(torch, other))] == [name]
    x = torch.tensor([1.0, 0.0])
    for wanted in (kind, f"torch.{name}", dtype):
        assert x.type(wanted).dtype == dtype


def test_constructor_arguments():
    F = torch.FloatTensor
    assert F().shape == (0,) and F(3).shape == (3,) and F(torch.Size([2, 1])).shape == (2, 1)
    assert F([]).shape == (0,) and F(np.int64(3)).shape == (3,)
    assert F((2, 3)).tolist() == [2.0, 3.0] and F([[1], [2.5]]).tolist() == [[1.0], [2.5]]
    assert F(np.arange(3)).tolist() == [0.0, 1.0, 2.0]
    assert F([torch.tensor(1.0), 2]).tolist() == [1.0, 2.0]
    assert torch.LongTensor([1.5, 2]).tolist() == [1, 2]
    assert torch.IntTensor(range(3)).tolist() == [0, 1, 2]
    x = torch.ones(2)
    assert F(x).data_ptr() == x.data_ptr()


@pytest.mark.parametrize(
    "arguments",
    [(3.0,), (True,), (None,), ("text",), ({1},), (2, "text"), ([1], [2]), (torch.ones(2).double(),)],
    ids=str,
)
def test_constructor_type_errors(arguments):
    with pytest.raises(TypeError):
        torch.FloatTensor(*arguments)


def test_constructor_value_errors():
    with pytest.raises(RuntimeError, match="negative"):
        torch.FloatTensor(-1)
    with pytest.raises(RuntimeError):
        torch.ByteTensor([300])


def test_type_conversions():
    x = torch.ones(1)
    assert x.type(torch.float32) is x and x.type("torch.FloatTensor") is x
    assert x.type(dtype=torch.int32, non_blocking=True).dtype == torch.int32
    assert x.double().type(torch.Tensor).dtype == torch.float32
    y = torch.ones(2, requires_grad=True)
    y.type(torch.float64).sum().backward()
    assert y.grad.tolist() == [1.0, 1.0]
    for wrong in ("torch.FooTensor", "float", float):
        with pytest.raises(ValueError, match="invalid type"):
            x.type(wrong)
    with pytest.raises(TypeError):
        x.type(3)


def test_set_default_tensor_type():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.set_default_tensor_type(torch.DoubleTensor)
        assert torch.get_default_dtype() == torch.float64 and torch.zeros(1).dtype == torch.float64
        torch.set_default_tensor_type("torch.FloatTensor")
        assert torch.get_default_dtype() == torch.float32
        for wrong in (torch.LongTensor, torch.float64, "torch.LongTensor", 3):
            with pytest.raises(TypeError):
                torch.set_default_tensor_type(wrong)


# ---------------------------------------------------------------- random


def test_manual_seed_repeats():
    assert torch.manual_seed(7) is torch.default_generator
    first = torch.rand(5).tolist()
    torch.manual_seed(7)
    assert torch.rand(5).tolist() == first
    assert torch.initial_seed() == torch.random.initial_seed() == 7


def test_manual_seed_range():
    torch.manual_seed(-1)
    assert torch.initial_seed() == 2**64 - 1
    torch.manual_seed(2**64 - 1)
    for wrong in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError):
            torch.manual_seed(wrong)


def test_seed_differs():
    seeds = {torch.seed() for _ in range(5)}
    assert len(seeds) == 5 and torch.initial_seed() in seeds


def test_rng_state():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    assert state.dtype == torch.uint8 and state.dim() == 1
    first = torch.randn(3).tolist()
    assert torch.randn(3).tolist() != first
    torch.set_rng_state(state)
    assert torch.randn(3).tolist() == first


def test_fork_rng():
    torch.manual_seed(0)
    expected = torch.rand(4).tolist()
    torch.manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        torch.rand(10)
    assert torch.rand(4).tolist() == expected
    with pytest.raises(KeyError), torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        raise KeyError
    assert torch.initial_seed() == 0
    with torch.random.fork_rng(enabled=False):
        torch.manual_seed(9)
    assert torch.initial_seed() == 9
