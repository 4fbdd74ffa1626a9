"""Tensors out of nothing, out of Python data, and in the likeness of another tensor."""

import numpy as np

from .row import ALL, FLOATS, NUMBERS, STORAGE, WIDE_FLOATS, Dtype, E, Op, S


def storage(dtype, default="float32"):
    return STORAGE[dtype or default]


def full(size, value, dtype=None):
    kinds = {bool: "bool", int: "int64", float: "float32"}
    return np.full(size, value, storage(dtype, kinds[type(value)]))


def arange(*limits, dtype=None):
    whole = all(isinstance(limit, int) for limit in limits)
    start, end, step = (0, limits[0], 1) if len(limits) == 1 else (*limits, 1)[:3]
    count = max(0, int(np.ceil((end - start) / step)))
    return (start + step * np.arange(count)).astype(storage(dtype, "int64" if whole else "float32"))


def linspace(start, end, steps, dtype=None):
    return np.linspace(start, end, steps).astype(storage(dtype))


def logspace(start, end, steps, base=10.0, dtype=None):
    return np.logspace(start, end, steps, base=base).astype(storage(dtype))


def eye(n, m=None, dtype=None):
    return np.eye(n, m, dtype=storage(dtype))


def triangle(indices):
    return lambda row, col, offset=0: np.stack(indices(row, offset, col)).astype(np.int64)


def tensor(data, dtype=None):
    array = np.asarray(data)
    default = {"b": "bool", "i": "int64", "u": "int64", "f": "float32"}[array.dtype.kind]
    return array.astype(storage(dtype, default))


def sized(value):
    """zeros and ones: any spelling of the size."""

    def reference(*size, dtype=None):
        size = size[0] if len(size) == 1 and not isinstance(size[0], int) else size
        return np.full(size, value, storage(dtype))

    return reference


def sizes(t):
    kind = Dtype(t.dtype)
    return [S(2, 3), S((2, 3), dtype=kind), S([0, 2], dtype=kind), S(()), S(4, dtype=kind)]


def bad_sizes(t):
    return [
        E(RuntimeError, "-1", -1),
        E(RuntimeError, "-2", (2, -2)),
        E(TypeError, "str|a", "a"),
        E(RuntimeError, "overflow|4611686018427387904", 2**62, 4),
        E((TypeError, OverflowError), "", 2**63),
    ]


def arange_samples(t):
    kind = Dtype(t.dtype)
    return [
        S(5),
        S(2, 7),
        S(1, 8, 3),
        S(5, 0, -2),
        S(0.5, 3.0, 0.5),
        S(1.0, 2.0),
        S(0),
        S(6, dtype=kind),
        S(1, 9, 2, dtype=kind),
    ]


def literals(t):
    kind = Dtype(t.dtype)
    return [
        S([[1, 2], [3, 4]]),
        S([1.5, 2]),
        S(True),
        S(3),
        S(2.5),
        S([]),
        S([[]]),
        S([[1], [0]], dtype=kind),
        S(1, dtype=kind),
        S([True, False]),
        S((1, 2, 3)),
        S([[True], [False]], dtype=kind),
    ]


def like(name, value):
    """zeros_like and friends: the shape of the tensor, its dtype unless told."""
    return Op(
        name,
        lambda x, dtype=None: np.full(x.shape, value),
        lambda t: [S(t(2, 3)), S(t()), S(t(0, 2)), S(t(2), dtype=Dtype("float64"))],
        ALL,
        forms="f",
    )


def new(name, value, **options):
    return Op(
        name,
        lambda x, *size, dtype=None: np.full(
            size[0] if len(size) == 1 and not isinstance(size[0], int) else size, value
        ),
        lambda t: [S(t(2), (2, 3)), S(t(2), 2, 3), S(t(2), ()), S(t(2), (2,), dtype=Dtype("int64"))],
        ALL,
        forms="m",
        **options,
    )


