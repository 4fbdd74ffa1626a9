"""The catalogue on tensors large enough for blocks, tails and threads, and float32 to the last place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from catalog.row import Op, Operand, S
from rows import rows, rows_with, takes_strides
from util import STAND_IN, assert_same, flatten, invoke, materialise, to_numpy, torch, usual_dtype, wanted

pytestmark = pytest.mark.filterwarnings("ignore")


def slack(op: Op, due: Any) -> float:
    """Errors of long sums are relative to the largest term, not to the result."""
    sizes = [
        float(np.abs(one.array).max(initial=0))
        for one in (due if isinstance(due, tuple) else (due,))
        if one.array.dtype.kind == "f"
    ]
    return op.tolerance * max([1.0, *sizes])


@rows_with(lambda op: ("contiguous", "transposed", "stepped") if op.large else (), "layout")
def test_large(op: Op, layout: str) -> None:
    if layout != "contiguous" and not takes_strides(op):
        return
    dtype = usual_dtype(op)
    for sample in op.large(op.draw(dtype)):
        due = wanted(op, sample, dtype)
        assert_same(invoke(op, torch, materialise(torch, sample, layout)), due, slack(op, due), note=sample)


@pytest.mark.skipif(STAND_IN, reason="our promise, not PyTorch's")
@rows(lambda op: bool(op.large))
def test_threads(op: Op) -> None:
    """The number of threads changes not a single bit."""
    before = torch.get_num_threads()
    try:
        for sample in op.large(op.draw(usual_dtype(op))):
            results = []
            for count in (1, 2, 3):
                torch.set_num_threads(count)
                results.append([to_numpy(y) for y in flatten(invoke(op, torch, materialise(torch, sample)))])
            for other in results[1:]:
                for a, b in zip(results[0], other, strict=True):
                    np.testing.assert_array_equal(a, b, err_msg=str(sample))
    finally:
        torch.set_num_threads(before)


MAGNITUDES = 10.0 ** np.linspace(-30, 4.5, 2000)
POINTS = np.concatenate([MAGNITUDES, -MAGNITUDES, np.linspace(-20, 20, 10_001)]).astype(np.float32)
SMALLEST_NORMAL = np.finfo(np.float32).tiny


@rows(lambda op: op.ulps > 0)
def test_accuracy(op: Op) -> None:
    """float32 over its whole range, against float64."""
    found = to_numpy(invoke(op, torch, materialise(torch, S(Operand(POINTS, "float32")))))
    with np.errstate(all="ignore"):
        exact = op.reference(POINTS.astype(np.float64))
    with np.errstate(all="ignore"):
        due = exact.astype(np.float32)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(due))
    normal = np.isfinite(due) & (np.abs(due) >= SMALLEST_NORMAL)
    error = np.abs(found[normal].astype(np.float64) - exact[normal]) / np.spacing(np.abs(due[normal]))
    worst = int(np.argmax(error))
    assert error[worst] <= op.ulps, (
        f"{op.name}({POINTS[normal][worst]!r}): off by {error[worst]:.1f} units of the last place"
    )
