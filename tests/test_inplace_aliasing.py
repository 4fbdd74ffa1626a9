"""In-place operations whose other argument is the tensor itself, or looks into it.

PyTorch refuses the backward pass of y.mul_(y); here the old value is kept, and the gradient is right.
"""

import pytest
from util import MODULE, torch


def changed(change):
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1.0
    change(y)
    y.sum().backward()
    return x.grad.tolist()


def multiply_in_place(y):
    y *= y


@pytest.mark.skipif(MODULE != "tinytensor", reason="PyTorch raises an error in backward")
@pytest.mark.parametrize("change", [lambda y: y.mul_(y), multiply_in_place])
def test_product_with_itself(change):
    assert changed(change) == [2.0, 4.0, 6.0]


def test_sum_with_itself():
    assert changed(lambda y: y.add_(y)) == [2.0, 2.0, 2.0]


def test_a_part_of_itself_is_refused():
    with pytest.raises(RuntimeError, match="memory location"):
        changed(lambda y: y[1:].mul_(y[:-1]))
