"""Composites written in Python: einsum, tensordot, norm, grids, broadcasting; NumPy is the reference."""

import itertools
import math

import numpy as np
import pytest
from util import torch


def numbers(*shape):
    """Small whole numbers, so that sums are exact in any order."""
    generator = np.random.default_rng(sum(shape) + len(shape))
    return generator.integers(-4, 5, shape).astype(np.float64)


def tensor(array):
    return torch.tensor(array.tolist(), dtype=torch.float64).reshape(array.shape)


def assert_same(result, expected):
    assert tuple(result.shape) == expected.shape
    assert result.tolist() == expected.tolist()


# ---------------------------------------------------------------- einsum

EQUATIONS = [
    ("ij->ij", (2, 3)),
    ("ij->ji", (2, 3)),
    ("ba", (2, 3)),
    ("aA", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iij->ji", (3, 3, 2)),
    ("ijij->ij", (2, 3, 2, 3)),
    ("", ()),
    ("->", ()),
    (",", (), ()),
    ("i,->i", (3,), ()),
    ("i,i", (3,), (3,)),
    ("i,i->i", (3,), (3,)),
    ("i,j->ij", (2,), (3,)),
    ("i,j->ji", (2,), (3,)),
    ("ij,j->i", (2, 3), (3,)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ij,jk->ki", (2, 3), (3, 4)),
    ("ij,kj->ik", (2, 3), (4, 3)),
    ("ij,jk->", (2, 3), (3, 4)),
    ("ij,ij->", (2, 3), (2, 3)),
    ("ij,kl->ik", (2, 3), (4, 2)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 2, 5)),
    ("bhqk,bkhd->bqhd", (2, 3, 4, 2), (2, 2, 3, 5)),
    ("nchw,oc->nohw", (2, 3, 2, 2), (4, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("ij,jk,kl,lm->im", (2, 3), (3, 4), (4, 2), (2, 5)),
    ("bn,anm,bm->ba", (2, 3), (4, 3, 5), (2, 5)),
    ("ij,ik,il->jkl", (2, 3), (2, 4), (2, 2)),
    ("...ij->...ji", (2, 3, 4)),
    ("...i,...i", (2, 3), (2, 3)),
    ("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)),
    ("i...,i...->...", (2, 3, 4), (2, 3, 4)),
    ("b...i,ij->b...j", (2, 5, 3), (3, 4)),
    ("...ii->...i", (2, 3, 3)),
    ("...,...->...", (2, 3), (3,)),
    ("ij,jk->ik", (0, 3), (3, 4)),
    ("ij,jk->ik", (2, 0), (0, 4)),
    (" i j , j k -> i k ", (2, 3), (3, 4)),
]


@pytest.mark.parametrize("case", EQUATIONS, ids=lambda case: f"{case[0]}-{case[1:]}")
def test_einsum(case):
    equation, *shapes = case
    arrays = [numbers(*shape) for shape in shapes]
    assert_same(torch.einsum(equation, *map(tensor, arrays)), np.einsum(equation.replace(" ", ""), *arrays))


def test_einsum_size_one_broadcasts():
    a, b = numbers(2, 1), numbers(4, 3)
    assert_same(torch.einsum("ij,kj->ik", tensor(a), tensor(b)), (a[:, None, :] * b).sum(-1))
    c, d = numbers(2, 1), numbers(1, 3)
    assert_same(torch.einsum("ij,ij->ij", tensor(c), tensor(d)), c * d)


def test_einsum_sums_an_ellipsis_the_result_leaves_out():
    a = numbers(2, 3, 4)
    assert_same(torch.einsum("...i->i", tensor(a)), a.sum((0, 1)))
    assert_same(torch.einsum("i...,j...->ij", tensor(a), tensor(a)), np.einsum("iab,jab->ij", a, a))
    assert torch.einsum("i->i...", tensor(numbers(2))).shape == (2,)


def test_einsum_operand_lists_and_number_lists():
    a, b = numbers(2, 3), numbers(3, 4)
    assert_same(torch.einsum("ij,jk->ik", [tensor(a), tensor(b)]), a @ b)
    assert_same(torch.einsum(tensor(a), [0, 1], tensor(b), [1, 2], [0, 2]), a @ b)
    assert_same(torch.einsum(tensor(a), [0, 1], tensor(b), [1, 2]), a @ b)
    assert_same(torch.einsum(tensor(a), [..., 1], tensor(b), [1, 40], [..., 40]), a @ b)


def test_einsum_of_integers_and_one_view():
    a = torch.arange(6).reshape(2, 3)
    assert torch.einsum("ij,kj->ik", a, a).tolist() == [[5, 14], [14, 50]]
    assert torch.einsum("ij->ji", a).data_ptr() == a.data_ptr()
    square = torch.zeros(2, 2)
    torch.einsum("ii->i", square).fill_(1)
    assert square.tolist() == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    "equation, shapes", [("ij,jk->ik", [(2, 3), (3, 2)]), ("bi,ij,bj->b", [(2, 3), (3, 2), (2, 2)])]
)
def test_einsum_gradients(equation, shapes):
    operands = [torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    assert torch.autograd.gradcheck(lambda *tensors: torch.einsum(equation, *tensors), operands)


@pytest.mark.parametrize(
    "error, message, equation, shapes",
    [
        (RuntimeError, "fewer operands", "ij,jk->ik", [(2, 3)]),
        (RuntimeError, "more operands", "ij->ij", [(2, 3), (3, 4)]),
        (RuntimeError, r"number of subscripts.*\(3\).*dimensions \(2\)", "ijk->i", [(2, 3)]),
        (RuntimeError, r"number of subscripts.*\(3\).*dimensions \(2\)", "ijk...->i", [(2, 3)]),
        (RuntimeError, r"number of subscripts.*\(1\).*dimensions \(2\)", "i->i", [(2, 3)]),
        (RuntimeError, "does not broadcast", "ij,ik->jk", [(2, 3), (3, 4)]),
        (RuntimeError, "output subscript l does not appear", "ij->il", [(2, 3)]),
        (RuntimeError, "output subscript i appears more than once", "ij->ii", [(2, 3)]),
        (RuntimeError, "sizes don't match", "ii->i", [(2, 3)]),
        (RuntimeError, "subscript", "i1->i", [(2, 3)]),
        (RuntimeError, "subscript", "ij->i,", [(2, 3)]),
        (RuntimeError, "subscript", "i>j", [(2, 3)]),
        (RuntimeError, "ellipsis", "ij..", [(2, 3)]),
        (RuntimeError, "ellipsis", "i......j", [(2, 3)]),
        (ValueError, "operand", "i", []),
        (TypeError, "must be str", 3, [(2,)]),
    ],
)
def test_einsum_errors(error, message, equation, shapes):
    with pytest.raises(error, match=message):
        torch.einsum(equation, *[torch.ones(shape) for shape in shapes])


def test_einsum_argument_types():
    with pytest.raises(ValueError, match=r"0, 52"):
        torch.einsum(torch.ones(2), [52])
    with pytest.raises(TypeError):
        torch.einsum("i", 3)


# ---------------------------------------------------------------- tensordot


@pytest.mark.parametrize(
    "a, b, dims",
    [
        ((2, 3), (3, 4), 1),
        ((2, 3), (3, 4), 0),
        ((2, 3, 4), (3, 4, 5), 2),
        ((2, 3), (2, 3), 2),
        ((2, 3, 4), (4, 5, 2), ([0, 2], [2, 0])),
        ((2, 3), (4, 3), ([-1], [-1])),
        ((2, 3), (4,), ([], [])),
        ((0, 3), (3, 4), 1),
        ((2, 0), (0, 4), 1),
    ],
)
def test_tensordot(a, b, dims):
    first, second = numbers(*a), numbers(*b)
    assert_same(torch.tensordot(tensor(first), tensor(second), dims=dims), np.tensordot(first, second, dims))


def test_tensordot_forms():
    a, b = numbers(2, 3), numbers(3, 4)
    assert_same(torch.tensordot(tensor(a), tensor(b), dims=torch.tensor([[1], [0]])), a @ b)
    assert_same(torch.tensordot(tensor(a[:, :1]), tensor(b), dims=([1], [0])), a[:, :1] * b.sum(0))
    out = torch.empty(0, dtype=torch.float64)
    assert torch.tensordot(tensor(a), tensor(b), 1, out=out) is out
    assert_same(out, a @ b)


def test_tensordot_errors():
    a, b = torch.ones(2, 3), torch.ones(3, 4)
    with pytest.raises(RuntimeError, match="dims >= 0"):
        torch.tensordot(a, b, -1)
    with pytest.raises(RuntimeError, match="got dims=3"):
        torch.tensordot(a, b, 3)
    with pytest.raises(RuntimeError, match="first has size 2 in dim 0 and second has size 3 in dim 0"):
        torch.tensordot(a, b, ([0], [0]))
    with pytest.raises(RuntimeError, match="same length"):
        torch.tensordot(a, b, ([0, 1], [0]))
    with pytest.raises(RuntimeError, match="multiple times"):
        torch.tensordot(a, b, ([1, 1], [0, 0]))
    with pytest.raises(IndexError, match="got 5"):
        torch.tensordot(a, b, ([5], [0]))
    with pytest.raises(RuntimeError, match="same dtype"):
        torch.tensordot(a, b.double(), 1)
    with pytest.raises(RuntimeError, match=r"got dims=1\.0"):
        torch.tensordot(a, b, 1.0)


# ---------------------------------------------------------------- norm


@pytest.mark.parametrize("p", [2, 1, 0, 3, -1, 2.5, math.inf, -math.inf])
@pytest.mark.parametrize("dim", [None, 0, -1, [0], (0, 1)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_norm_of_numbers(p, dim, keepdim):
    array = numbers(3, 4) + 0.5
    magnitudes = np.abs(array)
    axes = (0, 1) if dim is None else tuple(dim) if isinstance(dim, (list, tuple)) else (dim,)
    if math.isinf(p):
        expected = (magnitudes.max if p > 0 else magnitudes.min)(axes, keepdims=keepdim)
    elif p == 0:
        expected = (magnitudes != 0).sum(axes, keepdims=keepdim)
    else:
        expected = (magnitudes**p).sum(axes, keepdims=keepdim) ** (1 / p)
    for result in (torch.norm(tensor(array), p, dim, keepdim), tensor(array).norm(p, dim, keepdim)):
        assert tuple(result.shape) == np.shape(expected)
        np.testing.assert_allclose(np.array(result.tolist()), expected)


def test_norm_fro_and_dtypes():
    x = torch.tensor([[3.0, 4.0], [0.0, 12.0]])
    assert torch.norm(x).item() == 13.0
    assert torch.norm(x, "fro", dim=(0, 1), keepdim=True).tolist() == [[13.0]]
    assert torch.norm(x, "fro", dim=1).tolist() == [5.0, 12.0]
    assert torch.norm(x, None).item() == 13.0 and torch.norm(x, dim=()).item() == 13.0
    assert torch.norm(x, dtype=torch.float64).dtype == torch.float64
    assert torch.norm(x, keepdim=True).tolist() == [[13.0]]
    out = torch.empty(0)
    assert torch.norm(x, 1, 0, out=out) is out and out.tolist() == [3.0, 16.0]


def test_norm_nuclear():
    x = torch.tensor([[3.0, 0.0], [0.0, -4.0], [0.0, 0.0]], dtype=torch.float64)
    if not hasattr(getattr(torch, "linalg", None), "svdvals"):
        pytest.skip("linalg.svdvals is not there")
    assert torch.norm(x, "nuc").item() == pytest.approx(7.0)
    stack = torch.stack([x, 2 * x], 1)
    assert torch.norm(stack, "nuc", dim=(0, 2)).tolist() == pytest.approx([7.0, 14.0])
    assert torch.norm(stack, "nuc", dim=(0, 2), keepdim=True).shape == (1, 2, 1)
    with pytest.raises(RuntimeError):
        torch.norm(x, "nuc", dim=0)


def test_norm_errors():
    x = torch.ones(2, 2, 2)
    with pytest.raises(RuntimeError, match="inf"):
        torch.norm(x, "inf")
    with pytest.raises(RuntimeError, match="floating point"):
        torch.norm(torch.arange(3))
    with pytest.raises(RuntimeError):
        torch.norm(x, "fro", dim=(0, 1, 2))
    with pytest.raises(IndexError):
        torch.norm(x, dim=5)


# ---------------------------------------------------------------- grids and combinations


@pytest.mark.parametrize("indexing", ["ij", "xy"])
@pytest.mark.parametrize("sizes", [(2,), (2, 3), (2, 3, 4), (0, 2)])
def test_meshgrid(indexing, sizes):
    axes = [numbers(size) for size in sizes]
    expected = np.meshgrid(*axes, indexing=indexing)
    for result in (
        torch.meshgrid(*map(tensor, axes), indexing=indexing),
        torch.meshgrid(list(map(tensor, axes)), indexing=indexing),
    ):
        assert isinstance(result, tuple)
        for grid, reference in zip(result, expected, strict=True):
            assert_same(grid, reference)


def test_meshgrid_details():
    x = torch.arange(3)
    grid, _ = torch.meshgrid(x, torch.tensor(5), indexing="ij")
    assert grid.shape == (3, 1)
    grids = torch.meshgrid(x, torch.arange(4), indexing="ij")
    assert grids[0].data_ptr() == x.data_ptr() and grids[0].stride() == (1, 0)
    with pytest.raises(RuntimeError, match="0D or 1D"):
        torch.meshgrid(torch.ones(2, 2), indexing="ij")
    with pytest.raises(RuntimeError, match="same dtype"):
        torch.meshgrid(torch.ones(2), x, indexing="ij")
    with pytest.raises(RuntimeError, match="indexing must be one of"):
        torch.meshgrid(x, x, indexing="ji")
    with pytest.raises(RuntimeError, match="non-empty"):
        torch.meshgrid(indexing="ij")
    with pytest.raises(TypeError, match="expected Tensor"):
        torch.meshgrid(3, indexing="ij")


def test_cartesian_prod():
    a, b, c = [1, 2], [3, 4, 5], [6]
    result = torch.cartesian_prod(torch.tensor(a), torch.tensor(b), torch.tensor(c))
    assert result.tolist() == [list(row) for row in itertools.product(a, b, c)]
    assert torch.cartesian_prod(torch.tensor(a)).tolist() == a
    with pytest.raises(RuntimeError, match="1D"):
        torch.cartesian_prod(torch.ones(2, 2))


@pytest.mark.parametrize("r", [1, 2, 3, 5])
@pytest.mark.parametrize("with_replacement", [False, True])
def test_combinations(r, with_replacement):
    values = [5, 3, 8, 1]
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    result = torch.combinations(torch.tensor(values), r, with_replacement)
    expected = [list(row) for row in choose(values, r)]
    assert result.shape == (len(expected), r) and result.tolist() == expected


def test_combinations_corners():
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    torch.combinations(x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]
    assert torch.combinations(torch.arange(3), 0).shape == (0,)
    assert torch.combinations(torch.tensor([])).shape == (0, 2)
    with pytest.raises(RuntimeError, match="non-negative"):
        torch.combinations(torch.arange(3), -1)
    with pytest.raises(RuntimeError, match="1D"):
        torch.combinations(torch.ones(2, 2))


def test_block_diag():
    result = torch.block_diag(torch.tensor(1), torch.tensor([2.5, 3.0]), torch.tensor([[4], [5]]))
    assert result.tolist() == [[1, 0, 0, 0], [0, 2.5, 3.0, 0], [0, 0, 0, 4], [0, 0, 0, 5]]
    assert result.dtype == torch.float32
    assert torch.block_diag().shape == (1, 0)
    assert torch.block_diag(torch.ones(0, 2), torch.ones(1, 1)).tolist() == [[0.0, 0.0, 1.0]]
    with pytest.raises(RuntimeError, match="Input 1 has 3 dimensions"):
        torch.block_diag(torch.ones(1), torch.ones(1, 1, 1))
    with pytest.raises(TypeError, match="expected Tensor"):
        torch.block_diag([torch.ones(1)])


# ---------------------------------------------------------------- broadcasting


@pytest.mark.parametrize(
    "shapes",
    [[], [(2,)], [(2,), (3, 1)], [(2,), (3, 1), (1, 1, 1)], [(0,), (1,)], [(5, 1, 4), (3, 1)], [(), (2, 3)]],
)
def test_broadcasting(shapes):
    expected = np.broadcast_shapes(*shapes)
    assert torch.broadcast_shapes(*shapes) == expected
    arrays = [numbers(*shape) for shape in shapes]
    results = torch.broadcast_tensors(*map(tensor, arrays))
    assert isinstance(results, tuple)
    for result, array in zip(results, arrays, strict=True):
        assert_same(result, np.broadcast_to(array, expected))


def test_broadcasting_details():
    assert torch.broadcast_shapes(2, (3, 1)) == (3, 2)
    assert isinstance(torch.broadcast_shapes((2,)), torch.Size)
    x = torch.ones(3)
    assert torch.broadcast_tensors(x, torch.ones(2, 1))[0].data_ptr() == x.data_ptr()
    for shapes in ([(2,), (3,)], [(0,), (2,)], [(2, 3), (4, 1, 2)]):
        with pytest.raises(RuntimeError):
            torch.broadcast_shapes(*shapes)
        with pytest.raises(RuntimeError):
            torch.broadcast_tensors(*[torch.ones(shape) for shape in shapes])
    with pytest.raises(ValueError, match="negative"):
        torch.broadcast_shapes((-1,))
    with pytest.raises(TypeError):
        torch.broadcast_shapes((2.0,))


@pytest.mark.parametrize("ndim", [0, 1, 2, 3, 4])
def test_atleast(ndim):
    array = numbers(*range(2, 2 + ndim))
    for name in ("atleast_1d", "atleast_2d", "atleast_3d"):
        assert_same(getattr(torch, name)(tensor(array)), getattr(np, name)(array))


def test_atleast_of_several():
    x, y = torch.tensor(1), torch.ones(2)
    for results in (torch.atleast_2d(x, y), torch.atleast_2d((x, y))):
        assert isinstance(results, tuple)
        assert [tuple(result.shape) for result in results] == [(1, 1), (1, 2)]
    assert torch.atleast_1d() == ()
    assert torch.atleast_1d(y) is y
    with pytest.raises(TypeError):
        torch.atleast_1d(3)
