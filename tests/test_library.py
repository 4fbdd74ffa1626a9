"""Operators that programs define."""

from __future__ import annotations

import importlib
import itertools
from typing import Optional

import pytest
from util import STAND_IN, torch

library = importlib.import_module(f"{torch.__name__}.library")
numbers = itertools.count()


@pytest.fixture
def name():
    return f"tests{next(numbers)}::op"


def operator(name: str):
    space, _, op = name.partition("::")
    return getattr(getattr(torch.ops, space), op)


def test_custom_op(name):
    @library.custom_op(name, mutates_args=())
    def scaled(x: torch.Tensor, k: float = 2.0) -> torch.Tensor:
        return x * k

    assert scaled(torch.ones(2)).tolist() == [2, 2]
    assert operator(name)(torch.ones(2), k=3.0).tolist() == [3, 3]
    assert operator(name).default(torch.ones(2)).tolist() == [2, 2]
    for call in (
        lambda: scaled(torch.ones(2), 1.0, 2.0),
        lambda: scaled(torch.ones(2), z=1.0),
        lambda: scaled(1.0),
        lambda: scaled(),
        lambda: scaled(torch.ones(2), torch.ones(2)),
    ):
        with pytest.raises(RuntimeError):
            call()
    with pytest.raises(AttributeError):
        operator(name + "_else")


def test_backward_is_what_is_registered(name):
    @library.custom_op(name, mutates_args=())
    def product(x: torch.Tensor, y: torch.Tensor, *, k: float) -> tuple[torch.Tensor, torch.Tensor]:
        return x * y * k, x + 1

    x, y = (torch.tensor([value], requires_grad=True) for value in (2.0, 3.0))
    made = product(x, y, k=5.0)
    assert made[0].requires_grad
    with pytest.raises(RuntimeError, match="autograd|backward"):
        made[0].backward()

    def keep(ctx, inputs, keyword_only_inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.k = keyword_only_inputs["k"]

    def backward(ctx, grad, grad_moved):
        x, y = ctx.saved_tensors
        return grad * y * ctx.k + grad_moved, grad * x * ctx.k

    product.register_autograd(backward, setup_context=keep)
    first, second = product(x, y, k=5.0)
    (first + 7 * second).sum().backward()
    assert (first.item(), x.grad.item(), y.grad.item()) == (30, 22, 10)
    with torch.no_grad():
        assert not product(x, y, k=1.0)[0].requires_grad


def test_derivatives_through_fakes_and_kernels(name):
    @library.custom_op(name, mutates_args=(), device_types="cuda")
    def moved(x: torch.Tensor) -> torch.Tensor:
        return x + 1

    with pytest.raises(NotImplementedError):
        moved(torch.ones(1))

    @moved.register_kernel("cpu")
    def _(x):
        return x + 2

    @moved.register_fake
    def _(x):
        return torch.empty_like(x)

    assert moved(torch.ones(1)).item() == 3


def test_results_are_checked(name):
    for number, body in enumerate((lambda x: x, lambda x: x[:1], lambda x: 3)):
        op = library.custom_op(f"{name}{number}", body, mutates_args=(), schema="(Tensor x) -> Tensor")
        with pytest.raises(RuntimeError):
            op(torch.ones(2))


def test_mutation(name):
    @library.custom_op(name, mutates_args={"x"})
    def increase(x: torch.Tensor) -> None:
        x.add_(1)

    x = torch.ones(2)
    before = x._version
    assert increase(x) is None and x.tolist() == [2, 2] and x._version > before
    with pytest.raises(RuntimeError):
        increase.register_autograd(lambda ctx, grad: grad)
    if not STAND_IN:
        with pytest.raises(NotImplementedError):
            increase(torch.ones(2, requires_grad=True))


def test_infer_schema():
    def function(
        x: torch.Tensor,
        y: list[torch.Tensor],
        n: int = 3,
        *,
        e: float = 1e-05,
        s: str = "a",
        b: bool = True,
        d: torch.dtype = torch.float32,
        o: Optional[torch.Tensor] = None,  # noqa: UP045
        m: list[int] | None = None,
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        raise AssertionError

    text = (
        '{} x, {}[] y, SymInt n=3, *, float e=1e-05, str s="a", bool b=True, ScalarType d=float32, {}? o=None, '
        "SymInt[]? m=None) -> (Tensor, Tensor[])"
    )
    assert library.infer_schema(function, mutates_args=()) == "(" + text.format("Tensor", "Tensor", "Tensor")
    assert library.infer_schema(function, mutates_args=("x",)) == "(" + text.format(
        "Tensor(a0!)", "Tensor", "Tensor"
    )

    def bare(x):
        raise AssertionError

    def without_result(x: torch.Tensor):
        raise AssertionError

    for wrong in (bare, without_result):
        with pytest.raises(ValueError, match="annotation"):
            library.infer_schema(wrong, mutates_args=())
    with pytest.raises(ValueError, match="mutates_args"):
        library.infer_schema(function, mutates_args=("z",))


def test_library(name):
    space = name.partition("::")[0]
    own = library.Library(space, "DEF")
    own.define("op(Tensor x, int[] n=[1, 2], *, ScalarType? d=None, str s='a,b') -> Tensor")
    own.impl("op", lambda x, n, *, d=None, s="": x.sum() * n[1], "CompositeImplicitAutograd")
    x = torch.ones(2, requires_grad=True)
    result = operator(name)(x, [3, 4])
    result.backward()
    assert result.item() == 8 and x.grad.tolist() == [4, 4]
    with pytest.raises(RuntimeError):
        operator(name)(x, [3, "4"])

    library.define(f"{space}::other", "(Tensor x) -> Tensor")

    @library.impl(f"{space}::other", "cpu")
    def _(x):
        return 3 * x

    assert operator(f"{space}::other")(torch.ones(1)).item() == 3


def test_what_does_not_exist():
    with pytest.raises(RuntimeError, match="does not exist"):
        library.register_fake("tests::nothing", lambda x: x)
    with pytest.raises(ValueError):
        library.Library("tests_kind", "OTHER")
