"""How far a loader is in an epoch, and how to come back to that place."""

from __future__ import annotations

import contextlib
import itertools
import random
import sys
import zlib
from collections.abc import Iterator
from typing import Any

from ... import _C
from .sampler import (
    BatchSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
    index_tensors,
)

__all__ = ["Progress", "index_numbers"]

VERSION = 1
_OWN = {BatchSampler, RandomSampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler}


class Progress:
    """What a loader tells of an epoch: how it began, and which batches were handed out."""

    def __init__(self, base_seed: int, workers: int) -> None:
        self.base_seed = base_seed
        self.start: dict | None = None  # states from which the order of the samples follows
        self.position = 0  # all batches before this one were handed out
        self.ahead: set[int] = set()  # and these
        self.last: Any = None  # the numbers of the one before the position, where they are known
        self.counts = [0] * workers  # of an iterable dataset: batches from each worker
        self.datasets: list = [None] * max(1, workers)  # and the states of its copies, if they can tell them
        self.turn = 0  # the worker after the one that gave the last batch
        self.finished = False

    def handed_out(self, number: int, index: Any) -> None:
        """Note a batch, which may have come before its turn."""
        self.ahead.add(number)
        while self.position in self.ahead:
            self.ahead.remove(self.position)
            self.position += 1
        self.last = index if self.position == number + 1 else None

    def state_dict(self, loader: Any) -> dict:
        """All of it, in plain types and tensors."""
        return {
            "version": VERSION,
            "base_seed": self.base_seed,
            "start": self.start,
            "position": self.position,
            "ahead": sorted(self.ahead),
            "last": None if self.last is None else _fingerprint(self.last),
            "counts": list(self.counts),
            "datasets": list(self.datasets),
            "turn": self.turn,
            "finished": self.finished,
            "generators": [generator.get_state() for generator in _generators(loader)],
        }

    @staticmethod
    def check(state: Any) -> None:
        """Raise an error unless this is what `state_dict` returns."""
        if not isinstance(state, dict) or state.get("version") != VERSION or "position" not in state:
            raise ValueError("DataLoader.load_state_dict: this is not the state of a DataLoader")

    @classmethod
    def resumed(cls, state: dict, workers: int) -> Progress:
        """The progress that a state tells of."""
        made = cls(state["base_seed"], workers)
        made.start, made.position, made.ahead = state["start"], state["position"], set(state["ahead"])
        if len(state["counts"]) == workers:
            made.counts, made.datasets, made.turn = (
                list(state["counts"]),
                list(state["datasets"]),
                state["turn"],
            )
        return made


def _fingerprint(index: Any) -> int:
    numbers = index.tolist() if isinstance(index, _C.Tensor) else index
    return zlib.crc32(repr(numbers).encode())


# ---------------------------------------------------------------- the states behind the order


def _samplers(loader: Any) -> list:
    found = [loader.batch_sampler, getattr(loader.batch_sampler, "sampler", None), loader.sampler]
    unique: list = []
    for sampler in found:
        if sampler is not None and not any(sampler is other for other in unique):
            unique.append(sampler)
    return unique


def _generators(loader: Any) -> list:
    """The generators that the program gave to the loader and its samplers."""
    found: list = []
    for owner in (loader, *_samplers(loader)):
        generator = getattr(owner, "generator", None)
        if (
            isinstance(generator, _C.Generator)
            and generator is not _C.default_generator
            and generator not in found
        ):
            found.append(generator)
    return found


def _stateful(loader: Any) -> list:
    return [s for s in _samplers(loader) if hasattr(s, "state_dict") and hasattr(s, "load_state_dict")]


def _snapshot(loader: Any) -> dict:
    states = {
        "default": _C.default_generator.get_state(),
        "generators": [generator.get_state() for generator in _generators(loader)],
        "samplers": [sampler.state_dict() for sampler in _stateful(loader)],
    }
    if not all(type(sampler) in _OWN for sampler in _samplers(loader)):
        states["python"] = random.getstate()
        if "numpy" in sys.modules:
            name, words, *rest = sys.modules["numpy"].random.get_state()
            states["numpy"] = (name, words.tolist(), *rest)
    return states


def restore_generators(loader: Any, states: list) -> None:
    """Put the program's own generators into the given states."""
    generators = _generators(loader)
    if len(generators) != len(states):
        raise ValueError(
            f"DataLoader.load_state_dict: the state has {len(states)} generators, this loader has "
            f"{len(generators)}"
        )
    for generator, state in zip(generators, states):
        generator.set_state(state)


@contextlib.contextmanager
def _as_at(loader: Any, start: dict) -> Iterator[None]:
    """Context manager: all generators are as they were at the start; the whole program's are put back."""
    default, python = _C.default_generator.get_state(), random.getstate()
    numpy = sys.modules["numpy"].random if "numpy" in start and "numpy" in sys.modules else None
    before = numpy.get_state() if numpy else None
    restore_generators(loader, start["generators"])
    for sampler, state in zip(_stateful(loader), start["samplers"]):
        sampler.load_state_dict(state)
    try:
        _C.default_generator.set_state(start["default"])
        if "python" in start:
            version, words, rest = start["python"]
            random.setstate((version, tuple(words), rest))
        if numpy:
            numpy.set_state(tuple(start["numpy"]))
        yield
    finally:
        _C.default_generator.set_state(default)
        random.setstate(python)
        if numpy:
            numpy.set_state(before)


def index_numbers(
    loader: Any, progress: Progress, state: dict | None, as_tensors: bool = False
) -> Iterator[tuple[int, Any]]:
    """The epoch's batches, numbered, as sample numbers; from a state on, those that are still to come."""
    source = index_tensors(loader.batch_sampler) if as_tensors else loader._index_sampler
    if state is None:
        progress.start = _snapshot(loader)
        return enumerate(source)
    with _as_at(loader, state["start"]):
        numbers = enumerate(source)
        last = None
        for _, last in itertools.islice(numbers, progress.position):
            pass
        # Drawing the order is part of this.
        following = list(itertools.islice(numbers, 1))
    if state["last"] is not None and (last is None or _fingerprint(last) != state["last"]):
        raise RuntimeError(
            "DataLoader: the sampler does not repeat the order that it had when the state was saved. Give it "
            "a generator of its own, or state_dict and load_state_dict"
        )
    progress.last = last
    return (entry for entry in itertools.chain(following, numbers) if entry[0] not in progress.ahead)
