"""Moments, norms, softmax, and values by rank."""

import numpy as np

from .reduce import along, bad_dim, distinct_pairs, with_dtype
from .row import FLOATS, NEEDS_DIM, NUMBERS, OUT_RECORDS, WIDE_FLOATS, E, Op, S, large_rows, special_rows


def variance(x, dim=None, unbiased=None, correction=1, keepdim=False):
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    ddof = correction if unbiased is None else int(unbiased)
    return along(lambda v, axis, keepdims: np.var(v, axis=axis, keepdims=keepdims, ddof=ddof))(
        x, dim, keepdim
    )


def deviation(*args, **kwargs):
    return np.sqrt(variance(*args, **kwargs))


def mean_of(*args, **kwargs):
    for name in ("correction", "unbiased"):
        kwargs.pop(name, None)
    return along(np.mean)(*args, **kwargs)


def norm(x, p="fro", dim=None, keepdim=False):
    p = 2 if p in ("fro", None) else p

    def reduce(v, axis, keepdims):
        a = np.abs(v)
        if p == np.inf:
            return np.max(a, axis=axis, keepdims=keepdims)
        if p == -np.inf:
            return np.min(a, axis=axis, keepdims=keepdims)
        if p == 0:
            return np.sum(a != 0, axis=axis, keepdims=keepdims).astype(float)
        return np.sum(a**p, axis=axis, keepdims=keepdims) ** (1 / p)

    return along(reduce)(x, dim, keepdim)


def logsumexp(x, dim, keepdim=False):
    def reduce(v, axis, keepdims):
        top = np.max(v, axis=axis, keepdims=True, initial=-np.inf)
        top = np.where(np.isfinite(top), top, 0)
        total = np.log(np.sum(np.exp(v - top), axis=axis, keepdims=True)) + top
        return total if keepdims else np.squeeze(total, axis=axis)

    return along(reduce)(x, dim, keepdim)


def log_softmax(x, dim):
    return x - logsumexp(x, dim, True)


def kthvalue(x, k, dim=-1, keepdim=False):
    if x.ndim == 0:
        return x, np.asarray(0)
    order = np.argsort(x, axis=dim, kind="stable")
    at = np.take(order, [k - 1], axis=dim)
    value = np.take_along_axis(x, at, axis=dim)
    return (value, at) if keepdim else (np.squeeze(value, dim), np.squeeze(at, dim))


