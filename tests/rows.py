"""The rows of the catalogue as parameters of tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

import pytest
from catalog import OPS
from catalog.row import Op
from util import STAND_IN, torch


def named(ops: Iterable[Op]) -> list[tuple[str, Op]]:
    seen: Counter[str] = Counter()
    result = []
    for op in ops:
        seen[op.name] += 1
        result.append((op.name if seen[op.name] == 1 else f"{op.name}.{seen[op.name]}", op))
    return result


def present(op: Op) -> bool:
    """Every spelling of the row exists."""
    homes = {"f": (torch, op.name), "m": (torch.Tensor, op.name), "i": (torch.Tensor, op.name + "_")}
    if not op.forms:
        return has(torch.Tensor, op.name) or has(torch, op.name)
    return all(has(*homes[kind]) for kind in op.forms if kind in homes)


def has(home: Any, path: str) -> bool:
    """Whether a name such as nn.functional.relu leads somewhere."""
    try:
        attrgetter(path)(home)
    except AttributeError:
        return False
    return True


EVERY_ROW = named(OPS)
ROWS = [(name, op) for name, op in EVERY_ROW if present(op)]


def rows(fits: Callable[[Op], bool] = lambda op: True) -> Any:
    return pytest.mark.parametrize("op", [pytest.param(op, id=name) for name, op in ROWS if fits(op)])


def rows_with(choices: Callable[[Op], Iterable[str]], name: str = "dtype") -> Any:
    cases = [pytest.param(op, choice, id=f"{row}-{choice}") for row, op in ROWS for choice in choices(op)]
    return pytest.mark.parametrize(("op", name), cases)


def takes_strides(op: Op) -> bool:
    return (
        not op.native and "contiguous only" not in op.tags and not (STAND_IN and "peer: strides" in op.tags)
    )
