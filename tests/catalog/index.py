"""Indexing with brackets, masks, and writing to places of a tensor."""

import numpy as np

from .row import ALL, E, Op, S
from .scatter import along


def masked_scatter(x, mask, source):
    x, mask = np.broadcast_arrays(x, mask)
    result = x.copy()
    result[mask] = source.reshape(-1)[: mask.sum()]
    return result


def fill_diagonal(x, value, wrap=False):
    result = x.copy()
    np.fill_diagonal(result, value, wrap)
    return result


def assigned(x, index, value):
    result = x.copy()
    result[index] = value
    return result


def set_item(torch, x, index, value):
    result = x.clone()
    result[index] = value
    return result


NEW = None
EVERY = slice(None)


def keys(t):
    """Indices of every kind, for a tensor of shape (3, 4)."""
    rows, columns, grid = t.index([2, 0]), t.index([1, -1]), t.index([[0, 1], [2, 2]])
    mask = t.mask([[True, False, False, True], [False] * 4, [True] * 4])
    lines = t.mask([True, False, True])
    return [
        0,
        -1,
        (1, 2),
        EVERY,
        slice(1, 3),
        slice(None, None, 2),
        (EVERY, slice(1, -1)),
        (slice(0, 2), 1),
        ...,
        (..., 0),
        NEW,
        (NEW, 1),
        (EVERY, NEW, 2),
        (..., NEW),
        (slice(5, 9),),
        (slice(2, 1), EVERY),
        rows,
        (EVERY, columns),
        (rows, columns),
        (grid,),
        (grid, 1),
        (EVERY, grid),
        mask,
        lines,
        (lines, 1),
        (EVERY, slice(0, 2), NEW),
        (lines, columns),
        [0, 2],
        ([0, 1], [1, 2]),
        (rows, NEW),
        (NEW, rows),
        (slice(0, 2), columns),
        (),
        (t.index(1), EVERY),
        t.index(2),
        True,
        t.mask(False),
    ]


def deep_keys(t):
    """Indices of a (2, 3, 2) tensor: index tensors together and apart."""
    two, other = t.index([0, 1]), t.index([1, 1])
    return [
        (two, EVERY, other),
        (EVERY, two, other),
        (two, other),
        (..., two),
        (two, ..., other),
        (EVERY, t.index([[0], [2]]), other),
        (two, NEW, other),
        (NEW, two, EVERY, other),
        (slice(0, 1), two),
        (0, two),
        (EVERY, EVERY, 1),
    ]


def reads(t):
    return [
        *(S(t(3, 4), key) for key in keys(t)),
        *(S(t(2, 3, 2), key) for key in deep_keys(t)),
        S(t(), ...),
        S(t(), NEW),
        S(t(0, 3), EVERY),
        S(t(0, 3), t.index(np.zeros((0,)))),
        S(t(3, 4), (t.index(np.zeros((0,))), EVERY)),
    ]


def writes(t):
    number = True if t.dtype == "bool" else 2
    rows, mask = t.index([2, 0]), t.mask([[True, False, False, True], [False] * 4, [True] * 4])
    return [
        S(t(3, 4), 0, number),
        S(t(3, 4), (EVERY, 1), t(3)),
        S(t(3, 4), slice(0, 2), t(4)),
        S(t(3, 4), ..., t(1)),
        S(t(3, 4), mask, number),
        S(t(3, 4), mask, t(6)),
        S(t(3, 4), rows, t(2, 4)),
        S(t(3, 4), (EVERY, rows), t(3, 1)),
        S(t(3, 4), (rows, rows), t(2)),
        S(t(3, 4), (1, 2), t()),
        S(t(3, 4), slice(None, None, 2), number),
        S(t(3, 4), [0, 2], number),
        S(t(3, 4), (NEW, 1), t(1, 4)),
        S(t(), ..., number),
        S(t(3, 4), slice(2, 2), number),
        S(t(2, 3, 2), (t.index([0, 1]), EVERY, 1), t(2, 3)),
    ]


def bad_keys(t):
    return [
        E(IndexError, "3.*3|3", t(3, 4), 3),
        E(IndexError, "-4", t(3, 4), -4),
        E(IndexError, "3|many", t(3, 4), (0, 0, 0)),
        E(IndexError, "9", t(3, 4), t.index([9])),
        E(IndexError, "2.*3|3.*2", t(3, 4), t.mask([True, False])),
        E(IndexError, "2.*3|3.*2", t(3, 4), (t.index([0, 1]), t.index([0, 1, 2]))),
        E(ValueError, "step|-1", t(3, 4), slice(None, None, -1)),
        E((IndexError, TypeError), "str|a", t(3, 4), "a"),
        E(IndexError, "float|1.5|ind", t(3, 4), 1.5),
        E(IndexError, "0", t(), 0),
    ]


