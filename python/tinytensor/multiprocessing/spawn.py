"""Start several processes that run one function, and pass on the first failure."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from multiprocessing import connection
from typing import Any

__all__ = [
    "ProcessContext",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "SpawnContext",
]
__all__ += ["spawn", "start_processes"]


class ProcessException(Exception):
    """One of several processes failed."""

    def __init__(self, msg: str, error_index: int, pid: int) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, pid

    def __reduce__(self) -> tuple:
        return type(self), (self.msg, self.error_index, self.pid)


class ProcessRaisedException(ProcessException):
    """A process ended with an exception, whose traceback is in the message."""


class ProcessExitedException(ProcessException):
    """A process ended by a signal, or with an exit code other than 0."""

    def __init__(
        self, msg: str, error_index: int, error_pid: int, exit_code: int, signal_name: str | None = None
    ) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code, self.signal_name = exit_code, signal_name

    def __reduce__(self) -> tuple:
        return type(self), (self.msg, self.error_index, self.pid, self.exit_code, self.signal_name)


def _end_with_parent() -> None:
    """Ask the system for a SIGINT when the parent ends: no process outlives the one that started it."""
    if sys.platform != "linux":
        return
    import ctypes

    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)


def _run(fn: Callable, rank: int, args: tuple, error_file: str, parent: int | None) -> None:
    _end_with_parent()
    if parent is not None and os.getppid() != parent:
        return
    try:
        fn(rank, *args)
    except KeyboardInterrupt:
        pass  # the parent got it too, or ended us
    except Exception:
        with open(error_file, "wb") as file:
            pickle.dump(traceback.format_exc(), file)
        sys.exit(1)


class ProcessContext:
    """Processes started together; `join` waits for them."""

    def __init__(self, processes: list[Any], error_files: list[str]) -> None:
        self.processes, self.error_files = processes, error_files
        self.sentinels = {process.sentinel: index for index, process in enumerate(processes)}

    def pids(self) -> list[int]:
        """The ids of the processes."""
        return [int(process.pid) for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait until one process ends, at most `timeout` seconds; return whether all have ended.

        If it failed, the others are terminated (killed, if they are still there after `grace_period` seconds,
        30 by default), and an exception tells of the failure.
        """
        if not self.sentinels:
            return True
        ready = connection.wait(list(self.sentinels), timeout=timeout)
        failed = None
        for sentinel in ready:
            index = self.sentinels.pop(sentinel)
            self.processes[index].join()
            if failed is None and self.processes[index].exitcode != 0:
                failed = index
        if failed is None:
            done = not self.sentinels
            if done:
                self._remove_files()
            return done
        self._end_all(30 if grace_period is None else grace_period)
        try:
            raise self._failure(failed)
        finally:
            self._remove_files()

    def _end_all(self, grace_period: float) -> None:
        running = [process for process in self.processes if process.is_alive()]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + grace_period
        for process in running:
            process.join(max(0, deadline - time.monotonic()))
        for process in running:
            if process.is_alive():
                process.kill()
            process.join()

    def _failure(self, index: int) -> Exception:
        process = self.processes[index]
        if os.path.getsize(self.error_files[index]):
            with open(self.error_files[index], "rb") as file:
                trace = pickle.load(file)
            message = f"\n\n-- Process {index} terminated with the following error:\n{trace}"
            return ProcessRaisedException(message, index, process.pid)
        if process.exitcode < 0:
            name = _signal_name(-process.exitcode)
            message = f"process {index} terminated with signal {name}"
            return ProcessExitedException(message, index, process.pid, process.exitcode, name)
        message = f"process {index} terminated with exit code {process.exitcode}"
        return ProcessExitedException(message, index, process.pid, process.exitcode)

    def _remove_files(self) -> None:
        for path in self.error_files:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"<unknown signal {number}>"


class SpawnContext(ProcessContext):
    """The processes that `spawn` started."""


def start_processes(
    fn: Callable, args: tuple = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:  # fmt: skip
    """Run `fn(rank, *args)` in `nprocs` processes, rank counting from 0.

    With `join`, wait for all of them and raise the first failure, after ending the others; without, return a
    ProcessContext at once.
    """
    import tempfile

    context: Any = multiprocessing.get_context(start_method)
    parent = None if start_method == "forkserver" else os.getpid()
    processes, error_files = [], []
    for rank in range(nprocs):
        number, path = tempfile.mkstemp(prefix="tinytensor-", suffix=".error")
        os.close(number)
        process = context.Process(target=_run, args=(fn, rank, args, path, parent), daemon=daemon)
        process.start()
        error_files.append(path)
        processes.append(process)
    started = ProcessContext(processes, error_files)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable, args: tuple = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:  # fmt: skip
    """Run `fn(rank, *args)` in `nprocs` new interpreters; see `start_processes`."""
    if start_method != "spawn":
        warnings.warn(
            f"spawn: start_method={start_method!r} is for start_processes; this function always spawns",
            FutureWarning,
            stacklevel=2,
        )  # fmt: skip
    return start_processes(fn, args, nprocs, join, daemon, start_method="spawn")
