"""Brings in the emulation where the environment names it, and reports what ran on the device."""

from __future__ import annotations

import ctypes
import os
from typing import Any

import emulated
from on_device import CHECKED

if emulated.PATH in os.environ:
    emulated.bring_in(os.environ[emulated.PATH])


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not CHECKED:
        return
    line = f"on cuda: {len(CHECKED)} ops, {sum(CHECKED.values())} results compared"
    if emulated.PATH in os.environ:
        library = ctypes.CDLL(os.environ[emulated.PATH])
        library.emulation_launches.restype = library.emulation_threads.restype = ctypes.c_longlong
        line += f", {library.emulation_launches()} emulated launches, {library.emulation_threads()} threads"
    terminalreporter.write_line(line)
