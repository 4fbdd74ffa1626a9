"""Losses, and the distances that some of them use."""

import math
from dataclasses import replace

import numpy as np

from .row import FLOATS, WIDE_FLOATS, E, Op, Operand, S

REDUCTIONS = ("mean", "sum", "none")
PAIRS = ((4, 5), (1,), (), (3, 2, 7), (33,))
UNIT = (0.05, 0.95)


def reduced(losses, reduction, divisor=None):
    if reduction == "none":
        return losses
    total = losses.sum()
    return total if reduction == "sum" else total / (losses.size if divisor is None else divisor)


def of_pair(formula):
    def loss(x, target, reduction="mean", **options):
        return reduced(formula(x, target, **options), reduction)

    return loss


def pair_samples(second=None, options=({},), shapes=PAIRS):
    def samples(t):
        return [
            S(t(*shape), t(*shape, domain=second), reduction=reduction, **given)
            for shape in shapes
            for given in options
            for reduction in REDUCTIONS
        ] + [S(t(0, 3), t(0, 3, domain=second), reduction="sum")]

    return samples


def functional(name, reference, samples, dtypes=FLOATS, **options):
    options.setdefault("order", 2)
    options.setdefault("tolerance", 2.0)
    return Op(f"nn.functional.{name}", reference, samples, dtypes, forms="f", label=name, **options)


def pair(name, formula, second=None, options=({},), **given):
    return functional(name, of_pair(formula), pair_samples(second, options), **given)


# ---------------------------------------------------------------- of an input and a target


def weighted(formula, normalized=True):
    def loss(x, target, reduction="mean", weight=None, **options):
        losses = formula(x, target, **options)
        if weight is None:
            return reduced(losses, reduction)
        return reduced(losses * weight, reduction, weight.sum() if normalized else None)

    return loss


def weighted_samples(options=({},), shapes=PAIRS):
    plain = pair_samples(None, options, shapes)

    def samples(t):
        return plain(t) + [
            S(t(2, 3), t(2, 3), reduction=reduction, weight=t(2, 3, domain=UNIT).constant())
            for reduction in REDUCTIONS
        ]

    return samples


def smooth_l1(x, t, beta=1.0):
    d = np.abs(x - t)
    return np.where(d < beta, d * d / (2 * beta or 1), d - beta / 2)


def huber(x, t, delta=1.0):
    d = np.abs(x - t)
    return np.where(d <= delta, d * d / 2, delta * (d - delta / 2))


def softplus(x):
    return np.logaddexp(0, x)


def bce(x, t, weight=1.0):
    return -weight * (t * np.log(x) + (1 - t) * np.log1p(-x))


def bce_with_logits(x, t, weight=1.0, pos_weight=1.0):
    return weight * ((1 - t) * x + (1 + (pos_weight - 1) * t) * softplus(-x))


def bce_samples(t):
    shapes = [(4, 5), (), (67,)]
    plain = [S(t(*s), t(*s, domain=UNIT), reduction=r) for s in shapes for r in REDUCTIONS]
    weights = [t(4, 5, domain=UNIT), t(5, domain=UNIT), t(4, 1, domain=UNIT)]
    return plain + [S(t(4, 5), t(4, 5, domain=UNIT), weight=w.constant()) for w in weights]


def logits_samples(t):
    weights = [t(5, domain=(0.5, 2)), t(1, domain=(0.5, 2))]
    return bce_samples(t) + [
        S(t(4, 5), t(4, 5, domain=UNIT), pos_weight=w.constant(), reduction=r)
        for w in weights
        for r in REDUCTIONS
    ]


def kl_div(x, t, reduction="mean", log_target=False):
    losses = (
        np.exp(t) * (t - x) if log_target else np.where(t > 0, t * (np.log(np.where(t > 0, t, 1)) - x), 0)
    )
    return losses.sum() / len(losses) if reduction == "batchmean" else reduced(losses, reduction)


def poisson_nll(x, t, log_input=True, full=False, eps=1e-8):
    losses = np.exp(x) - t * x if log_input else x - t * np.log(x + eps)
    large = np.where(t > 1, t, 2)
    stirling = large * np.log(large) - large + 0.5 * np.log(2 * math.pi * large)
    return losses + full * np.where(t > 1, stirling, 0)


