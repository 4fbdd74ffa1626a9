"""Convolutions and their transposes."""

import numpy as np

from .row import FLOATS, INTEGERS, E, Op, Operand, S


def per_dimension(value, rank):
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank


def grouped(array, groups, axis):
    shape = array.shape
    return array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])


def padding_of(padding, kernel, dilation):
    """Before and after, along each dimension."""
    rank = len(kernel)
    if padding == "valid":
        return [(0, 0)] * rank
    if padding == "same":
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    return [(p, p) for p in per_dimension(padding, rank)]


def conv(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    kernel = weight.shape[2:]
    rank = len(kernel)
    if x.ndim == rank + 1:
        return conv(x[None], weight, bias, stride, padding, dilation, groups)[0]
    stride, dilation = per_dimension(stride, rank), per_dimension(dilation, rank)
    padded = np.pad(x, [(0, 0), (0, 0), *padding_of(padding, kernel, dilation)])
    sizes = [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(padded.shape[2:], kernel, stride, dilation, strict=True)
    ]
    y = np.zeros((len(x), groups, len(weight) // groups, *sizes), x.dtype)
    for tap in np.ndindex(*kernel):
        reached = tuple(
            slice(t * d, t * d + s * (size - 1) + 1, s)
            for t, d, s, size in zip(tap, dilation, stride, sizes, strict=True)
        )
        window = grouped(padded[(..., *reached)], groups, 1)
        y += np.einsum("ngc...,gkc->ngk...", window, grouped(weight[(..., *tap)], groups, 0)).astype(x.dtype)
    y = y.reshape(len(x), len(weight), *sizes)
    return y if bias is None else y + bias.reshape(-1, *[1] * rank)


def conv_transpose(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    kernel = weight.shape[2:]
    rank = len(kernel)
    if x.ndim == rank + 1:
        return conv_transpose(x[None], weight, bias, stride, padding, output_padding, groups, dilation)[0]
    stride, padding, dilation, extra = (
        per_dimension(v, rank) for v in (stride, padding, dilation, output_padding)
    )
    spread = [
        (n - 1) * s + d * (k - 1) + 1 + e
        for n, s, k, d, e in zip(x.shape[2:], stride, kernel, dilation, extra, strict=True)
    ]
    y = np.zeros((len(x), groups, weight.shape[1], *spread), x.dtype)
    for tap in np.ndindex(*kernel):
        reached = tuple(
            slice(t * d, t * d + s * (n - 1) + 1, s)
            for t, d, s, n in zip(tap, dilation, stride, x.shape[2:], strict=True)
        )
        taps = grouped(weight[(..., *tap)], groups, 0)
        y[(..., *reached)] += np.einsum("ngc...,gck->ngk...", grouped(x, groups, 1), taps).astype(x.dtype)
    y = y.reshape(len(x), groups * weight.shape[1], *spread)
    y = y[(..., *(slice(p, size - p) for p, size in zip(padding, spread, strict=True)))]
    return y if bias is None else y + bias.reshape(-1, *[1] * rank)


def one_dimension(t):
    return [
        S(t(2, 3, 7), t(4, 3, 3), t(4)),
        S(t(2, 5), t(3, 2, 2), padding=1, stride=2),
        S(t(1, 4, 9), t(6, 2, 3), t(6), 2, 1, 2, 2),
        S(t(1, 2, 5), t(2, 2, 4), padding="same"),
        S(t(0, 2, 5), t(3, 2, 3), t(3)),
        S(t(2, 1, 1), t(1, 1, 1)),
    ]


def two_dimensions(t):
    return [
        S(t(2, 2, 4, 5), t(3, 2, 2, 3), t(3)),
        S(t(1, 3, 5, 4), t(2, 3, 3, 3), None, (2, 1), (0, 1)),
        S(t(4, 4, 5), t(4, 2, 2, 1), t(4), groups=2, dilation=(2, 1)),
        S(t(1, 3, 4, 3), t(3, 1, 3, 3), padding=1, groups=3),
        S(t(1, 1, 4, 4), t(2, 1, 2, 3), t(2), padding="same", dilation=(1, 2)),
        S(t(1, 2, 3, 3), t(2, 2, 2, 2), padding="valid"),
        S(t(0, 2, 4, 4), t(3, 2, 3, 3), padding=1),
        S(t(2, 1, 1, 1), t(1, 1, 1, 1), t(1), padding=2, stride=3),
    ]


def three_dimensions(t):
    return [
        S(t(1, 2, 3, 2, 3), t(2, 2, 2, 1, 2), t(2)),
        S(t(2, 3, 4, 2), t(2, 1, 2, 2, 1), stride=(1, 2, 1), padding=(1, 0, 0), groups=2),
        S(t(1, 1, 3, 3, 2), t(1, 1, 2, 2, 2), padding="same"),
    ]


def transposed_one(t):
    return [
        S(t(2, 3, 4), t(3, 2, 3), t(2)),
        S(t(2, 3), t(2, 2, 3), stride=2, padding=1, output_padding=1),
        S(t(1, 4, 3), t(4, 1, 2), t(2), 2, 0, 0, 2, 2),
        S(t(0, 2, 4), t(2, 3, 2)),
    ]


def transposed_two(t):
    return [
        S(t(2, 2, 3, 2), t(2, 3, 2, 3), t(3)),
        S(t(1, 3, 2, 3), t(3, 2, 3, 3), None, 2, 1, 1),
        S(t(4, 2, 2), t(4, 1, 2, 1), t(2), (1, 2), 0, (0, 1), 2),
        S(t(1, 1, 2, 2), t(1, 1, 2, 2), dilation=2, output_padding=1),
        S(t(0, 2, 3, 3), t(2, 1, 2, 2), t(1)),
    ]


def transposed_three(t):
    return [
        S(t(1, 2, 2, 2, 1), t(2, 2, 2, 1, 2), t(2)),
        S(t(2, 2, 1, 2), t(2, 1, 2, 2, 1), stride=(2, 1, 2), padding=(1, 0, 0), output_padding=(1, 0, 1)),
    ]


# Enough images for vectors of them, too few, many channels, odd sizes: the ways to compute a convolution.
def large(t):
    return [
        S(t(19, 3, 14, 13), t(6, 3, 5, 5), t(6)),
        S(t(3, 5, 21, 37), t(7, 5, 3, 3), t(7), (2, 3), 2, (1, 2)),
        S(t(2, 32, 11, 13), t(48, 32, 3, 3), t(48), padding=1),
        S(t(17, 40, 9, 8), t(72, 20, 3, 2), t(72), 2, 1, 1, 2),
        S(t(4, 37, 12, 12), t(37, 1, 3, 3), t(37), padding=1, groups=37),
        S(t(5, 33, 6, 7), t(65, 33, 1, 1), t(65)),
    ]


def large_transposed(t):
    return [
        S(t(19, 6, 10, 9), t(6, 3, 5, 5), t(3)),
        S(t(3, 7, 9, 11), t(7, 5, 3, 4), t(5), (2, 3), 1, (1, 2)),
        S(t(2, 32, 9, 8), t(32, 48, 3, 3), t(48), padding=1),
    ]


def bad_two(t):
    x, w = t(2, 4, 8, 8), t(6, 4, 3, 3)
    return [
        E(RuntimeError, r"4 channels.*3 channels", t(2, 3, 8, 8), w),
        E(RuntimeError, r"bias.*6 elements.*\(5,\)", x, w, t(5)),
        E(RuntimeError, r"bias.*\(6, 1\)", x, w, t(6, 1)),
        E(RuntimeError, r"\(8, 8\)", t(8, 8), w),
        E(RuntimeError, r"stride.*2 values.*\(1, 1, 1\)", x, w, stride=(1, 1, 1)),
        E(RuntimeError, r"non-positive stride", x, w, stride=0),
        E(RuntimeError, r"negative padding", x, w, padding=-1),
        E(RuntimeError, r"dilation", x, w, dilation=0),
        E(RuntimeError, r"non-positive groups", x, w, groups=0),
        E(RuntimeError, r"groups=3.*12 channels", x, w, groups=3),
        E(RuntimeError, r"divisible by 2", x, t(5, 2, 3, 3), groups=2),
        E(RuntimeError, r"Kernel size.*\(3, 3\)", t(1, 4, 8, 2), w),
        E(RuntimeError, r"foo", x, w, padding="foo"),
        E(RuntimeError, r"same.*strided", x, w, padding="same", stride=2),
        E(TypeError, r"", x, w, padding=1.5),
        E(RuntimeError, r"at least 1", x, t(0, 4, 3, 3)),
        E(RuntimeError, r"float32.*float64", x, Operand(np.ones((6, 4, 3, 3)), "float64")),
    ]


def bad_transposed(t):
    x, w = t(2, 4, 8, 8), t(4, 6, 3, 3)
    return [
        E(RuntimeError, r"3 channels.*4 channels", x, t(3, 6, 3, 3)),
        E(RuntimeError, r"output padding.*smaller", x, w, stride=2, output_padding=2),
        E(RuntimeError, r"negative output_padding", x, w, output_padding=-1),
        E(RuntimeError, r"bias.*6 elements", x, w, t(4)),
        E(RuntimeError, r"too small", x, w, padding=9),
        E(RuntimeError, r"divisible by 3", x, w, groups=3),
    ]


def row(name, reference, samples, **options):
    return Op(name, reference, samples, forms="f", order=2, tolerance=4.0, **options)


OPS = [
    row("conv1d", conv, one_dimension, dtypes=FLOATS),
    row(
        "conv2d", conv, two_dimensions, dtypes=("int64", *FLOATS), large=large, bad=bad_two, rejects=("bool",)
    ),
    Op("conv2d", conv, lambda t: two_dimensions(t)[:2], dtypes=INTEGERS, forms="f", native=True),
    row("conv3d", conv, three_dimensions, dtypes=FLOATS),
    row("conv_transpose1d", conv_transpose, transposed_one, dtypes=FLOATS),
    row(
        "conv_transpose2d",
        conv_transpose,
        transposed_two,
        dtypes=("int64", *FLOATS),
        large=large_transposed,
        bad=bad_transposed,
    ),
    row("conv_transpose3d", conv_transpose, transposed_three, dtypes=FLOATS),
]
