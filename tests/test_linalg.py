"""`linalg`: values by NumPy, first and second derivatives by differences, errors, and PyTorch as a peer."""

import math
import pickle

import numpy
import pytest
import tinytensor as torch
from tinytensor import linalg
from tinytensor.autograd import gradcheck, gradgradcheck


def numbers(*shape, seed=0):
    return numpy.random.default_rng(seed).standard_normal(shape)


def tensors(*arrays):
    return tuple(torch.tensor(x).requires_grad_() for x in arrays)


def symmetric(x):
    return (x + x.mT) / 2


def definite(x):
    return x @ x.mT + torch.eye(x.shape[-1], dtype=x.dtype)


A, B, TALL, WIDE = numbers(2, 3, 3), numbers(2, 3, 2, seed=1), numbers(4, 3, seed=2), numbers(3, 4, seed=3)

# The vectors of svd and eigh are unique up to their signs.
GRADIENTS = {
    "inv": (linalg.inv, A),
    "solve": (linalg.solve, A, B),
    "solve a vector": (lambda a, b: linalg.solve(a, b[..., 0]), A, B),
    "solve from the right": (lambda a, b: linalg.solve(a, b.mT, left=False), A, B),
    "solve, broadcast": (linalg.solve, A, numbers(3, 2)),
    "solve_triangular": (lambda a, b: linalg.solve_triangular(a, b, upper=True), A, B),
    "solve_triangular, unit": (
        lambda a, b: linalg.solve_triangular(a, b.mT, upper=False, left=False, unitriangular=True),
        A,
        B,
    ),
    "cholesky": (lambda a: linalg.cholesky(definite(a)), A),
    "cholesky, upper": (lambda a: linalg.cholesky(definite(a), upper=True), A),
    "det": (linalg.det, A),
    "slogdet": (lambda a: linalg.slogdet(a).logabsdet, A),
    "logdet": (lambda a: torch.logdet(definite(a)), A),
    "qr": (linalg.qr, TALL),
    "qr, wide": (linalg.qr, WIDE),
    "qr, complete": (lambda a: linalg.qr(a, "complete"), A),
    "eigh": (lambda a: linalg.eigh(symmetric(a)).eigenvectors.square(), A),
    "eigvalsh": (lambda a: linalg.eigvalsh(symmetric(a)), A),
    "svd": (lambda a: [x.square() for x in linalg.svd(a, full_matrices=False)], TALL),
    "svd, wide": (lambda a: [x.square() for x in linalg.svd(a, full_matrices=False)], WIDE),
    "svdvals": (linalg.svdvals, A),
    "pinv": (linalg.pinv, TALL),
    "pinv, wide": (linalg.pinv, WIDE),
    "lstsq": (lambda a, b: linalg.lstsq(a, b).solution, TALL, numbers(4, 2)),
    "matrix_exp": (linalg.matrix_exp, A),
    "matrix_power": (lambda a: linalg.matrix_power(a, -3), A),
    "multi_dot": (lambda a, b: linalg.multi_dot([a, b, a]), TALL, WIDE),
    "norm": (lambda a: linalg.norm(a, "nuc"), TALL),
    "norm 1": (lambda a: linalg.matrix_norm(a, 1), A),
    "norm 2": (lambda a: linalg.norm(a, 2, dim=(0, 2)), A),
    "vector_norm": (lambda a: linalg.vector_norm(a, 3, dim=1), A),
    "cond": (linalg.cond, A),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name):
    function, *arrays = GRADIENTS[name]

    def flat(*inputs):
        found = function(*inputs)
        return tuple(found) if isinstance(found, (tuple, list)) else found

    assert gradcheck(flat, tensors(*arrays)) and gradgradcheck(flat, tensors(*arrays))


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (2, 0, 4, 4), (2, 5, 3), (0, 0), (3, 5)])
def test_values(shape, dtype):
    x = numbers(*shape).astype(dtype)
    t = torch.tensor(x)
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == numpy.float32 else {"rtol": 1e-10, "atol": 1e-12}

    def same(ours, theirs):
        theirs = numpy.asarray(theirs)
        assert tuple(ours.shape) == theirs.shape and ours.dtype == t.dtype
        numpy.testing.assert_allclose(ours.numpy(), theirs, **close)

    q, r = linalg.qr(t)
    same(q @ r, x)
    u, s, vh = linalg.svd(t, full_matrices=False)
    same(u * s.unsqueeze(-2) @ vh, x)
    same(linalg.svdvals(t), numpy.linalg.svd(x, compute_uv=False))
    assert linalg.svd(t).U.shape[-1] == shape[-2] and linalg.svd(t).Vh.shape[-1] == shape[-1]
    same(linalg.pinv(t), numpy.linalg.pinv(x, rcond=max(shape[-2:], default=1) * numpy.finfo(dtype).eps))
    same(linalg.vector_norm(t, 3, dim=-1), (abs(x) ** 3).sum(-1) ** (1 / 3))
    if shape[-1] != shape[-2]:
        return
    if x.size:
        same(linalg.inv(t), numpy.linalg.inv(x))
    same(linalg.det(t), numpy.linalg.det(x))
    same(linalg.slogdet(t).logabsdet, numpy.linalg.slogdet(x)[1])
    same(linalg.solve(t, t), numpy.linalg.solve(x, x))
    positive = x @ x.swapaxes(-1, -2) + numpy.eye(shape[-1], dtype=dtype)
    same(linalg.cholesky(torch.tensor(positive)), numpy.linalg.cholesky(positive))
    same(linalg.eigvalsh(torch.tensor(positive)), numpy.linalg.eigvalsh(positive))
    same(linalg.matrix_power(t, 3), x @ x @ x)
    same(
        linalg.solve_triangular(torch.tensor(positive), t, upper=False),
        numpy.linalg.solve(numpy.tril(positive), x),
    )


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf])
def test_matrix_norms(order):
    x = numbers(4, 3)
    assert linalg.norm(torch.tensor(x), order).item() == pytest.approx(numpy.linalg.norm(x, order))
    kept = linalg.norm(torch.tensor(x)[None], order, dim=(1, 2), keepdim=True)
    assert kept.shape == (1, 1, 1) and kept.item() == pytest.approx(numpy.linalg.norm(x, order))


