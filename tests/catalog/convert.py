"""Conversions between dtypes, and what a tensor tells Python about itself."""

import numpy as np

from .row import ALL, CONTIGUOUS, INTEGERS, NUMBERS, STORAGE, Dtype, E, Op, S


def cast(target):
    def reference(x, *ignored, **also_ignored):
        return np.trunc(x) if STORAGE[target].kind in "iu" and x.dtype.kind == "f" else x

    return reference


def conversion(name, target):
    return Op(
        name,
        cast(target),
        lambda t: [S(t(2, 3)), S(t()), S(t(0, 2)), S(t(67))],
        ALL,
        forms="m",
        result=target,
        domain=(0, 9),
        order=2 if target == "float64" else 0,
    )


def fact(name, reference, samples=None, dtypes=ALL, **options):
    return Op(
        name,
        reference,
        samples or (lambda t: [S(t(2, 3)), S(t()), S(t(0, 2))]),
        dtypes,
        **{"forms": "m", **options},
    )


def attribute(name, reference, **options):
    return fact(name, reference, **options, forms="", call=lambda torch, x: getattr(x, name))


def single(t):
    return [S(t()), S(t(1)), S(t(1, 1))]


def bad_single(t, error=RuntimeError):
    return [E(error, "3|elements|one|scalar", t(3)), E(error, "0|elements|one|scalar", t(0))]


def python(kind):
    return lambda x: kind(x.reshape(-1)[0])


def converted(kind):
    return Op(
        f"__{kind.__name__}__",
        python(kind),
        single,
        ALL,
        forms="",
        call=lambda torch, x: kind(x),
        bad=lambda t: bad_single(t, RuntimeError if kind is bool else ValueError),
        label="item|scalar|Boolean|bool|elements|tensor|convert",
    )


def strides(x):
    return tuple(int(np.prod(x.shape[d + 1 :])) for d in range(x.ndim))


def targets(t):
    return [
        S(t(2, 3), Dtype("float64")).giving("float64"),
        S(t(2, 3), dtype=Dtype("int64")).giving("int64"),
        S(t(3), Dtype("bool")).giving("bool"),
        S(t(2, 3), "cpu").giving("same"),
        S(t(3), Dtype("bfloat16"), copy=True).giving("bfloat16"),
        S(t(3), Dtype("float16")).giving("float16"),
    ]


def to(x, *target, dtype=None, copy=False):
    return x


