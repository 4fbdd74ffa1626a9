"""__torch_function__: of classes that are no tensors, and of subclasses of Tensor."""

import copy
import operator
import pickle

import numpy as np
import pytest
import tinytensor as torch
from tinytensor import nn
from tinytensor.overrides import (
    handle_torch_function,
    has_torch_function,
    has_torch_function_unary,
    is_tensor_like,
)


class Tagged(torch.Tensor):
    """A subclass that says nothing of its own: results stay in it."""


class Logged(torch.Tensor):
    calls: list = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append((func.__name__, len(args), sorted(kwargs or {})))
        return super().__torch_function__(func, types, args, kwargs)


class Scaled:
    """Not a tensor: a number times the identity matrix."""

    handled: dict = {}

    def __init__(self, size, value):
        self.size, self.value = size, value

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func not in cls.handled or not all(issubclass(t, (torch.Tensor, Scaled)) for t in types):
            return NotImplemented
        return cls.handled[func](*args, **(kwargs or {}))


Scaled.handled[torch.mean] = lambda input: input.value / input.size
Scaled.handled[torch.matmul] = lambda a, b: b * a.value if isinstance(a, Scaled) else a * b.value
Scaled.handled[torch.cat] = lambda tensors, dim=0: ("cat", len(tensors), dim)
Scaled.handled[torch.add] = lambda a, b, alpha=1: ("add", alpha)


def tagged(*sizes):
    return torch.arange(1.0, 1 + int(np.prod(sizes))).view(sizes).as_subclass(Tagged)