def test_vector_norms():
    x = torch.tensor([3.0, 0.0, -4.0])
    found = [linalg.norm(x, order).item() for order in (None, 0, 1, 2, math.inf, -math.inf)]
    assert found == [5, 2, 7, 5, 4, 0]
    assert linalg.norm(torch.ones(2, 2, 2)).item() == pytest.approx(8**0.5)
    assert linalg.vector_norm(torch.ones(3), dtype=torch.float64).dtype == torch.float64
    assert linalg.vector_norm(torch.zeros(0)).item() == 0


def _powers_over_factorials(x):
    found = term = numpy.eye(x.shape[-1]) + 0 * x
    for k in range(1, 60):
        term = term @ x / k
        found = found + term
    return found


@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (2, 4, 4), (0, 0), (0, 3, 3), (3, 0, 0)])
def test_matrix_exp(shape):
    x = 2 * numbers(*shape)
    expected = _powers_over_factorials(x)
    for dtype, rounding in ((torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 5e-2)):
        found = torch.matrix_exp(torch.tensor(x).to(dtype))
        assert found.dtype == dtype and tuple(found.shape) == shape
        scale = abs(expected).max(initial=1)
        numpy.testing.assert_allclose(found.double().numpy() / scale, expected / scale, atol=rounding)


