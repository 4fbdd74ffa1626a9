"""Order: sorting, selection, searching, counting, sets."""

import numpy as np

from .row import ALL, INTEGERS, NUMBERS, WIDE_FLOATS, E, Op, Operand, S


def order_of(x, dim, descending):
    """Stable positions in sorted order, NaN counted as the largest value."""
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    size = x.shape[dim]
    return size - 1 - np.flip(np.argsort(np.flip(x, dim), axis=dim, kind="stable"), dim)


def sort(x, dim=-1, descending=False, stable=False):
    if x.ndim == 0:
        return x, np.asarray(0)
    at = order_of(x, dim, descending)
    return np.take_along_axis(x, at, dim), at


def topk(x, k, dim=-1, largest=True, sorted=True):
    if x.ndim == 0:
        return x, np.asarray(0)
    values, at = sort(x, dim, descending=largest)
    first = tuple(slice(k) if d == dim % x.ndim else slice(None) for d in range(x.ndim))
    return values[first], at[first]


def unique(x, sorted=True, return_inverse=False, return_counts=False, dim=None):
    found = np.unique(x, return_inverse=True, return_counts=True, axis=dim)
    values, inverse, counts = found
    if dim is None:
        inverse = inverse.reshape(x.shape)
    chosen = (
        values,
        *([inverse.reshape(-1) if dim is not None else inverse] if return_inverse else []),
        *([counts] if return_counts else []),
    )
    return chosen if len(chosen) > 1 else values


def unique_consecutive(x, return_inverse=False, return_counts=False):
    flat = x.reshape(-1)
    starts = np.concatenate([[True], flat[1:] != flat[:-1]]) if flat.size else np.zeros(0, bool)
    inverse = (np.cumsum(starts) - 1).reshape(x.shape)
    counts = np.diff(np.append(np.flatnonzero(starts), flat.size))
    chosen = (flat[starts], *([inverse] if return_inverse else []), *([counts] if return_counts else []))
    return chosen if len(chosen) > 1 else chosen[0]


def searchsorted(sequence, values, *, right=False, side=None):
    side = side or ("right" if right else "left")
    if sequence.ndim == 1:
        return np.searchsorted(sequence, values, side)
    rows = [np.searchsorted(s, v, side) for s, v in zip(sequence, values, strict=True)]
    return np.stack(rows)


def histc(x, bins=100, min=0, max=0):
    limits = (x.min(), x.max()) if min == max == 0 else (min, max)
    return np.histogram(x, bins, limits)[0].astype(float)


def isin(elements, test_elements, *, assume_unique=False, invert=False):
    return np.isin(elements, test_elements, invert=invert)


def ties(t):
    """Small values with ties: only a stable order is determined."""
    small = (0, 3)
    return [
        S(t(6, domain=small), stable=True),
        S(t(4, 6, domain=small), dim=1, stable=True),
        S(t(6, 4, domain=small), dim=0, descending=True, stable=True),
        S(t(2, 0), dim=1, stable=True),
        S(t(), stable=True),
    ]


def distinct(t):
    return (
        []
        if t.dtype == "bool"
        else [
            S(t.distinct(5)),
            S(t.distinct(2, 3), 0),
            S(t.distinct(2, 3), -1, True),
            S(t.distinct(3, 35), dim=1),
            S(t.distinct()),
            S(t.distinct(2, 3, 2), dim=1, descending=True),
        ]
    )


