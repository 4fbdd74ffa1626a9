"""Floating-point operations of an operation, from the sizes of its inputs and the count of its results."""

from __future__ import annotations

import math
from collections.abc import Callable

Shapes = list[list[int]]


def _products(of: int) -> Callable[[Shapes, int], int]:
    """A product of matrices: a multiplication and an addition per result and entry of the inner dimension, which is
    the last one of input number `of`."""
    return lambda shapes, results: 2 * results * shapes[of][-1]


def _convolution(shapes: Shapes, results: int) -> int:
    return 2 * results * math.prod(shapes[1][1:])


def _transposed_convolution(shapes: Shapes, results: int) -> int:
    return 2 * math.prod(shapes[0]) * math.prod(shapes[1][1:])


def _elementwise(shapes: Shapes, results: int) -> int:
    return results


_RULES: dict[str, Callable[[Shapes, int], int]] = {
    **dict.fromkeys(("mm", "bmm", "matmul", "linear", "mv", "dot"), _products(0)),
    **dict.fromkeys(("addmm", "addmm_", "baddbmm", "baddbmm_", "addmv", "addmv_"), _products(1)),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed_convolution),
    **dict.fromkeys(("add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_"), _elementwise),
}


def flops_of(name: str, shapes: Shapes, results: int) -> int:
    """0 for what is not counted."""
    rule = _RULES.get(name.removeprefix("aten::")) if name.startswith("aten::") else None
    try:
        return rule(shapes, results) if rule else 0
    except IndexError:  # an input that is no tensor
        return 0
