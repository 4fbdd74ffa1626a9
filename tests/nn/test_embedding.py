"""Embedding and EmbeddingBag, and the function that makes one-hot codes."""

from __future__ import annotations

import numpy as np
import pytest
from util import torch

from .peer import compare

nn = torch.nn
F = nn.functional

INDICES = np.array([[1, 2, 2], [3, 9, 1]])

MODULES = {
    "plain": lambda nn: nn.Embedding(10, 4),
    "padding": lambda nn: nn.Embedding(10, 4, padding_idx=2),
    "padding from the end": lambda nn: nn.Embedding(10, 4, padding_idx=-1),
    "bounded": lambda nn: nn.Embedding(10, 4, max_norm=0.5, norm_type=1.0),
    "by frequency": lambda nn: nn.Embedding(10, 4, scale_grad_by_freq=True),
    "bag sum": lambda nn: nn.EmbeddingBag(10, 4, mode="sum", padding_idx=9),
    "bag mean": lambda nn: nn.EmbeddingBag(10, 4, max_norm=0.5),
    "bag max": lambda nn: nn.EmbeddingBag(10, 4, mode="max"),
}


@pytest.mark.parametrize("name", MODULES)
def test_module(name: str) -> None:
    def program(library):
        module = MODULES[name](library.nn)
        y = module(library.tensor(INDICES))
        (y * y).sum().backward()
        return [repr(module), module.state_dict(), y, module.weight.grad]

    compare(program)


def test_rows_and_their_gradient() -> None:
    table = torch.arange(12.0).reshape(4, 3).requires_grad_()
    y = F.embedding(torch.tensor([[1, 3], [1, 2]]), table, padding_idx=2)
    np.testing.assert_array_equal(y.detach().numpy(), table.detach().numpy()[[[1, 3], [1, 2]]])
    y.sum().backward()
    assert table.grad[:, 0].tolist() == [0, 2, 0, 1]
    table.grad = None
    F.embedding(torch.tensor([1, 1, 3]), table, scale_grad_by_freq=True).sum().backward()
    assert table.grad[:, 0].tolist() == [0, 1, 0, 1]


def test_max_norm_changes_the_rows_used() -> None:
    table = torch.tensor([[3.0, 4.0], [3.0, 4.0], [0.3, 0.4]], requires_grad=True)
    y = F.embedding(torch.tensor([1, 2]), table, max_norm=1.0)
    np.testing.assert_allclose(table.detach().numpy(), [[3, 4], [0.6, 0.8], [0.3, 0.4]], rtol=1e-5)
    np.testing.assert_allclose(y.detach().numpy(), [[0.6, 0.8], [0.3, 0.4]], rtol=1e-5)


def test_bag_gradient_by_frequency() -> None:
    table = torch.ones(5, 2, requires_grad=True)
    F.embedding_bag(
        torch.tensor([1, 2, 1, 1, 3, 2]), table, torch.tensor([0, 3]), mode="sum", scale_grad_by_freq=True
    ).sum().backward()
    assert table.grad[:, 0].tolist() == pytest.approx([0, 1, 1, 1, 0])


def test_from_pretrained() -> None:
    values = torch.arange(6.0).reshape(3, 2)
    for kind in (nn.Embedding, nn.EmbeddingBag):
        frozen, free = kind.from_pretrained(values), kind.from_pretrained(values, freeze=False)
        assert not frozen.weight.requires_grad and free.weight.requires_grad
        assert frozen.weight.data_ptr() == values.data_ptr()
        with pytest.raises(AssertionError, match="2-dimensional"):
            kind.from_pretrained(values[0])


def test_sparse_gradients_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="sparse"):
        nn.Embedding(3, 2, sparse=True)
    with pytest.raises(RuntimeError, match="sparse"):
        F.embedding(torch.tensor([0]), torch.zeros(3, 2), sparse=True)


def test_padding_must_be_a_row() -> None:
    with pytest.raises(AssertionError, match="5"):
        nn.Embedding(3, 2, padding_idx=5)
    with pytest.raises(AssertionError, match="Shape of weight"):
        nn.Embedding(3, 2, _weight=torch.zeros(3, 3))


def test_one_hot() -> None:
    codes = F.one_hot(torch.tensor([[0, 2], [1, 0]]))
    assert codes.dtype == torch.int64
    assert codes.tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [1, 0, 0]]]
    assert F.one_hot(torch.tensor(1), num_classes=3).tolist() == [0, 1, 0]
    assert F.one_hot(torch.zeros((0,), dtype=torch.int64), 4).shape == (0, 4)
    for given, classes in ((torch.tensor([-1]), -1), (torch.tensor([3]), 3), (torch.tensor([1.0]), -1)):
        with pytest.raises(RuntimeError, match="one_hot|Class|class"):
            F.one_hot(given, classes)
