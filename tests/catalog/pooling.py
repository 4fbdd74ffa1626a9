"""Pooling: maxima, means and norms of windows."""

import itertools

import numpy as np

from .row import FLOATS, OWN_STRIDES, WIDE_FLOATS, E, Op, S


def each(value, dims):
    return (value,) * dims if isinstance(value, int) else tuple(value)


def starts(size, kernel, stride, padding, dilation, ceil_mode):
    """Where the windows of one dimension begin."""
    last = size + padding - dilation * (kernel - 1) - 1
    found = list(range(-padding, last + 1, stride))
    after = found[-1] + stride if found else -padding
    if (
        ceil_mode
        and after + dilation * (kernel - 1) - last < stride + dilation * (kernel - 1)
        and after < size
    ):
        found.append(after)
    return found


def over_windows(x, places, reduce):
    """reduce(the elements of a window, one by one as [..., element], and their flat indices) for all windows.

    `places` lists, for each of the last dimensions, the places that every window looks at.
    """
    dims = len(places)
    spatial = x.shape[-dims:]
    flat = x.reshape(*x.shape[:-dims], int(np.prod(spatial)))
    results = []
    for window in itertools.product(*places):
        inside = [[p for p in line if 0 <= p < size] for line, size in zip(window, spatial, strict=True)]
        at = np.array([np.ravel_multi_index(p, spatial) for p in itertools.product(*inside)], dtype=int)
        results.append(reduce(flat[..., at], at, window))
    shape = (*x.shape[:-dims], *(len(line) for line in places))
    if isinstance(results[0], tuple):
        return tuple(np.stack(part, -1).reshape(shape) for part in zip(*results, strict=True))
    return np.stack(results, -1).reshape(shape)


def window_places(x, dims, kernel, stride, padding, dilation, ceil_mode):
    kernel = each(kernel, dims)
    stride = kernel if stride is None else each(stride, dims)
    lines = zip(x.shape[-dims:], kernel, stride, each(padding, dims), each(dilation, dims), strict=True)
    return [
        [[s + k * d for k in range(n)] for s in starts(size, n, step, p, d, ceil_mode)]
        for size, n, step, p, d in lines
    ]


def first_maximum(values, at, window):
    best = np.where(np.isnan(values), np.inf, values) if values.dtype.kind == "f" else values
    number = best.argmax(-1)
    return np.take_along_axis(values, number[..., None], -1)[..., 0], at[number]


