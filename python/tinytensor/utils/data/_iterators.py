"""One pass over a loader: in this process, or by workers."""

from __future__ import annotations

import collections
import contextlib
import functools
import multiprocessing
import os
import select
import signal
import socket
import threading
import time
import warnings
import weakref
from collections.abc import Iterator
from typing import Any, NoReturn

from tinytensor import _C

from ._progress import Progress, index_numbers
from ._utils import MP_STATUS_CHECK_INTERVAL
from ._utils import worker as workers
from ._utils.channel import Channel
from ._utils.fetch import make_fetcher
from ._utils.pin_memory import pin_memory
from .sampler import draw_seed, has_index_tensors

__all__ = ["_BaseDataLoaderIter", "_MultiProcessingDataLoaderIter", "_SingleProcessDataLoaderIter"]


class _BaseDataLoaderIter:
    """What both kinds share."""

    def __init__(self, loader: Any) -> None:
        self._dataset, self._num_workers = loader.dataset, loader.num_workers
        self._index_sampler = loader._index_sampler
        self._iterable = loader._iterable
        self._length = loader._IterableDataset_len_called
        self._pins = loader._pins_memory()
        self._make_fetcher = functools.partial(
            make_fetcher,
            iterable=self._iterable,
            auto_collation=loader._auto_collation,
            collate_fn=loader.collate_fn,
            drop_last=loader.drop_last,
            batch_size=loader.batch_size,
        )
        self._num_yielded = 0
        self._resume = loader._take_state()
        base_seed = draw_seed(loader.generator) if self._resume is None else self._resume["base_seed"]
        self._begin_progress(loader, base_seed)

    def _begin_progress(self, loader: Any, base_seed: int) -> None:
        if self._resume is None:
            self._progress = Progress(base_seed, self._num_workers)
        else:
            self._progress = Progress.resumed(self._resume, self._num_workers)
        loader._progress = self._progress

    def __iter__(self) -> _BaseDataLoaderIter:
        return self

    def _next(self) -> Any:
        raise NotImplementedError

    def __next__(self) -> Any:
        if not _C._profiling():
            return self._next()
        from tinytensor.profiler import record_function

        with record_function(f"enumerate(DataLoader)#{type(self).__name__}.__next__"):
            return self._next()

    next = __next__

    def __len__(self) -> int:
        return len(self._index_sampler)

    def _finish(self, batch: Any) -> Any:
        """The last steps of every batch."""
        self._num_yielded += 1
        if self._length is not None and self._num_yielded > self._length:
            self._warn_of_length()
        return pin_memory(batch) if self._pins else batch

    def _warn_of_length(self) -> None:
        advice = ""
        if self._num_workers:
            advice = (
                ". Each worker iterates over the whole dataset unless it asks get_worker_info() for its part"
            )
        warnings.warn(
            f"Length of IterableDataset {self._dataset} was reported to be {self._length} (when accessing "
            f"len(dataloader)), but {self._num_yielded} samples have been fetched{advice}",
            stacklevel=5,
        )


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        if loader.timeout != 0:
            raise AssertionError(f"DataLoader: timeout={loader.timeout} needs num_workers > 0")
        self._loader = loader
        self._stateful = self._iterable and workers.is_stateful(self._dataset)
        state = self._progress.datasets[0]
        if state is not None:
            self._dataset.load_state_dict(state)
        self._fetcher = self._make_fetcher(self._dataset)
        if self._iterable and state is None:
            self._fetcher.skip(self._progress.position)
        self._numbers: Iterator | None = None  # the order is drawn when the first batch is asked for

    def _next(self) -> Any:
        progress = self._progress
        if self._numbers is None:
            self._numbers = index_numbers(self._loader, progress, self._resume, self._takes_tensors())
        try:
            number, index = next(self._numbers)
            batch = self._fetcher.fetch(index)
        except StopIteration:
            progress.finished = True
            raise
        progress.position, progress.last = number + 1, index
        if self._stateful:
            progress.datasets[0] = self._dataset.state_dict()
        return self._finish(batch)

    def _takes_tensors(self) -> bool:
        return (
            not self._iterable
            and self._fetcher.taker is not None
            and has_index_tensors(self._loader.batch_sampler)
        )


# ---------------------------------------------------------------- workers


