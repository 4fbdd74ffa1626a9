"""Running reductions along a dimension, and differences."""

import numpy as np

from .row import ALL, CASTS, FLOATS, NUMBERS, WIDE_FLOATS, Dtype, E, Op, S, large_rows, special_rows

trapezoid = np.trapezoid if hasattr(np, "trapezoid") else np.trapz  # NumPy 1 has the old name


def cumulative(accumulate):
    return lambda x, dim: x if x.ndim == 0 else accumulate(x, axis=dim)


def running_extreme(better_or_equal):
    """Values and positions; a tie takes the later position, and NaN once met stays."""

    def reference(x, dim):
        if x.ndim == 0:
            return x, np.asarray(0)
        rows = np.moveaxis(x, dim, 0)
        values, positions = rows.copy(), np.zeros(rows.shape, np.int64)
        for k in range(1, len(rows)):
            takes = better_or_equal(rows[k], values[k - 1]) | np.isnan(rows[k])
            takes &= ~(np.isnan(values[k - 1]) & ~np.isnan(rows[k]))
            values[k] = np.where(takes, rows[k], values[k - 1])
            positions[k] = np.where(takes, k, positions[k - 1])
        return np.moveaxis(values, 0, dim), np.moveaxis(positions, 0, dim)

    return reference


def logcumsumexp(x, dim):
    return x if x.ndim == 0 else np.logaddexp.accumulate(x, axis=dim)


def diff(x, n=1, dim=-1, prepend=None, append=None):
    parts = [part for part in (prepend, x, append) if part is not None]
    x = np.concatenate(parts, axis=dim)
    for _ in range(n):
        later, earlier = (
            np.take(x, range(*ends), axis=dim) for ends in ((1, x.shape[dim]), (0, x.shape[dim] - 1))
        )
        x = later ^ earlier if x.dtype == bool else later - earlier
    return x


def scans(t):
    return [
        S(t(5), 0),
        S(t(2, 3), 1),
        S(t(3, 2), 0),
        S(t(2, 3, 2), -2),
        S(t(), 0),
        S(t(0, 3), 0),
        S(t(2, 0), 1),
        S(t(3, 70), 1),
        S(t(70, 3), dim=0),
    ]


def bad_dim(t):
    return [E(IndexError, "2", t(2, 3), 2)]


OPS = [
    Op(
        "cumsum",
        cumulative(np.cumsum),
        lambda t: [*scans(t), S(t(2, 3), 1, dtype=Dtype("float64"))],
        ALL,
        result="sum",
        forms="fmio",
        order=2,
        nonfinite=special_rows,
        bad=bad_dim,
        tolerance=4,
        tags=CASTS,
        large=large_rows,
    ),
    Op(
        "cumprod",
        cumulative(np.cumprod),
        lambda t: [*scans(t), S(t(2, 3), 1, dtype=Dtype("float64"))],
        ALL,
        result="sum",
        forms="fmio",
        order=2,
        domain=(0.8, 1.25),
        nonfinite=special_rows,
        bad=bad_dim,
        tolerance=4,
        tags=CASTS,
    ),
    Op(
        "cumprod",
        cumulative(np.cumprod),
        lambda t: [S(t.of([[0, 2, 3], [1.5, 0, 0], [2, 0, 3]]), 1)],
        WIDE_FLOATS,
        order=2,
    ),
    Op(
        "cummax",
        running_extreme(np.greater_equal),
        scans,
        NUMBERS,
        result=("same", "int64"),
        order=2,
        nonfinite=special_rows,
        bad=bad_dim,
        forms="fmo",
        large=large_rows,
    ),
    Op(
        "cummin",
        running_extreme(np.less_equal),
        scans,
        NUMBERS,
        result=("same", "int64"),
        order=2,
        nonfinite=special_rows,
        bad=bad_dim,
        forms="fmo",
        large=large_rows,
    ),
    Op("logcumsumexp", logcumsumexp, scans, WIDE_FLOATS, order=2, bad=bad_dim, tolerance=4, forms="fmo"),
    Op(
        "diff",
        diff,
        lambda t: [
            S(t(5)),
            S(t(2, 4), n=2),
            S(t(3, 2), dim=0),
            S(t(2, 3), prepend=t(2, 1)),
            S(t(2, 3), dim=0, append=t(1, 3)),
        ],
        ALL,
        order=2,
        bad=lambda t: [E(RuntimeError, "-1", t(3), -1), E(RuntimeError, "dim", t())],
        forms="fmo",
    ),
    Op(
        "trapezoid",
        lambda y, x=None, *, dx=1, dim=-1: trapezoid(y, x, dx, dim),
        lambda t: [S(t(5)), S(t(2, 4), dx=0.5), S(t(3, 2), dim=0), S(t(4), t(4))],
        FLOATS,
        forms="f",
        order=2,
    ),
]
