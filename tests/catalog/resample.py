"""Images at other sizes and places, patches, channels moved into space."""

import itertools

import numpy as np

from .pooling import each, even_places
from .row import ALL, FLOATS, OWN_STRIDES, WIDE_FLOATS, E, Op, S

# ---------------------------------------------------------------- one matrix per dimension


def cubic(x, a):
    x = np.abs(x)
    near, far = (a + 2) * x**3 - (a + 3) * x**2 + 1, a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0))


FILTERS = {
    "bilinear": lambda x: np.maximum(1 - np.abs(x), 0),
    "bicubic": lambda x: cubic(x, -0.5),
    "lanczos": lambda x: np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0),
}


def resampling(n, out, scale, mode, align_corners, antialias):
    """The matrix (out, n) that makes `out` elements of n."""
    step = n / out if scale is None else 1 / scale
    if align_corners:
        step = (n - 1) / (out - 1) if out > 1 else 0
    o = np.arange(out)
    if mode.startswith("nearest"):
        at = np.floor((o + (0.5 if mode == "nearest-exact" else 0)) * step).astype(int)
        return np.eye(n)[np.minimum(at, n - 1)]
    if antialias:
        value = FILTERS[mode]
        width = max(step, 1)
        weights = value((np.arange(n) + 0.5 - (o[:, None] + 0.5) * step) / width)
        return weights / weights.sum(1, keepdims=True)
    place = o * step if align_corners else (o + 0.5) * step - 0.5
    if mode == "bicubic":
        matrix = np.zeros((out, n))
        for row, (p, i) in enumerate(zip(place, np.floor(place).astype(int), strict=True)):
            for j in range(i - 1, i + 3):
                matrix[row, np.clip(j, 0, n - 1)] += cubic(p - j, -0.75)
        return matrix
    return np.stack([np.interp(place, np.arange(n), line) for line in np.eye(n)], 1)