class _Uninterrupted:
    """Context manager: an exception from a signal handler comes before or after what is done here.

    Blocking the signals would not do: another thread may receive them, and the main thread runs the handler.
    """

    def __enter__(self) -> _Uninterrupted:
        self.came: list[int] = []
        self.handlers: dict[int, Any] = {}
        if threading.get_ident() == threading.main_thread().ident:
            try:
                for number in workers.HELD_BACK:
                    if callable(handler := signal.getsignal(number)):
                        signal.signal(number, self._note)
                        self.handlers[number] = handler
            except BaseException:
                self._restore()
                raise
        return self

    def _note(self, number: int, frame: Any) -> None:
        self.came.append(number)

    def _restore(self) -> None:
        for number, handler in self.handlers.items():
            signal.signal(number, handler)

    def __exit__(self, *error: Any) -> None:
        self._restore()
        for number in self.came:
            self.handlers[number](number, None)


def _end_workers(owner: int, processes: list, channels: list) -> None:
    """Close the channels and see to it that every worker ends."""
    if os.getpid() != owner:
        return  # a forked copy of this object: the workers are not ours
    with _Uninterrupted() as signals:
        for channel in channels:
            channel.close()
        _join(processes, MP_STATUS_CHECK_INTERVAL, signals)
        for process in processes:
            if process.is_alive():
                process.terminate()
        _join(processes, 1, signals)
        for process in processes:
            if process.is_alive():
                process.kill()
            process.join()
            process.close()