def test_matrix_exp_takes_each_matrix_of_a_batch_by_itself():
    turn = math.pi / 2 * torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    batch = torch.stack(
        [turn, 1001 * 4 * turn, 0 * turn, turn * math.nan, 1e3 * torch.eye(2, dtype=torch.float64)]
    )
    found = batch.matrix_exp()
    assert torch.allclose(found[0], torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64))
    assert torch.allclose(found[1], torch.eye(2, dtype=torch.float64), atol=1e-9)
    assert torch.equal(found[2], torch.eye(2, dtype=torch.float64)) and found[3].isnan().all()
    assert found[4].diagonal().tolist() == [math.inf, math.inf]
    for bad in (torch.ones(3), torch.ones(2, 3), torch.ones(2, 2, dtype=torch.int64)):
        with pytest.raises(RuntimeError, match="linalg.matrix_exp"):
            torch.matrix_exp(bad)


def test_older_names():
    x = torch.tensor([[4.0, 2], [2, 3]])
    assert torch.det(x).item() == pytest.approx(8) and x.det() == torch.det(x)
    assert torch.logdet(x).item() == pytest.approx(math.log(8)) and math.isnan((-torch.eye(1)).logdet())
    assert torch.allclose(x.inverse() @ x, torch.eye(2)) and torch.allclose(torch.inverse(x), x.inverse())
    assert torch.allclose(torch.cholesky(x, upper=True), x.cholesky().mT)
    u, s, v = torch.svd(torch.tensor(TALL))
    assert u.shape == (4, 3) and torch.allclose(u @ torch.diag(s) @ v.mT, torch.tensor(TALL))
    assert torch.tensor(TALL).svd(some=False).U.shape == (4, 4)
    assert torch.svd(torch.tensor(TALL), compute_uv=False).U.abs().sum() == 0
    assert torch.qr(torch.tensor(TALL), some=False).Q.shape == (4, 4) and x.slogdet().sign == 1
    assert torch.allclose(torch.pinverse(x), x.inverse())


def test_rank_and_least_squares():
    x = torch.tensor([[1.0, 2], [2, 4], [3, 6]])
    assert linalg.matrix_rank(x).item() == 1 and linalg.matrix_rank(torch.zeros(2, 3, 3)).tolist() == [0, 0]
    assert linalg.matrix_rank(torch.diag(torch.tensor([1.0, 0.1])), atol=0.2).item() == 1
    assert linalg.lstsq(torch.tensor(TALL), torch.tensor(numbers(4, 2))).residuals.numel() == 0
    found = linalg.lstsq(torch.tensor(TALL), torch.tensor(numbers(4, 2)), driver="gelsd")
    solution, residuals, rank, _ = numpy.linalg.lstsq(TALL, numbers(4, 2), rcond=None)
    assert numpy.allclose(found.solution.numpy(), solution) and numpy.allclose(
        found.residuals.numpy(), residuals
    )
    assert found.rank.item() == rank and found.singular_values.numel() == 3


def test_det_of_singular_matrices_has_a_gradient():
    (x,) = tensors(numpy.array([[1.0, 2], [2, 4]]))
    linalg.det(x).backward()
    assert numpy.allclose(x.grad.numpy(), [[4, -2], [-2, 1]])


