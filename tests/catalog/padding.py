"""Padding."""

import numpy as np

from .row import ALL, FLOATS, OWN_STRIDES, E, Op, S

MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(x, pad, mode="constant", value=None):
    ends = [(0, 0)] * (x.ndim - len(pad) // 2) + [tuple(pad[i : i + 2]) for i in range(0, len(pad), 2)][::-1]
    grown = [(max(before, 0), max(after, 0)) for before, after in ends]
    options = {"constant_values": 0 if value is None else value} if mode == "constant" else {}
    y = np.pad(x, grown, MODES.get(mode, mode), **options)
    return y[
        tuple(
            slice(max(-before, 0), size - max(-after, 0))
            for (before, after), size in zip(ends, y.shape, strict=True)
        )
    ]


def constant_samples(t):
    return [
        S(t(3), (1, 2)),
        S(t(2, 3), (1, 2), "constant", 2.0),
        S(t(2, 3), (1, 0, 0, 2)),
        S(t(2, 3, 4), (1, 1, 0, 2, 2, 0), value=1),
        S(t(2, 3, 4, 5), (2, 1, 1, 1)),
        S(t(2, 3, 4), (-1, 1, 2, -2)),
        S(t(2, 3), (-1, -2)),
        S(t(2, 3), ()),
        S(t(0, 3), (1, 1, 1, 0)),
        S(t(0, 3), (1, 1)),
        S(t(2, 1, 1, 2, 1, 3), (1, 1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 1)),
        S(t(2, 3, 37), (3, 5)).fixed(),
    ]


def inside_samples(mode):
    def samples(t):
        return [
            S(t(2, 5), (2, 3), mode),
            S(t(2, 3, 4), (1, 2), mode),
            S(t(2, 3, 4), (2, 0, 1, 2), mode),
            S(t(1, 2, 3, 4), (1, 2, 2, 1), mode),
            S(t(2, 2, 3, 3), (1, 1, 2, 1, 1, 1), mode),
            S(t(1, 1, 2, 3, 4), (0, 3, 1, 1, 1, 0), mode),
            S(t(2, 3, 5), (-1, 2), mode) if mode != "circular" else S(t(2, 3, 5), (-1, -2), mode),
            S(t(0, 2, 3, 4), (1, 1, 1, 1), mode),
            S(t(2, 2, 40, 37), (3, 5, 2, 0), mode).fixed(),
        ]

    return samples


def inside_errors(mode):
    too_far = {"reflect": 4, "circular": 5}.get(mode)

    def samples(t):
        return [
            E(NotImplementedError, "1", t(4), (1, 1), mode),
            E(NotImplementedError, "4", t(2, 3, 4, 5), (1, 1), mode),
            E(RuntimeError, "value", t(2, 3, 4), (1, 1), mode, 3.0),
            E(RuntimeError, "0", t(2, 3, 0), (1, 1), mode),
            *([E(RuntimeError, "", t(2, 3, 4), (too_far, 0), mode)] if too_far else []),
        ]

    return samples


OPS = [
    Op(
        "nn.functional.pad",
        pad,
        constant_samples,
        ALL,
        forms="f",
        order=2,
        label="pad",
        bad=lambda t: [
            E(RuntimeError, "2", t(3), (1,)),
            E(RuntimeError, "4", t(3), (1, 1, 1, 1)),
            E(RuntimeError, "-5", t(3), (-5, 1)),
            E(NotImplementedError, "mirror", t(2, 3), (1, 1), "mirror"),
        ],
        tags=OWN_STRIDES,
    ),
    Op("constant_pad_nd", pad, lambda t: [S(t(2, 3), (1, 2))], ALL, forms="f", order=2),
    *(
        Op(
            "nn.functional.pad",
            pad,
            inside_samples(mode),
            FLOATS if mode == "circular" else (*FLOATS, "int32", "int64", "uint8"),
            forms="f",
            order=2,
            label="pad",
            bad=inside_errors(mode),
            tags=OWN_STRIDES,
        )
        for mode in MODES
    ),
]