def _join(processes: list, seconds: float, signals: _Uninterrupted) -> None:
    """Wait until all have ended, for some seconds, or until an interrupt comes."""
    deadline = time.monotonic() + seconds
    for process in processes:
        while process.is_alive() and time.monotonic() < deadline and not signals.came:
            process.join(0.1)


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Gives each worker numbers of batches in turn, and takes the batches from them in the same order.

    Every order gets exactly one answer, and a worker answers in the order of the orders.
    """

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        self._timeout, self._in_order, self._persistent = (
            loader.timeout,
            loader.in_order,
            loader.persistent_workers,
        )
        self._limit = max(1, loader.prefetch_factor * self._num_workers)
        self._processes: list = []
        self._channels: list[Channel] = []
        self._failure: str | None = None
        self._epoch = 0
        self._end = weakref.finalize(self, _end_workers, os.getpid(), self._processes, self._channels)
        try:
            self._start_workers(loader)
            self._start_epoch(loader)
        except BaseException:
            self._end()
            raise

    def _start_workers(self, loader: Any) -> None:
        context = loader.multiprocessing_context or multiprocessing
        forks = context.get_start_method() == "fork"
        plan = workers.Plan(
            self._dataset,
            self._make_fetcher,
            self._progress.base_seed,
            self._num_workers,
            loader.worker_init_fn,
        )
        for number in range(self._num_workers):
            with _Uninterrupted():
                here, there = socket.socketpair()
                here.setblocking(False)
                self._channels.append(Channel(here))
                inherited = list(self._channels) if forks else []
                process = context.Process(
                    target=workers.worker_main, args=(Channel(there), inherited, plan, number), daemon=True
                )
                # The worker starts with these signals blocked, until it has handlers of its own.
                before = signal.pthread_sigmask(signal.SIG_BLOCK, workers.HELD_BACK)
                try:
                    process.start()
                finally:
                    signal.pthread_sigmask(signal.SIG_SETMASK, before)
                there.close()
                self._processes.append(process)

    def _reset(self, loader: Any) -> None:
        """Begin another epoch with the same workers."""
        self._num_yielded = 0
        self._length = loader._IterableDataset_len_called
        self._resume = loader._take_state()
        self._begin_progress(loader, self._progress.base_seed)
        self._start_epoch(loader)

    def _start_epoch(self, loader: Any) -> None:
        progress, resumed = self._progress, self._resume is not None
        if resumed and self._iterable and len(self._resume["counts"]) != self._num_workers:
            raise ValueError(
                f"DataLoader.load_state_dict: the state is of {len(self._resume['counts'])} workers with an "
                f"iterable dataset, this loader has {self._num_workers}"
            )
        self._epoch += 1
        self._orders: list = [collections.deque() for _ in self._channels]  # (number of the batch, index)
        self._sequence: collections.deque = collections.deque()  # whose turn it is to answer
        self._ready: collections.deque = collections.deque()
        self._given = list(progress.counts)  # batches asked of each worker
        self._active = [True] * self._num_workers
        self._turn = progress.turn if self._iterable else progress.position % self._num_workers
        for channel, count, state in zip(self._channels, progress.counts, progress.datasets):
            skip = count if self._iterable and state is None else 0
            self._post(channel, (workers.START, (self._epoch, skip, state)))
        self._numbers = index_numbers(loader, progress, self._resume)
        for _ in range(self._limit):
            self._give_order()

    # ---- orders

    @staticmethod
    def _post(channel: Channel, message: tuple) -> None:
        with contextlib.suppress(
            ConnectionError
        ):  # who waits for the answer will see that the worker is gone
            channel.post(message)

    def _next_worker(self) -> int | None:
        active = [w for w in range(self._num_workers) if self._active[w]]
        if not active:
            return None
        if not self._in_order:
            return min(active, key=lambda w: len(self._orders[w]))
        while not self._active[self._turn]:
            self._turn = (self._turn + 1) % self._num_workers
        worker, self._turn = self._turn, (self._turn + 1) % self._num_workers
        return worker

    def _give_order(self) -> None:
        if not any(self._active):
            return
        for number, index in self._numbers:
            with _Uninterrupted():
                worker = self._next_worker()
                self._post(self._channels[worker], (workers.TASK, index))
                self._orders[worker].append((number, index))
                self._sequence.append(worker)
            return

    # ---- answers

    def _next(self) -> Any:
        if self._failure is not None:
            raise RuntimeError(self._failure)
        deadline = time.monotonic() + self._timeout if self._timeout else None
        while self._ready or self._sequence:
            if not self._ready:
                self._take_answer(deadline)
            kind, content, state, worker, number, index = self._ready.popleft()
            self._give_order()
            if kind == workers.BATCH:
                self._note(worker, number, index, state)
                return self._finish(content)
            if kind == workers.ERROR:
                content.reraise()
        self._progress.finished = True
        if not self._persistent:
            self._end()
        raise StopIteration

    def _note(self, worker: int, number: int, index: Any, state: Any) -> None:
        progress = self._progress
        progress.handed_out(number, index)
        progress.counts[worker] += 1
        progress.datasets[worker] = state
        progress.turn = (worker + 1) % self._num_workers

    def _take_answer(self, deadline: float | None) -> None:
        """Wait for the next answer and put it among those that are ready."""
        while True:
            candidates = self._sequence if not self._in_order else [self._sequence[0]]
            for worker in dict.fromkeys(candidates):
                with _Uninterrupted():
                    if self._receive_from(worker):
                        return
            self._wait(set(candidates), deadline)

    def _receive_from(self, worker: int) -> bool:
        channel = self._channels[worker]
        try:
            epoch, kind, content, state = channel.receive()
            while epoch != self._epoch:  # left over from an epoch that was not finished
                epoch, kind, content, state = channel.receive()
        except BlockingIOError:
            return False
        except (EOFError, ConnectionError):
            self._fail()
        self._sequence.remove(worker)
        number, index = self._orders[worker].popleft()
        if kind == workers.END:
            self._active[worker] = False
        self._ready.append((kind, content, state, worker, number, index))
        return True

    def _wait(self, candidates: set[int], deadline: float | None) -> None:
        events = select.poll()
        channels, sentinels = {}, set()
        for worker, (channel, process) in enumerate(zip(self._channels, self._processes)):
            wanted = (select.POLLIN if worker in candidates else 0) | (
                select.POLLOUT if channel.is_waiting() else 0
            )
            if wanted:
                events.register(channel, wanted)
                channels[channel.fileno()] = channel
            events.register(process.sentinel, select.POLLIN)
            sentinels.add(process.sentinel)
        patience = MP_STATUS_CHECK_INTERVAL
        if deadline is not None:
            patience = min(patience, max(0, deadline - time.monotonic()))
        happened = events.poll(patience * 1000)
        for source, event in happened:
            if source in channels and event & select.POLLOUT:
                with _Uninterrupted(), contextlib.suppress(ConnectionError):
                    channels[source].flush()
        if happened and all(source in sentinels for source, _ in happened):
            self._fail()
        if not happened:
            if deadline is not None and time.monotonic() >= deadline:
                raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
            if not all(process.is_alive() for process in self._processes):
                self._fail()

    def _fail(self) -> NoReturn:
        """A worker is gone: end the others and say so, now and whenever more batches are asked for."""
        deadline = time.monotonic() + 1
        while all(process.is_alive() for process in self._processes) and time.monotonic() < deadline:
            time.sleep(0.01)
        gone = [process for process in self._processes if not process.is_alive()]
        causes = ", ".join(_cause(process.exitcode) for process in gone)
        pids = ", ".join(str(process.pid) for process in gone)
        self._failure = f"DataLoader worker (pid(s) {pids}) exited unexpectedly" + (
            f": {causes}" if causes else ""
        )
        for process in self._processes:
            process.terminate()  # what they are at is of no use any more
        self._end()
        raise RuntimeError(self._failure)


def _cause(exitcode: int) -> str:
    if exitcode >= 0:
        return f"exit code {exitcode}"
    try:
        return f"killed by signal {signal.Signals(-exitcode).name}"
    except ValueError:
        return f"killed by signal {-exitcode}"
