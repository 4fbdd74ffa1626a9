"""Views: other shapes and strides over the same storage."""

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from .row import ALL, CONTIGUOUS, E, Op, S


def positive(dim, ndim):
    return dim % ndim if ndim else 0


def transpose(x, a, b):
    return x if x.ndim == 0 else np.swapaxes(x, a, b)


def expand(x, *sizes):
    sizes = sizes[0] if isinstance(sizes[0], (tuple, list)) else sizes
    kept = (1,) * (len(sizes) - x.ndim) + x.shape
    return np.broadcast_to(x, [old if new == -1 else new for old, new in zip(kept, sizes, strict=True)])


def squeeze(x, dim=None):
    dims = range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    gone = {positive(d, x.ndim) for d in dims if x.ndim and x.shape[d] == 1}
    return x.reshape([size for d, size in enumerate(x.shape) if d not in gone])


def pieces(x, sizes, dim):
    return tuple(np.split(x, np.cumsum(sizes)[:-1], axis=dim))


def split(x, size, dim=0):
    if isinstance(size, (list, tuple)):
        return pieces(x, size, dim)
    return tuple(np.split(x, range(size, x.shape[dim], size), axis=dim))


def chunk(x, chunks, dim=0):
    return split(x, max(1, -(-x.shape[dim] // chunks)), dim)


def flatten(x, start_dim=0, end_dim=-1):
    if x.ndim == 0:
        return x.reshape(1)
    first, last = positive(start_dim, x.ndim), positive(end_dim, x.ndim)
    return x.reshape(*x.shape[:first], int(np.prod(x.shape[first : last + 1])), *x.shape[last + 1 :])


def unflatten(x, dim, sizes):
    dim = positive(dim, x.ndim)
    return x.reshape(*x.shape[:dim], *np.empty(x.shape[dim]).reshape(sizes).shape, *x.shape[dim + 1 :])


def narrow(x, dim, start, length):
    size = x.shape[dim]
    start = int(start) % size if start < 0 else int(start)
    return np.take(x, range(start, start + length), axis=dim)


def unfold(x, dimension, size, step):
    dim = positive(dimension, x.ndim)
    windows = sliding_window_view(x, size, axis=dim)
    return windows[(slice(None),) * dim + (slice(None, None, step),)]


def strided(x, size, stride, offset=0):
    flat = np.ascontiguousarray(x).reshape(-1)
    return as_strided(flat[offset:], size, [s * flat.itemsize for s in stride])


def sizes_of(*args):
    return args[0] if len(args) == 1 and isinstance(args[0], (tuple, list)) else args


def reshapes(t):
    return [
        S(t(2, 3), (3, 2)),
        S(t(2, 3), (-1,)),
        S(t(2, 3), (6, 1)),
        S(t(), (1, 1)),
        S(t(1), ()),
        S(t(0, 3), (3, 0)),
        S(t(2, 3, 2), (2, -1)),
    ]


def bad_reshape(t):
    return [
        E(RuntimeError, "4.*6|6.*4", t(2, 3), (4,)),
        E(RuntimeError, "4.*6|6.*4", t(2, 3), (4, -1)),
        E(RuntimeError, "-1", t(2, 3), (-1, -1)),
        E(RuntimeError, "-2", t(2, 3), (-2, 3)),
    ]


def bad_dim(*rest):
    return lambda t: [E(IndexError, "2", t(2, 3), 2, *rest), E(IndexError, "-3", t(2, 3), -3, *rest)]


def row(name, reference, samples, **options):
    options.setdefault("order", 2)
    options.setdefault("view", True)
    return Op(name, reference, samples, ALL, **options)


def attribute(name, reference, samples, **options):
    return row(name, reference, samples, forms="", call=lambda torch, x: getattr(x, name), **options)


def wrapped(name, reference, samples, **options):
    """A name that is called through its function only, as it has no method or a varied method."""
    return row(name, reference, samples, forms="f", **options)


OPS = [
    row(
        "view",
        lambda x, *s: x.reshape(sizes_of(*s)),
        lambda t: [*reshapes(t), S(t(2, 3), 3, 2), S(t(2, 3), -1)],
        forms="m",
        bad=bad_reshape,
        tags=CONTIGUOUS,
    ),
    row("reshape", lambda x, s: x.reshape(s), reshapes, bad=bad_reshape),
    row(
        "view_as",
        lambda x, y: x.reshape(y.shape),
        lambda t: [S(t(2, 3), t(3, 2))],
        forms="m",
        tags=CONTIGUOUS,
    ),
    row("reshape_as", lambda x, y: x.reshape(y.shape), lambda t: [S(t(2, 3), t(3, 2))], forms="m"),
    row(
        "transpose",
        transpose,
        lambda t: [S(t(2, 3), 0, 1), S(t(2, 3, 4), -1, 0), S(t(), 0, -1), S(t(0, 3), 0, 1), S(t(2, 3), 1, 1)],
        aliases=("swapaxes", "swapdims"),
        bad=bad_dim(0),
        forms="fmv",
    ),
    row(
        "t",
        np.transpose,
        lambda t: [S(t(2, 3)), S(t(3)), S(t())],
        bad=lambda t: [E(RuntimeError, "3", t(2, 3, 4))],
        forms="fmv",
    ),
    attribute("T", np.transpose, lambda t: [S(t(2, 3))]),
    attribute("mT", lambda x: np.swapaxes(x, -1, -2), lambda t: [S(t(2, 3)), S(t(2, 3, 4))]),
    row(
        "permute",
        lambda x, *d: np.transpose(x, sizes_of(*d)),
        lambda t: [S(t(2, 3, 2), (2, 0, 1)), S(t(2, 3), (-1, 0)), S(t(), ()), S(t(0, 2), (1, 0))],
        bad=lambda t: [
            E(RuntimeError, "2.*3|3.*2|dim", t(2, 3, 4), (0, 1)),
            E(RuntimeError, "0|dup|repeat", t(2, 3), (0, 0)),
            E(IndexError, "2", t(2, 3), (0, 2)),
        ],
    ),
    row(
        "movedim",
        np.moveaxis,
        lambda t: [S(t(2, 3, 4), 0, 2), S(t(2, 3, 4), (0, 1), (2, 0)), S(t(2, 3, 4), -1, 0)],
        aliases=("moveaxis",),
    ),
    row(
        "expand",
        expand,
        lambda t: [
            S(t(3), (2, 3)),
            S(t(2, 1), (2, 4)),
            S(t(2, 1), (3, -1, 4)),
            S(t(), (2, 2)),
            S(t(1, 3), 0, 3),
            S(t(3, 1), -1, 4),
        ],
        forms="m",
        bad=lambda t: [
            E(RuntimeError, "3.*4", t(3), (4,)),
            E(RuntimeError, "3|dim", t(2, 3), (3,)),
            E(RuntimeError, "-2", t(1, 3), (-2, 3)),
            E(RuntimeError, "overflow", t(1), (2**40, 2**40)),
        ],
    ),
    row(
        "expand_as",
        lambda x, y: np.broadcast_to(x, y.shape),
        lambda t: [S(t(3), t(2, 3)), S(t(), t(2))],
        forms="m",
        bad=lambda t: [E(RuntimeError, "3.*4", t(3), t(4))],
        label="expand",
    ),
    row(
        "broadcast_to",
        np.broadcast_to,
        lambda t: [S(t(3), (2, 3)), S(t(2, 1), (2, 4))],
        bad=lambda t: [E(RuntimeError, "3.*4", t(3), (4,))],
        label="broadcast_to|expand",
    ),
    wrapped(
        "broadcast_tensors",
        lambda *a: list(np.broadcast_arrays(*a)),
        lambda t: [S(t(3), t(2, 1)), S(t(), t(2))],
        bad=lambda t: [E(RuntimeError, "3.*4", t(3), t(4))],
        result=("same", "same"),
        label="broadcast",
    ),
    row(
        "squeeze",
        squeeze,
        lambda t: [
            S(t(1, 3, 1)),
            S(t(1, 3), 0),
            S(t(1, 3), 1),
            S(t(1, 2, 1), (0, 2)),
            S(t(), 0),
            S(t(2, 1), -1),
        ],
        bad=bad_dim(),
        forms="fmv",
    ),
    row(
        "unsqueeze",
        np.expand_dims,
        lambda t: [S(t(3), 0), S(t(2, 3), 1), S(t(2, 3), -1), S(t(), 0), S(t(0), 1)],
        bad=lambda t: [E(IndexError, "3", t(2, 3), 3), E(IndexError, "-4", t(2, 3), -4)],
        forms="fmv",
    ),
    row(
        "narrow",
        narrow,
        lambda t: [S(t(5), 0, 1, 3), S(t(2, 4), 1, 2, 2), S(t(2, 4), -1, -3, 2), S(t(3), 0, 1, 0)],
        bad=lambda t: [
            E(RuntimeError, "3.*3.*5|5", t(5), 0, 3, 3),
            E(RuntimeError, "-1", t(5), 0, 1, -1),
            E(IndexError, "6", t(5), 0, 6, 0),
        ],
    ),
    row(
        "select",
        lambda x, dim, index: np.take(x, index, axis=dim),
        lambda t: [S(t(2, 3), 0, 1), S(t(2, 3), 1, -1), S(t(3), 0, 0)],
        bad=lambda t: [E(IndexError, "5", t(2, 3), 0, 5), E(IndexError, "2", t(2, 3), 2, 0)],
    ),
    row(
        "unfold",
        unfold,
        lambda t: [S(t(5), 0, 2, 1), S(t(6), 0, 3, 2), S(t(2, 5), 1, 2, 2), S(t(4, 2), -2, 3, 1)],
        forms="m",
        bad=lambda t: [
            E(RuntimeError, "6.*5|5.*6|6", t(5), 0, 6, 1),
            E(RuntimeError, "0|step", t(5), 0, 2, 0),
        ],
    ),
    row(
        "as_strided",
        strided,
        lambda t: [
            S(t(6), (2, 2), (2, 1)),
            S(t(6), (2, 3), (1, 2)),
            S(t(6), (3, 2), (1, 1)),
            S(t(2, 3), (2,), (2,), 1),
        ],
        bad=lambda t: [
            E(RuntimeError, "-1", t(6), (2,), (-1,)),
            E(RuntimeError, "overflow", t(6), (2**40, 2**40), (0, 0)),
            E(RuntimeError, "9|bound|storage", t(6), (4, 3), (3, 1)),
        ],
        tags=CONTIGUOUS,
    ),
    row(
        "diagonal",
        lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2),
        lambda t: [S(t(3, 3)), S(t(2, 4), 1), S(t(3, 2), -1), S(t(2, 3, 3), 0, 1, 2), S(t(2, 3), 3)],
        bad=lambda t: [E(RuntimeError, "0", t(3, 3), 0, 0, 0), E(IndexError, "2", t(3, 3), 0, 0, 2)],
    ),
    row(
        "flatten",
        flatten,
        lambda t: [
            S(t(2, 3, 2)),
            S(t(2, 3, 2), 1),
            S(t(2, 3, 2), 0, 1),
            S(t()),
            S(t(0, 3)),
            S(t(2, 3, 2), start_dim=-2),
        ],
        bad=lambda t: [E(RuntimeError, "start|1", t(2, 3), 1, 0), E(IndexError, "2", t(2, 3), 2)],
    ),
    row(
        "unflatten",
        unflatten,
        lambda t: [S(t(6), 0, (2, 3)), S(t(2, 6), 1, (3, -1)), S(t(2, 6), -1, (2, 3))],
        bad=lambda t: [E(RuntimeError, "6", t(6), 0, (4, 2))],
    ),
    row("ravel", np.ravel, lambda t: [S(t(2, 3)), S(t()), S(t(0, 2))]),
    row(
        "chunk",
        chunk,
        lambda t: [S(t(5), 2), S(t(2, 4), 2, 1), S(t(6), 4), S(t(2, 3), 1, -1)],
        bad=lambda t: [E(RuntimeError, "0", t(5), 0)],
    ),
    row(
        "split",
        split,
        lambda t: [S(t(5), 2), S(t(2, 4), 3, 1), S(t(6), [1, 2, 3]), S(t(4), (1, 3)), S(t(2, 3), 2, dim=1)],
        bad=lambda t: [E(RuntimeError, "5", t(5), [2, 2]), E(RuntimeError, "-1", t(5), -1)],
    ),
    row("split_with_sizes", pieces, lambda t: [S(t(6), [1, 2, 3], 0), S(t(2, 3), [2, 1], 1)]),
    row(
        "tensor_split",
        lambda x, n, dim=0: tuple(np.array_split(x, n, axis=dim)),
        lambda t: [S(t(7), 3), S(t(2, 5), 2, dim=1), S(t(6), (1, 4)), S(t(3), 5)],
        bad=lambda t: [E(RuntimeError, "0", t(5), 0)],
    ),
    row("hsplit", lambda x, n: tuple(np.hsplit(x, n)), lambda t: [S(t(2, 4), 2), S(t(6), 3)]),
    row("vsplit", lambda x, n: tuple(np.vsplit(x, n)), lambda t: [S(t(4, 2), 2)]),
    row("dsplit", lambda x, n: tuple(np.dsplit(x, n)), lambda t: [S(t(2, 1, 4), 2)]),
    row(
        "unbind",
        lambda x, dim=0: tuple(np.moveaxis(x, dim, 0)),
        lambda t: [S(t(3)), S(t(2, 3)), S(t(2, 3), 1), S(t(2, 3), dim=-1)],
        bad=bad_dim(),
    ),
    row(
        "__iter__",
        lambda x: tuple(x),
        lambda t: [S(t(3)), S(t(2, 3))],
        forms="",
        call=lambda torch, x: tuple(iter(x)),
        view=False,
    ),
    wrapped("atleast_1d", np.atleast_1d, lambda t: [S(t()), S(t(2))]),
    wrapped("atleast_2d", np.atleast_2d, lambda t: [S(t()), S(t(2)), S(t(2, 3))]),
    wrapped("atleast_3d", np.atleast_3d, lambda t: [S(t()), S(t(2)), S(t(2, 3)), S(t(2, 3, 1))]),
    wrapped(
        "meshgrid",
        lambda *a, indexing="ij": tuple(np.meshgrid(*a, indexing=indexing)),
        lambda t: [
            S(t(2), t(3), indexing="ij"),
            S(t(2), t(3), indexing="xy"),
            S(t(2), t(3), t(2), indexing="ij"),
        ],
        bad=lambda t: [E(RuntimeError, "zz", t(2), t(3), indexing="zz")],
    ),
    row("detach", lambda x: x, lambda t: [S(t(2, 3)), S(t())], order=0, forms="fmv"),
    attribute("data", lambda x: x, lambda t: [S(t(2, 3))], order=0),
    attribute("real", lambda x: x, lambda t: [S(t(2, 3))]),
]