def gaussian_nll(x, t, var, full=False, eps=1e-6):
    var = np.maximum(np.full(x.shape, var) if np.ndim(var) == 0 else var, eps)
    var = var[..., None] if var.ndim < x.ndim else var
    return 0.5 * (np.log(var) + (x - t) ** 2 / var) + full * 0.5 * math.log(2 * math.pi)


def signs(t, *shape):
    return Operand(t.random.choice([-1.0, 1.0], shape).astype(t(1).array.dtype), t.dtype, drawn=False)


OPS = [
    functional(
        "mse_loss",
        weighted(lambda x, t: (x - t) ** 2),
        weighted_samples(),
        nonfinite=lambda t: [S(t.of([math.nan, math.inf, 1]), t.of([1, 2, -math.inf]), reduction="none")],
        large=lambda t: [S(t(301, 257), t(301, 257)), S(t(70_003), t(70_003), reduction="sum")],
        bad=lambda t: [
            E(RuntimeError, "3.*4", t(2, 3), t(2, 4)),
            E(NotImplementedError, "int64", t.index([1, 2]), t.index([1, 2])),
            E(ValueError, "average", t(3), t(3), reduction="average"),
            E(ValueError, r"\(2,\).*\(3,\)", t(3), t(3), weight=t(2)),
        ],
    ),
    functional(
        "l1_loss",
        weighted(lambda x, t: np.abs(x - t)),
        weighted_samples(),
        bad=lambda t: [E(RuntimeError, "3.*4", t(2, 3), t(2, 4))],
    ),
    pair(
        "smooth_l1_loss",
        smooth_l1,
        options=({}, {"beta": 0.4}, {"beta": 0.0}),
        bad=lambda t: [E(RuntimeError, "-1", t(3), t(3), beta=-1.0)],
    ),
    functional(
        "huber_loss",
        weighted(huber, normalized=False),
        weighted_samples(({}, {"delta": 0.4}), ((4, 5), (), (3, 2, 7), (33,))),
        bad=lambda t: [E(RuntimeError, "0", t(3), t(3), delta=0.0)],
    ),
    functional(
        "binary_cross_entropy",
        of_pair(bce),
        bce_samples,
        domain=UNIT,
        bad=lambda t: [
            E(RuntimeError, "between 0 and 1", t.of([0.5, 1.5]), t(2)),
            E(RuntimeError, "between 0 and 1", t.of([0.5, math.nan]), t(2)),
            E(ValueError, r"\(2,\).*\(3,\)", t(3), t(2)),
        ],
    ),
    functional(
        "binary_cross_entropy_with_logits",
        of_pair(bce_with_logits),
        logits_samples,
        nonfinite=lambda t: [S(t.of([80.0, -80.0, math.nan]), t.of([0.0, 1.0, 1.0]), reduction="none")],
        large=lambda t: [S(t(301, 257), t(301, 257, domain=UNIT))],
        bad=lambda t: [
            E(ValueError, r"\(2,\).*\(3,\)", t(3), t(2)),
            E(RuntimeError, "4", t(3), t(3), pos_weight=t(4)),
        ],
    ),
    functional(
        "kl_div",
        kl_div,
        lambda t: (
            [
                S(t(4, 5), t(4, 5, domain=UNIT if not log else None), reduction=r, log_target=log)
                for log in (False, True)
                for r in (*REDUCTIONS, "batchmean")
            ]
            + [S(t(2), t.of([0.0, 1.0]).constant(), reduction="sum")]
        ),
        bad=lambda t: [E(ValueError, "total", t(3), t(3), reduction="total")],
    ),
    functional(
        "soft_margin_loss",
        of_pair(lambda x, t: softplus(-t * x)),
        lambda t: [S(t(*s), signs(t, *s), reduction=r) for s in ((4, 5), (), (67,)) for r in REDUCTIONS],
    ),
    pair(
        "poisson_nll_loss",
        poisson_nll,
        second=(0.2, 0.9),
        options=({}, {"full": True}, {"log_input": False}),
        domain=(0.2, 2.0),
    ),
    functional(
        "poisson_nll_loss",
        of_pair(poisson_nll),
        lambda t: [
            S(t(4, 5), t(4, 5, domain=(1.2, 9.0)).constant(), full=True, reduction=r) for r in REDUCTIONS
        ],
        WIDE_FLOATS,
    ),
    functional(
        "gaussian_nll_loss",
        lambda x, t, var, reduction="mean", **o: reduced(gaussian_nll(x, t, var, **o), reduction),
        lambda t: (
            [
                S(t(4, 5), t(4, 5), t(*s, domain=(0.3, 2)), reduction=r, full=full)
                for s in ((4, 5), (4, 1), (4,))
                for r in REDUCTIONS
                for full in (False, True)
            ]
            + [S(t(3), t(3), 0.5)]
        ),
        WIDE_FLOATS,
        bad=lambda t: [
            E(ValueError, "incorrect size", t(4, 5), t(4, 5), t(5)),
            E(ValueError, "negative", t(2), t(2), t.of([1.0, -1.0])),
        ],
    ),
    functional(
        "hinge_embedding_loss",
        of_pair(lambda x, t, margin=1.0: np.where(t == 1, x, np.maximum(0, margin - x))),
        lambda t: [
            S(t(*s), signs(t, *s), margin=m, reduction=r)
            for s in ((4, 5), (7,))
            for m in (1.0, 0.3)
            for r in REDUCTIONS
        ],
    ),
    functional(
        "margin_ranking_loss",
        lambda a, b, t, margin=0.0, reduction="mean": reduced(np.maximum(0, margin - t * (a - b)), reduction),
        lambda t: [
            S(t(*s), t(*s), signs(t, *s), margin=m, reduction=r)
            for s in ((4, 5), (7,))
            for m in (0.0, 0.3)
            for r in REDUCTIONS
        ],
        bad=lambda t: [E(RuntimeError, r"\(3,\)", t(2, 3), t(3), t(3))],
    ),
]