OPERATIONS = {
    "operator": lambda s: s + 1,
    "reflected": lambda s: 2 - s,
    "plain tensor on the left": lambda s: torch.ones(2, 3) * s,
    "in place": lambda s: operator.iadd(s, 1),
    "function": lambda s: torch.exp(s),
    "method": lambda s: s.sum(),
    "list": lambda s: torch.cat([torch.ones(2, 3), s]),
    "index": lambda s: s[0],
    "comparison": lambda s: s > 2,
    "negation": lambda s: -s,
    "product": lambda s: s @ s.T,
    "attribute": lambda s: s.T,
    "data": lambda s: s.data,
    "keyword": lambda s: torch.add(torch.ones(2, 3), other=s),
    "view": lambda s: s.view(3, 2),
    "functional": lambda s: nn.functional.relu(s),
    "clone": lambda s: s.clone(),
    "cast": lambda s: s.double(),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_results_stay_in_the_subclass(name):
    result = OPERATIONS[name](tagged(2, 3))
    assert type(result) is Tagged
    np.testing.assert_array_equal(result.numpy(), OPERATIONS[name](torch.arange(1.0, 7).view(2, 3)).numpy())


def test_several_results_stay_in_the_subclass():
    values, indices = tagged(2, 3).max(1)
    assert type(values) is type(indices) is Tagged
    assert tagged(2, 3).max(1).indices.tolist() == [2, 2]
    assert [type(part) for part in tagged(4).split(2)] == [Tagged, Tagged]


def test_a_subclass_is_asked_when_a_plain_tensor_changes_by_it():
    for change in (
        lambda x, y: operator.iadd(x, y),
        lambda x, y: operator.imul(x, y),
        lambda x, y: operator.setitem(x, 0, y[0]),
        lambda x, y: x.add_(y),
    ):
        x, y = torch.ones(2), torch.ones(2).as_subclass(Logged)
        Logged.calls.clear()
        change(x, y)
        assert Logged.calls, change
        assert type(x) is torch.Tensor
    assert x.tolist() == [2, 2]


def test_what_is_not_a_tensor_stays_as_it_is():
    x = tagged(2, 3)
    assert type(x.shape) is torch.Size and type(x.size()) is torch.Size
    assert x.dim() == 2 and x[0, 0].item() == 1.0 and type(x.tolist()) is list
    assert len(x) == 2 and bool(x[0, 0] == 1) and float(x[0, 1]) == 2.0


def test_gradients_flow_through_a_subclass():
    x = torch.ones(3, requires_grad=True)
    (x.as_subclass(Tagged) * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [1, 2, 3]


def test_the_narrower_of_two_subclasses_wins():
    class Narrow(Tagged):
        pass

    x, y = tagged(2), torch.ones(2).as_subclass(Narrow)
    assert type(x + y) is type(y + x) is type(torch.cat([x, y])) is Narrow


def test_subclasses_of_no_kin_do_not_mix():
    class Other(torch.Tensor):
        pass

    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \+: 'Tagged' and 'Other'"):
        tagged(2) + torch.ones(2).as_subclass(Other)


def test_a_subclass_sees_every_call():
    x = torch.ones(2, 2).as_subclass(Logged)
    Logged.calls.clear()
    torch.add(x, 1, alpha=2)
    x.sum(dim=0)
    for result in (x * 2, 2 * x, 1 - x, x / 2, -x, x == 1, x < 1, x[0]):
        assert type(result) is Logged
    x += 1
    names = ["mul", "mul", "__rsub__", "div", "neg", "__eq__", "lt", "__getitem__", "add_"]
    assert Logged.calls[:2] == [("add", 2, ["alpha"]), ("sum", 1, ["dim"])]
    assert [name for name, _, _ in Logged.calls[2:]] == names


def test_overrides_can_be_switched_off():
    x = tagged(2)
    with torch._C.DisableTorchFunctionSubclass():
        assert type(x + 1) is type(torch.exp(x)) is torch.Tensor
        assert not has_torch_function((x,)) and not has_torch_function_unary(x)
    assert type(x + 1) is Tagged


def test_parameters_are_plain_tensors_to_ops():
    tagged(1)  # a subclass with a say exists
    weight = nn.Parameter(torch.ones(2))
    assert type(weight + 1) is type(torch.exp(weight)) is type(weight[0]) is torch.Tensor
    assert type(weight + tagged(2)) is Tagged


def test_subclasses_keep_class_in_copies_and_files():
    x = tagged(2)
    x.label = "kept"
    for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(y) is Tagged and y.label == "kept" and y.tolist() == [1, 2]


def test_an_object_of_no_kin_is_asked():
    assert torch.mean(Scaled(5, 2)) == 0.4
    assert torch.matmul(Scaled(2, 3), torch.ones(2)).tolist() == [3, 3]
    assert torch.matmul(torch.ones(2), Scaled(2, 3)).tolist() == [3, 3]
    assert torch.cat([torch.ones(1), Scaled(2, 3)], dim=1) == ("cat", 2, 1)
    assert torch.add(Scaled(2, 3), 1, alpha=4) == ("add", 4)


def test_an_object_that_declines_is_a_type_error():
    with pytest.raises(
        TypeError, match="no implementation found for 'exp' on types that implement __torch_function__"
    ):
        torch.exp(Scaled(2, 3))


def test_an_error_in_an_override_reaches_the_caller():
    class Broken:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        torch.exp(Broken())


def test_type_errors_stay_where_nobody_overrides():
    with pytest.raises(TypeError, match="must be Tensor, not str"):
        torch.exp("x")


def test_functions_in_python_can_ask():
    def double(input):
        if has_torch_function_unary(input):
            return handle_torch_function(double, (input,), input)
        return input * 2

    Scaled.handled[double] = lambda input: Scaled(input.size, input.value * 2)
    assert double(Scaled(2, 3)).value == 6
    assert double(torch.ones(1)).tolist() == [2]
    assert has_torch_function((1, tagged(1))) and not has_torch_function((1, torch.ones(1), nn.Parameter()))
    assert is_tensor_like(Scaled(2, 3)) and is_tensor_like(torch.ones(1)) and not is_tensor_like(1)
