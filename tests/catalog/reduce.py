"""Reductions: sums, products, extremes, truth."""

import numpy as np

from .row import (
    ALL,
    CASTS,
    FLOATS,
    NEEDS_DIM,
    NUMBERS,
    WIDE_FLOATS,
    Dtype,
    E,
    Op,
    S,
    large_rows,
    special_rows,
)


def along(reduce):
    """NumPy's axis and keepdims under PyTorch's names."""

    def reference(x, dim=None, keepdim=False):
        axis = None if dim is None or dim == () else tuple(dim) if isinstance(dim, (list, tuple)) else dim
        if x.ndim == 0:
            axis = None
        return reduce(x, axis=axis, keepdims=keepdim)

    return reference


def extreme(best, where):
    """max and min: a value alone without dim, else the pair of values and positions."""

    def reference(x, dim=None, keepdim=False):
        if dim is None:
            return best(x)
        axis = dim if x.ndim else None
        position = np.asarray(where(x, axis=axis))
        value = np.asarray(best(x, axis=axis))
        if keepdim and x.ndim:
            value, position = np.expand_dims(value, dim), np.expand_dims(position, dim)
        return value, position

    return reference


def position(where):
    def reference(x, dim=None, keepdim=False):
        if dim is None or x.ndim == 0:
            return np.asarray(where(x)).reshape((1,) * x.ndim if keepdim else ())
        return where(x, axis=dim, keepdims=keepdim)

    return reference


def aminmax(x, *, dim=None, keepdim=False):
    return along(np.min)(x, dim, keepdim), along(np.max)(x, dim, keepdim)


def dims(t):
    return [
        S(t()),
        S(t(), 0),
        S(t(5)),
        S(t(5), 0),
        S(t(2, 3)),
        S(t(2, 3), 1),
        S(t(2, 3), -2, True),
        S(t(2, 3, 2), dim=(0, 2)),
        S(t(2, 3, 2), dim=[1], keepdim=True),
        S(t(2, 0), dim=0),
        S(t(3, 70), 1),
        S(t(70, 3), 0),
    ]


def dims_with_identity(t):
    return [*dims(t), S(t(0)), S(t(2, 0), dim=1), S(t(0, 3), 0, keepdim=True)]


def one_dim(t):
    return [
        S(t()),
        S(t(), 0),
        S(t(5)),
        S(t(5), 0),
        S(t(2, 3)),
        S(t(2, 3), 1),
        S(t(2, 3), -2, True),
        S(t(2, 3, 2), dim=1),
        S(t(2, 0), dim=0),
        S(t(3, 70), 1),
        S(t(70, 3), 0),
    ]


def distinct(t):
    return [
        S(t.distinct()),
        S(t.distinct(), 0),
        S(t.distinct(5)),
        S(t.distinct(2, 3)),
        S(t.distinct(2, 3), 1),
        S(t.distinct(2, 3), -2, True),
        S(t.distinct(2, 3, 2), dim=1),
        S(t.distinct(3, 35), 1),
        S(t.distinct(35, 3), 0),
    ]


def distinct_pairs(t):
    """As `distinct`, with the result rules of an op that returns a pair only when a dimension is given."""
    return [s.giving(("same", "int64")) if len(s.args) > 1 or "dim" in s.kwargs else s for s in distinct(t)]


def large_reduction(t):
    return [*large_rows(t), S(t(70_003)), S(t(301, 257))]


def bad_dim(t):
    return [E(IndexError, "2", t(2, 3), 2), E(IndexError, "-3", t(2, 3), -3)]


def no_identity(whole=IndexError):
    """A reduction without identity of nothing; `whole`: what it raises when no dimension is given."""
    return lambda t: [
        *bad_dim(t),
        E(IndexError, "dim|empty|0", t(2, 0), 1),
        E(whole, "dim|empty|0|elements", t(0)),
    ]


def with_dtype(make):
    """Adds a sample that asks for the result in another dtype."""
    return lambda t: [*make(t), S(t(2, 3), 1, dtype=Dtype("float64"))]