# ---------------------------------------------------------------- of scores for classes


def log_softmax(x, axis):
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def mixed(scores, target, weight, ignore_index, reduction, smoothing):
    """The sum of -q log p, with p given as logarithms."""
    axis = 1 if scores.ndim > 1 else 0
    classes = scores.shape[axis]
    weight = np.ones(classes) if weight is None else weight
    spread = weight.reshape(-1, *[1] * (scores.ndim - axis - 1))
    if target.dtype.kind == "f":
        q = (target * (1 - smoothing) + smoothing / classes) * spread
        return reduced(-(q * scores).sum(axis), reduction, np.prod(scores.shape) / classes)
    kept = target != ignore_index
    known = np.where(kept, target, 0)
    one_hot = np.moveaxis(np.eye(classes)[known], -1, axis)
    q = (one_hot * (1 - smoothing) + smoothing / classes) * spread
    return reduced(-(q * scores).sum(axis) * kept, reduction, (weight[known] * kept).sum())


def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    scores = log_softmax(x, 1 if x.ndim > 1 else 0)
    return mixed(scores, target, weight, ignore_index, reduction, label_smoothing)


def nll(x, target, weight=None, ignore_index=-100, reduction="mean"):
    return mixed(x, target, weight, ignore_index, reduction, 0.0)


def class_samples(smoothing):
    def samples(t):
        found = []
        for shape in ((4, 5), (3, 1), (2, 3, 4), (2, 20, 3, 5), (1, 33), (2, 4, 1)):
            target = t.random.integers(0, shape[1], (shape[0], *shape[2:]))
            target.reshape(-1)[0] = -100 if target.size > 1 else 0
            for reduction in REDUCTIONS:
                for smooth in smoothing:
                    for weight in (None, t(shape[1], domain=(0.5, 2)).constant()):
                        options = {"reduction": reduction, **smooth}
                        found.append(S(t(*shape), t.index(target), weight=weight, **options))
        found.append(S(t(5), t.index(2)))
        found.append(S(t(4, 3), t.index([0, 1, 2, 1]), ignore_index=1))
        found.append(S(t(0, 3), t.index(np.zeros(0)), reduction="sum"))
        return found

    return samples


def probability_samples(t):
    return [
        S(t(*s), replace(t(*s, domain=UNIT), drawn=drawn), reduction=r, label_smoothing=smooth, weight=w)
        for s in ((4, 5), (2, 3, 4))
        for drawn in (True, False)
        for r in REDUCTIONS
        for smooth in (0.0, 0.2)
        for w in (None, t(s[1], domain=(0.5, 2)).constant())
    ] + [S(t(5), t(5, domain=UNIT))]


