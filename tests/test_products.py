"""Products beyond the catalogue: linear layers, memory layouts, aliasing, what beta and alpha leave out."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from util import torch

linear = torch.nn.functional.linear if hasattr(torch, "nn") else torch._C.linear
NAN = float("nan")


def drawn(*shape: int, seed: int = 0) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, shape))


def leaf(*shape: int, seed: int = 0) -> Any:
    return drawn(*shape, seed=seed).requires_grad_()


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 4, 3), (2, 1, 4, 3), (0, 3)])
@pytest.mark.parametrize("bias_shape", [None, (5,), (1,), ()])
def test_linear(shape: tuple[int, ...], bias_shape: tuple[int, ...] | None) -> None:
    x, weight = leaf(*shape), leaf(5, 3, seed=1)
    bias = None if bias_shape is None else leaf(*bias_shape, seed=2)
    y = linear(x, weight, bias)
    due = x.detach().numpy() @ weight.detach().numpy().T
    if bias is not None:
        due = due + bias.detach().numpy()
    np.testing.assert_allclose(y.detach().numpy(), due, rtol=1e-12)
    inputs = [x, weight] if bias is None else [x, weight, bias]
    if x.numel():
        assert torch.autograd.gradcheck(linear, inputs)
        assert torch.autograd.gradgradcheck(linear, inputs)


def test_linear_names_both_shapes() -> None:
    with pytest.raises(RuntimeError, match="2.*3.*[45]"):
        linear(drawn(2, 3), drawn(4, 5))
    with pytest.raises(RuntimeError):
        linear(drawn(2, 3), drawn(4, 3), drawn(3))
    with pytest.raises(RuntimeError):
        linear(drawn(2, 3), drawn(4, 3).float())


def test_gradients_lie_as_their_weights_do() -> None:
    weight = leaf(4, 3)
    (drawn(5, 3) @ weight.t()).sum().backward()
    assert weight.grad.stride() == (3, 1)
    turned = leaf(3, 4).detach().t().requires_grad_()
    (drawn(5, 4) @ turned).sum().backward()
    assert turned.grad.stride() == turned.stride()


LAYOUTS = {
    "rows": lambda m, n, seed: drawn(m, n, seed=seed),
    "columns": lambda m, n, seed: drawn(n, m, seed=seed).t(),
    "stepped": lambda m, n, seed: drawn(2 * m, 3 * n, seed=seed)[::2, ::3],
    "repeated": lambda m, n, seed: drawn(1, n, seed=seed).expand(m, n),
}


@pytest.mark.parametrize(("left", "right"), list(itertools.product(LAYOUTS, LAYOUTS)))
def test_any_layout(left: str, right: str) -> None:
    for m, k, n in ((1, 1, 1), (5, 7, 3), (33, 20, 17)):
        a, b = LAYOUTS[left](m, k, 1), LAYOUTS[right](k, n, 2)
        np.testing.assert_allclose((a @ b).numpy(), a.numpy() @ b.numpy(), rtol=1e-12)


def test_batches_by_stride() -> None:
    q = drawn(2, 6, 3, 4).transpose(1, 2)  # attention heads, split off without a copy
    k = drawn(2, 6, 3, 4, seed=1).transpose(1, 2)
    due = np.einsum("bhid,bhjd->bhij", q.numpy(), k.numpy())
    np.testing.assert_allclose((q @ k.transpose(-2, -1)).numpy(), due, rtol=1e-12)
    spread = drawn(1, 5, 4).expand(3, 5, 4)
    np.testing.assert_allclose(
        (spread @ drawn(4, 2)).numpy(), spread.numpy() @ drawn(4, 2).numpy(), rtol=1e-12
    )


@pytest.mark.parametrize("target", ["rows", "columns", "stepped"])
def test_out_in_any_layout(target: str) -> None:
    a, b, bias = drawn(5, 7), drawn(7, 3, seed=1), drawn(3, seed=2)
    out = LAYOUTS[target](5, 3, 3)
    strides = out.stride()
    assert torch.mm(a, b, out=out) is out and out.stride() == strides
    np.testing.assert_allclose(out.numpy(), a.numpy() @ b.numpy(), rtol=1e-12)
    torch.addmm(bias, a, b, out=out)
    np.testing.assert_allclose(out.numpy(), a.numpy() @ b.numpy() + bias.numpy(), rtol=1e-12)


def test_out_of_another_dtype_is_refused() -> None:
    with pytest.raises(RuntimeError, match="dtype"):
        torch.mm(drawn(2, 2), drawn(2, 2), out=torch.empty(2, 2))


def test_factors_of_zero_ignore_what_they_scale() -> None:
    bad, good = torch.full((2, 2), NAN), torch.ones(2, 2)
    assert torch.addmm(bad, good, good, beta=0).tolist() == [[2, 2], [2, 2]]
    assert torch.addmm(good, bad, good, alpha=0).tolist() == [[1, 1], [1, 1]]
    batch = torch.ones(3, 2, 2)
    assert torch.addbmm(bad, batch, batch, beta=0).tolist() == [[6, 6], [6, 6]]
    assert torch.baddbmm(bad, batch, batch, beta=0).tolist() == [[[2, 2], [2, 2]]] * 3
    assert torch.addmv(bad[0], good, good[0], beta=0).tolist() == [2, 2]
    assert torch.addr(bad, good[0], good[0], beta=0).tolist() == [[1, 1], [1, 1]]


def test_empty_sums() -> None:
    assert torch.mm(torch.ones(2, 0), torch.ones(0, 3)).tolist() == [[0, 0, 0]] * 2
    assert torch.addmm(torch.ones(3), torch.ones(2, 0), torch.ones(0, 3), beta=2).tolist() == [[2, 2, 2]] * 2
    assert torch.addbmm(torch.ones(2, 2), torch.ones(0, 2, 2), torch.ones(0, 2, 2)).tolist() == [[1, 1]] * 2
    assert torch.dot(torch.ones(0), torch.ones(0)).item() == 0


def test_powers_and_chains() -> None:
    a = drawn(3, 3)
    for n in range(6):
        np.testing.assert_allclose(
            torch.matrix_power(a, n).numpy(), np.linalg.matrix_power(a.numpy(), n), atol=1e-12
        )
    shapes = [(2, 30), (30, 1), (1, 40), (40, 5)]
    matrices = [drawn(*shape, seed=i) for i, shape in enumerate(shapes)]
    due = np.linalg.multi_dot([m.numpy() for m in matrices])
    np.testing.assert_allclose(torch.chain_matmul(*matrices).numpy(), due, rtol=1e-10)


def test_distances_to_themselves_have_no_gradient() -> None:
    x = leaf(4, 3)
    torch.cdist(x, x).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
    with pytest.raises(RuntimeError):
        torch.cdist(drawn(2, 3), drawn(2, 3), p=-1.0)