def max_pool(dims):
    def pool(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        places = window_places(x, dims, kernel_size, stride, padding, dilation, ceil_mode)
        both = over_windows(x, places, first_maximum)
        return both if return_indices else both[0]

    return pool


def avg_pool(dims):
    def pool(
        x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
    ):
        padded = each(padding, dims)

        def mean(values, at, window):
            limits = zip(window, x.shape[-dims:], padded, strict=True)
            whole = np.prod([sum(p < size + pad for p in line) for line, size, pad in limits])
            count = divisor_override or (whole if count_include_pad else len(at))
            return values.sum(-1) / count

        return over_windows(x, window_places(x, dims, kernel_size, stride, padding, 1, ceil_mode), mean)

    return pool


def even_places(sizes, wanted):
    """The windows of every dimension, as even as can be; None keeps a size."""
    results = []
    for n, out in zip(sizes, wanted, strict=True):
        out = n if out is None else out
        results.append([list(range(o * n // out, -(-(o + 1) * n // out))) for o in range(out)])
    return results


def adaptive_places(x, dims, output_size):
    return even_places(x.shape[-dims:], each(output_size, dims))


def adaptive_avg(dims):
    return lambda x, output_size: over_windows(
        x, adaptive_places(x, dims, output_size), lambda values, at, window: values.mean(-1)
    )


def adaptive_max(dims):
    def pool(x, output_size, return_indices=False):
        both = over_windows(x, adaptive_places(x, dims, output_size), first_maximum)
        return both if return_indices else both[0]

    return pool


def lp_pool(dims):
    def norm(x, norm_type, kernel_size, stride=None, ceil_mode=False):
        places = window_places(x, dims, kernel_size, stride, 0, 1, ceil_mode)
        return over_windows(x, places, lambda values, at, window: (values**norm_type).sum(-1)) ** (
            1 / norm_type
        )

    return norm


def fractional(dims):
    def pool(x, kernel_size, output_size, *, return_indices=False, _random_samples):
        kernel, out = each(kernel_size, dims), each(output_size, dims)
        planes = x.reshape(-1, *x.shape[-dims:])
        samples = _random_samples.reshape(-1, dims)
        results = []
        for plane, sample in zip(planes, samples, strict=True):
            places = []
            for d in range(dims):
                u = sample[1 - d] if dims == 2 else sample[d]
                n = plane.shape[d]
                alpha = (n - kernel[d]) / (out[d] - 1) if out[d] > 1 else 0
                begin = [int((i + u) * alpha) - int(u * alpha) for i in range(out[d] - 1)] + [n - kernel[d]]
                places.append([list(range(b, b + kernel[d])) for b in begin])
            results.append(over_windows(plane[None], places, first_maximum))
        values, at = (
            np.concatenate(part).reshape(*x.shape[:-dims], *out) for part in zip(*results, strict=True)
        )
        return (values, at) if return_indices else values

    return pool


def unpool(dims):
    def scatter(x, indices, kernel_size, stride=None, padding=0, output_size=None):
        kernel = each(kernel_size, dims)
        step, padded = kernel if stride is None else each(stride, dims), each(padding, dims)
        sizes = tuple(
            output_size
            or ((x.shape[d - dims] - 1) * step[d] + kernel[d] - 2 * padded[d] for d in range(dims))
        )
        y = np.zeros((*x.shape[:-dims], int(np.prod(sizes[-dims:]))))
        np.put_along_axis(y, indices.reshape(*x.shape[:-dims], -1), x.reshape(*x.shape[:-dims], -1), -1)
        return y.reshape(*x.shape[:-dims], *sizes[-dims:])

    return scatter


PAIR = ("same", "int64")
SHAPES = {1: [(2, 2, 7), (2, 6)], 2: [(1, 1, 5, 5), (2, 3, 4)], 3: [(1, 1, 3, 3, 3), (1, 2, 3, 4)]}


def max_samples(dims):
    def samples(t):
        first, second = SHAPES[dims]
        one, wide = (1,) * dims, (35, 38, 9)[dims - 1]
        return [
            S(t.distinct(*first), 2),
            S(t.distinct(*second), 2, 2),
            S(t.distinct(*first), 3, 2, 1),
            S(t.distinct(*first), 3, 1, 1, 1, True),
            S(t.distinct(*first), (3, 2, 3)[:dims], (2, 1, 3)[:dims], (1, 1, 0)[:dims], ceil_mode=True),
            S(t.distinct(*first), 2, 1, dilation=(2, 3, 1)[:dims], padding=1),
            S(t.distinct(*first), 1, 3),
            S(t.distinct(1, 1, *one), 1),
            S(t.distinct(*first), 3, padding=1, return_indices=True).giving(PAIR),
            S(t.distinct(*first), 2, return_indices=True).giving(PAIR),
            S(t(0, 2, *first[2:]), 2),
            S(t.distinct(2, 3, *(8,) * dims), 2).fixed(),
            S(t.distinct(1, *(wide,) * dims), 2).fixed(),
            S(t.distinct(1, *(wide,) * dims), 3, 2, 1).fixed(),
            S(t.distinct(1, *((300, 18, 8)[dims - 1],) * dims), (290, 17, 7)[dims - 1], 1).fixed(),
            S(t.of(np.zeros(first)), 2, return_indices=True).giving(PAIR).fixed(),
        ]

    return samples


def max_nonfinite(dims):
    def samples(t):
        values = np.arange(9.0**dims).reshape((1, *(9,) * dims)) % 5
        for number, special in ((3, np.nan), (30, np.inf), (40, -np.inf)):
            values.flat[number % values.size] = special
        low = np.full((1, *(7,) * dims), -np.inf)
        return [
            S(t.of(values), 2),
            S(t.of(values), 3, 2, 1),
            S(t.of(low), 3, 2, 1, return_indices=True).giving(PAIR),
            S(t.of(low), 2, return_indices=True).giving(PAIR),
        ]

    return samples


def window_errors(dims):
    def samples(t):
        shape = (2, 3, *(8,) * dims)
        return [
            E(RuntimeError, "0", t(*shape), 0),
            E(RuntimeError, "zero", t(*shape), 2, 0),
            E(RuntimeError, "-1", t(*shape), 2, -1),
            E(RuntimeError, "pad=2", t(*shape), 2, 2, 2),
            E(RuntimeError, "-1", t(*shape), 2, 2, -1),
            E(RuntimeError, "small", t(*shape), 9),
            E(RuntimeError, str(dims), t(*shape), (2,) * (dims + 1)),
            E(RuntimeError, "0", t(2, 0, *(8,) * dims), 2),
            E((RuntimeError, IndexError), "8", t(*(8,) * dims), 2),
        ]

    return samples


def avg_samples(dims):
    def samples(t):
        first, second = SHAPES[dims]
        wide = (35, 38, 9)[dims - 1]
        override = [] if dims == 1 else [S(t(*first), 3, 2, 1, divisor_override=5)]
        return [
            S(t(*first), 2),
            S(t(*second), 2, 2),
            S(t(*first), 3, 2, 1),
            S(t(*first), 3, 2, 1, count_include_pad=False),
            S(t(*first), 3, 1, 1, True, False),
            S(t(*first), (3, 2, 3)[:dims], (2, 1, 3)[:dims], (1, 1, 0)[:dims], ceil_mode=True),
            S(t(*first), 2, 3),
            S(t(1, 1, *(1,) * dims), 1),
            S(t(0, 2, *first[2:]), 2),
            S(t(1, *(wide,) * dims), 2).fixed(),
            S(t(1, *(wide,) * dims), 3, 2, 1).fixed(),
            *override,
        ]

    return samples


def adaptive_samples(dims, **options):
    def samples(t):
        first, second = SHAPES[dims]
        keep = [] if dims == 1 else [S(t.distinct(*first), (None, *(2,) * (dims - 1)), **options)]
        return [
            S(t.distinct(*first), 1, **options),
            S(t.distinct(*first), 3, **options),
            S(t.distinct(*second), (4, 2, 3)[:dims], **options),
            S(t.distinct(1, 1, *(2,) * dims), 5, **options),
            S(t.distinct(0, 2, *first[2:]), 2, **options),
            *keep,
        ]

    return samples


def adaptive_errors(dims):
    def samples(t):
        shape = (2, 3, *(4,) * dims)
        return [
            E(RuntimeError, "-1", t(*shape), (-1,) * dims),
            E((RuntimeError, ValueError), "", t(*shape), (2,) * (dims + 1)),
            E(RuntimeError, "0", t(2, 3, *(0,) * dims), 2),
        ]

    return samples


def fractional_samples(dims):
    def samples(t):
        first, second = SHAPES[dims]

        def of(shape, *rest, **options):
            batch = shape[:2] if len(shape) == dims + 2 else (1, shape[0])
            chance = t(*batch, dims, domain=(0.05, 0.95)).constant()
            return S(t.distinct(*shape), *rest, **options, _random_samples=chance)

        kernel, out = (2, 4) if dims == 2 else (1, 2)
        return [
            of(first, kernel, out),
            of(second, (1, 2, 2)[-dims:], (1, 1, 2)[-dims:]),
            of((2, 2, *(6,) * dims), 2, 4),
            of(first, kernel, out, return_indices=True).giving(PAIR),
        ]

    return samples


def unpool_samples(dims):
    def samples(t):
        shape = (2, 1, *(2,) * dims)
        count = 2**dims
        at = t.index(np.arange(2 * count).reshape(shape) % count * 3 % (4**dims))
        return [
            S(t(*shape), at, 2),
            S(t(*shape), at, 3, 2, 1, (4,) * dims),
            S(t(1, *(1,) * dims), t.index(np.zeros((1, *(1,) * dims))), 2, 2),
        ]

    return samples


def unpool_errors(dims):
    def samples(t):
        shape, zeros = (1, 1, *(2,) * dims), np.zeros((1, 1, *(2,) * dims))
        return [
            E(RuntimeError, "-1", t(*shape), t.index(zeros - 1), 2),
            E(RuntimeError, str(4**dims), t(*shape), t.index(zeros + 4**dims), 2),
            E(RuntimeError, "int64", t(*shape), t(*shape).constant(), 2),
            E(RuntimeError, "shape", t(*shape), t.index(np.zeros((1, 1, *(1,) * dims))), 2),
        ]

    return samples


def pooling(name, reference, samples, dtypes=FLOATS, order=2, **options):
    options.setdefault("tags", OWN_STRIDES)
    return Op(
        f"nn.functional.{name}", reference, samples, dtypes, forms="f", order=order, label=name, **options
    )


OPS = []
for d in (1, 2, 3):
    halves_in_peer = FLOATS if d < 3 else WIDE_FLOATS
    integers = () if d == 1 else ("uint8", "int32", "int64")
    OPS += [
        pooling(
            f"max_pool{d}d",
            max_pool(d),
            max_samples(d),
            (*FLOATS, *integers),
            nonfinite=max_nonfinite(d),
            bad=window_errors(d),
            rejects=("bool",),
        ),
        pooling(
            f"avg_pool{d}d",
            avg_pool(d),
            avg_samples(d),
            halves_in_peer,
            bad=window_errors(d),
            rejects=("bool", "int32"),
        ),
        pooling(
            f"adaptive_avg_pool{d}d",
            adaptive_avg(d),
            adaptive_samples(d),
            bad=adaptive_errors(d),
            rejects=("int64",),
        ),
        pooling(
            f"adaptive_max_pool{d}d",
            adaptive_max(d),
            adaptive_samples(d),
            bad=adaptive_errors(d),
            rejects=("int64",),
        ),
        pooling(
            f"adaptive_max_pool{d}d",
            adaptive_max(d),
            adaptive_samples(d, return_indices=True),
            WIDE_FLOATS,
            result=PAIR,
        ),
        pooling(
            f"lp_pool{d}d",
            lp_pool(d),
            lambda t, d=d: [
                S(t(*SHAPES[d][0], domain=(0.5, 3)), 2, 2),
                S(t(*SHAPES[d][0], domain=(0.5, 3)), 3.0, 3, 2),
                S(t(*SHAPES[d][1], domain=(0.5, 3)), 2, 2, 1),
            ],
            WIDE_FLOATS,
            tolerance=4,
        ),
        pooling(f"max_unpool{d}d", unpool(d), unpool_samples(d), WIDE_FLOATS, bad=unpool_errors(d)),
    ]
    if d > 1:
        OPS.append(pooling(f"fractional_max_pool{d}d", fractional(d), fractional_samples(d), WIDE_FLOATS))