def interpolate(
    x,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    dims = x.ndim - 2
    scales = (None,) * dims
    if scale_factor is not None:
        scales = (scale_factor,) * dims if isinstance(scale_factor, (int, float)) else scale_factor
        size = tuple(int(n * s) for n, s in zip(x.shape[2:], scales, strict=True))
        scales = (None,) * dims if recompute_scale_factor else scales
    for d, (out, scale) in enumerate(zip(each(size, dims), scales, strict=True)):
        if mode == "area":
            matrix = np.zeros((out, x.shape[d + 2]))
            for o, line in enumerate(even_places(x.shape[d + 2 : d + 3], (out,))[0]):
                matrix[o, line] = 1 / len(line)
        else:
            matrix = resampling(x.shape[d + 2], out, scale, mode, align_corners, antialias)
        x = np.moveaxis(np.tensordot(matrix, x, (1, d + 2)), 0, d + 2)
    return x


def interpolate_samples(t):
    line, plane, volume = (2, 2, 5), (1, 2, 3, 4), (1, 1, 2, 3, 4)
    plain = [
        S(t(*shape), **size, mode=mode)
        for mode in ("nearest", "nearest-exact", "area")
        for shape, size in (
            (line, {"size": 7}),
            (plane, {"scale_factor": 2}),
            (plane, {"size": (3, 9)}),
            (volume, {"scale_factor": 1.5}),
        )
    ]
    smooth = [
        S(t(*shape), mode=mode, align_corners=align, **size)
        for mode, shape in (("linear", line), ("bilinear", plane), ("bicubic", plane), ("trilinear", volume))
        for align, size in (
            (None, {"scale_factor": 2}),
            (True, {"size": 7}),
            (False, {"size": 3}),
            (False, {"scale_factor": 1.7}),
            (None, {"scale_factor": 1.7, "recompute_scale_factor": True}),
            (True, {"size": 1}),
        )
    ]
    antialiased = [
        S(t(*plane), mode=mode, antialias=True, **size)
        for mode in FILTERS
        for size in ({"size": (2, 3)}, {"scale_factor": (0.6, 0.5)}, {"size": (7, 9)})
    ]
    return [
        *plain,
        *smooth,
        *antialiased,
        S(t(0, 2, 3, 4), scale_factor=2),
        S(t(1, 1, 1, 1), size=(3, 2), mode="bicubic"),
        S(t(1, 2, 33, 40), scale_factor=2, mode="bilinear").fixed(),
        S(t(1, 2, 33, 40), size=(20, 100), mode="bicubic").fixed(),
        S(t(1, 2, 33, 40), scale_factor=2).fixed(),
    ]


def interpolate_errors(t):
    x = t(1, 2, 4, 4)
    return [
        E(ValueError, "size", x),
        E(ValueError, "size", x, 2, 2.0),
        E(ValueError, "align_corners", x, 2, align_corners=True),
        E(NotImplementedError, "linear", x, 2, mode="linear"),
        E(NotImplementedError, "2", t(2, 3), 2),
        E(RuntimeError, "0", x, 0),
        E(ValueError, "2, 2, 2", x, (2, 2, 2)),
        E(ValueError, "3", x, scale_factor=(2.0, 2.0, 2.0)),
        E(ValueError, "antialias", x, 2, antialias=True),
        E(ValueError, "recompute", x, 2, recompute_scale_factor=True),
    ]


# ---------------------------------------------------------------- by a grid


def mirrored(x, low, high):
    if high == low:
        return 0.0
    distance = abs(x - low) % (2 * (high - low))
    return low + min(distance, 2 * (high - low) - distance)


def brought_inside(x, n, padding_mode, align_corners):
    if padding_mode == "reflection":
        x = mirrored(x, *((0, n - 1) if align_corners else (-0.5, n - 0.5)))
    return x if padding_mode == "zeros" else min(max(x, 0), n - 1)


def line_taps(g, n, mode, padding_mode, align_corners):
    place = (g + 1) / 2 * (n - 1) if align_corners else ((g + 1) * n - 1) / 2
    if mode == "bicubic":
        first = int(np.floor(place)) - 1
        return [
            (int(brought_inside(i, n, padding_mode, align_corners)), cubic(place - i, -0.75))
            for i in range(first, first + 4)
        ]
    place = brought_inside(place, n, padding_mode, align_corners)
    if mode == "nearest":
        return [(int(np.round(place)), 1.0)]
    first = int(np.floor(place))
    return [(first, first + 1 - place), (first + 1, place - first)]


def grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False):
    y = np.zeros((*x.shape[:2], *grid.shape[1:-1]))
    for at in np.ndindex(*grid.shape[:-1]):
        n, place = at[0], at[1:]
        lines = [
            line_taps(g, size, mode, padding_mode, align_corners)
            for g, size in zip(grid[at][::-1], x.shape[2:], strict=True)
        ]
        for taps in itertools.product(*lines):
            index = tuple(i for i, _ in taps)
            if all(0 <= i < size for i, size in zip(index, x.shape[2:], strict=True)):
                y[(n, slice(None), *place)] += x[(n, slice(None), *index)] * np.prod([w for _, w in taps])
    return y


def grid_samples(t):
    def of(shape, out, *rest):
        dims = len(shape) - 2
        # Away from elements and borders, where a piecewise function has no derivative.
        cells = t.random.integers(-2, 2 * max(shape[2:]) + 2, (shape[0], *out, dims)) + 0.27
        grid = (cells + t.random.uniform(0, 0.2, cells.shape)) / 2
        sizes = np.array(shape[:1:-1])
        align = rest[2] if len(rest) > 2 else False
        scaled = grid / np.maximum(sizes - 1, 1) * 2 - 1 if align else (2 * grid + 1) / sizes - 1
        return S(t(*shape), t.of(scaled), *rest[:2], align_corners=align)

    plane, volume = (1, 1, 3, 4), (1, 1, 2, 2, 3)
    planes = [
        of(plane, (3, 2), mode, padding, align)
        for mode in ("bilinear", "nearest", "bicubic")
        for padding in ("zeros", "border", "reflection")
        for align in (False, True)
    ]
    volumes = [
        of(volume, (1, 2, 3), mode, padding)
        for mode in ("bilinear", "nearest")
        for padding in ("zeros", "border", "reflection")
    ]
    return [
        *planes,
        *volumes,
        of((0, 2, 3, 3), (2, 2)),
        of((1, 1, 1, 1), (2, 2), "bilinear", "border"),
        of((2, 3, 9, 8), (10, 7)).fixed(),
    ]


