"""Reading and writing along a dimension by index tensors: gather, scatter, index_*, put."""

import numpy as np

from .row import ALL, NUMBERS, STRIDES_FAIL, E, Op, S


def along(dim, index):
    return (slice(None),) * dim + (index,)


def positions(dim, index):
    """The NumPy index that addresses, along `dim`, the place index[i, j, ...] of every (i, j, ...)."""
    grid = list(np.indices(index.shape))
    if grid:
        grid[dim] = index
    return tuple(grid)


def gather(x, dim, index):
    return x[positions(dim, index)] if x.ndim else x.reshape(1)[index]


def scatter(x, dim, index, src):
    result = x.copy()
    src = np.asarray(src)
    result[positions(dim, index)] = src[tuple(slice(n) for n in index.shape)] if src.ndim else src
    return result


def scatter_add(x, dim, index, src):
    result = x.copy()
    np.add.at(result, positions(dim, index), src[tuple(slice(n) for n in index.shape)])
    return result


COMBINE = {"sum": np.add, "mean": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}
IDENTITY = {"sum": 0, "mean": 0, "prod": 1, "amax": -np.inf, "amin": np.inf}


def scatter_reduce(x, dim, index, src, reduce, *, include_self=True):
    result, at = x.copy(), positions(dim, index)
    count = np.full(x.shape, int(include_self))
    np.add.at(count, at, 1)
    if not include_self:
        touched = count > 0
        result[touched] = (
            np.clip(IDENTITY[reduce], np.finfo(float).min, np.finfo(float).max)
            if x.dtype.kind == "f"
            else {
                "sum": 0,
                "mean": 0,
                "prod": 1,
                "amax": np.iinfo(x.dtype).min,
                "amin": np.iinfo(x.dtype).max,
            }[reduce]
        )
    COMBINE[reduce].at(result, at, src[tuple(slice(n) for n in index.shape)])
    if reduce == "mean":
        divide = np.true_divide if x.dtype.kind == "f" else np.floor_divide
        result = divide(result, np.maximum(count, 1))
    return result


def index_add(x, dim, index, source, *, alpha=1):
    result = x.copy()
    np.add.at(result, along(dim % x.ndim, index), (alpha * source).astype(x.dtype))
    return result


def index_copy(x, dim, index, source):
    result = x.copy()
    result[along(dim % x.ndim, index)] = source
    return result


def index_put(x, indices, values, accumulate=False):
    result = x.copy()
    if accumulate:
        np.add.at(result, tuple(indices), values)
    else:
        result[tuple(indices)] = values
    return result


def put(x, index, source, accumulate=False):
    result = x.copy().reshape(-1)
    if accumulate:
        np.add.at(result, index, source)
    else:
        result[index] = source
    return result.reshape(x.shape)


def take_along_dim(x, index, dim=None):
    return np.take_along_axis(x, index, axis=dim)


def gathers(t):
    return [
        S(t(3), 0, t.index([2, 0, 0, 1])),
        S(t(3, 2), 0, t.index([[0, 2], [1, 1]])),
        S(t(2, 3), 1, t.index([[0, 2], [1, 1]])),
        S(t(2, 3), -1, t.index([[0], [1]])),
        S(t(2, 3, 2), 1, t.index(np.zeros((2, 1, 2)))),
        S(t(3), 0, t.index(np.zeros((0,)))),
        S(t(), 0, t.index(0)),
    ]


def scatters(t):
    return [
        S(t(3), 0, t.index([2, 0]), t(2)),
        S(t(3, 2), 0, t.index([[0, 2], [1, 0]]), t(2, 2)),
        S(t(2, 3), 1, t.index([[0, 2, 1], [1, 0, 2]]), t(2, 3)),
        S(t(2, 3), 1, t.index([[0], [1]]), t(2, 3)).fixed(),
        S(t(2, 3), -1, t.index([[0], [1]]), t(2, 1)),
        S(t(3), 0, t.index(np.zeros((0,))), t(0)),
    ]


def adding(t):
    repeated = t.index([[0, 0, 2], [1, 1, 1]])
    return [
        *scatters(t),
        S(t(2, 3), 1, repeated, t(2, 3)),
        S(t(2, 3), 0, t.index([[0, 0, 1], [0, 1, 1]]), t(2, 3)),
    ]


def bad_gather(*source):
    return lambda t: [
        E(RuntimeError, "5", t(3), 0, t.index([5]), *(t(*s) for s in source)),
        E(IndexError, "1", t(3), 1, t.index([0]), *(t(*s) for s in source)),
        E(RuntimeError, "2|dim", t(3), 0, t.index([[0]]), *(t(*s) for s in source)),
        E(
            RuntimeError,
            "int64|float|long",
            t(3),
            0,
            t(2) if t.floating else t.mask([True]),
            *(t(*s) for s in source),
        ),
    ]


