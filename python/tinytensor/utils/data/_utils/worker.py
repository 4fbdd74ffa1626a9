"""The other process: makes the batches it is told to make."""

from __future__ import annotations

import multiprocessing
import os
import random
import select
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from .... import _C
from ....random import manual_seed
from . import channel as channels
from .errors import ExceptionWrapper

__all__ = ["WorkerInfo", "get_worker_info", "worker_main"]

_PARENT_CHECK = 2.0  # seconds between looks whether the parent is still there

BATCH, END, ERROR = "batch", "end", "error"  # kinds of answers
START, TASK = "start", "task"  # kinds of orders


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker knows of itself."""

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str = "multiprocessing"


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker of a loader: its id, the number of workers, its seed and its copy of the dataset. Elsewhere None."""
    return _info


@dataclass
class Plan:
    """What every worker of a loader needs to know."""

    dataset: Any
    fetcher: Callable  # makes a fetcher of a dataset
    base_seed: int
    num_workers: int
    init: Callable | None


# ---------------------------------------------------------------- the process


def _watch_parent() -> None:
    """End this process when the parent has ended: nobody else would."""
    parent, pid = multiprocessing.parent_process(), os.getppid()
    direct = parent is not None and parent.pid == pid

    def watch() -> None:
        while True:
            gone = connection.wait([parent.sentinel], _PARENT_CHECK) if parent is not None else []
            if gone or (direct and os.getppid() != pid):
                os._exit(1)

    if parent is not None:
        threading.Thread(target=watch, name="tinytensor parent watch", daemon=True).start()


def _prepare_signals() -> None:
    """An interrupt is for the parent, which then ends its workers; a request to terminate means just that.

    A handler that does nothing, unlike SIG_IGN, is not passed on to programs that the dataset may start.
    """
    signal.signal(signal.SIGINT, lambda number, frame: None)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _seed_all(base_seed: int, worker_id: int) -> None:
    seed = base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    if "numpy" in sys.modules:
        _seed_numpy(sys.modules["numpy"], base_seed, worker_id)


def _seed_numpy(numpy: Any, base_seed: int, worker_id: int) -> None:
    # NumPy takes 32 bits a word: the seed sequence spreads all of them over its state.
    words = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    numpy.random.seed(numpy.random.SeedSequence(words).generate_state(4))


def worker_main(channel: channels.Channel, others: list[channels.Channel], plan: Plan, worker_id: int) -> None:
    """Answer the parent's orders until it closes the channel."""
    global _info
    _prepare_signals()
    _watch_parent()
    for other in others:
        other.forget()
    _C.set_num_threads(1)
    _seed_all(plan.base_seed, worker_id)
    _info = WorkerInfo(worker_id, plan.num_workers, plan.base_seed + worker_id, plan.dataset)
    try:
        _Worker(channel, plan, worker_id).serve()
    except (EOFError, ConnectionError):
        pass  # the parent has closed the channel


class _Worker:
    def __init__(self, channel: channels.Channel, plan: Plan, worker_id: int) -> None:
        self.channel, self.plan, self.id = channel, plan, worker_id
        self.fetcher: Any = None
        self.failure: ExceptionWrapper | None = None  # of the preparations, the answer to every task
        self.hang_up = select.poll()
        self.hang_up.register(channel, 0)
        if plan.init is not None:
            self._attempt(lambda: plan.init(worker_id))

    def _wrapped(self, index: Any = None) -> ExceptionWrapper:
        note = "" if self.fetcher is None or index is None else self.fetcher.where(index) + "\n"
        return ExceptionWrapper(where=f"in DataLoader worker process {self.id}", note=note)

    def _attempt(self, preparation: Callable) -> None:
        try:
            preparation()
        except Exception:
            self.failure = self._wrapped()

    def serve(self) -> None:
        while True:
            order, content = self.channel.receive()
            if self.hang_up.poll(0):  # nobody waits for what is still to be done
                raise EOFError
            if order == START:
                if self.failure is None:
                    self._attempt(lambda: self._start(**content))
                continue
            with channels.batch_file() as file:
                self._answer(content, file)

    def _start(self, skip: int, state: Any) -> None:
        """Begin an epoch; continue one that was left after `skip` batches, or at the state of the dataset."""
        if state is not None:
            self.plan.dataset.load_state_dict(state)
        self.fetcher = self.plan.fetcher(self.plan.dataset)
        self.fetcher.skip(skip)

    def _answer(self, index: Any, file: Any) -> None:
        answer = self._batch(index)
        try:
            self.channel.post(answer, file)
        except (BrokenPipeError, ConnectionError):
            raise
        except Exception:  # not everything can be pickled
            self.channel.post((ERROR, self._wrapped(), None))

    def _batch(self, index: Any) -> tuple:
        if self.failure is not None:
            return ERROR, self.failure, None
        try:
            batch = self.fetcher.fetch(index)
        except Exception as error:
            if self.fetcher.is_iterable and isinstance(error, StopIteration):
                return END, None, None
            return ERROR, self._wrapped(index), None
        return BATCH, batch, state_of(self.plan.dataset)


def state_of(dataset: Any) -> Any:
    """The state of a dataset that can tell it and be put back into it, or None."""
    if hasattr(dataset, "state_dict") and hasattr(dataset, "load_state_dict"):
        return dataset.state_dict()
    return None