CLASS_ERRORS = [
    ("IndexError", "5", (4, 5), [0, 1, 2, 5]),
    ("IndexError", "-1", (4, 5), [0, 1, 2, -1]),
    ("ValueError", r"4.*3", (4, 5), [0, 1, 2]),
    ("RuntimeError", r"\(2, 3\).*\(2, 4\)", (2, 5, 3), [[0] * 4] * 2),
    ("RuntimeError", "multi-target", (2, 5), [[0], [1]]),
]


def class_errors(t):
    kinds = {"IndexError": IndexError, "ValueError": ValueError, "RuntimeError": RuntimeError}
    found = [
        E(kinds[kind], message, t(*shape), t.index(target)) for kind, message, shape, target in CLASS_ERRORS
    ]
    integers = Operand(np.array([0, 1], dtype=np.int32), "int32", drawn=False)
    return [
        *found,
        E(RuntimeError, r"\(4,\)", t(2, 5), t.index([0, 1]), weight=t(4)),
        E(RuntimeError, "Int", t(2, 5), integers),
        E(ValueError, "nothing", t(2, 5), t.index([0, 1]), reduction="nothing"),
    ]


def multi_margin(x, target, p=1, margin=1.0, weight=None, reduction="mean"):
    rows, target = np.atleast_2d(x), np.atleast_1d(target)
    own = np.take_along_axis(rows, target[:, None], 1)
    terms = np.maximum(0, margin - own + rows) ** p * (1 if weight is None else weight[target][:, None])
    np.put_along_axis(terms, target[:, None], 0, 1)
    losses = terms.mean(1)
    return reduced(losses if x.ndim == 2 else losses[0], reduction)


def multilabel_margin(x, target, reduction="mean"):
    losses = []
    for row, labels in zip(np.atleast_2d(x), np.atleast_2d(target), strict=True):
        named = list(labels[: list(labels).index(-1)] if -1 in labels else labels)
        others = [i for i in range(len(row)) if i not in named]
        losses.append(sum(max(0, 1 - row[j] + row[i]) for j in named for i in others) / len(row))
    return reduced(np.array(losses) if x.ndim == 2 else np.float64(losses[0]), reduction)


OPS += [
    functional(
        "cross_entropy",
        cross_entropy,
        class_samples(({}, {"label_smoothing": 0.2})),
        large=lambda t: [
            S(t(300, 257), t.index(t.random.integers(0, 257, 300))),
            S(t(3, 21, 61, 67), t.index(t.random.integers(0, 21, (3, 61, 67))), label_smoothing=0.1),
        ],
        nonfinite=lambda t: [
            S(t.of([[1e4, -1e4, 0.0]]), t.index([1])),
            S(t.of([[math.nan, 1.0]]), t.index([1])),
        ],
        bad=lambda t: [
            *class_errors(t),
            E(RuntimeError, "1.5", t(2, 5), t.index([0, 1]), label_smoothing=1.5),
        ],
    ),
    functional(
        "cross_entropy",
        cross_entropy,
        probability_samples,
        bad=lambda t: [E(RuntimeError, "ignore_index", t(2, 5), t(2, 5), ignore_index=1)],
    ),
    functional("nll_loss", nll, class_samples(({},)), bad=class_errors),
    functional(
        "multi_margin_loss",
        multi_margin,
        lambda t: (
            [
                S(t(4, 5), t.index([0, 3, 4, 1]), p=p, margin=0.7, weight=w, reduction=r)
                for p in (1, 2)
                for w in (None, t(5, domain=(0.5, 2)).constant())
                for r in REDUCTIONS
            ]
            + [S(t(5), t.index(2))]
        ),
        WIDE_FLOATS,
        bad=lambda t: [
            E(ValueError, "3", t(2, 5), t.index([0, 1]), p=3),
            E(RuntimeError, "target", t(2, 5), t.index([0])),
        ],
    ),
    functional(
        "multilabel_margin_loss",
        multilabel_margin,
        lambda t: (
            [
                S(t(3, 4), t.index([[3, 0, -1, 1], [-1, 0, 1, 2], [0, 1, 2, 3]]), reduction=r)
                for r in REDUCTIONS
            ]
            + [S(t(4), t.index([2, -1, 0, 0]))]
        ),
        WIDE_FLOATS,
    ),
    functional(
        "multilabel_soft_margin_loss",
        lambda x, t, weight=1.0, reduction="mean": reduced(
            (weight * bce_with_logits(x, t)).mean(-1), reduction
        ),
        lambda t: [
            S(t(3, 4), t(3, 4, domain=UNIT), weight=w, reduction=r)
            for w in (t(4, domain=UNIT).constant(), t(3, 4, domain=UNIT).constant())
            for r in REDUCTIONS
        ],
        WIDE_FLOATS,
    ),
]


