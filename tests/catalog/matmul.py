"""Products of vectors, matrices and batches."""

import functools

import numpy as np

from .row import FLOATS, NUMBERS, OUT_RECORDS, STRIDES_FAIL, WIDE_FLOATS, E, Op, S


def plus_product(bias, product, beta, alpha):
    """beta * bias + alpha * product, where beta = 0 ignores even NaN in the bias."""
    kept = 0 if beta == 0 else beta * bias
    return (kept + alpha * product).astype(product.dtype)


def addmm(bias, a, b, *, beta=1, alpha=1):
    return plus_product(bias, a @ b, beta, alpha)


def addbmm(bias, a, b, *, beta=1, alpha=1):
    return plus_product(bias, (a @ b).sum(0, dtype=a.dtype), beta, alpha)


def tensordot(a, b, dims=2):
    return np.tensordot(a, b, dims)


def cross(a, b, dim=-1):
    a, b = np.broadcast_arrays(a, b)
    first, second, third = (lambda v, k=k: np.take(v, k, axis=dim) for k in range(3))
    parts = [
        second(a) * third(b) - third(a) * second(b),
        third(a) * first(b) - first(a) * third(b),
        first(a) * second(b) - second(a) * first(b),
    ]
    return np.stack(parts, axis=dim)


def cdist(a, b, p=2.0):
    gaps = np.abs(a[..., :, None, :] - b[..., None, :, :])
    return gaps.max(-1) if p == np.inf else (gaps**p).sum(-1) ** (1 / p)


def kron(a, b):
    return np.kron(a, b)


