"""`make_tensor`: tensors of random numbers for tests."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import _C

_FLOATS = ("float16", "bfloat16", "float32", "float64")


def _bounds(name: str, low: float | None, high: float | None) -> tuple[float, float]:
    usual = {"bool": (0, 2), "uint8": (0, 10)}.get(name, (-9, 9) if name in _FLOATS else (-9, 10))
    found = (usual[0] if low is None else low, usual[1] if high is None else high)
    if found[0] != found[0] or found[1] != found[1]:
        raise ValueError(f"make_tensor: `low` and `high` cannot be NaN, but got low={low} and high={high}")
    if found[0] > found[1]:
        raise ValueError(
            f"make_tensor: `low` must be less than or equal to `high`, but got {found[0]} > {found[1]}"
        )
    return found


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Any:
    """Random numbers from `low` up to `high`, evenly spread. `noncontiguous` takes every other element of a larger
    tensor, and `exclude_zero` puts the smallest positive number in place of each zero.
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    name = str(dtype).rpartition(".")[2]
    first, last = _bounds(name, low, high)
    if noncontiguous and memory_format is not None:
        raise ValueError("make_tensor: noncontiguous and memory_format exclude each other")
    wanted = (*sizes[:-1], 2 * sizes[-1]) if noncontiguous and sizes else sizes
    if name in _FLOATS:
        result = _C.empty(wanted, dtype=dtype, device=device).uniform_(first, last)
    else:
        result = _C.randint(int(first), int(last), wanted, dtype=dtype, device=device)
    if noncontiguous and sizes:
        result = result[..., ::2]
    if exclude_zero:
        result[result == 0] = tinytensor.finfo(dtype).tiny if name in _FLOATS else 1
    if memory_format is not None:
        result = result.clone(memory_format=memory_format)
    return result.requires_grad_(requires_grad)