def median(x, dim=None, keepdim=False):
    if dim is None and (x.size == 0 or np.isnan(x).any()):
        return np.float64(np.nan)
    if dim is None:
        return np.sort(x, axis=None)[(x.size - 1) // 2]
    return kthvalue(x, 1 if x.ndim == 0 else (x.shape[dim] + 1) // 2, dim, keepdim)


def mode_values(x, dim=-1, keepdim=False):
    def most_frequent(row):
        values, counts = np.unique(row, return_counts=True)
        return values[np.argmax(counts)]

    value = np.apply_along_axis(most_frequent, dim, x)
    return np.expand_dims(value, dim) if keepdim else value


def quantile(x, q, dim=None, keepdim=False, interpolation="linear"):
    return np.quantile(x, q, axis=dim, keepdims=keepdim, method=interpolation)


def nanquantile(x, q, dim=None, keepdim=False):
    return np.nanquantile(x, q, axis=dim, keepdims=keepdim)


def moments(t):
    return [
        S(t(5)),
        S(t(2, 3)),
        S(t(2, 3), 1),
        S(t(2, 3), dim=1, keepdim=True),
        S(t(2, 3), dim=0, unbiased=False),
        S(t(2, 3, 2), dim=(0, 2)),
        S(t(2, 3), dim=1, correction=0),
        S(t(3, 70), 1),
        S(t(70, 3), 0),
        S(t(4), correction=2),
        S(t(2, 3), False),
    ]


def powers(t):
    inf = float("inf")
    samples = [S(t(5)), S(t(2, 3)), S(t(2, 3), 2), S(t()), S(t(3, 70), 2, 1), S(t(2, 3, 2), dim=(0, 1))]
    samples += [S(t(2, 3), p, 1) for p in (1, 2, 3, 0.5, inf, -inf, "fro")]
    return [*samples, S(t(2, 3), 0, 1).fixed(), S(t(2, 3), p=2, dim=-1, keepdim=True), S(t(2, 0), 2, 1)]


def quantiles(t):
    q = t.of([0.1, 0.5, 0.9]).constant()
    return [
        S(t.distinct(5), 0.4),
        S(t.distinct(2, 5), 0.25, dim=1),
        S(t.distinct(2, 5), 0.5, 0, True),
        S(t.distinct(5), q),
        S(t.distinct(2, 5), q, dim=1),
    ]


def softmaxes(t):
    return [
        S(t(5), 0),
        S(t(2, 3), 1),
        S(t(2, 3), 0),
        S(t(2, 3, 2), -2),
        S(t(), 0),
        S(t(0, 3), 1),
        S(t(2, 0), 1),
        S(t(3, 70), 1),
        S(t(70, 3), 0),
        S(t(2, 3), dim=1),
    ]


OPS = [
    Op(
        "var",
        variance,
        moments,
        FLOATS,
        order=2,
        nonfinite=special_rows,
        rejects=("int64",),
        bad=bad_dim,
        forms="fmo",
        tags=NEEDS_DIM,
        large=large_rows,
    ),
    Op(
        "std",
        deviation,
        moments,
        FLOATS,
        order=2,
        nonfinite=special_rows,
        rejects=("int64",),
        bad=bad_dim,
        forms="fmo",
        tags=NEEDS_DIM,
        large=large_rows,
    ),
    Op(
        "var_mean",
        lambda *a, **k: (variance(*a, **k), mean_of(*a, **k)),
        lambda t: moments(t)[:-1],
        FLOATS,
        forms="f",
        order=2,
        result=("same", "same"),
    ),
    Op(
        "std_mean",
        lambda *a, **k: (deviation(*a, **k), mean_of(*a, **k)),
        lambda t: moments(t)[:-1],
        FLOATS,
        forms="f",
        order=2,
        result=("same", "same"),
    ),
    Op(
        "norm",
        norm,
        powers,
        FLOATS,
        order=2,
        domain=(0.3, 3),
        nonfinite=lambda t: [
            S(t.of([[float("nan"), 1], [float("inf"), 1], [1, 2]]), p, 1) for p in (1, 2, 3, float("inf"))
        ],
        bad=lambda t: [
            E(IndexError, "2", t(2, 3), 2, 2),
            E(RuntimeError, "inf|empty|identity", t(0), float("inf")),
        ],
        rejects=("int64",),
        tolerance=4,
        forms="fmo",
        large=lambda t: [S(t(301, 257)), S(t(301, 257), 2, 1), S(t(301, 257), 1, 0), S(t(70_003), 3)],
    ),
    Op(
        "logsumexp",
        logsumexp,
        lambda t: [
            S(t(5), 0),
            S(t(2, 3), 1),
            S(t(2, 3), 0, True),
            S(t(2, 3, 2), (0, 2)),
            S(t(), 0),
            S(t(3, 70), 1),
            S(t(2, 0), 0),
        ],
        FLOATS,
        order=2,
        nonfinite=special_rows,
        bad=bad_dim,
        forms="fmo",
        large=large_rows,
    ),
    Op(
        "softmax",
        lambda x, dim: np.exp(log_softmax(x, dim)),
        with_dtype(softmaxes),
        FLOATS,
        order=2,
        nonfinite=lambda t: [S(t.of([[float("nan"), 1, 2], [-float("inf"), 1, 2], [1e4, 0, -1e4]]), 1)],
        bad=bad_dim,
        rejects=("int64",),
        forms="fmo",
        tags=OUT_RECORDS,
        large=large_rows,
    ),
    Op(
        "log_softmax",
        log_softmax,
        with_dtype(softmaxes),
        FLOATS,
        order=2,
        tolerance=2,
        nonfinite=lambda t: [S(t.of([[float("nan"), 1, 2], [-float("inf"), 1, 2], [1e4, 0, -1e4]]), 1)],
        bad=bad_dim,
        rejects=("int64",),
        forms="fmo",
        tags=OUT_RECORDS,
        large=large_rows,
    ),
    Op(
        "median",
        median,
        distinct_pairs,
        NUMBERS,
        order=2,
        bad=lambda t: [*bad_dim(t), E(IndexError, "dim|empty|0", t(2, 0), 1)],
        nonfinite=lambda t: [S(t(0)), S(t.of([1, float("nan"), 2]))],
        forms="fmo",
        tags=NEEDS_DIM,
        large=lambda t: [S(t.distinct(3, 5_001), 1).giving(("same", "int64")), S(t.distinct(10_001))],
    ),
    Op("nanmedian", median, distinct_pairs, NUMBERS, order=2, nonfinite=None, forms="fmo", tags=NEEDS_DIM),
    Op(
        "kthvalue",
        kthvalue,
        lambda t: [
            S(t.distinct(5), 2),
            S(t.distinct(3, 4), 3, 0),
            S(t.distinct(3, 4), 1, 1, True),
            S(t.distinct(), 1),
        ],
        NUMBERS,
        result=("same", "int64"),
        order=2,
        bad=lambda t: [
            E(RuntimeError, "6", t(5), 6),
            E(RuntimeError, "0", t(5), 0),
            E(IndexError, "dim|empty|0|elements", t(0), 1),
        ],
        forms="fmo",
    ),
    Op(
        "mode",
        mode_values,
        lambda t: [
            S(t.of([1, 3, 3, 2])).fixed(),
            S(t.of([[1, 2, 2], [3, 3, 1]]), 1).fixed(),
            S(t.of([[1, 2], [1, 3], [0, 3]]), 0, True).fixed(),
            S(t.distinct(2, 3)),
        ],
        NUMBERS,
        forms="",
        call=lambda torch, x, *a, **k: torch.mode(x, *a, **k).values,
        order=1,
        bad=lambda t: [*bad_dim(t), E(IndexError, "dim|empty|0|elements", t(0))],
    ),
    Op(
        "quantile",
        quantile,
        lambda t: [
            *quantiles(t),
            *(
                S(t.distinct(6), 0.35, interpolation=how)
                for how in ("lower", "higher", "nearest", "midpoint")
            ),
        ],
        WIDE_FLOATS,
        order=2,
        bad=lambda t: [E(RuntimeError, "1.5", t(5), 1.5), E(RuntimeError, "empty|elements|0", t(0), 0.5)],
        forms="fmo",
        tags=OUT_RECORDS,
    ),
    Op(
        "nanquantile",
        nanquantile,
        lambda t: quantiles(t)[:3],
        WIDE_FLOATS,
        order=2,
        nonfinite=lambda t: [S(t.of([[float("nan"), 1, 2, 4], [3, 1, 2, 7]]), 0.5, dim=1)],
        forms="fmo",
        tags=OUT_RECORDS,
    ),
]
