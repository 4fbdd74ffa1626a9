"""Random programs end as they do under PyTorch: values, strides, dtypes, errors, gradients.

The recorded results make this run where PyTorch is absent:

    TT_MODULE=torch python tests/parity/programs.py --record tests/parity/recorded.json.xz --count 500
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from generator import generate
from programs import Result, compare, recorded, run
from util import find_peer, torch

RECORDED = Path(__file__).parent / "recorded.json.xz"
COUNT, BATCH = 2000, 100
PEER = find_peer()


def report(program: list[str], due: Result, title: str) -> str:
    found = compare(run(program, torch), due, len(program) - 1)
    return "\n".join([f"{title}:", *(f"    {line}" for line in program), *found]) if found else ""


def settle(reports: list[str]) -> None:
    """All at once, so that one run shows how far apart the two are; the first three in full."""
    differing = [text for text in reports if text]
    assert not differing, f"{len(differing)} of {len(reports)} programs differ\n\n" + "\n\n".join(
        differing[:3]
    )


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return recorded(RECORDED)


@pytest.mark.parametrize("start", range(0, 500, BATCH))
def test_recorded_programs(rows: list[dict[str, Any]], start: int) -> None:
    assert len(rows) == 500
    settle(
        [
            report(row["program"], row["result"], f"recorded program {start + number}")
            for number, row in enumerate(rows[start : start + BATCH])
        ]
    )


@pytest.mark.skipif(PEER is None, reason="PyTorch is not installed beside the module under test")
@pytest.mark.parametrize("start", range(0, COUNT, BATCH))
def test_programs_against_pytorch(start: int) -> None:
    programs = {seed: generate(seed) for seed in range(start, start + BATCH)}
    settle([report(program, run(program, PEER), f"seed {seed}") for seed, program in programs.items()])