def grid_errors(t):
    x, grid = t(2, 3, 4, 4), t(2, 3, 3, 2)
    return [
        E(ValueError, "cubic", x, grid, "cubic", align_corners=False),
        E(ValueError, "wrap", x, grid, "bilinear", "wrap", False),
        E(RuntimeError, "3", x, t(2, 3, 3, 3), align_corners=False),
        E(RuntimeError, "1", x, t(1, 3, 3, 2), align_corners=False),
        E(RuntimeError, "3", t(2, 3, 4), grid, align_corners=False),
        E(RuntimeError, "0", t(2, 3, 0, 4), grid, align_corners=False),
        E(RuntimeError, "4D", t(2, 1, 2, 2, 2), t(2, 2, 2, 2, 3), "bicubic", align_corners=False),
    ]


def affine_grid(theta, size, align_corners=False):
    lines = []
    for n in size[2:]:
        line = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
        lines.append(line if align_corners else line * (n - 1) / n)
    places = np.stack([*np.meshgrid(*lines, indexing="ij")[::-1], np.ones(size[2:])], -1)
    return np.einsum("...k,njk->n...j", places, theta)


# ---------------------------------------------------------------- patches and channels


def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    (kh, kw), (dh, dw), (ph, pw), (sh, sw) = (each(v, 2) for v in (kernel_size, dilation, padding, stride))
    x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(ph, ph), (pw, pw)])
    h, w = x.shape[-2] - dh * (kh - 1), x.shape[-1] - dw * (kw - 1)
    parts = [x[..., i * dh : i * dh + h : sh, j * dw : j * dw + w : sw] for i in range(kh) for j in range(kw)]
    y = np.stack(parts, -3)  # (*, C, patch, places)
    return y.reshape(*x.shape[:-3], x.shape[-3] * kh * kw, y.shape[-2] * y.shape[-1])