def sets(t):
    small = (0, 4)
    repeated = t.of([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    pair, triple = ("same", "int64"), ("same", "int64", "int64")
    return [
        S(t(12, domain=small)),
        S(t(3, 4, domain=small)),
        S(t(0)),
        S(t(9, domain=small), return_inverse=True).giving(pair),
        S(t(3, 4, domain=small), return_inverse=True, return_counts=True).giving(triple),
        S(repeated, dim=0),
        S(t(9, domain=small), return_counts=True).giving(pair),
        S(repeated, return_inverse=True, dim=1).giving(pair),
    ]


def runs(t):
    x = t.of([1, 1, 0, 0, 0, 1, 1, 0])
    pair, triple = ("same", "int64"), ("same", "int64", "int64")
    return [
        S(x),
        S(x, return_inverse=True).giving(pair),
        S(x, return_counts=True).giving(pair),
        S(t.of([[1, 1], [1, 0]]), return_inverse=True, return_counts=True).giving(triple),
    ]


def nan_rows(t):
    nan, inf = float("nan"), float("inf")
    rows = t.of([[3, nan, -inf, inf, 1], [nan, 2, inf, 0, -inf]])
    return [S(rows, 1), S(rows, 1, True)]


def sequences(t):
    line = t.of([0, 1, 1, 2, 3, 5] if t.dtype == "uint8" else [-2, -1, 0, 1, 1, 3]).constant()
    rows = t.of([[0, 1, 2, 5], [1, 1, 3, 4]]).constant()
    return [
        S(line, t(2, 3)),
        S(line, t(4), right=True),
        S(line, t.of([1, 1]), side="right"),
        S(rows, t(2, 3)),
        S(line, t()),
    ]


def buckets(t):
    line = t.of([0, 1, 1, 2, 3]).constant()
    return [S(t(2, 3), line), S(t.of([0, 1, 3]), line), S(t.of([0, 1, 3]), line, right=True), S(t(), line)]


PAIR = ("same", "int64")

OPS = [
    Op(
        "sort",
        sort,
        lambda t: [*distinct(t), *(s.fixed() for s in ties(t))],
        ALL,
        result=PAIR,
        order=2,
        nonfinite=nan_rows,
        bad=lambda t: [E(IndexError, "2", t(2, 3), 2)],
        call=lambda torch, x, *a, **k: torch.sort(x, *a, **k),
        forms="fmo",
        large=lambda t: [S(t.distinct(30_001)), S(t.distinct(41, 501), 1, True), S(t.distinct(501, 41), 0)],
    ),
    Op(
        "argsort",
        lambda *a, **k: sort(*a, **k)[1],
        lambda t: [*distinct(t), *ties(t)],
        ALL,
        result="int64",
        nonfinite=nan_rows,
        bad=lambda t: [E(IndexError, "2", t(2, 3), 2)],
        large=lambda t: [S(t(30_001, domain=(0, 9)), stable=True)],
    ),
    Op(
        "msort",
        lambda x: np.sort(x, 0),
        lambda t: [S(t.distinct(5)), S(t.distinct(4, 3))],
        NUMBERS,
        order=2,
        forms="fmo",
    ),
    Op(
        "topk",
        topk,
        lambda t: [
            S(t.distinct(6), 2),
            S(t.distinct(2, 5), 3, 1),
            S(t.distinct(5, 2), 3, 0, False),
            S(t.distinct(4), 4),
            S(t.distinct(3), 0),
            S(t.distinct(3, 35), k=5, dim=-1),
            S(t.distinct(), 1),
        ],
        NUMBERS,
        result=PAIR,
        order=2,
        nonfinite=lambda t: [S(t.of([3, float("nan"), -float("inf"), float("inf")]), 2)],
        bad=lambda t: [
            E(RuntimeError, "6", t(5), 6),
            E(RuntimeError, "-1", t(5), -1),
            E(IndexError, "2", t(2, 3), 1, 2),
        ],
        forms="fmo",
        large=lambda t: [S(t.distinct(30_001), 50), S(t.distinct(41, 501), 20, 1)],
    ),
    Op("unique", unique, sets, ALL, large=lambda t: [S(t(30_001, domain=(-99, 99)))]),
    Op("unique_consecutive", unique_consecutive, runs, ALL),
    Op(
        "searchsorted",
        searchsorted,
        sequences,
        NUMBERS,
        result="int64",
        forms="fo",
        call=None,
        bad=lambda t: [E(RuntimeError, "2.*3", t(2, 4), t(3, 4))],
    ),
    Op(
        "bucketize",
        lambda x, b, *, right=False: np.searchsorted(b, x, "right" if right else "left"),
        buckets,
        NUMBERS,
        result="int64",
        forms="fo",
        bad=lambda t: [E(RuntimeError, "2", t(3), t(2, 2))],
    ),
    Op(
        "isin",
        isin,
        lambda t: [
            S(t(2, 3, domain=(0, 4)), t.of([0, 2])),
            S(t(5, domain=(0, 4)), t.of([1, 3]), invert=True),
            S(t(3), t(0)),
            S(t(4, domain=(0, 2)), 1),
        ],
        NUMBERS,
        result="bool",
        forms="f",
    ),
    Op(
        "histc",
        histc,
        lambda t: [S(t(20), bins=4, min=-2, max=2), S(t(20), 5), S(t(9), bins=3, min=0, max=3)],
        WIDE_FLOATS,
        bad=lambda t: [E(RuntimeError, "-1", t(5), bins=-1)],
        forms="fmo",
    ),
    Op(
        "bincount",
        lambda x, weights=None, minlength=0: np.bincount(x, weights, minlength),
        lambda t: [
            S(t(9, domain=(0, 5))),
            S(t(9, domain=(0, 5)), minlength=8),
            S(t(0)),
            S(t(4, domain=(0, 3)), Operand(np.array([0.5, 1, 2, 4]), "float64", drawn=False)).giving(
                "float64"
            ),
        ],
        INTEGERS,
        result="int64",
        bad=lambda t: [
            E(RuntimeError, "negative|-1", t.index([1, -1])),
            E(RuntimeError, "2|dim", t.index([[1, 1]])),
        ],
        large=lambda t: [S(t(30_001, domain=(0, 99)))],
    ),
]