MATMUL_SHAPES = [
    ((4,), (4,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((2, 2, 3), (3, 4)),
    ((2, 2, 3), (2, 3, 2)),
    ((2, 1, 2, 3), (2, 3, 2)),
    ((3,), (2, 3, 2)),
    ((2, 2, 3), (3,)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((1, 3), (3, 1)),
    ((17, 33), (33, 9)),
    ((3, 1), (1, 2)),
    ((2, 1, 3), (1, 3, 2)),
]


def products(t):
    return [S(t(*a), t(*b)) for a, b in MATMUL_SHAPES]


EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 2)),
    ("ij->ji", (2, 3)),
    ("ii->i", (3, 3)),
    ("i,j->ij", (2,), (3,)),
    ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
    ("...ij,...jk->...ik", (2, 2, 3), (2, 3, 2)),
    ("i,i->", (4,), (4,)),
    ("bhid,bhjd->bhij", (1, 2, 2, 3), (1, 2, 3, 3)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    ("ij,j->i", (2, 3), (3,)),
    ("i,ij,j->", (2,), (2, 3), (3,)),
    ("bi,bj->bij", (2, 2), (2, 3)),
    ("ba,cb", (2, 3), (2, 2)),
    ("bn,anm,bm->ba", (2, 3), (2, 3, 2), (2, 2)),
    ("ij,kl->ijkl", (1, 2), (2, 2)),
]

SUMS = [("ii", (3, 3)), ("ij->", (2, 3)), ("...i->...", (2, 2, 3))]


def mismatch(*shapes):
    """A bad call whose message names the two inner sizes."""
    return lambda t: [E(RuntimeError, "3.*4", *(t(*shape) for shape in shapes))]


def scaled(*shapes):
    """Plain, and with the factors beta and alpha (whole numbers for integers)."""

    def samples(t):
        factors = {"beta": 0.5, "alpha": 2.5} if t.floating else {"beta": 2, "alpha": 3}
        return [
            S(*(t(*shape) for shape in shapes)),
            S(*(t(*shape) for shape in shapes), **factors),
            S(*(t(*shape) for shape in shapes), beta=0),
        ]

    return samples


OPS = [
    Op(
        "matmul",
        np.matmul,
        products,
        NUMBERS,
        forms="fmo",
        order=2,
        tags=frozenset({"peer: out strides"}),
        operator="matmul",
        tolerance=8,
        rejects=("bool",),
        bad=lambda t: [
            E(RuntimeError, "3.*4", t(2, 3), t(4, 5)),
            E(RuntimeError, "3.*4", t(3), t(4)),
            E(RuntimeError, "2.*3", t(2, 2, 2), t(3, 2, 2)),
            E(RuntimeError, "0|dim", t(), t(3)),
            E(RuntimeError, "float|int|type", t(2, 2), t.index([[1, 2], [3, 4]])),
        ],
        large=lambda t: [
            S(t(130, 71), t(71, 95)),
            S(t(3, 65, 40), t(3, 40, 70)),
            S(t(257, 300), t(300)),
            S(t(1, 500), t(500, 33)),
        ],
    ),
    Op(
        "mm",
        np.matmul,
        lambda t: [S(t(2, 3), t(3, 4)), S(t(0, 3), t(3, 2)), S(t(2, 0), t(0, 3)), S(t(9, 20), t(20, 18))],
        NUMBERS,
        forms="fmo",
        order=2,
        tolerance=8,
        bad=lambda t: [E(RuntimeError, "3.*4", t(2, 3), t(4, 5)), E(RuntimeError, "2|matri", t(3), t(3, 2))],
    ),
    Op(
        "bmm",
        np.matmul,
        lambda t: [
            S(t(2, 2, 3), t(2, 3, 2)),
            S(t(0, 2, 3), t(0, 3, 2)),
            S(t(2, 2, 0), t(2, 0, 2)),
            S(t(3, 7, 9), t(3, 9, 5)),
        ],
        NUMBERS,
        forms="fmo",
        order=2,
        tolerance=8,
        bad=lambda t: [
            E(RuntimeError, "3.*4", t(2, 2, 3), t(2, 4, 2)),
            E(RuntimeError, "3|dim", t(2, 3), t(2, 3, 2)),
        ],
    ),
    Op(
        "mv",
        np.matmul,
        lambda t: [S(t(2, 3), t(3)), S(t(17, 20), t(20)), S(t(0, 3), t(3)), S(t(2, 0), t(0))],
        NUMBERS,
        forms="fmo",
        order=2,
        tolerance=8,
        bad=mismatch((2, 3), (4,)),
    ),
    Op(
        "dot",
        np.dot,
        lambda t: [S(t(4), t(4)), S(t(0), t(0)), S(t(67), t(67))],
        NUMBERS,
        forms="fmo",
        order=2,
        tolerance=8,
        bad=lambda t: [E(RuntimeError, "3.*4", t(3), t(4)), E(RuntimeError, "1|dim", t(2, 2), t(2))],
        large=lambda t: [S(t(70_003), t(70_003))],
    ),
    Op("vdot", np.dot, lambda t: [S(t(4), t(4))], NUMBERS, order=2, tolerance=8, forms="fmo"),
    Op(
        "inner",
        np.inner,
        lambda t: [S(t(4), t(4)), S(t(2, 3), t(3)), S(t(2, 3), t(4, 3)), S(t(), t(3))],
        FLOATS,
        forms="fmo",
        order=2,
        tolerance=8,
        tags=OUT_RECORDS,
        bad=mismatch((2, 3), (2, 4)),
    ),
    Op(
        "outer",
        np.outer,
        lambda t: [S(t(3), t(2)), S(t(0), t(2)), S(t(17), t(20))],
        NUMBERS,
        forms="fmo",
        order=2,
        aliases=("ger",),
        bad=lambda t: [E(RuntimeError, "1|dim", t(2, 2), t(2))],
        large=lambda t: [S(t(257), t(301))],
    ),
    Op(
        "addmm",
        addmm,
        scaled((2, 4), (2, 3), (3, 4)),
        NUMBERS,
        forms="fmio",
        order=2,
        tolerance=8,
        bad=mismatch((2, 2), (2, 3), (4, 2)),
        large=lambda t: [S(t(95), t(130, 71), t(71, 95))],
    ),
    Op(
        "addmm",
        addmm,
        lambda t: [
            S(t(4), t(2, 3), t(3, 4)),
            S(t(1, 4), t(2, 3), t(3, 4)),
            S(t(), t(2, 3), t(3, 4)),
            S(t(2, 2), t(2, 0), t(0, 2)),
        ],
        FLOATS,
        forms="fmo",
        order=2,
        tolerance=8,
        label="addmm",
    ),
    Op(
        "addmv",
        lambda x, a, v, *, beta=1, alpha=1: plus_product(x, a @ v, beta, alpha),
        scaled((2,), (2, 3), (3,)),
        NUMBERS,
        forms="fmio",
        order=2,
        tolerance=8,
        bad=mismatch((2,), (2, 3), (4,)),
    ),
    Op(
        "addr",
        lambda x, a, b, *, beta=1, alpha=1: plus_product(x, np.outer(a, b), beta, alpha),
        scaled((2, 3), (2,), (3,)),
        NUMBERS,
        forms="fmio",
        order=2,
        tolerance=4,
    ),
    Op("addbmm", addbmm, scaled((2, 2), (2, 2, 3), (2, 3, 2)), NUMBERS, forms="fmio", order=2, tolerance=8),
    Op(
        "baddbmm",
        addmm,
        scaled((2, 2, 2), (2, 2, 2), (2, 2, 2)),
        NUMBERS,
        forms="fmio",
        order=2,
        tolerance=8,
        bad=mismatch((2, 2, 2), (2, 2, 3), (2, 4, 2)),
    ),
    Op(
        "einsum",
        lambda equation, *operands: np.einsum(equation, *operands),
        lambda t: [
            *(S(equation, *(t(*shape) for shape in shapes)) for equation, *shapes in EQUATIONS),
            *(S(equation, t(*shape)).giving("sum") for equation, shape in SUMS),
        ],
        NUMBERS,
        forms="f",
        order=2,
        tolerance=8,
        bad=lambda t: [
            E(RuntimeError, "i|3", "ij,ij->ij", t(2, 3), t(2, 4)),
            E(RuntimeError, "k", "ij->ik", t(2, 3)),
            E(RuntimeError, "2|number", "ij,jk->ik", t(2, 3)),
            E(RuntimeError, "2|dim|sub", "ijk->i", t(2, 3)),
        ],
    ),
    Op(
        "tensordot",
        tensordot,
        lambda t: [
            S(t(2, 3), t(2, 3)),
            S(t(2, 3), t(3, 2), dims=1),
            S(t(2, 3), t(3, 2), dims=([1, 0], [0, 1])),
            S(t(2), t(3), dims=0),
            S(t(2, 3, 2), t(2, 3), dims=([0, 1], [0, 1])),
        ],
        FLOATS,
        forms="f",
        order=2,
        tolerance=8,
        bad=lambda t: [E(RuntimeError, "3.*4", t(2, 3), t(4, 2), dims=1)],
    ),
    Op(
        "kron",
        kron,
        lambda t: [S(t(2, 2), t(1, 3)), S(t(2), t(3)), S(t(2), t(2, 2))],
        NUMBERS,
        forms="fmo",
        order=2,
        tags=STRIDES_FAIL,
    ),
    Op(
        "cross",
        cross,
        lambda t: [S(t(2, 3), t(2, 3), dim=1), S(t(3, 2), t(3, 2), dim=0), S(t(2, 3), t(1, 3), dim=-1)],
        NUMBERS,
        order=2,
        tolerance=4,
        bad=lambda t: [E(RuntimeError, "2|3", t(2, 2), t(2, 2), dim=1)],
        forms="fmo",
    ),
    Op(
        "chain_matmul",
        lambda *m: functools.reduce(np.matmul, m),
        lambda t: [S(t(2, 3), t(3, 4), t(4, 2))],
        WIDE_FLOATS,
        forms="f",
        order=2,
        tolerance=8,
    ),
    Op(
        "cdist",
        cdist,
        lambda t: [
            S(t(2, 3), t(4, 3)),
            S(t(2, 2, 3), t(2, 1, 3)),
            S(t(2, 3), t(2, 3), p=1.0),
            S(t(2, 3), t(2, 3), p=float("inf")),
        ],
        WIDE_FLOATS,
        forms="f",
        order=1,
        tolerance=30,
        bad=mismatch((2, 3), (2, 4)),
    ),
]