OPS = [
    *(
        conversion(name, target)
        for name, target in (
            ("float", "float32"),
            ("double", "float64"),
            ("half", "float16"),
            ("bfloat16", "bfloat16"),
            ("bool", "bool"),
            ("byte", "uint8"),
            ("char", "int8"),
            ("short", "int16"),
            ("int", "int32"),
            ("long", "int64"),
        )
    ),
    Op("to", to, targets, ALL, forms="m", domain=(0, 9)),
    Op(
        "type",
        to,
        lambda t: [S(t(3), Dtype("float32")).giving("float32"), S(t(3), Dtype("int32")).giving("int32")],
        ALL,
        forms="m",
        domain=(0, 9),
    ),
    Op(
        "type_as",
        lambda x, y: x,
        lambda t: [S(t(3), t.index([1])).giving("int64")],
        ALL,
        forms="m",
        domain=(0, 9),
    ),
    Op("cpu", lambda x: x, lambda t: [S(t(2, 3))], ALL, forms="m", order=2),
    converted(int),
    converted(float),
    converted(bool),
    fact("item", lambda x: x.reshape(-1)[0].item(), single, bad=bad_single),
    fact("tolist", lambda x: x.tolist()),
    fact("numel", lambda x: x.size, forms="fm"),
    fact("nelement", lambda x: x.size),
    fact("dim", lambda x: x.ndim),
    fact("ndimension", lambda x: x.ndim),
    attribute("ndim", lambda x: x.ndim),
    fact(
        "size",
        lambda x, dim=None: tuple(x.shape) if dim is None else x.shape[dim],
        lambda t: [S(t(2, 3)), S(t()), S(t(2, 3), 1), S(t(2, 3), -2)],
        bad=lambda t: [E(IndexError, "2", t(2, 3), 2)],
        label="size|dim",
    ),
    attribute("shape", lambda x: tuple(x.shape)),
    fact(
        "stride",
        lambda x, dim=None: strides(x) if dim is None else strides(x)[dim],
        lambda t: [S(t(2, 3)), S(t(2, 3, 4), 0), S(t())],
        tags=CONTIGUOUS,
    ),
    fact("is_contiguous", lambda x: True, tags=CONTIGUOUS),
    fact("is_floating_point", lambda x: x.dtype.kind == "f", forms="fm"),
    fact("is_nonzero", lambda x: bool(x.reshape(-1)[0]), single, forms="fm"),
    fact(
        "numpy",
        lambda x: x,
        dtypes=tuple(d for d in ALL if d != "bfloat16"),
        forms="",
        view=True,
        call=lambda torch, x: torch.from_numpy(x.numpy()),
    ),
    fact(
        "__len__",
        lambda x: len(x),
        lambda t: [S(t(2, 3)), S(t(0))],
        forms="",
        call=lambda torch, x: len(x),
        bad=lambda t: [E(TypeError, "0", t())],
        label="len",
    ),
    fact(
        "__contains__",
        lambda x, v: bool((x == v).any()),
        lambda t: [S(t.of([1, 0]), 1), S(t.of([1, 1]), 0), S(t.of([[1, 0]]), t.of(0))],
        forms="",
        call=lambda torch, x, v: v in x,
    ),
    fact("element_size", lambda x: x.dtype.itemsize, dtypes=("bool", *INTEGERS, "float64")),
    attribute("nbytes", lambda x: x.nbytes, dtypes=("bool", *INTEGERS, "float64")),
    fact("storage_offset", lambda x: 0, tags=CONTIGUOUS),
    fact("is_complex", lambda x: False, forms="fm"),
    fact("conj", lambda x: x, forms="fm", order=1),
    fact("data_ptr", lambda x: True, forms="", call=lambda torch, x: x.data_ptr() == x.view_as(x).data_ptr()),
    fact("is_tensor", lambda x: True, forms="f"),
    Op(
        "resize_",
        lambda x, *size: np.resize(x, size),
        lambda t: [S(t(6), 2, 3), S(t(2, 3), 4)],
        ALL,
        forms="",
        tags=CONTIGUOUS,
        call=lambda torch, x, *size: x.clone().resize_(*size),
    ),
    fact("is_same_size", lambda x, y: x.shape == y.shape, lambda t: [S(t(2), t(2)), S(t(2), t(3))]),
    Op("isreal", lambda x: np.ones(x.shape, bool), lambda t: [S(t(3))], ALL, result="bool"),
    Op(
        "__pow__",
        lambda x, p: np.power(x, p),
        lambda t: [S(t(3), 2)],
        NUMBERS,
        forms="",
        call=lambda torch, x, p: x**p,
    ),
    Op(
        "__floordiv__",
        lambda x, y: np.floor_divide(x, y),
        lambda t: [S(t(3), 2)],
        NUMBERS,
        forms="",
        call=lambda torch, x, y: x // y,
    ),
    Op(
        "__rpow__",
        lambda x, base: np.power(float(base), x),
        lambda t: [S(t(3), 2)],
        ("float32", "float64"),
        forms="",
        call=lambda torch, x, base: base**x,
    ),
    Op(
        "broadcast_shapes",
        lambda *s: tuple(np.broadcast_shapes(*s)),
        lambda t: [S((2, 1), (3,)), S((), (2,)), S((0, 1), (1, 3))],
        ("float32",),
        forms="f",
        bad=lambda t: [E(RuntimeError, "2.*3|3.*2", (2,), (3,))],
    ),
]
