"""Images made larger and smaller, and sampled at places."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.onnx._graph import Graph, Table
from tinytensor.onnx._sizes import is_dynamic

TABLE = Table()

_MODES = {"linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}


@TABLE.writes("interpolate")
def interpolate(
    g: Graph,
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> str:
    if antialias:
        g.needs(18)
    settings: dict[str, Any] = {"mode": _MODES.get(mode, "nearest"), "antialias": int(antialias) or None}
    if mode in ("nearest", "nearest-exact"):
        asked = {"size": size, "scale_factor": scale_factor, "recompute_scale_factor": recompute_scale_factor}
        if picked := _nearest(g, input, mode=mode, **asked):
            return picked
        exact = mode == "nearest-exact"
        settings["coordinate_transformation_mode"] = "half_pixel" if exact else "asymmetric"
        settings["nearest_mode"] = "round_prefer_ceil" if exact else "floor"
    elif mode in _MODES:
        settings["coordinate_transformation_mode"] = "align_corners" if align_corners else "half_pixel"
        settings["cubic_coeff_a"] = -0.75 if mode == "bicubic" else None
    else:
        raise g.refuse(f"mode {mode!r} has no counterpart in ONNX")
    return _resized(g, input, size, scale_factor, recompute_scale_factor, settings)


def _nearest(g: Graph, x: Tensor, **options: Any) -> str | None:
    """Neighbours by their places, where these are known: what the operation makes of the places tells them.

    Resize divides by a rounded scale, which misses a place now and then; whole factors upward are safe.
    """
    space, sizes = x.shape[2:], g.result.shape[2:]
    if any(map(is_dynamic, space)):
        return None
    factors = options["scale_factor"] or [size / length for length, size in zip(space, sizes)]
    if all(factor % 1 == 0 for factor in ([factors] if isinstance(factors, (int, float)) else factors)):
        return None
    y = g.name(x)
    for axis, length in enumerate(space):
        along = [length if other == axis else 1 for other in range(len(space))]
        places = tinytensor.arange(length, dtype=_C.float64).reshape(1, 1, *along).expand(1, 1, *space)
        chosen = _C.interpolate(places, **options).movedim(2 + axis, -1).reshape(-1, sizes[axis])[0]
        y = g.op("Gather", y, chosen.long(), axis=2 + axis)
    return y


def _resized(g: Graph, x: Tensor, size: Any, scale_factor: Any, recompute: Any, settings: dict) -> str:
    n = x.ndim - 2
    absent = None if g.opset >= 13 else g.constant([], _C.float32)  # what may not be left out stands empty
    if size is None and not recompute:
        factors = [scale_factor] * n if isinstance(scale_factor, (int, float)) else list(scale_factor)
        scales = g.constant([1.0, 1.0, *map(_not_less, factors)], _C.float32)
        return g.op("Resize", x, absent, scales, **settings)
    if size is None:
        if any(map(is_dynamic, x.shape[2:])):
            raise g.refuse("recompute_scale_factor with a dynamic axis")
        size = g.result.shape[2:]
    sizes = [size] * n if isinstance(size, int) else list(size)
    return g.op("Resize", x, absent, absent, g.vector([*x.shape[:2], *sizes]), **settings)


def _not_less(factor: float) -> float:
    """The next float32 that is not below, so that 10 pixels times 0.7 are 7 and not 6.9999999."""
    near = tinytensor.tensor(factor, dtype=_C.float32)
    return (near if near.item() >= factor else tinytensor.nextafter(near, near + 1)).item()


@TABLE.writes("grid_sample", "grid_sampler")
def grid_sample(
    g: Graph,
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
) -> str:
    g.needs(16)
    newer = {"bilinear": "linear", "bicubic": "cubic"} if g.opset >= 20 else {}
    return g.op(
        *("GridSample", input, grid),
        mode=newer.get(mode, mode),
        padding_mode=padding_mode,
        align_corners=int(bool(align_corners)),
    )


@TABLE.writes("affine_grid")
def affine_grid(g: Graph, theta: Tensor, size: Any, align_corners: bool = False) -> str:
    """Every place of the image as (x, y, 1) or (x, y, z, 1) in [-1, 1], times the transposed matrices."""
    _, _, *space = size
    if any(map(is_dynamic, space)):
        raise g.refuse("height and width must not be dynamic")
    axes = [_places(length, bool(align_corners), theta.dtype) for length in space]
    mesh = tinytensor.meshgrid(*axes, indexing="ij")
    rows = tinytensor.stack([*mesh[::-1], tinytensor.ones_like(mesh[0])], -1)
    grid = g.op("MatMul", rows.reshape(-1, len(space) + 1), g.transpose(theta, [0, 2, 1]))
    return g.reshape(grid, [-1, *space, len(space)])


def _places(length: int, corners: bool, dtype: Any) -> Tensor:
    """The middles of the pixels, or from corner to corner."""
    steps = tinytensor.arange(length, dtype=dtype)
    if corners:
        return steps * (2 / (length - 1)) - 1 if length > 1 else steps * 0
    return (steps * 2 + 1) / length - 1
