"""The checks of test_gpu.py on emulated kernels, in a process of their own: there the emulation is the device."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

import emulated
import numpy as np
import pytest
from util import STAND_IN, torch

pytestmark = [
    pytest.mark.skipif(STAND_IN, reason="the kernels under test are tinytensor's"),
    pytest.mark.skipif(emulated.compiler() is None, reason="no C++ compiler"),
    pytest.mark.skipif(emulated.PATH in os.environ, reason="already inside the emulation"),
]


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = next(Path(torch.__file__).parent.glob("libtinytensor.*"))
    return emulated.build(tmp_path_factory.mktemp("emulated"), library)


@pytest.fixture(scope="module")
def probe(module: Path) -> ctypes.CDLL:
    return ctypes.CDLL(str(module))


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def test_shuffle_sums_a_warp(probe: ctypes.CDLL) -> None:
    values, sums = np.arange(100, dtype=np.int32), np.zeros(4, np.int32)
    probe.probe_sum_warps(pointer(values), pointer(sums), 100)
    np.testing.assert_array_equal(sums, [values[i : i + 32].sum() for i in range(0, 128, 32)])


def test_shuffles_read_other_lanes(probe: ctypes.CDLL) -> None:
    lane, out = np.arange(32), np.zeros(32, np.int32)
    probe.probe_exchange(pointer(out))
    np.testing.assert_array_equal(out, (lane ^ 1) * 10000 + 100 * 100 + np.maximum(lane - 1, 0))


@pytest.mark.parametrize("threads", [1, 7, 64, 256])
def test_barrier_orders_shared_memory(probe: ctypes.CDLL, threads: int) -> None:
    data = np.arange(threads, dtype=np.int32)
    probe.probe_reverse(pointer(data), threads)  # by three blocks, one after the other
    np.testing.assert_array_equal(data, np.arange(threads)[::-1])


def test_atomics(probe: ctypes.CDLL) -> None:
    values = np.random.default_rng(0).integers(0, 9, 1000).astype(np.int32)
    counts, largest = np.zeros(9, np.int32), np.zeros(1, np.int32)
    probe.probe_histogram(pointer(values), pointer(counts), pointer(largest), 1000)
    np.testing.assert_array_equal(counts, np.bincount(values, minlength=9))
    assert largest[0] == values.max()


def test_catalogue_on_emulated_kernels(module: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checks = str(emulated.HERE / "test_gpu.py")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short", checks]
    environment = dict(os.environ, **{emulated.PATH: str(module)})
    ran = subprocess.run(command, check=False, env=environment, text=True, capture_output=True)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    with capsys.disabled():
        print("\n" + "\n".join(re.findall(r"^on cuda: .*|^\d+ passed.*", ran.stdout, re.MULTILINE)))