def test_failures_are_told():
    info = linalg.cholesky_ex(torch.stack([torch.eye(2), -torch.eye(2)])).info
    assert info.tolist() == [0, 1] and info.dtype == torch.int32
    assert linalg.inv_ex(torch.zeros(2, 2)).info.item() > 0 and linalg.inv_ex(torch.eye(2)).info.item() == 0


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: linalg.inv(torch.zeros(2, 2)),
            linalg.LinAlgError,
            "linalg.inv: The diagonal element 1 is zero",
        ),
        (
            lambda: linalg.inv(torch.tensor([[[1.0, 0], [0, 1]], [[1, 2], [2, 4]]])),
            linalg.LinAlgError,
            r"\(Batch element 1\): The diagonal element 2 is zero",
        ),
        (lambda: linalg.solve(torch.zeros(2, 2), torch.ones(2)), linalg.LinAlgError, "singular"),
        (
            lambda: linalg.cholesky(-torch.eye(2)),
            linalg.LinAlgError,
            "leading minor of order 1 is not positive",
        ),
        (
            lambda: linalg.cholesky(-torch.eye(2).expand(3, 2, 2)),
            linalg.LinAlgError,
            r"\(Batch element 0\): The factorization could not be completed",
        ),
        (
            lambda: linalg.inv(torch.ones(2, 3)),
            RuntimeError,
            "batches of square matrices, but they are 2 by 3",
        ),
        (lambda: linalg.inv(torch.ones(2, 2).long()), RuntimeError, "floating point or complex .* Got Long"),
        (
            lambda: linalg.inv(torch.ones(2, 2).half()),
            RuntimeError,
            "Low precision dtypes not supported. Got Half",
        ),
        (lambda: linalg.det(torch.ones(3)), RuntimeError, "at least 2 dimensions"),
        (lambda: linalg.solve(torch.eye(2), torch.ones(3)), RuntimeError, r"AX = B \(2x2 and 3x1\)"),
        (lambda: linalg.solve(torch.eye(2), torch.eye(2).double()), RuntimeError, "same dtype"),
        (
            lambda: linalg.solve_triangular(torch.eye(2), torch.ones(2), upper=True),
            RuntimeError,
            "B must have",
        ),
        (lambda: linalg.qr(torch.eye(2), "x"), RuntimeError, "unrecognized mode 'x'"),
        (lambda: linalg.eigh(torch.eye(2), UPLO="X"), RuntimeError, "Expected UPLO argument"),
        (lambda: linalg.svd(torch.eye(2), driver="gesvd"), RuntimeError, "driver"),
        (lambda: linalg.norm(torch.ones(2, 2, 2), 2), RuntimeError, "must be 1D or 2D. Got 3D"),
        (lambda: linalg.norm(torch.ones(2, 2), 1.5), RuntimeError, "Order 1.5 not supported"),
        (lambda: linalg.norm(torch.ones(3).long()), RuntimeError, "Got Long"),
        (lambda: linalg.vector_norm(torch.ones(2), ord="x"), TypeError, "must be Number, not str"),
        (lambda: linalg.vector_norm(torch.zeros(0), math.inf), RuntimeError, "cannot compute the inf norm"),
        (lambda: linalg.multi_dot([torch.eye(2)]), RuntimeError, "at least 2 tensors but got 1"),
        (lambda: linalg.lstsq(torch.eye(2), torch.eye(2), driver="x"), RuntimeError, "driver"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_vectors_of_a_full_svd_have_no_derivative():
    (x,) = tensors(TALL)
    u, s, _ = linalg.svd(x)
    s.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="full_matrices=False"):
        u.sum().backward()


def test_results_are_shown_field_by_field():
    found = linalg.svd(torch.eye(2))
    assert repr(found) == f"torch.return_types.linalg_svd(\nU={found.U},\nS={found.S},\nVh={found.Vh})"
    assert repr(torch.svd(torch.eye(2))).startswith("torch.return_types.svd(\nU=tensor(")
    assert pickle.loads(pickle.dumps(found)).S.tolist() == [1.0, 1.0]


def test_against_pytorch():
    other = pytest.importorskip("torch")
    for name, keywords, x in (
        ("svd", {"full_matrices": False}, WIDE),
        ("qr", {}, WIDE),
        ("eigh", {}, A + A.swapaxes(-1, -2)),
        ("slogdet", {}, A),
        ("lstsq", {"B": numbers(4, 2)}, TALL),
    ):
        results = []
        for library in (torch, other):
            given = {k: library.tensor(v) if isinstance(v, numpy.ndarray) else v for k, v in keywords.items()}
            results.append(getattr(library.linalg, name)(library.tensor(x), *given.values()))
        for ours, theirs in zip(*results):
            numpy.testing.assert_allclose(abs(ours.numpy()), abs(theirs.numpy()), rtol=1e-8, atol=1e-10)
        names = [
            field
            for field in dir(results[1])
            if not field.startswith("_") and field not in ("count", "index")
        ]
        assert {*results[0]._fields} <= {*names}
