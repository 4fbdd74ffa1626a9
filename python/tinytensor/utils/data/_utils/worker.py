"""The other process: makes the batches it is told to make."""

from __future__ import annotations

import multiprocessing
import os
import random
import select
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

from .... import _C
from ....random import manual_seed
from . import channel as channels
from .errors import ExceptionWrapper

__all__ = ["WorkerInfo", "get_worker_info", "worker_main"]

_PARENT_CHECK = 2.0  # seconds between looks whether the parent is still there
GRACE = 5.0  # seconds that a worker has to finish its sample when nobody wants it any more

BATCH, END, ERROR = "batch", "end", "error"  # kinds of answers
START, TASK = "start", "task"  # kinds of orders

# Signals whose handlers may raise: they are held back while a worker is started or a message is half read.
HELD_BACK = {signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2}


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
    """In a worker of a loader: its id, how many there are, its seed and its dataset. Elsewhere None."""
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


_interrupted = threading.Event()


def _watch(channel: channels.Channel) -> None:
    """End this process when the parent has ended, or has closed the channel and we are slow to see it."""
    parent, pid = multiprocessing.parent_process(), os.getppid()
    direct = parent is not None and parent.pid == pid
    events = select.poll()
    events.register(channel, 0)  # of this one, only the end
    if parent is not None:
        events.register(parent.sentinel, select.POLLIN)

    def watch() -> None:
        while True:
            for source, _ in events.poll(_PARENT_CHECK * 1000):
                if source == channel.fileno():
                    _interrupted.wait(GRACE)
                os._exit(1)
            if direct and os.getppid() != pid:
                os._exit(1)

    threading.Thread(target=watch, name="tinytensor parent watch", daemon=True).start()


def _prepare_signals() -> None:
    """An interrupt is for the parent, which then ends its workers; a request to terminate means just that.

    A handler of our own, unlike SIG_IGN, is not passed on to programs that the dataset may start.
    """
    signal.signal(signal.SIGINT, lambda number, frame: _interrupted.set())
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)


def _seed_all(base_seed: int, worker_id: int) -> None:
    seed = base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    # NumPy takes 32 bits a word: the seed sequence spreads all of them over its state.
    words = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    numpy.random.seed(numpy.random.SeedSequence(words).generate_state(4))


def worker_main(
    channel: channels.Channel, others: list[channels.Channel], plan: Plan, worker_id: int
) -> None:
    """Answer the parent's orders until it closes the channel."""
    global _info
    _prepare_signals()
    for other in others:
        other.forget()
    _watch(channel)
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
        self.epoch = 0
        self.stateful = is_stateful(plan.dataset)
        self.failure: ExceptionWrapper | None = None  # of the preparations, the answer to every task
        self.hang_up = select.poll()
        self.hang_up.register(channel, 0)
        if plan.init is not None:
            self._attempt(plan.init, worker_id)

    def _wrapped(self, index: Any = None) -> ExceptionWrapper:
        note = "" if self.fetcher is None or index is None else self.fetcher.where(index) + "\n"
        return ExceptionWrapper(where=f"in DataLoader worker process {self.id}", note=note)

    def _attempt(self, preparation: Callable, *arguments: Any) -> None:
        try:
            preparation(*arguments)
        except Exception:
            self.failure = self._wrapped()

    def serve(self) -> None:
        while True:
            order, content = self.channel.receive()
            if self.hang_up.poll(0):  # nobody waits for what is still to be done
                raise EOFError
            if order == START:
                self.epoch = content[0]
                if self.failure is None:
                    self._attempt(self._start, *content[1:])
                continue
            with channels.batch_file() as file:
                self._answer(content, file)

    def _start(self, skip: int, state: Any) -> None:
        """Begin an epoch, or continue one after `skip` batches, or from a state of the dataset."""
        if state is not None:
            self.plan.dataset.load_state_dict(state)
        self.fetcher = self.plan.fetcher(self.plan.dataset)
        self.fetcher.skip(skip)

    def _answer(self, index: Any, file: Any) -> None:
        answer = self._batch(index)
        try:
            self.channel.post((self.epoch, *answer), file)
        except ConnectionError:
            raise
        except Exception:  # not everything can be pickled
            self.channel.post((self.epoch, ERROR, self._wrapped(index), None))

    def _batch(self, index: Any) -> tuple:
        if self.failure is not None:
            return ERROR, self.failure, None
        try:
            batch = self.fetcher.fetch(index)
        except Exception as error:
            if self.fetcher.is_iterable and isinstance(error, StopIteration):
                return END, None, None
            return ERROR, self._wrapped(index), None
        return BATCH, batch, self.plan.dataset.state_dict() if self.stateful else None


def is_stateful(dataset: Any) -> bool:
    """Whether a dataset can tell its state and be put back into it."""
    return hasattr(dataset, "state_dict") and hasattr(dataset, "load_state_dict")
