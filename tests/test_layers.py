"""The rooms of the code and the one way down: a file may include its own room and rooms below it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What each room may include besides itself. graph and kernels are siblings, blind to each other.
BELOW = {
    "csrc/core": set(),
    "csrc/graph": {"core"},
    "csrc/kernels": {"core"},
    "cuda": {"core", "kernels"},
    "csrc/ops": {"core", "graph", "kernels"},
    "csrc/engine": {"core", "graph", "ops"},
    "csrc/bindings": {"core", "graph", "kernels", "ops", "engine"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def sources(room):
    return sorted(path for path in (ROOT / room).rglob("*") if path.suffix in {".h", ".cpp", ".cu", ".cuh"})


def upward_arrows(room, text):
    own = room.split("/")[-1]
    for target in INCLUDE.findall(text):
        if target.split("/")[0] not in BELOW[room] | {own}:
            yield target


@pytest.mark.parametrize("room", BELOW)
def test_arrows_point_down(room):
    files = sources(room)
    assert files, f"{room} is empty"
    arrows = [
        f"{path.relative_to(ROOT)} includes {target}"
        for path in files
        for target in upward_arrows(room, path.read_text())
    ]
    assert not arrows, "\n".join(arrows)


def test_an_upward_arrow_is_seen():
    assert list(upward_arrows("csrc/kernels", '#include "core/dtype.h"\n#include "ops/ops.h"\n')) == [
        "ops/ops.h"
    ]


def test_kernels_never_name_a_tensor():
    named = [
        str(path.relative_to(ROOT))
        for room in ("csrc/kernels", "cuda")
        for path in sources(room)
        if re.search(r"\bcore/tensor\.h\b", path.read_text())
    ]
    assert not named


def test_per_isa_files_hold_no_std_containers():
    offending = [
        f"{path.name}: {name}"
        for path in sources("csrc/kernels/cpu")
        for name in re.findall(r"#include <(\w+)>", path.read_text())
        if name in {"vector", "string", "map", "functional", "memory", "iostream", "sstream"}
    ]
    assert not offending, offending
