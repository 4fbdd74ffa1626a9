"""Ops that put tensors together, repeat them, or lay them out anew."""

import itertools

import numpy as np

from .row import ALL, OUT_RECORDS, E, Op, S


def block_diag(*blocks):
    blocks = [np.atleast_2d(b) for b in blocks]
    result = np.zeros([sum(b.shape[d] for b in blocks) for d in (0, 1)], blocks[0].dtype)
    row = column = 0
    for b in blocks:
        result[row : row + b.shape[0], column : column + b.shape[1]] = b
        row, column = row + b.shape[0], column + b.shape[1]
    return result


def cartesian_prod(*vectors):
    rows = list(itertools.product(*vectors))
    return np.array([r[0] for r in rows] if len(vectors) == 1 else rows)


def combinations(x, r=2, with_replacement=False):
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    return np.array(list(choose(x, r)), dtype=x.dtype).reshape(-1, r)


def repeat(x, *times):
    times = times[0] if isinstance(times[0], (tuple, list)) else times
    return np.tile(x, times)


def repeat_interleave(x, repeats, dim=None, *, output_size=None):
    return np.repeat(x, repeats, axis=dim)


def roll(x, shifts, dims=None):
    return np.roll(x, shifts, axis=dims)


def diag_embed(x, offset=0, dim1=-2, dim2=-1):
    n = x.shape[-1] + abs(offset)
    result = np.zeros((*x.shape[:-1], n, n), x.dtype)
    at = np.arange(x.shape[-1])
    result[..., at + max(-offset, 0), at + max(offset, 0)] = x
    return np.moveaxis(result, (-2, -1), (dim1, dim2))


def joins(t):
    return [
        S([t(2, 3), t(2, 3)]),
        S([t(2, 3), t(1, 3)], 0),
        S([t(2, 1), t(2, 3), t(2, 2)], dim=1),
        S((t(2, 3), t(2, 3)), -1),
        S([t(3)]),
        S([t(0, 3), t(2, 3)]),
        S([t(2, 2, 35), t(2, 1, 35)], 1),
    ]


def mixed(t):
    """A second dtype in the list: the result is of the promoted dtype."""
    return [S([t(2), t.index([1, 2])]).giving("promote")]