def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """The transpose of unfold, by its matrix."""
    height, width = each(output_size, 2)
    cells = np.eye(height * width).reshape(-1, 1, height, width)
    matrix = unfold(cells, kernel_size, dilation, padding, stride)  # (pixel, patch, place)
    parts = x.reshape(*x.shape[:-2], x.shape[-2] // matrix.shape[1], *matrix.shape[1:])
    return np.einsum("...kl,pkl->...p", parts, matrix).reshape(*parts.shape[:-2], height, width)


def unfold_samples(t):
    return [
        S(t(2, 3, 5, 6), 2),
        S(t(3, 5, 6), (2, 3)),
        S(t(1, 2, 5, 6), 3, 1, 1, 2),
        S(t(1, 2, 7, 6), (3, 2), (2, 1), (1, 2), (1, 2)),
        S(t(1, 1, 1, 1), 1),
        S(t(0, 2, 4, 4), 2),
    ]


def fold_samples(t):
    return [
        S(t(2, 8, 9), (4, 4), 2),
        S(t(12, 4), (2, 5), (2, 2)),
        S(t(1, 18, 6), (5, 3), 3, 1, 1, 2),
        S(t(1, 12, 42), (6, 5), (3, 2), (1, 2), (1, 2), (1, 1)),
        S(t(1, 1, 1), (1, 1), 1),
        S(t(0, 8, 9), (4, 4), 2),
    ]


def pixel_shuffle(x, r):
    *batch, c, h, w = x.shape
    parts = x.reshape(*batch, c // r**2, r, r, h, w)
    return np.moveaxis(parts, (-4, -3), (-3, -1)).reshape(*batch, c // r**2, h * r, w * r)


def pixel_unshuffle(x, r):
    *batch, c, h, w = x.shape
    parts = x.reshape(*batch, c, h // r, r, w // r, r)
    return np.moveaxis(parts, (-3, -1), (-4, -3)).reshape(*batch, c * r**2, h // r, w // r)


def channel_shuffle(x, groups):
    n, c, *rest = x.shape
    return x.reshape(n, groups, c // groups, *rest).swapaxes(1, 2).reshape(x.shape)


OPS = [
    Op(
        "nn.functional.interpolate",
        interpolate,
        interpolate_samples,
        WIDE_FLOATS,
        forms="f",
        order=2,
        label="interpolate",
        tolerance=4,
        bad=interpolate_errors,
        rejects=("int64", "bool"),
        tags=OWN_STRIDES,
    ),
    Op(
        "nn.functional.interpolate",
        interpolate,
        lambda t: [S(t(1, 2, 3, 4), scale_factor=2), S(t(1, 2, 3, 4), size=(5, 2), mode="nearest-exact")],
        (*FLOATS, "uint8"),
        forms="f",
        label="interpolate",
        tags=OWN_STRIDES,
    ),
    Op(
        "nn.functional.grid_sample",
        grid_sample,
        grid_samples,
        WIDE_FLOATS,
        forms="f",
        order=2,
        label="grid_sample",
        tolerance=8,
        bad=grid_errors,
        tags=OWN_STRIDES | {"peer: no second derivative"},
    ),
    Op(
        "nn.functional.affine_grid",
        affine_grid,
        lambda t: [
            S(t(2, 2, 3), (2, 1, 3, 4), align_corners=True),
            S(t(1, 2, 3), (1, 1, 3, 4), align_corners=False),
            S(t(2, 3, 4), (2, 3, 2, 1, 3), align_corners=False),
            S(t(1, 2, 3), (1, 1, 1, 2), align_corners=True),
        ],
        WIDE_FLOATS,
        forms="f",
        order=2,
        label="affine_grid",
        tolerance=4,
        bad=lambda t: [
            E(ValueError, "2", t(1, 2, 2), (1, 1, 3, 3), align_corners=False),
            E(ValueError, "0", t(1, 2, 3), (1, 1, 0, 3), align_corners=False),
            E(NotImplementedError, "3", t(1, 2, 3), (1, 1, 3), align_corners=False),
        ],
        tags=OWN_STRIDES,
    ),
    Op(
        "nn.functional.unfold",
        unfold,
        unfold_samples,
        FLOATS,
        forms="f",
        order=2,
        label="unfold",
        bad=lambda t: [
            E(RuntimeError, "0", t(1, 1, 4, 4), 0),
            E(RuntimeError, "5", t(1, 1, 4, 4), 5),
            E(RuntimeError, "4", t(4, 4), 2),
            E(RuntimeError, "-1", t(1, 1, 4, 4), 2, 1, -1),
        ],
        rejects=("int64",),
        tags=OWN_STRIDES,
    ),
    Op(
        "nn.functional.fold",
        fold,
        fold_samples,
        FLOATS,
        forms="f",
        order=2,
        label="fold",
        bad=lambda t: [
            E(RuntimeError, "7", t(1, 7, 9), (4, 4), 2),
            E(RuntimeError, "8", t(1, 8, 8), (4, 4), 2),
            E(RuntimeError, "0", t(1, 8, 9), (4, 4), 0),
        ],
        rejects=("int64",),
        tags=OWN_STRIDES,
    ),
    Op(
        "pixel_shuffle",
        pixel_shuffle,
        lambda t: [
            S(t(1, 8, 2, 3), 2),
            S(t(9, 1, 2), 3),
            S(t(2, 3, 2, 2), 1),
            S(t(0, 4, 2, 2), 2),
            S(t(2, 1, 4, 1, 1), 2),
        ],
        ALL,
        forms="f",
        order=2,
        bad=lambda t: [
            E(RuntimeError, "6", t(1, 6, 2, 2), 2),
            E(RuntimeError, "2", t(4, 2), 2),
            E(RuntimeError, "0", t(1, 4, 2, 2), 0),
        ],
        tags=OWN_STRIDES,
    ),
    Op(
        "pixel_unshuffle",
        pixel_unshuffle,
        lambda t: [S(t(1, 2, 4, 6), 2), S(t(1, 3, 6), 3), S(t(2, 3, 2, 2), 1)],
        ALL,
        forms="f",
        order=2,
        bad=lambda t: [E(RuntimeError, "5", t(1, 1, 5, 4), 2), E(RuntimeError, "2", t(4, 2), 2)],
        tags=OWN_STRIDES,
    ),
    Op(
        "channel_shuffle",
        channel_shuffle,
        lambda t: [S(t(2, 6, 2, 3), 3), S(t(1, 4, 5), 2), S(t(2, 3, 1, 1), 1), S(t(0, 4, 2), 2)],
        ALL,
        forms="f",
        order=2,
        bad=lambda t: [E(RuntimeError, "3", t(1, 4, 2, 2), 3), E(RuntimeError, "0", t(1, 4, 2, 2), 0)],
        tags=OWN_STRIDES,
    ),
]