# ---------------------------------------------------------------- of vectors


def cosine(a, b, dim=1, eps=1e-8):
    a, b = np.broadcast_arrays(a, b)
    lengths = [np.maximum(np.sqrt((v * v).sum(dim, keepdims=True)), eps) for v in (a, b)]
    return (a / lengths[0] * (b / lengths[1])).sum(dim)


def distance(a, b, p=2.0, eps=1e-6, keepdim=False):
    d = np.abs(a - b + eps)
    return d.max(-1, keepdims=keepdim) if p == math.inf else (d**p).sum(-1, keepdims=keepdim) ** (1 / p)


def cosine_embedding(a, b, t, margin=0.0, reduction="mean"):
    cos = cosine(a, b, -1)
    return reduced(np.where(t == 1, 1 - cos, np.maximum(0, cos - margin)), reduction)


def triplet(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction="mean"):
    far = distance(anchor, negative, p, eps)
    far = np.minimum(far, distance(positive, negative, p, eps)) if swap else far
    return reduced(np.maximum(0, margin + distance(anchor, positive, p, eps) - far), reduction)


def all_pairs(x, p=2.0):
    return np.array([distance(x[i], x[j], p, 0.0) for i in range(len(x)) for j in range(i + 1, len(x))])


OPS += [
    functional(
        "cosine_similarity",
        cosine,
        lambda t: [
            S(t(3, 4), t(3, 4)),
            S(t(2, 3, 4), t(2, 3, 4), dim=-1),
            S(t(2, 3, 4), t(3, 1), dim=0),
            S(t(5), t(5), dim=0),
        ],
        bad=lambda t: [
            E(RuntimeError, "3.*4", t(2, 3), t(2, 4)),
            E(IndexError, "2", t(2, 3), t(2, 3), dim=2),
        ],
    ),
    functional(
        "pairwise_distance",
        distance,
        lambda t: [
            S(t(3, 4), t(3, 4)),
            S(t(3, 4), t(4), p=3.0, keepdim=True),
            S(t(4), t(4), p=1.0),
            S(t(3, 4), t(3, 4), p=math.inf),
        ],
        WIDE_FLOATS,
    ),
    functional(
        "pdist",
        all_pairs,
        lambda t: [S(t(5, 3), p) for p in (2.0, 1.0, 3.0, math.inf)] + [S(t(1, 3)).fixed()],
        WIDE_FLOATS,
        bad=lambda t: [E(RuntimeError, "3", t(2, 3, 4)), E(RuntimeError, "-1", t(2, 3), -1.0)],
        tags=frozenset({"peer: strides"}),
    ),
    functional(
        "cosine_embedding_loss",
        cosine_embedding,
        lambda t: (
            [
                S(t(3, 4), t(3, 4), t.index([1, -1, 1]), margin=m, reduction=r)
                for m in (0.0, 0.3)
                for r in REDUCTIONS
            ]
            + [S(t(4), t(4), t.index(-1))]
        ),
        WIDE_FLOATS,
        bad=lambda t: [E(RuntimeError, "1D", t(4), t(4), t.index([1]))],
    ),
    functional(
        "triplet_margin_loss",
        triplet,
        lambda t: (
            [
                S(t(3, 4), t(3, 4), t(3, 4), swap=swap, reduction=r)
                for swap in (False, True)
                for r in REDUCTIONS
            ]
            + [S(t(4), t(4), t(4), p=1.0)]
        ),
        WIDE_FLOATS,
        bad=lambda t: [E(ValueError, "-1", t(4), t(4), t(4), margin=-1.0)],
    ),
]