OPS = [
    Op(
        "sum",
        along(np.sum),
        with_dtype(dims_with_identity),
        ALL,
        result="sum",
        order=2,
        nonfinite=special_rows,
        bad=lambda t: [*bad_dim(t), E(RuntimeError, "0", t(2, 3), (0, 0))],
        forms="fmo",
        tags=NEEDS_DIM | CASTS,
        large=large_reduction,
    ),
    Op(
        "nansum",
        along(np.nansum),
        dims_with_identity,
        ALL,
        result="sum",
        order=2,
        nonfinite=special_rows,
        forms="fmo",
        tags=CASTS,
        large=large_reduction,
    ),
    Op(
        "mean",
        along(np.mean),
        with_dtype(dims),
        FLOATS,
        order=2,
        nonfinite=lambda t: [*special_rows(t), S(t(0)), S(t(2, 0), 1)],
        rejects=("int64", "bool"),
        bad=bad_dim,
        forms="fmo",
        large=large_reduction,
    ),
    Op(
        "nanmean",
        along(np.nanmean),
        dims,
        FLOATS,
        order=2,
        nonfinite=special_rows,
        forms="fmo",
        large=large_reduction,
    ),
    Op(
        "prod",
        along(np.prod),
        with_dtype(one_dim),
        ALL,
        result="sum",
        order=2,
        domain=(-1.6, 1.6),
        nonfinite=special_rows,
        bad=bad_dim,
        tolerance=4,
        forms="fmo",
        tags=NEEDS_DIM | CASTS,
    ),
    Op(
        "prod",
        along(np.prod),
        lambda t: [S(t.of([[0, 2, 3], [1, 0, 0], [1, 2, 3]]), 1), S(t.of([2, 0, 3.5])), S(t(0))],
        WIDE_FLOATS,
        order=2,
    ),
    Op(
        "amax",
        along(np.max),
        dims,
        ALL,
        order=2,
        nonfinite=special_rows,
        forms="fmo",
        bad=no_identity(RuntimeError),
        large=large_reduction,
    ),
    Op(
        "amin",
        along(np.min),
        dims,
        ALL,
        order=2,
        nonfinite=special_rows,
        forms="fmo",
        bad=no_identity(RuntimeError),
        large=large_reduction,
    ),
    Op(
        "aminmax",
        aminmax,
        lambda t: [S(t(5)), S(t(2, 3), dim=1), S(t(2, 3), dim=0, keepdim=True), S(t())],
        ALL,
        result=("same", "same"),
        order=2,
        forms="fmo",
        bad=lambda t: [E(RuntimeError, "dim|empty|0|elements", t(0))],
    ),
    Op(
        "max",
        extreme(np.max, np.argmax),
        distinct_pairs,
        NUMBERS,
        order=2,
        nonfinite=lambda t: [s.giving(("same", "int64")) for s in special_rows(t)],
        bad=no_identity(RuntimeError),
        domain=(-99, 99),
        forms="fmo",
        large=lambda t: [s.giving(("same", "int64")) for s in large_rows(t)],
    ),
    Op(
        "min",
        extreme(np.min, np.argmin),
        distinct_pairs,
        NUMBERS,
        order=2,
        nonfinite=lambda t: [s.giving(("same", "int64")) for s in special_rows(t)],
        bad=no_identity(RuntimeError),
        forms="fmo",
        large=lambda t: [s.giving(("same", "int64")) for s in large_rows(t)],
    ),
    Op(
        "argmax",
        position(np.argmax),
        distinct,
        NUMBERS,
        result="int64",
        nonfinite=special_rows,
        bad=no_identity(),
        forms="fmo",
        large=large_reduction,
    ),
    Op(
        "argmin",
        position(np.argmin),
        distinct,
        NUMBERS,
        result="int64",
        nonfinite=special_rows,
        bad=no_identity(),
        forms="fmo",
        large=large_reduction,
    ),
    Op(
        "any",
        along(np.any),
        dims_with_identity,
        ALL,
        result="truth",
        nonfinite=special_rows,
        bad=bad_dim,
        forms="fmo",
        large=large_reduction,
    ),
    Op(
        "all",
        along(np.all),
        dims_with_identity,
        ALL,
        result="truth",
        nonfinite=special_rows,
        bad=bad_dim,
        forms="fmo",
        large=large_reduction,
    ),
    Op(
        "count_nonzero",
        lambda x, dim=None: np.asarray(np.count_nonzero(x, axis=None if x.ndim == 0 else dim)),
        lambda t: [S(t(5)), S(t(2, 3), 1), S(t(2, 3, 2), (0, 2)), S(t()), S(t(0, 3), 0)],
        ALL,
        result="int64",
        large=large_reduction,
    ),
    Op(
        "trace",
        np.trace,
        lambda t: [S(t(3, 3)), S(t(2, 4)), S(t(0, 0))],
        NUMBERS,
        result="sum",
        order=2,
        call=lambda torch, x: torch.trace(x),
        bad=lambda t: [E(RuntimeError, "1", t(3))],
    ),
]