def reductions(t):
    index = t.index([[0, 0, 2], [1, 1, 1]])
    return [
        S(t(2, 3), 1, index, t(2, 3), how, include_self=kept)
        for how in COMBINE
        for kept in (True, False)
        if t.floating or how != "mean"
    ]


OPS = [
    Op(
        "gather",
        gather,
        gathers,
        ALL,
        forms="fmo",
        order=2,
        bad=bad_gather(),
        large=lambda t: [S(t(301, 257), 1, t.index(t.random.integers(0, 257, (301, 300))))],
    ),
    Op(
        "scatter",
        scatter,
        lambda t: [*scatters(t), S(t(3), 0, t.index([2, 0]), True if t.dtype == "bool" else 2)],
        ALL,
        forms="fmio",
        order=2,
        bad=bad_gather((3,)),
    ),
    Op(
        "scatter_add",
        scatter_add,
        adding,
        ALL,
        forms="fmio",
        order=2,
        bad=bad_gather((3,)),
        large=lambda t: [S(t(301, 257), 0, t.index(t.random.integers(0, 301, (300, 257))), t(300, 257))],
    ),
    Op(
        "scatter_reduce",
        scatter_reduce,
        reductions,
        NUMBERS,
        forms="fmio",
        order=1,
        bad=lambda t: [E(RuntimeError, "median", t(3), 0, t.index([0]), t(1), "median")],
    ),
    Op(
        "index_add",
        index_add,
        lambda t: [
            S(t(4), 0, t.index([3, 0, 0]), t(3)),
            S(t(2, 3), 1, t.index([2, 0]), t(2, 2)),
            *([] if t.dtype == "bool" else [S(t(2, 3), 0, t.index([1, 1]), t(2, 3), alpha=2)]),
        ],
        ALL,
        forms="fmio",
        order=2,
        bad=lambda t: [
            E((IndexError, RuntimeError), "5|range", t(3), 0, t.index([5]), t(1)),
            E((IndexError, RuntimeError), "2.*3|3.*2|size", t(3), 0, t.index([0, 1]), t(3)),
        ],
        large=lambda t: [S(t(301, 257), 0, t.index(t.random.integers(0, 301, 400)), t(400, 257))],
    ),
    Op(
        "index_copy",
        index_copy,
        lambda t: [
            S(t(4), 0, t.index([3, 0]), t(2)),
            S(t(2, 3), 1, t.index([2, 0]), t(2, 2)),
            S(t(2, 3), 0, t.index([1]), t(1, 3)),
        ],
        ALL,
        forms="fmio",
        order=2,
        bad=lambda t: [E((IndexError, RuntimeError), "5|range", t(3), 0, t.index([5]), t(1))],
    ),
    Op(
        "index_fill",
        lambda x, dim, index, value: index_copy(x, dim, index, value),
        lambda t: [
            S(t(4), 0, t.index([3, 0]), True if t.dtype == "bool" else 2),
            S(t(2, 3), 1, t.index([2]), t()),
        ],
        ALL,
        forms="fmi",
        order=2,
        bad=lambda t: [E((IndexError, RuntimeError), "5|range", t(3), 0, t.index([5]), 1)],
    ),
    Op(
        "index_put",
        index_put,
        lambda t: [
            S(t(4), (t.index([3, 0]),), t(2)),
            S(t(2, 3), (t.index([0, 1]), t.index([2, 2])), t(2)),
            S(t(2, 3), (t.index([1]),), t(3)),
            S(t(3), (t.mask([True, False, True]),), t(2)),
            *([] if t.dtype == "bool" else [S(t(4), (t.index([3, 3, 0]),), t(3), True)]),
        ],
        ALL,
        forms="fmi",
        order=2,
        bad=lambda t: [
            E(IndexError, "5", t(3), (t.index([5]),), t(1)),
            E(RuntimeError, "2.*3|3.*2", t(4), (t.index([0, 1]),), t(3)),
        ],
    ),
    Op(
        "put",
        put,
        lambda t: [
            S(t(2, 3), t.index([5, 0]), t(2)),
            *([] if t.dtype == "bool" else [S(t(2, 3), t.index([1, 1]), t(2), True)]),
        ],
        ALL,
        forms="fmi",
        order=2,
        bad=lambda t: [E(IndexError, "9", t(2, 3), t.index([9]), t(1))],
    ),
    Op(
        "take_along_dim",
        take_along_dim,
        lambda t: [
            S(t(2, 3), t.index([[0, 2], [1, 1]]), 1),
            S(t(2, 3), t.index([[0, 1, 0]]), dim=0),
            S(t(2, 3), t.index([5, 0])),
        ],
        ALL,
        forms="fmo",
        order=2,
        tags=STRIDES_FAIL,
    ),
]
