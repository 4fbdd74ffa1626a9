"""Scaled dot-product attention."""

import numpy as np

from .row import FLOATS, OWN_STRIDES, SECOND_FAILS, E, Op, S


def attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    assert dropout_p == 0.0
    if enable_gqa:
        groups = query.shape[-3] // key.shape[-3]
        key, value = (np.repeat(x, groups, -3) for x in (key, value))
    scale = 1 / np.sqrt(query.shape[-1]) if scale is None else scale
    scores = query @ np.swapaxes(key, -2, -1) * scale
    if attn_mask is not None:
        scores = np.where(attn_mask, scores, -np.inf) if attn_mask.dtype == bool else scores + attn_mask
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    top = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isinf(top), 0, top))
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total == 0, 1, total) @ value


def samples(t):
    def of(batch, queries, keys, width, value_width=None, heads=None, **options):
        return S(
            t(*batch, queries, width),
            t(*(heads or batch), keys, width),
            t(*(heads or batch), keys, value_width or width),
            **options,
        )

    blind = np.ones((3, 4), bool)
    blind[1] = False
    return [
        of((), 2, 3, 2),
        of((), 2, 3, 2, is_causal=True),
        of((2,), 2, 2, 1),
        of((2, 3), 5, 4, 3, 2),
        of((2, 1), 1, 1, 1),
        of((1, 2), 3, 4, 2, attn_mask=t.mask(blind)),
        of((2, 2), 3, 4, 2, attn_mask=t.mask(np.arange(16).reshape(2, 2, 1, 4) % 3 > 0)),
        of((2, 2), 3, 4, 2, attn_mask=t(2, 1, 1, 4).constant(), scale=0.7),
        of((2, 2), 3, 4, 2, attn_mask=t(3, 1).constant()),
        of((), 2, 2, 2, attn_mask=t(2, 2)),
        of((2, 4), 3, 5, 2, heads=(2, 2), enable_gqa=True, is_causal=True),
        of((3, 1), 2, 2, 1, heads=(1, 1), enable_gqa=True).fixed(),
        of((2, 2), 3, 4, 2, heads=(1, 2)),
        of((2, 2), 40, 70, 5, is_causal=True),
        of((0, 2), 3, 4, 2),
        of((2, 2), 0, 4, 2),
    ]


def bad(t):
    return [
        E(RuntimeError, "2", t(2, 3, 4), t(2, 3, 5), t(2, 3, 5)),
        E(RuntimeError, "dim", t(4), t(2, 3, 4), t(2, 3, 4)),
        E(RuntimeError, "", t(2, 3, 4), t(3, 3, 4), t(3, 3, 4)),
        E(RuntimeError, "", t(2, 3, 4), t(2, 3, 4), t(2, 3, 4), t(4, 4).constant()),
        E(RuntimeError, "attn_mask dtype", t(2, 3, 4), t(2, 3, 4), t(2, 3, 4), t.index([[1, 0, 1]] * 3)),
        E(RuntimeError, "probability", t(2, 3, 4), t(2, 3, 4), t(2, 3, 4), None, 1.5),
    ]


OPS = [
    Op(
        "nn.functional.scaled_dot_product_attention",
        attention,
        samples,
        FLOATS,
        forms="f",
        order=2,
        domain=(-2.0, 2.0),
        tolerance=4,
        label="scaled_dot_product_attention",
        bad=bad,
        tags=OWN_STRIDES | SECOND_FAILS,
    )
]
