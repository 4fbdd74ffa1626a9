"""The catalogue on the module under test and on PyTorch itself, where both are installed."""

from __future__ import annotations

from typing import Any

import pytest
from catalog.row import Op, Operand
from rows import rows_with
from util import (
    assert_same,
    dtype_name,
    find_peer,
    flatten,
    invoke,
    is_tensor,
    materialise,
    samples_of,
    to_numpy,
    torch,
    usual_dtype,
)

pytestmark = pytest.mark.filterwarnings("ignore")

PEER = find_peer()


@rows_with(lambda op: op.dtypes if PEER else ())
def test_peer(op: Op, dtype: str) -> None:
    """Values, dtypes and strides are those of PyTorch itself."""
    for number, sample in samples_of(op, dtype):
        for layout in (
            ("contiguous", "transposed", "stepped") if dtype == usual_dtype(op) else ("contiguous",)
        ):
            ours, theirs = (outcome(op, module, sample, layout) for module in (torch, PEER))
            compare_outcomes(op, ours, theirs, (number, layout, sample))


def outcome(op: Op, module: Any, sample: Any, layout: str) -> Any:
    try:
        return invoke(op, module, materialise(module, sample, layout))
    except Exception as error:  # which one it is, is the result
        return error


def compare_outcomes(op: Op, ours: Any, theirs: Any, note: Any) -> None:
    if isinstance(theirs, Exception):
        assert isinstance(ours, Exception), f"{note}: PyTorch raises {theirs!r}"
        assert isinstance(theirs, type(ours)) or isinstance(ours, type(theirs)), (
            f"{note}: {ours!r}, PyTorch {theirs!r}"
        )
        return
    if not is_tensor(theirs) and not flatten(theirs):
        return
    assert not isinstance(ours, Exception), f"{note}: raised {ours!r}"
    for y, due in zip(flatten(ours), flatten(theirs), strict=True):
        assert_same(y, Operand(to_numpy(due), dtype_name(due)), op.tolerance, op.shape_only, note)
        if "peer: own strides" in op.tags:
            continue
        assert y.stride() == due.stride(), f"{note}: strides {y.stride()}, PyTorch {due.stride()}"