OPS = [
    Op(
        "cat",
        lambda parts, dim=0: np.concatenate(parts, dim),
        lambda t: [*joins(t), *mixed(t)],
        ALL,
        forms="fo",
        order=2,
        aliases=("concat", "concatenate"),
        bad=lambda t: [
            E(RuntimeError, "3.*4", [t(2, 3), t(2, 4)]),
            E(IndexError, "2", [t(2, 3)], 2),
            E((RuntimeError, ValueError), "empty|tensors", []),
            E(RuntimeError, "0|zero", [t(), t()]),
        ],
        large=lambda t: [S([t(301, 129), t(301, 128)], 1), S([t(40_001), t(30_002)])],
    ),
    Op(
        "stack",
        lambda parts, dim=0: np.stack(parts, dim),
        lambda t: [
            S([t(2, 3), t(2, 3)]),
            S([t(3), t(3), t(3)], 1),
            S([t(), t()]),
            S((t(2, 3), t(2, 3)), dim=-1),
            S([t(0), t(0)], 1),
        ],
        ALL,
        forms="fo",
        order=2,
        bad=lambda t: [
            E(RuntimeError, "3.*4", [t(3), t(4)]),
            E(IndexError, "3", [t(2, 3)], 3),
            E(RuntimeError, "empty|tensor", []),
        ],
    ),
    Op("hstack", np.hstack, lambda t: [S([t(2), t(3)]), S([t(2, 1), t(2, 3)])], ALL, forms="fo", order=2),
    Op(
        "vstack",
        np.vstack,
        lambda t: [S([t(3), t(3)]), S([t(1, 3), t(2, 3)])],
        ALL,
        forms="fo",
        order=2,
        aliases=("row_stack",),
    ),
    Op("dstack", np.dstack, lambda t: [S([t(3), t(3)]), S([t(2, 3), t(2, 3)])], ALL, forms="fo", order=2),
    Op(
        "column_stack",
        np.column_stack,
        lambda t: [S([t(3), t(3)]), S([t(2, 1), t(2)])],
        ALL,
        forms="fo",
        order=2,
    ),
    Op(
        "block_diag",
        block_diag,
        lambda t: [S(t(2, 2), t(1, 3)), S(t(2), t(), t(2, 1))],
        ALL,
        forms="f",
        order=2,
    ),
    Op(
        "cartesian_prod",
        cartesian_prod,
        lambda t: [S(t(2), t(3)), S(t(3)), S(t(2), t(1), t(2))],
        ALL,
        forms="f",
        order=2,
    ),
    Op(
        "combinations",
        combinations,
        lambda t: [S(t(4)), S(t(3), 3), S(t(3), r=2, with_replacement=True)],
        ALL,
        forms="f",
        order=2,
    ),
    Op(
        "repeat",
        repeat,
        lambda t: [S(t(3), 2), S(t(2, 3), (2, 1)), S(t(3), 2, 2), S(t(), 3), S(t(2), 0)],
        ALL,
        forms="m",
        order=2,
        bad=lambda t: [
            E(RuntimeError, "1|dim", t(2, 3), 2),
            E(RuntimeError, "-1", t(3), -1),
            E(RuntimeError, "overflow", t(3), 2**62, 2),
        ],
    ),
    Op(
        "tile",
        lambda x, times: np.tile(x, times),
        lambda t: [S(t(3), (2,)), S(t(2, 3), (2,)), S(t(3), (2, 2)), S(t(), (2,))],
        ALL,
        order=2,
    ),
    Op(
        "repeat_interleave",
        repeat_interleave,
        lambda t: [
            S(t(3), 2),
            S(t(2, 3), 2),
            S(t(2, 3), 2, dim=1),
            S(t(3), t.index([1, 0, 2])),
            S(t(2, 3), t.index([2, 1]), dim=0),
            S(t(2, 3), t.index([2, 1]), dim=0, output_size=3),
        ],
        ALL,
        order=2,
        bad=lambda t: [
            E(RuntimeError, "-1|negative", t(3), -1),
            E(RuntimeError, "2|3|size", t(3), t.index([1, 2])),
        ],
    ),
    Op(
        "roll",
        roll,
        lambda t: [
            S(t(5), 2),
            S(t(2, 3), 1),
            S(t(2, 3), 1, 1),
            S(t(2, 3), (1, -1), (0, 1)),
            S(t(5), -7),
            S(t(0), 1),
        ],
        ALL,
        order=2,
    ),
    Op(
        "flip",
        lambda x, dims: np.flip(x, dims),
        lambda t: [S(t(5), (0,)), S(t(2, 3), (0, 1)), S(t(2, 3), [-1]), S(t(0, 3), (1,)), S(t(2, 3), ())],
        ALL,
        order=2,
        bad=lambda t: [E(IndexError, "2", t(2, 3), (2,)), E(RuntimeError, "0|dup|multiple", t(2, 3), (0, 0))],
        large=lambda t: [S(t(301, 257), (0, 1))],
    ),
    Op("fliplr", np.fliplr, lambda t: [S(t(2, 3))], ALL, order=2),
    Op("flipud", np.flipud, lambda t: [S(t(2, 3)), S(t(4))], ALL, order=2),
    Op(
        "rot90",
        lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims),
        lambda t: [S(t(2, 3)), S(t(2, 3), 2), S(t(2, 3, 2), -1, (1, 2)), S(t(2, 3), k=3, dims=[1, 0])],
        ALL,
        order=2,
    ),
    Op(
        "diag",
        lambda x, diagonal=0: np.diag(x, diagonal),
        lambda t: [S(t(3)), S(t(3), 1), S(t(2), -2), S(t(3, 3)), S(t(2, 3), 1), S(t(0))],
        ALL,
        order=2,
        bad=lambda t: [E(RuntimeError, "3", t(2, 2, 2))],
        forms="fmo",
        tags=OUT_RECORDS,
    ),
    Op(
        "diagflat",
        lambda x, offset=0: np.diagflat(x, offset),
        lambda t: [S(t(3)), S(t(2, 2), 1)],
        ALL,
        order=2,
    ),
    Op(
        "diag_embed",
        diag_embed,
        lambda t: [S(t(3)), S(t(2, 3)), S(t(2, 2), 1), S(t(2, 2), -1, 0, 2)],
        ALL,
        order=2,
    ),
    Op(
        "tril",
        lambda x, diagonal=0: np.tril(x, diagonal),
        lambda t: [S(t(3, 3)), S(t(2, 4), 1), S(t(4, 2), -1), S(t(2, 3, 3)), S(t(0, 3))],
        ALL,
        forms="fmio",
        order=2,
        bad=lambda t: [E(RuntimeError, "1|2|dim", t(3))],
        large=lambda t: [S(t(301, 257), -3)],
    ),
    Op(
        "triu",
        lambda x, diagonal=0: np.triu(x, diagonal),
        lambda t: [S(t(3, 3)), S(t(2, 4), 1), S(t(4, 2), diagonal=-1), S(t(2, 3, 3)), S(t(0, 3))],
        ALL,
        forms="fmio",
        order=2,
        bad=lambda t: [E(RuntimeError, "1|2|dim", t(3))],
    ),
]