def bad_writes(t):
    return [
        E(RuntimeError, "4.*3", t(3, 4), 0, t(3)),
        E(IndexError, "3", t(3, 4), 3, 1),
        E(RuntimeError, "2.*4|4.*2", t(3, 4), slice(0, 2), t(2)),
    ]


def fills(t):
    number = True if t.dtype == "bool" else 2
    return [
        S(t(2, 3), t.mask([[True, False, True], [False, False, True]]), number),
        S(t(2, 3), t.mask([True, False, True]), number),
        S(t(3), t.mask([True, True, False]), t()),
        S(t(), t.mask(True), number),
        S(t(0, 3), t.mask([True, False, True]), number),
    ]


OPS = [
    Op(
        "__getitem__",
        lambda x, key: x[key],
        reads,
        ALL,
        forms="",
        call=lambda torch, x, key: x[key],
        order=2,
        bad=bad_keys,
        label="index|slice|select|tensor|dim|indices",
    ),
    Op(
        "__setitem__",
        assigned,
        writes,
        ALL,
        forms="",
        call=set_item,
        order=2,
        bad=bad_writes,
        label="index|copy|assign|shape|expand|select|tensor",
    ),
    Op(
        "index_select",
        lambda x, dim, index: np.take(x, index, axis=dim if x.ndim else None),
        lambda t: [
            S(t(4), 0, t.index([3, 0, 0])),
            S(t(2, 3), 1, t.index([2, 0])),
            S(t(2, 3), -2, t.index([1])),
            S(t(2, 3), 0, t.index(np.zeros((0,)))),
            S(t(5, 3, 257), 0, t.index([4, 0, 4, 2])),  # rows so long that the next one is fetched ahead
        ],
        ALL,
        forms="fmo",
        order=2,
        bad=lambda t: [
            E((IndexError, RuntimeError), "5", t(3), 0, t.index([5])),
            E(IndexError, "1", t(3), 1, t.index([0])),
            E((IndexError, RuntimeError), "2|dim|vector", t(3), 0, t.index([[0]])),
        ],
        large=lambda t: [S(t(301, 257), 0, t.index(t.random.integers(0, 301, 400)))],
    ),
    Op(
        "take",
        lambda x, index: np.take(x, index),
        lambda t: [
            S(t(2, 3), t.index([5, 0, -1])),
            S(t(2, 3), t.index([[1, 1], [0, 3]])),
            S(t(2, 3), t.index(np.zeros((0,)))),
        ],
        ALL,
        forms="fmo",
        order=2,
        bad=lambda t: [E(IndexError, "9", t(2, 3), t.index([9]))],
    ),
    Op(
        "masked_fill",
        lambda x, mask, value: np.where(mask, np.asarray(value, dtype=x.dtype), x),
        fills,
        ALL,
        forms="fmi",
        order=2,
        bad=lambda t: [
            E(RuntimeError, "3.*4", t(3), t.mask([True] * 4), 1),
            E(RuntimeError, "bool|mask", t(3), t.index([1, 0, 1]), 1),
        ],
        large=lambda t: [S(t(301, 257), t.mask(t.random.random((301, 257)) < 0.3), 2)],
    ),
    Op(
        "masked_select",
        lambda x, mask: np.broadcast_to(x, np.broadcast_shapes(x.shape, mask.shape))[
            np.broadcast_to(mask, np.broadcast_shapes(x.shape, mask.shape))
        ],
        lambda t: [
            S(t(2, 3), t.mask([[True, False, True], [False, False, True]])),
            S(t(2, 3), t.mask([True, False, True])),
            S(t(3), t.mask([[True], [False]])),
            S(t(3), t.mask([False] * 3)),
        ],
        ALL,
        forms="fmo",
        order=2,
        bad=lambda t: [E(RuntimeError, "3.*4", t(3), t.mask([True] * 4))],
        large=lambda t: [S(t(301, 257), t.mask(t.random.random((301, 257)) < 0.3))],
    ),
    Op(
        "masked_scatter",
        masked_scatter,
        lambda t: [
            S(t(2, 3), t.mask([[True, False, True], [False, False, True]]), t(5)),
            S(t(3), t.mask([True, False, True]), t(2, 2)),
        ],
        ALL,
        forms="fmi",
        order=2,
        bad=lambda t: [E(RuntimeError, "2.*3|3.*2|source|elements", t(3), t.mask([True] * 3), t(2))],
    ),
    Op(
        "where",
        np.where,
        lambda t: [
            S(t.mask([[True, False, True], [False, False, True]]), t(2, 3), t(3)),
            S(t.mask([True, False, True]), t(2, 1), t()),
            S(t.mask(True), t(3), t(3)),
            S(t.mask(np.zeros((0, 3))), t(3), t(1)),
        ],
        ALL,
        forms="fo",
        order=2,
        result="promote of data",
        bad=lambda t: [
            E(RuntimeError, "3.*4", t.mask([True] * 3), t(4), t(4)),
            E(RuntimeError, "bool|condition|dtype", t(3), t(3), t(3))
            if t.floating
            else E(RuntimeError, "3.*4", t.mask([True] * 3), t(4), t(4)),
        ],
        large=lambda t: [S(t.mask(t.random.random((301, 257)) < 0.3), t(301, 257), t(257))],
    ),
    Op(
        "where",
        np.where,
        lambda t: [
            S(t.mask([True, False, True]), t(3), True if t.dtype == "bool" else 2),
            S(t.mask([True, False, True]), 1.5, t(2, 1)),
        ],
        ALL,
        forms="f",
        order=2,
        result="promote of data",
    ),
    Op(
        "nonzero",
        lambda x: np.argwhere(x),
        lambda t: [S(t(3, 4)), S(t(5)), S(t()), S(t(0, 3)), S(t.of([[0, 1, 0], [1, 0, 1]]))],
        ALL,
        result="int64",
        forms="fmo",
        large=lambda t: [S(t(301, 257, domain=(-1, 1)))],
    ),
    Op(
        "nonzero",
        lambda x, as_tuple: tuple(np.nonzero(x)),
        lambda t: [S(t(3, 4), as_tuple=True), S(t.of([0, 1, 1]), as_tuple=True)],
        ALL,
        result="int64",
    ),
    Op(
        "where",
        lambda x: tuple(np.nonzero(x)),
        lambda t: [S(t.of([[0, 1, 0], [1, 0, 1]]))],
        ALL,
        forms="f",
        result="int64",
    ),
    Op("argwhere", lambda x: np.argwhere(x), lambda t: [S(t(3, 4)), S(t.of([0, 1, 1]))], ALL, result="int64"),
    Op(
        "select_scatter",
        lambda x, src, dim, i: assigned(x, along(dim, i), src),
        lambda t: [S(t(2, 3), t(3), 0, 1), S(t(2, 3), t(2), 1, -1)],
        ALL,
        order=2,
    ),
    Op(
        "slice_scatter",
        lambda x, src, dim=0, start=None, end=None, step=1: assigned(
            x, along(dim, slice(start, end, step)), src
        ),
        lambda t: [S(t(4), t(2), 0, 1, 3), S(t(2, 4), t(2, 2), dim=1, start=0, end=4, step=2)],
        ALL,
        order=2,
    ),
    Op(
        "fill_",
        lambda x, value: np.full_like(x, value),
        lambda t: [S(t(2, 3), 1), S(t(), 0), S(t(0), 1), S(t(3), t())],
        ALL,
        forms="m",
        order=1,
        bad=lambda t: [E(RuntimeError, "2|dim|0", t(3), t(2))],
    ),
    Op("zero_", lambda x: np.zeros_like(x), lambda t: [S(t(2, 3)), S(t()), S(t(0))], ALL, forms="m", order=0),
    Op(
        "copy_",
        lambda x, y: np.broadcast_to(y, x.shape),
        lambda t: [S(t(2, 3), t(2, 3)), S(t(2, 3), t(3)), S(t(2), t())],
        ALL,
        forms="m",
        order=2,
        bad=lambda t: [E(RuntimeError, "3.*4", t(3), t(4))],
    ),
    Op(
        "fill_diagonal_",
        fill_diagonal,
        lambda t: [S(t(3, 3), 1), S(t(2, 4), 1), S(t(5, 2), 1, wrap=True)],
        ALL,
        forms="m",
        order=1,
    ),
]