OPS = [
    Op("zeros", sized(0), sizes, ALL, forms="f", result="reference", bad=bad_sizes),
    Op("ones", sized(1), sizes, ALL, forms="f", result="reference", bad=bad_sizes),
    Op("empty", sized(0), sizes, ALL, forms="f", result="reference", shape_only=True, bad=bad_sizes),
    Op(
        "full",
        full,
        lambda t: [
            S((2, 3), 1.5),
            S((2,), 3),
            S((), True),
            S((2, 2), 1, dtype=Dtype(t.dtype)),
            S([0], 1, dtype=Dtype(t.dtype)),
        ],
        ALL,
        forms="f",
        result="reference",
        bad=lambda t: [E(RuntimeError, "-1", (-1,), 1), E((OverflowError, RuntimeError), "", (2,), 2**70)],
    ),
    Op(
        "arange",
        arange,
        arange_samples,
        NUMBERS,
        forms="f",
        result="reference",
        bad=lambda t: [
            E(RuntimeError, "0|step", 0, 5, 0),
            E(RuntimeError, "overflow|size", 0, 1e30),
            E(RuntimeError, "5|step|bound", 5, 0, 1),
        ],
    ),
    Op(
        "linspace",
        linspace,
        lambda t: [
            S(0, 1, 5),
            S(-2.0, 3.0, 6, dtype=Dtype(t.dtype)),
            S(1, 2, 1),
            S(1, 2, 0),
            S(start=0, end=10, steps=41),
        ],
        WIDE_FLOATS,
        forms="f",
        result="reference",
        bad=lambda t: [
            E(RuntimeError, "-1|steps", 0, 1, -1),
            E(RuntimeError, "overflow|46116860", 0, 1, 2**62),
        ],
    ),
    Op(
        "logspace",
        logspace,
        lambda t: [S(0, 2, 3), S(-1.0, 1.0, 5, dtype=Dtype(t.dtype)), S(0, 3, 4, base=2.0)],
        WIDE_FLOATS,
        forms="f",
        result="reference",
    ),
    Op(
        "eye",
        eye,
        lambda t: [S(3), S(2, 4, dtype=Dtype(t.dtype)), S(3, 2), S(0)],
        ALL,
        forms="f",
        result="reference",
        bad=lambda t: [E(RuntimeError, "-1", -1), E(RuntimeError, "overflow|1099511627776", 2**40)],
    ),
    Op(
        "tril_indices",
        triangle(np.tril_indices),
        lambda t: [S(3, 3), S(3, 4, 1), S(4, 2, offset=-1)],
        ("int64",),
        forms="f",
        result="int64",
    ),
    Op(
        "triu_indices",
        triangle(np.triu_indices),
        lambda t: [S(3, 3), S(3, 4, 1), S(4, 2, offset=-1)],
        ("int64",),
        forms="f",
        result="int64",
    ),
    Op(
        "tensor",
        tensor,
        literals,
        ALL,
        forms="f",
        result="reference",
        bad=lambda t: [
            E(ValueError, "1|2|length", [[1], [1, 2]]),
            E((TypeError, ValueError), "", [[[[[[1], [2]]]]], 3]),
            E((TypeError, ValueError, RuntimeError), "str|a", "a"),
            E((TypeError, RuntimeError, ValueError), "str|a|None", [None]),
        ],
    ),
    Op("as_tensor", tensor, literals, ALL, forms="f", result="reference"),
    Op(
        "scalar_tensor",
        lambda v, dtype=None: np.asarray(v, storage(dtype)),
        lambda t: [S(2), S(1, dtype=Dtype(t.dtype))],
        ALL,
        forms="f",
        result="reference",
    ),
    Op(
        "from_numpy",
        lambda a: a,
        lambda t: [
            S(np.arange(6.0).reshape(2, 3)),
            S(np.arange(8, dtype=np.int32)[1::3]),
            S(np.array(True)),
            S(np.zeros((0, 2), np.float16)),
            S(np.arange(6).reshape(2, 3).T),
        ],
        ("float64",),
        forms="f",
        result="reference",
        bad=lambda t: [
            E(TypeError, "list", [1, 2]),
            E((TypeError, ValueError), "str|U|type", np.array(["a"])),
        ],
    ),
    like("zeros_like", 0),
    like("ones_like", 1),
    Op("empty_like", lambda x: x, lambda t: [S(t(2, 3)), S(t())], ALL, forms="f", shape_only=True),
    Op(
        "full_like",
        lambda x, value, dtype=None: np.full(x.shape, value),
        lambda t: [S(t(2, 3), 1), S(t(), 0), S(t(2), 3, dtype=Dtype("int32"))],
        ALL,
        forms="f",
    ),
    new("new_zeros", 0),
    new("new_ones", 1),
    new("new_empty", 0, shape_only=True),
    Op(
        "new_full",
        lambda x, size, value, dtype=None: np.full(size, value),
        lambda t: [S(t(2), (2, 3), 1), S(t(2), (), 1), S(t(2), (2,), 3, dtype=Dtype("int64"))],
        ALL,
        forms="m",
    ),
    Op(
        "new_tensor",
        lambda x, data, dtype=None: np.asarray(data),
        lambda t: [S(t(2), [1, 0]), S(t(2), [[1], [1]], dtype=Dtype("float64"))],
        ALL,
        forms="m",
    ),
    Op(
        "rand",
        lambda *s, dtype=None: np.empty(s, storage(dtype)),
        lambda t: [S(2, 3), S(4, dtype=Dtype(t.dtype)), S(0)],
        FLOATS,
        forms="f",
        result="reference",
        shape_only=True,
        bad=bad_sizes,
    ),
    Op(
        "randn",
        lambda *s, dtype=None: np.empty(s, storage(dtype)),
        lambda t: [S(2, 3), S(4, dtype=Dtype(t.dtype)), S(0)],
        FLOATS,
        forms="f",
        result="reference",
        shape_only=True,
        bad=bad_sizes,
    ),
    Op(
        "randint",
        lambda low, high, size, dtype=None: np.empty(size, storage(dtype, "int64")),
        lambda t: [S(0, 5, (2, 3)), S(1, 3, (4,), dtype=Dtype(t.dtype))],
        NUMBERS,
        forms="f",
        result="reference",
        shape_only=True,
        bad=lambda t: [E(RuntimeError, "5.*3|from", 5, 3, (2,))],
    ),
    Op(
        "randperm",
        lambda n, dtype=None: np.empty(n, storage(dtype, "int64")),
        lambda t: [S(5), S(0), S(4, dtype=Dtype(t.dtype))],
        ("int32", "int64"),
        forms="f",
        result="reference",
        shape_only=True,
        bad=lambda t: [E(RuntimeError, "-1|n", -1)],
    ),
    Op("rand_like", lambda x: x, lambda t: [S(t(2, 3)), S(t())], FLOATS, forms="f", shape_only=True),
    Op("randn_like", lambda x: x, lambda t: [S(t(2, 3)), S(t())], FLOATS, forms="f", shape_only=True),
    Op(
        "bernoulli",
        lambda x: x,
        lambda t: [S(t(2, 3))],
        FLOATS,
        shape_only=True,
        domain=(0, 1),
        bad=lambda t: [E(RuntimeError, "0|1|p", t.of([2.0]))],
    ),
    Op(
        "uniform_",
        lambda x, *a: x,
        lambda t: [S(t(2, 3)), S(t(4), -1, 1)],
        FLOATS,
        forms="m",
        shape_only=True,
        bad=lambda t: [E(RuntimeError, "2.*1|from", t(2), 2, 1)],
    ),
    Op(
        "normal_",
        lambda x, *a: x,
        lambda t: [S(t(2, 3)), S(t(4), 1.0, 2.0)],
        FLOATS,
        forms="m",
        shape_only=True,
        bad=lambda t: [E(RuntimeError, "-1", t(2), 0, -1)],
    ),
    Op(
        "random_",
        lambda x, *a: x,
        lambda t: [S(t(2, 3)), S(t(4), 5), S(t(4), 2, 7)],
        NUMBERS,
        forms="m",
        shape_only=True,
        bad=lambda t: [E(RuntimeError, "5.*3|from", t(2), 5, 3)],
    ),
    Op(
        "bernoulli_",
        lambda x, *a: x,
        lambda t: [S(t(2, 3), 0.5)],
        ALL,
        forms="m",
        shape_only=True,
        bad=lambda t: [E(RuntimeError, "1.5", t(2), 1.5)],
    ),
    Op(
        "exponential_",
        lambda x, *a: x,
        lambda t: [S(t(2, 3)), S(t(2), 0.5)],
        FLOATS,
        forms="m",
        shape_only=True,
        bad=lambda t: [E(RuntimeError, "-1", t(2), -1)],
    ),
    Op(
        "multinomial",
        lambda x, n, replacement=False: np.empty((*x.shape[:-1], n)),
        lambda t: [S(t(5), 3), S(t(2, 5), 4, True)],
        FLOATS,
        result="int64",
        shape_only=True,
        domain=(0.1, 1),
        bad=lambda t: [E(RuntimeError, "5|sample|categor", t(4), 5), E(RuntimeError, "0|sample", t(4), 0)],
    ),
    Op(
        "normal",
        lambda mean, std: np.broadcast_to(mean, np.broadcast_shapes(mean.shape, np.shape(std))),
        lambda t: [S(t(3), t(3)), S(t(2, 3), 1.0)],
        WIDE_FLOATS,
        forms="f",
        domain=(0.5, 2),
        shape_only=True,
    ),
]
