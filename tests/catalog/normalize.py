"""Normalisation, embeddings in bags, one-hot codes."""

import math

import numpy as np

from .loss import functional
from .row import WIDE_FLOATS, E, S


def along(x, axes, eps, centered=True):
    d = x - x.mean(axes, keepdims=True) if centered else x
    return d / np.sqrt((d * d).mean(axes, keepdims=True) + eps)


def per_channel(value, x, otherwise):
    return otherwise if value is None else value.reshape(1, -1, *[1] * (x.ndim - 2))


def batch_norm(x, mean=None, variance=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if training:
        y = along(x, (0, *range(2, x.ndim)), eps)
    else:
        y = (x - per_channel(mean, x, 0)) / np.sqrt(per_channel(variance, x, 0) + eps)
    return y * per_channel(weight, x, 1) + per_channel(bias, x, 0)


def group_norm(x, groups, weight=None, bias=None, eps=1e-5):
    elements = int(np.prod(x.shape[1:])) // groups
    y = along(x.reshape(len(x), groups, elements), 2, eps).reshape(x.shape)
    return y * per_channel(weight, x, 1) + per_channel(bias, x, 0)


def instance_norm(
    x, mean=None, variance=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
):
    if not use_input_stats:
        return batch_norm(x, mean, variance, weight, bias, eps=eps)
    return group_norm(x, x.shape[1], weight, bias, eps)


def layer_norm(x, shape, weight=None, bias=None, eps=1e-5):
    y = along(x, tuple(range(x.ndim - len(shape), x.ndim)), eps)
    return y * (1 if weight is None else weight) + (0 if bias is None else bias)


def rms_norm(x, shape, weight=None, eps=1e-5):
    return along(x, tuple(range(x.ndim - len(shape), x.ndim)), eps, False) * (1 if weight is None else weight)


def local_response(x, size, alpha=1e-4, beta=0.75, k=1.0):
    total = np.zeros_like(x)
    for shift in range(-(size // 2), (size - 1) // 2 + 1):
        for c in range(x.shape[1]):
            if 0 <= c + shift < x.shape[1]:
                total[:, c] += x[:, c + shift] ** 2
    return x / (k + alpha * total / size) ** beta


def normalize(x, p=2.0, dim=1, eps=1e-12):
    if p == math.inf:
        return x / np.maximum(np.abs(x).max(dim, keepdims=True), eps)
    return x / np.maximum((np.abs(x) ** p).sum(dim, keepdims=True) ** (1 / p), eps)


SHAPES = ((4, 6), (3, 4, 5), (2, 3, 4, 4), (2, 2, 3, 3, 2), (2, 3, 17, 5), (5, 2, 1, 1))
POSITIVE = (0.5, 2.0)


def statistics(t, channels):
    return t(channels).constant(), t(channels, domain=POSITIVE).constant()


def batch_samples(t):
    found = []
    for shape in SHAPES:
        x, (mean, variance) = t(*shape), statistics(t, shape[1])
        weight, bias = t(shape[1]), t(shape[1])
        found += [
            S(x, None, None, weight, bias, training=True),
            S(x, mean, variance, weight, bias),
            S(x, mean, variance, eps=0.1),
        ]
    return [
        *found,
        S(t(4, 3), None, None, training=True, eps=0.5),
        S(t(4, 3), None, None, t(3), training=True),
    ]


def batch_errors(t):
    mean, variance = statistics(t, 3)
    return [
        E(ValueError, r"more than 1 value.*\(1, 3\)", t(1, 3), mean, variance, training=True),
        E(RuntimeError, "running_mean.*4", t(2, 4), mean, variance),
        E(RuntimeError, "weight.*3", t(2, 3), mean, variance, t(4)),
        E(RuntimeError, "evaluation", t(2, 3), None, None),
        E(NotImplementedError, "int64", t.index([[1, 2, 3], [1, 2, 3]]), mean, variance),
    ]


def row_samples(with_bias):
    def samples(t):
        found = []
        for shape, rank in (
            ((4, 6), 1),
            ((3, 4, 5), 1),
            ((3, 4, 5), 2),
            ((3, 4), 2),
            ((2, 3, 33), 1),
            ((2, 1, 7), 2),
        ):
            row = shape[len(shape) - rank :]
            found += [S(t(*shape), row, t(*row), eps=1e-3), S(t(*shape), row, eps=1e-2)]
            if with_bias:
                found.append(S(t(*shape), row, t(*row), t(*row), eps=1e-3))
        return [*found, S(t(0, 3), (3,), eps=1e-3)]

    return samples


OPS = [
    functional(
        "batch_norm",
        batch_norm,
        batch_samples,
        tolerance=4.0,
        large=lambda t: [
            S(t(33, 5, 31, 29), None, None, t(5), t(5), training=True),
            S(t(700, 301), None, None, t(301), t(301), training=True),
            S(t(40, 300, 4, 4), None, None, t(300), t(300), training=True),
        ],
        bad=batch_errors,
    ),
    functional(
        "group_norm",
        group_norm,
        lambda t: (
            [
                S(t(*shape), groups, *((t(shape[1]), t(shape[1])) if affine else ()), eps=1e-2)
                for shape in ((2, 6), (2, 6, 5), (3, 4, 3, 3), (2, 4, 1, 1))
                for groups in (1, 2)
                for affine in (True, False)
            ]
            + [S(t(0, 4, 3), 2)]
        ),
        tolerance=4.0,
        large=lambda t: [S(t(5, 12, 31, 29), 3, t(12), t(12))],
        bad=lambda t: [
            E(RuntimeError, "6.*4", t(2, 6, 3), 4),
            E(RuntimeError, r"\(3,\)", t(2, 6, 3), 3, t(3)),
            E(RuntimeError, "1", t(6), 3),
        ],
    ),
    functional(
        "instance_norm",
        instance_norm,
        lambda t: (
            [
                S(t(*shape), None, None, t(shape[1]), t(shape[1]), eps=1e-2)
                for shape in ((3, 4, 5), (2, 3, 4, 4))
            ]
            + [S(t(2, 3, 5), eps=1e-2), S(t(2, 3, 5), *statistics(t, 3), use_input_stats=False)]
        ),
        tolerance=4.0,
        bad=lambda t: [
            E(ValueError, r"spatial.*\(2, 3, 1\)", t(2, 3, 1)),
            E(RuntimeError, "running_mean", t(2, 3, 4), use_input_stats=False),
        ],
    ),
    functional(
        "layer_norm",
        layer_norm,
        row_samples(True),
        tolerance=4.0,
        large=lambda t: [S(t(301, 257), (257,), t(257), t(257)), S(t(3, 30_001), (30_001,))],
        bad=lambda t: [
            E(RuntimeError, r"\(4,\).*\(2, 3\)", t(2, 3), (4,)),
            E(RuntimeError, r"\(2,\)", t(2, 3), (3,), t(2)),
            E(RuntimeError, "at least 1", t(2, 3), ()),
        ],
    ),
    functional(
        "rms_norm",
        rms_norm,
        row_samples(False),
        tolerance=4.0,
        large=lambda t: [S(t(301, 257), (257,), t(257), eps=1e-6)],
        bad=lambda t: [E(RuntimeError, r"\(4,\).*\(2, 3\)", t(2, 3), (4,))],
    ),
    functional(
        "local_response_norm",
        local_response,
        lambda t: [
            S(t(2, 5, 3), 3),
            S(t(2, 5, 3, 2), 2, alpha=0.1, beta=0.5, k=2.0),
            S(t(1, 2, 3), 5, alpha=1.0),
        ],
        WIDE_FLOATS,
        bad=lambda t: [E(ValueError, "2D", t(2, 3), 3)],
    ),
    functional(
        "normalize",
        normalize,
        lambda t: [
            S(t(3, 4)),
            S(t(3, 4, 2), p=1.0, dim=-1),
            S(t(3, 4), p=3.0, dim=0),
            S(t(3, 4), dim=(0, 1)),
            S(t(2, 3), p=math.inf),
            S(t(5), dim=0),
        ],
        bad=lambda t: [E(IndexError, "1", t(3))],
    ),
]


# ---------------------------------------------------------------- bags


def bags(
    indices, table, offsets=None, mode="mean", weights=None, padding_idx=None, include_last_offset=False
):
    if offsets is None:
        groups = [list(range(i * indices.shape[1], (i + 1) * indices.shape[1])) for i in range(len(indices))]
    else:
        ends = [*offsets[1:]] if include_last_offset else [*offsets[1:], indices.size]
        starts = offsets[:-1] if include_last_offset else offsets
        groups = [list(range(a, b)) for a, b in zip(starts, ends, strict=True)]
    flat, scale = indices.reshape(-1), None if weights is None else weights.reshape(-1)
    rows = []
    for group in groups:
        kept = [i for i in group if flat[i] != padding_idx]
        values = table[flat[kept]] * (1 if scale is None else scale[kept][:, None])
        empty = np.zeros(table.shape[1])
        rows.append(empty if not kept else getattr(values, mode)(0))
    return np.array(rows).reshape(-1, table.shape[1])


def embedding_bag(indices, table, offsets=None, per_sample_weights=None, **options):
    return bags(indices, table, offsets, weights=per_sample_weights, **options)


def bag_samples(t):
    pairs, flat = t.index([[1, 2, 4], [5, 2, 2]]), t.index([1, 2, 4, 5, 4, 2, 7, 0])
    options = [
        {"mode": mode, "padding_idx": padding} for mode in ("sum", "mean", "max") for padding in (None, 2)
    ]
    return [
        *(S(pairs, t.distinct(8, 3), **given) for given in options),
        *(S(flat, t.distinct(8, 3), t.index([0, 3, 3, 5]), **given) for given in options),
        *(
            S(flat, t.distinct(8, 3), t.index([0, 3, 8]), include_last_offset=True, **given)
            for given in options
        ),
        S(pairs, t(8, 3), mode="sum", per_sample_weights=t(2, 3)),
    ]


OPS += [
    functional(
        "embedding_bag",
        embedding_bag,
        bag_samples,
        WIDE_FLOATS,
        bad=lambda t: [
            E(RuntimeError, "8", t.index([[8]]), t(8, 3)),
            E(ValueError, "offsets", t.index([1, 2]), t(8, 3)),
            E(ValueError, "offsets", t.index([[1, 2]]), t(8, 3), t.index([0])),
            E(ValueError, "product", t.index([[1]]), t(8, 3), mode="product"),
            E(NotImplementedError, "mean", t.index([[1]]), t(8, 3), per_sample_weights=t(1, 1)),
        ],
    ),
    functional(
        "embedding",
        lambda indices, table, **options: table[indices],
        lambda t: [
            S(t.index([[1, 2], [7, 1]]), t(8, 3)),
            S(t.index(3), t(8, 3)),
            S(t.index(np.zeros((0, 2))), t(8, 3)).fixed(),
        ],
        bad=lambda t: [
            E(IndexError, "8", t.index([8]), t(8, 3)),
            E(AssertionError, "9", t.index([1]), t(8, 3), padding_idx=9),
        ],
    ),
]
