"""associative_scan against sums and products written out."""

import pytest
from util import STAND_IN, torch

if STAND_IN:
    pytest.skip("PyTorch compiles for it", allow_module_level=True)

from tinytensor._higher_order_ops.associative_scan import associative_scan


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_sums(dim):
    x = torch.randn(3, 4, dtype=torch.float64)
    torch.testing.assert_close(associative_scan(torch.add, x, dim), x.cumsum(dim))
    backward = associative_scan(torch.add, x, dim, reverse=True, combine_mode="generic")
    torch.testing.assert_close(backward, x.flip(dim).cumsum(dim).flip(dim))


def test_trees_and_gradients():
    a, b = (torch.rand(5, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    combine = lambda left, right: (left[0] * right[0], right[0] * left[1] + right[1])  # noqa: E731
    products, states = associative_scan(combine, (a, b), 0)
    torch.testing.assert_close(products, a.cumprod(0))
    state, expected = torch.zeros(2, dtype=torch.float64), []
    for decay, step in zip(a, b):
        state = decay * state + step
        expected.append(state)
    torch.testing.assert_close(states, torch.stack(expected))
    gradients = torch.autograd.grad(states.sum(), (a, b))
    for found, wanted in zip(gradients, torch.autograd.grad(torch.stack(expected).sum(), (a, b))):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("xs", [(), (torch.ones(2), torch.ones(3)), torch.ones(0), [1.0]])
def test_bad_input(xs):
    with pytest.raises(ValueError, match="associative_scan"):
        associative_scan(torch.add, xs, 0)
